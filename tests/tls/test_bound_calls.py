"""A token, the certificate it is bound to, and the connection it goes over: over TLS they never part (RFC 8705, 3)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient import Auth, DPoP, MutualTLS, OAuthClient, Resource, TLSClientAuth
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI
from oauthclient.tls.transport import EXTENSION
from tests.doors import KINDS
from tests.tls.caller import Caller, here, play
from tests.tls.place import Place, renewed, soon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthclient import ClientCertificate


class Service:
    """A server and an API behind a port that insists on a certificate, and a client that authenticates by its own."""

    def __init__(self, place: Place, port: LoopbackPort, certificate: ClientCertificate) -> None:
        self.server = AuthorizationServer(f"{port.url}/as")
        self.server.mtls = True
        self.api = ProtectedAPI(self.server, f"{port.url}/orders", scope="read")
        port.serve(Network(self.server, self.api))
        bound = {"tls_client_certificate_bound_access_tokens": True}
        subject = certificate.current().subject
        self.server.register("svc", method="tls_client_auth", tls_client_auth_subject_dn=subject, **bound)
        self._settings: dict[str, Any] = {
            "client_id": "svc",
            "authentication": TLSClientAuth(certificate),
            "verify": str(place.ca),
        }
        self.certificate = certificate
        self.opened: list[OAuthClient] = []

    def auth(self, dpop: DPoP | None = None) -> Auth:
        self.opened.append(
            OAuthClient(self.server.issuer, binding=MutualTLS(self.certificate, dpop=dpop), **self._settings)
        )
        return self.opened[-1].client_credentials(Resource(self.api.url, scope="read"))


@pytest.fixture
def service(place: Place) -> Iterator[Service]:
    with LoopbackPort(tls=place.serving(ssl.CERT_REQUIRED)) as port:
        service = Service(place, port, place.certificate())
        yield service
        for client in service.opened:
            client.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dpop", [False, True])
def test_each_generation_has_its_tokens_and_its_connections(
    place: Place, service: Service, kind: str, *, dpop: bool
) -> None:
    async def scenario() -> None:
        caller = Caller(kind, place, service.certificate, auth=service.auth(DPoP() if dpop else None))
        for _ in range(3):
            assert (await caller.get(service.api.url)).status_code == 200
            new = place.put()
            assert renewed(service.certificate, new)
            for _ in range(200):
                answer = await caller.get(service.api.url)
                assert answer.status_code == 200
                if answer.extensions[EXTENSION] == new.x5t_s256:
                    break
            else:
                raise AssertionError("The new certificate does not come into use.")
        await caller.close()

    play(kind, scenario)
    assert len(service.server.tokens.issued) == 4
    for seen in service.api.requests:
        assert seen.token
        assert seen.token["cnf"]["x5t#S256"] == seen.x5t_s256
        assert ("jkt" in seen.token["cnf"]) == dpop


@pytest.mark.parametrize("kind", KINDS)
def test_a_renewal_between_the_signing_and_the_sending_parts_nothing(place: Place, service: Service, kind: str) -> None:
    """The token is in the request already: it goes with the certificate that it is bound to."""
    before = service.certificate.current().x5t_s256
    renew = [place.issue()]

    def hook(_: object) -> None:
        if renew:
            assert renewed(service.certificate, place.put(renew.pop()))

    async def hook_async(request: object) -> None:
        hook(request)

    async def scenario() -> None:
        hooks = {"request": [hook_async if " " in kind else hook]}
        caller = Caller(kind, place, service.certificate, auth=service.auth(), event_hooks=hooks)
        answer = await caller.get(service.api.url)
        assert (answer.status_code, answer.extensions[EXTENSION]) == (200, before)
        await caller.close()

    play(kind, scenario)
    assert [seen.x5t_s256 for seen in service.api.requests] == [before]


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_built_before_a_renewal_may_be_sent_after_it(place: Place, service: Service, kind: str) -> None:
    async def scenario() -> None:
        caller = Caller(kind, place, service.certificate, auth=service.auth())
        request = caller.client.build_request("GET", service.api.url)
        assert (await here(caller.client.send(request))).status_code == 200
        new = place.put()
        assert renewed(service.certificate, new)
        service.server.tokens.issued.clear()
        await caller.get(service.api.url)
        assert soon(lambda: service.server.tokens.issued)
        # The very same object once more: whatever its extensions say of last time, it goes with its token of now.
        for _ in range(50):
            answer = await here(caller.client.send(request))
            assert answer.status_code == 200
        assert answer.extensions[EXTENSION] == new.x5t_s256
        await caller.close()

    play(kind, scenario)


@pytest.mark.parametrize("kind", ["httpx", "httpx2 asyncio"])
def test_a_client_made_with_another_object_for_the_same_files_will_do(
    place: Place, service: Service, kind: str
) -> None:
    async def scenario() -> None:
        caller = Caller(kind, place, place.certificate(), auth=service.auth())
        assert (await caller.get(service.api.url)).status_code == 200
        await caller.close()

    play(kind, scenario)
