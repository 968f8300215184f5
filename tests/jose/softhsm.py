"""A token in software, SoftHSM, made anew for a run of the tests (Debian: softhsm2)."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tests.components import ComponentMissing

PIN = "5678"
TOKEN = "oauth"
_PLACES = (
    *Path("/usr").glob("lib*/softhsm/libsofthsm2.so"),
    *Path("/usr").glob("lib*/*/softhsm/libsofthsm2.so"),
    *Path("/usr").glob("lib*/pkcs11/libsofthsm2.so"),
    *Path("/opt/homebrew/lib/softhsm").glob("libsofthsm2.so"),
)
_CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}


def make_token(folder: Path) -> str:
    """The path of the module, with an empty token in `folder`. Raises ComponentMissing.

    SoftHSM reads its environment once in a process, when the module is first used.
    """
    if find_spec("pkcs11") is None:
        raise ComponentMissing("python-pkcs11", "pip install python-pkcs11")
    if not _PLACES or shutil.which("softhsm2-util") is None:
        raise ComponentMissing("SoftHSM", "tools/install-components, or apt-get install softhsm2")
    tokens = folder / "tokens"
    tokens.mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", "1234", "--pin", PIN],
        check=True,
        capture_output=True,
    )
    return str(_PLACES[0])


def make_key(module: str, label: str, algorithm: str, key_id: bytes | None = None, *, public: bool = True) -> None:
    """A new key pair on the token; `public`: whether its public half stays there."""
    import pkcs11
    from pkcs11 import Attribute, KeyType, Mechanism
    from pkcs11.util.ec import encode_named_curve_parameters

    with pkcs11.lib(module).get_token(token_label=TOKEN).open(user_pin=PIN, rw=True) as session:
        options = {"store": True, "label": label, "id": key_id}
        if algorithm in _CURVES:
            curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(_CURVES[algorithm])}
            made = session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(**options)
        elif algorithm == "Ed25519":
            curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}
            parameters = session.create_domain_parameters(KeyType.EC_EDWARDS, curve, local=True)
            made = parameters.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, **options)
        else:
            made = session.generate_keypair(KeyType.RSA, 2048, **options)
        if not public:
            made[0].destroy()
