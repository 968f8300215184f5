"""The snippets of docs/mutual-tls.md are a program that works, just as they stand there, but for the names of hosts."""

import os
import re
import ssl
import subprocess
import sys
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

import oauthclient
from oauthclient.jose.certificate import Certificate
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI
from tests.named import ROOT

DOCUMENT = (ROOT / "docs" / "mutual-tls.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)


def files(folder: Path, authority: trustme.CA) -> Certificate:
    """What the document reads, in `folder`."""
    leaf = authority.issue_cert("stock-sync.example.com", key_type=trustme.KeyType.ECDSA)
    key, chain = leaf.private_key_pem.bytes(), b"".join(each.bytes() for each in leaf.cert_chain_pems)
    encrypted = load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")
    )
    for name, content in {
        "client.pem": chain,
        "client.key": key,
        "both.pem": key + chain,
        "encrypted.key": encrypted,
        "passphrase": b"open sesame\n",
        "assertions.pem": key,
        "ca.pem": authority.cert_pem.bytes(),
    }.items():
        (folder / name).write_bytes(content)
    return Certificate.from_der(ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode()))


def test_the_snippets_about_client_certificates_work(tmp_path: Path) -> None:
    assert len(SNIPPETS) == 6
    authority = trustme.CA()
    mine = files(tmp_path, authority)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    with LoopbackPort(tls=context) as port:
        server = AuthorizationServer(f"{port.url}/as")
        server.mtls = True
        orders = ProtectedAPI(server, f"{port.url}/orders", scope="orders.read")
        port.serve(Network(server, orders))
        server.register(
            "stock-sync",
            tls_client_auth_san_dns="stock-sync.example.com",
            tls_client_certificate_bound_access_tokens=True,
        )
        text = "\n".join(SNIPPETS).replace("https://as.example.com", server.issuer)
        (tmp_path / "program.py").write_text(text.replace("https://api.example.com", port.url))
        run = subprocess.run(
            # The OAuthClient of a program lives as long as that does.
            [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "program.py"],
            cwd=tmp_path,
            env={**os.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert [(seen.status, seen.x5t_s256) for seen in orders.requests] == [(200, mine.x5t_s256)] * 3


def test_what_the_documents_name_of_this_library_exists() -> None:
    named = {
        name
        for snippet in SNIPPETS
        for names in re.findall(r"^from oauthclient import (.*)", snippet, re.MULTILINE)
        for name in names.split(", ")
    }
    assert {"ClientCertificate", "MutualTLS"} <= named <= set(oauthclient.__all__)
    codes = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\(`([a-z]+_[a-z_]+)`\)", DOCUMENT)) <= codes
