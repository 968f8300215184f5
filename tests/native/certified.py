"""An app with a client certificate in the house: bound by it, or known by it; and what its files become in time."""

from pathlib import Path
from typing import Any

import httpx

from oauthclient import ClientCertificate, DPoP, MutualTLS, NativeApp, Session
from tests.native.house import House, eventually
from tests.testing.certificates import self_signed_pem

PUBLIC, CONFIDENTIAL = "public", "confidential"


class Renewable:
    """A certificate in a file, which is replaced now and then. `certificate`: as this process has read it."""

    def __init__(self, folder: Path, **validity: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "client.pem"
        self.replace(**validity)
        self.certificate = self.read()

    @property
    def x5t_s256(self) -> str:
        """Of the one in use."""
        return self.certificate.current().x5t_s256

    def replace(self, **validity: float) -> None:
        """Put another one in place, which nobody has read yet."""
        new = self._path.with_suffix(".new")
        new.write_bytes(self_signed_pem(**validity))
        new.replace(self._path)

    def pem(self) -> bytes:
        """The file, with the private key."""
        return self._path.read_bytes()

    def read(self) -> ClientCertificate:
        """As a process reads it that starts now."""
        return ClientCertificate.from_files(self._path, check_every=0.0)

    def renew(self) -> None:
        """Put another one in place, and wait until it is in use."""
        former = self.x5t_s256
        self.replace()
        eventually(lambda: self.x5t_s256 != former)


class Certified:
    """The house with certificates. `wallet`: the file of the one that the app presents."""

    def __init__(self, house: House) -> None:
        house.server.mtls_base = "https://mtls.as.example.com"
        self.house = house
        self.wallet = Renewable(house.folder.parent)

    def app(self, kind: str = PUBLIC, *, dpop: bool = False, **settings: Any) -> NativeApp:
        """The app, whose tokens are bound to the certificate: a public client known by hand, or one with a key."""
        certificate = settings.pop("presented", self.wallet.certificate)
        if kind == PUBLIC:
            if "acme" not in self.house.server.clients:
                self.house.known(tls_client_certificate_bound_access_tokens=True)
            settings.setdefault("client_id", "acme")
        usual: dict[str, Any] = {"binding": MutualTLS(certificate, dpop=DPoP() if dpop else None)}
        usual["transport"] = self.house.network.transport(certificate)
        return self.house.app(**(usual | settings))

    def restarted(self, kind: str = PUBLIC, **settings: Any) -> NativeApp:
        """The app, in another process."""
        return self.app(kind, **({"presented": self.wallet.read()} | settings))

    def call(
        self, session: Session, certificate: ClientCertificate | None = None, url: str | None = None
    ) -> httpx.Response:
        """A call of an API by a client that presents the certificate."""
        transport = self.house.network.transport(certificate or self.wallet.certificate)
        with httpx.Client(auth=session.auth, transport=transport) as api:
            return api.get(f"{url or self.house.orders.url}/1")

    def presented(self, endpoint: str) -> list[str | None]:
        """The certificates that an endpoint saw, one for each request."""
        return [seen.x5t_s256 for seen in self.house.seen(endpoint)]
