import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["keys", "jwt", "proof", "signers", "kinds", "jwks", "jwe", "decryption_key", "id_token_hash", "pkcs11"]
)
def test_no_start_pays_for_cryptography_before_a_key_is_used(module: str) -> None:
    program = (
        "import sys, httpx, oauthclient.secret; before = set(sys.modules);"
        f"import oauthclient.jose.{module};"
        "print(*[m for m in set(sys.modules) - before if not m.startswith('oauthclient')])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""
