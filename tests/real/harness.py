"""Starts and stops the real server: npm oidc-provider, and an API with npm oauth4webapi, on loopback TLS."""

import base64
import hashlib
import json
import os
import select
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.real.certificates import DAY, HOUR, Issued
from tests.real.certified import Issuer
from tests.real.identities import Client, make_assertion_issuer, make_clients
from tests.real.node import SERVER, Node

START_TIMEOUT = 30.0
STOP_TIMEOUT = 5.0
API_SECRET = "the secret of the API itself"


class Ground:
    """What all servers of a test run share: Node, a certificate authority, clients and their keys.

    `spki`: the hash of the servers' public key, by which a browser trusts them (tests/browser.py).
    """

    def __init__(self, node: Node, folder: Path) -> None:
        self.node = node
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.client_ca = folder / "client-ca.pem"
        self.issuer = Issuer(folder)
        self.client_ca.write_bytes(self.issuer.authority.pem)
        clients = make_clients()
        self.clients = {**clients, **self.issuer.clients(clients["ES256"].pem)}
        self.assertion_issuer = make_assertion_issuer()
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(str(self.ca))
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        public_key = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes()).public_key()
        spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.spki = base64.b64encode(hashlib.sha256(spki).digest()).decode()

    def certify(self, name: str, *, starts: float = -HOUR, lifetime: float = DAY) -> tuple[bytes, bytes]:
        """Another certificate for the subject of a client: the PEM chain and key.

        `starts`, `lifetime`: seconds, counted from now. One that is self-signed is not registered by that.
        """
        return self.issuer.certify(name, starts=starts, lifetime=lifetime)

    def issue(self, name: str, *, starts: float = -HOUR, lifetime: float = DAY) -> Issued:
        """The same, in files of its own."""
        return self.issuer.issue(name, starts=starts, lifetime=lifetime)

    def start(self, **switches: object) -> "RealServer":
        """Start a server. `switches`: members of the settings file, see server/settings.mjs."""
        return RealServer(self, switches)


class RealServer:
    """A running authorization server and its API.

    `issuer`, `api`: their URLs. `mtls`: what `issuer` is to who presents a certificate (RFC 8705, section 5), and
    `behind`: where a proxy reaches the API; both are empty if the server has none. `ca`: the PEM file of the
    authority behind their certificates. `tls`: a context that trusts it. `clients`: by authentication method, or by
    algorithm if it is `private_key_jwt`; "bearer" is one whose tokens are not bound; "native", "native-key",
    "native-jar" and "web" log people in; "tls", "tls-san", "tls-only", "self-signed", "key-bound" and "native-tls"
    have a certificate (certified.py). `assertion_issuer`: whose assertions are trusted beside the clients' own.
    """

    def __init__(self, ground: Ground, switches: dict[str, object]) -> None:
        self.ca = ground.ca
        self.tls = ssl.create_default_context(cafile=str(ground.ca))
        self.clients = ground.clients
        self.assertion_issuer = ground.assertion_issuer
        number = len(list(ground.folder.glob("settings-*.json")))
        settings = ground.folder / f"settings-{number}.json"
        settings.write_text(json.dumps(_defaults(ground, mtls=switches.get("mtls") is not False) | switches))
        self._log = ground.folder / f"server-{number}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                (*ground.node.node, "main.mjs", str(settings)),
                cwd=SERVER,
                env=os.environ | {"NODE_EXTRA_CA_CERTS": str(ground.ca)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        ready = self._ready_line()
        self.issuer: str = ready["issuer"]
        self.api: str = ready["api"]
        self.mtls: str = ready["mtls"] or ""
        self.behind: str = ready["behind"] or ""

    def resource(self, name: str) -> str:
        """The URL, which is the identifier too, of a resource, by its name in server/resources.mjs."""
        return f"{self.api}/{name}"

    def client(self, presents: Issued | None = None, **options: Any) -> httpx.Client:
        """A plain httpx client that trusts the server, and no proxy of the environment.

        `presents`: the certificate with which it answers a server that asks for one.
        """
        tls = self.tls
        if presents:
            tls = ssl.create_default_context(cafile=str(self.ca))
            tls.load_cert_chain(presents.chain_file, presents.key_file)
        return httpx.Client(verify=tls, trust_env=False, timeout=10, **options)

    def stats(self) -> dict[str, Any]:
        """Counters: `as.requested` and `as.granted` by grant type, `as.refused` by error, `as.routes` by endpoint,
        `as.aliases` the same for the endpoints that ask for a certificate.

        `as.replayed`: how many times a refresh token came that had been used, whether it was taken or not. Also
        `api.requests`, `api.accepted`, `api.refused` by error. A nonce challenge is a request that was refused.
        """
        with self.client() as http:
            answer: dict[str, Any] = http.get(f"{self.api}/stats").raise_for_status().json()
        return answer

    def distrust(self) -> None:
        """Let the API refuse each token that it has seen until now, with `invalid_token`."""
        self._command("distrust")

    def rotate_keys(self, *, overlap: bool = False) -> None:
        """Let the server sign with other keys; with `overlap`, its last ones stay in its JWK Set."""
        self._command("rotate-keys", overlap=str(int(overlap)))

    def forget(self, user: str = "") -> None:
        """Let the server take back all grants, or those of one user: refreshing them is an `invalid_grant`."""
        self._command("forget", user=user)

    def log(self) -> str:
        """What the server printed on stderr; with `debug=True`, the true cause of each error answer."""
        return self._log.read_text()

    def stop(self) -> None:
        """Close the server's stdin, upon which it ends."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _command(self, name: str, **query: str) -> None:
        with self.client() as http:
            http.post(f"{self.api}/{name}", params=query).raise_for_status()

    def _ready_line(self) -> dict[str, Any]:
        stdout = self._process.stdout
        line = stdout.readline() if stdout and select.select([stdout], [], [], START_TIMEOUT)[0] else b""
        if not line:
            self.stop()
            message = f"the real server did not start:\n{self.log()[-2000:]}"
            raise RuntimeError(message)
        ready: dict[str, Any] = json.loads(line)
        return ready


def _defaults(ground: Ground, *, mtls: bool) -> dict[str, object]:
    api = Client("api", "client_secret_basic", secret=API_SECRET, bound=False, grants=())
    return {
        "tls": {"key": str(ground.folder / "key.pem"), "cert": str(ground.folder / "cert.pem")},
        "client_ca": str(ground.client_ca),
        "clients": [client.metadata for client in (*ground.clients.values(), api) if mtls or not client.issued],
        "introspection": {"client_id": api.client_id, "client_secret": api.secret},
        "assertion_issuers": {ground.assertion_issuer.client_id: ground.assertion_issuer.jwks},
    }
