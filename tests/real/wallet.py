"""A client certificate in one file, which a program of ours reads, and which is renewed while it runs."""

import time
from pathlib import Path
from typing import Any

import httpx

from oauthclient import ClientCertificate, Session
from tests.real.certificates import Issued
from tests.real.harness import Ground, RealServer


class Wallet:
    """The certificate of the client called `name`: at first the one that the servers know of it."""

    def __init__(self, ground: Ground, name: str, folder: Path) -> None:
        self._ground = ground
        self._name = name
        self._path = folder / f"{name}.pem"
        self.issued: Issued = ground.clients[name].certificate
        self._put(self.issued)
        self.certificate = self.read()

    def read(self) -> ClientCertificate:
        """As a process reads it that starts now."""
        return ClientCertificate.from_files(self._path, check_every=0.0)

    def replace(self) -> Issued:
        """Put another one for the same subject in place."""
        self.issued = self._ground.issue(self._name)
        self._put(self.issued)
        return self.issued

    def renew(self) -> None:
        """The same, and wait until it is in use."""
        x5t_s256 = self.replace().x5t_s256
        deadline = time.monotonic() + 10
        while self.certificate.current().x5t_s256 != x5t_s256:
            assert time.monotonic() < deadline, self.certificate.problem
            time.sleep(0.02)

    def _put(self, issued: Issued) -> None:
        new = self._path.with_suffix(".new")
        new.write_bytes(issued.chain_pem + issued.key_pem)
        new.replace(self._path)


def called(real: RealServer, session: Session, certificate: ClientCertificate, name: str = "mtls") -> httpx.Response:
    """A call of the API by a client that presents the certificate."""
    settings: dict[str, Any] = {"verify": str(real.ca), "trust_env": False}
    with certificate.client(httpx.Client, auth=session.auth, **settings) as api:
        return api.get(real.resource(name))
