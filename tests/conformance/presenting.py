"""Clients that present a certificate, at an embedded server that asks for it at its aliases only (RFC 8705)."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from oauthclient import (
    ClientCertificate,
    MutualTLS,
    NativeApp,
    OAuthClient,
    PublicClient,
    Resource,
    SelfSignedTLSClientAuth,
    Session,
    TLSClientAuth,
    Vault,
)
from tests.testing.certificates import SUBJECT, self_signed_pem
from tests.world import ORDERS, World

MTLS = "https://mtls.as.example.com"
REDIRECT_URI = "https://shop.example/callback"
DIRECT = {  # what a session asks of a server, by the embedded one's names: its alias, and what it is called in metadata
    "par": ("/par", "pushed_authorization_request_endpoint"),
    "token": ("/token", "token_endpoint"),
    "userinfo": ("/userinfo", "userinfo_endpoint"),
    "revocation": ("/revoke", "revocation_endpoint"),
}
Authenticate = Callable[[ClientCertificate], Any]
METHODS: dict[str, Authenticate] = {
    "tls_client_auth": TLSClientAuth,
    "self_signed_tls_client_auth": SelfSignedTLSClientAuth,
    "none": lambda _: PublicClient(),
}


@pytest.fixture
def certificate() -> ClientCertificate:
    return ClientCertificate.from_pem(self_signed_pem())


@pytest.fixture
def mesh(world: World) -> World:
    """Where certificates are asked for at aliases only."""
    world.server.mtls_base = MTLS
    world.server.dpop = "offered"
    return world


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    """Each way in which a client that presents a certificate is known."""
    return str(request.param)


def registered(world: World, certificate: ClientCertificate, method: str, client_id: str = "app") -> Any:
    """What the client authenticates by, once the server knows it."""
    settings: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True, "redirect_uris": [REDIRECT_URI]}
    if method == "tls_client_auth":
        settings["tls_client_auth_subject_dn"] = SUBJECT
    elif method == "self_signed_tls_client_auth":
        settings["key"] = certificate.current()
    world.server.register(client_id, **settings)
    return METHODS[method](certificate)


def an_app(world: World, certificate: ClientCertificate, method: str = "none", **settings: Any) -> NativeApp:
    usual: dict[str, Any] = {
        "client_id": "app",
        "authentication": registered(world, certificate, method),
        "binding": MutualTLS(certificate),
        "vault": Vault.memory(),
        "transport": world.network.transport(certificate),
    }
    return NativeApp(
        world.server.issuer, name="App", resources=[Resource(ORDERS, scope="orders.read")], **(usual | settings)
    )


def log_in(world: World, app: NativeApp) -> Session:
    url, pending = app.begin_login(REDIRECT_URI)
    return app.finish_login(pending, world.server.person.approve(url))


def a_service(
    world: World, certificate: ClientCertificate, method: str = "self_signed_tls_client_auth", **settings: Any
) -> OAuthClient:
    usual: dict[str, Any] = {
        "client_id": "app",
        "authentication": registered(world, certificate, method),
        "binding": MutualTLS(certificate),
        "transport": world.network.transport(certificate),
    }
    return world.oauth(**(usual | settings))


def call(world: World, auth: Any, certificate: ClientCertificate, url: str = f"{ORDERS}/17") -> int:
    with httpx.Client(auth=auth, transport=world.network.transport(certificate)) as api:
        return api.get(url).status_code


def call_until_renewed(world: World, auth: Any, certificate: ClientCertificate) -> list[int]:
    """What the API answers until a call went with the renewed certificate: the former token serves meanwhile."""
    until = monotonic() + 10
    came = [call(world, auth, certificate)]
    while world.orders.requests[-1].x5t_s256 != certificate.current().x5t_s256:
        assert monotonic() < until
        sleep(0.005)
        came.append(call(world, auth, certificate))
    return came


def restored_and_used(world: World, certificate: ClientCertificate, vault: Vault) -> int:
    session = an_app(world, certificate, vault=vault).restore()
    assert session is not None
    return call(world, session.auth, certificate)


def asked(world: World, *endpoints: str) -> list[Any]:
    return [seen for seen in world.server.requests if seen.endpoint in (endpoints or DIRECT)]


def a_renewal(folder: Path) -> tuple[ClientCertificate, Callable[[], None]]:
    """A certificate in a file, and how it is renewed there: the same subject, another key."""
    path = folder / "client.pem"
    path.write_bytes(self_signed_pem())
    certificate = ClientCertificate.from_files(path, check_every=0)

    def renew() -> None:
        before = certificate.current()
        path.with_suffix(".new").write_bytes(self_signed_pem())
        path.with_suffix(".new").replace(path)
        until = monotonic() + 10
        while certificate.current() is before:
            assert monotonic() < until, certificate.problem
            sleep(0.005)

    return certificate, renew
