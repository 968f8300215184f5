"""Client certificates at the real servers (RFC 8705), seen with httpx, ssl and joserfc alone."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.real.by_hand import ByHand, authorize
from tests.real.certificates import HOUR, Issued
from tests.real.certified import SPIFFE_ID, SUBJECTS, TLS, Issuer
from tests.real.harness import Ground, RealServer
from tests.real.identities import JWT_BEARER, SELF_SIGNED
from tests.real.login_by_hand import LoginByHand, register

BOUND = ["tls", "tls-san", "self-signed", "key-bound"]
Caller = Callable[..., Any]


@pytest.fixture
def presenting(real: RealServer) -> Iterator[Callable[[Issued | None], httpx.Client]]:
    """Makes HTTP clients that present a certificate, or none. All of them are closed at the end."""
    opened: list[httpx.Client] = []

    def present(certificate: Issued | None = None) -> httpx.Client:
        opened.append(real.client(certificate))
        return opened[-1]

    yield present
    for http in opened:
        http.close()


@pytest.fixture
def caller(real: RealServer, presenting: Callable[[Issued | None], httpx.Client]) -> Caller:
    """Makes a client of the real server, with its certificate or with another one."""

    def call(name: str, certificate: Issued | None = None, kind: type[ByHand] = ByHand) -> ByHand:
        return kind(real, name, presenting(certificate or real.clients[name].certificate))

    return call


@pytest.fixture
def logged_in(real: RealServer, caller: Caller) -> tuple[LoginByHand, dict[str, Any]]:
    """A person who has logged in at the app with a certificate, and the token answer of that."""
    app = caller("native-tls", kind=LoginByHand)
    return app, login(real, app, scope="openid offline_access")


def login(real: RealServer, app: LoginByHand, **parameters: str) -> dict[str, Any]:
    unbound = {name: value for name, value in app.parameters(**parameters).items() if name != "dpop_jkt"}
    return app.redeem(authorize(real, app.front(unbound)))


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_the_endpoints_that_a_client_calls_directly_are_there_a_second_time(real: RealServer, caller: Caller) -> None:
    metadata = caller("tls").metadata
    aliases = metadata["mtls_endpoint_aliases"]
    assert aliases == {name: metadata[name].replace(real.issuer, real.mtls) for name in aliases}
    assert "token_endpoint" in aliases
    assert aliases.keys().isdisjoint({"authorization_endpoint", "jwks_uri", "end_session_endpoint"})
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    assert {TLS, "self_signed_tls_client_auth"} <= set(metadata["token_endpoint_auth_methods_supported"])


@pytest.mark.parametrize("name", BOUND)
def test_a_client_gets_a_token_that_is_bound_to_its_certificate(real: RealServer, caller: Caller, name: str) -> None:
    client = caller(name)
    url = real.resource("mtls")
    token = client.token(resource=url, scope="read write")
    assert token["token_type"] == "Bearer"
    answer = client.bearer(token["access_token"], url)
    seen = answer.json()
    assert answer.status_code == 200, seen
    assert seen["token"]["client_id"] == client.identity.client_id
    assert seen["token"]["cnf"] == {"x5t#S256": client.identity.certificate.x5t_s256}
    assert seen["x5t#S256"] == client.identity.certificate.x5t_s256


def test_a_certificate_can_authenticate_where_dpop_binds(real: RealServer, caller: Caller) -> None:
    client = caller("tls-only")
    token = client.token(resource=real.resource("a"), scope="read")
    assert token["token_type"] == "DPoP"
    seen = client.call(token["access_token"], real.resource("a")).json()
    assert seen["token"]["cnf"] == {"jkt": client.dpop_key.thumbprint()}


@pytest.mark.parametrize("name", BOUND)
def test_the_endpoint_that_asks_for_no_certificate_refuses(real: RealServer, caller: Caller, name: str) -> None:
    client = caller(name)
    answer = client.send(client.metadata["token_endpoint"], {"grant_type": "client_credentials"})
    # A client that authenticates otherwise is not refused for that, but for the binding.
    assert error(answer) == ((400, "invalid_grant") if name == "key-bound" else (401, "invalid_client"))


@pytest.mark.parametrize("name", ["tls", "tls-san", "tls-only", "self-signed"])
def test_a_certificate_of_another_client_is_refused(real: RealServer, caller: Caller, name: str) -> None:
    other = real.clients["key-bound"].certificate
    assert error(caller(name, other).ask()) == (401, "invalid_client")


def test_a_name_is_proven_by_any_certificate_of_the_authority_and_by_no_other(
    ground: Ground, real: RealServer, caller: Caller, tmp_path: Path
) -> None:
    renewed = caller("tls", ground.issue("tls"))
    assert renewed.ask(resource=real.resource("mtls"), scope="read").status_code == 200
    expired = caller("tls", ground.issue("tls", starts=-2 * HOUR, lifetime=-HOUR))
    assert error(expired.ask()) == (401, "invalid_client")
    early = caller("tls", ground.issue("tls", starts=HOUR))
    assert error(early.ask()) == (401, "invalid_client")
    foreign = caller("tls", Issuer(tmp_path).issue("tls"))
    assert error(foreign.ask()) == (401, "invalid_client")


def test_a_chain_must_be_whole(real: RealServer, caller: Caller, tmp_path: Path) -> None:
    certificate = real.clients["tls"].certificate
    leaf_alone = tmp_path / "leaf.pem"
    leaf_alone.write_bytes(certificate.leaf.public_bytes(Encoding.PEM))
    assert error(caller("tls", replace(certificate, chain_file=leaf_alone)).ask()) == (401, "invalid_client")


def test_a_binding_does_not_look_at_dates(ground: Ground, real: RealServer, caller: Caller) -> None:
    client = caller("key-bound", ground.issue("key-bound", starts=-2 * HOUR, lifetime=-HOUR))
    url = real.resource("mtls")
    token = client.token(resource=url, scope="read")["access_token"]
    assert client.bearer(token, url).status_code == 200


def test_a_certificate_that_vouches_for_itself_is_taken_only_if_it_is_registered(
    ground: Ground, real: RealServer, caller: Caller
) -> None:
    assert error(caller("self-signed", ground.issue("self-signed")).ask()) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("member", "value", "other"),
    [
        ("tls_client_auth_subject_dn", SUBJECTS["tls-san"].name.rfc4514_string(), "CN=Service,C=DE"),
        ("tls_client_auth_san_dns", "SERVICE.example.com", "example.com"),
        ("tls_client_auth_san_uri", SPIFFE_ID, "spiffe://example.com/service"),
        ("tls_client_auth_san_ip", "2001:DB8:0:0::17", "2001:db8::18"),
        ("tls_client_auth_san_ip", "192.0.2.17", "192.0.2.18"),
        ("tls_client_auth_san_email", "service@example.com", "somebody@example.com"),
    ],
)
def test_each_name_in_a_certificate_can_be_registered(
    real: RealServer, caller: Caller, presenting: Callable[..., httpx.Client], member: str, value: str, other: str
) -> None:
    http = presenting(real.clients["tls-san"].certificate)
    form = {"grant_type": "client_credentials"}
    for registered, status in ((value, 200), (other, 401)):
        client_id = register(
            real,
            http,
            token_endpoint_auth_method=TLS,
            grant_types=["client_credentials"],
            response_types=[],
            redirect_uris=[],
            dpop_bound_access_tokens=False,
            **{member: registered},
        )["client_id"]
        assert http.post(f"{real.mtls}/token", data=form | {"client_id": client_id}).status_code == status


def test_a_certificate_that_vouches_for_itself_is_exchanged_by_an_update(
    ground: Ground, real: RealServer, presenting: Callable[..., httpx.Client]
) -> None:
    first, second = ground.issue("self-signed"), ground.issue("self-signed")
    old, new = presenting(first), presenting(second)
    told = register(
        real,
        new,
        token_endpoint_auth_method=SELF_SIGNED,
        grant_types=["client_credentials"],
        response_types=[],
        redirect_uris=[],
        dpop_bound_access_tokens=False,
        jwks={"keys": [first.jwk]},
    )
    form = {"grant_type": "client_credentials", "client_id": told["client_id"]}

    def taken() -> list[int]:
        return [http.post(f"{real.mtls}/token", data=form).status_code for http in (old, new)]

    def update(*certificates: Issued) -> None:
        answers = {"registration_access_token", "registration_client_uri", "client_id_issued_at"}
        metadata = {name: value for name, value in told.items() if name not in answers}
        changed = metadata | {"jwks": {"keys": [certificate.jwk for certificate in certificates]}}
        bearer = {"Authorization": f"Bearer {told['registration_access_token']}"}
        told.update(new.put(told["registration_client_uri"], json=changed, headers=bearer).raise_for_status().json())

    assert taken() == [200, 401]
    update(first, second)
    assert taken() == [200, 200]
    update(second)
    assert taken() == [401, 200]


def test_userinfo_wants_the_certificate_of_the_token(
    ground: Ground, presenting: Callable[..., httpx.Client], logged_in: tuple[LoginByHand, dict[str, Any]]
) -> None:
    """UserInfo is a verifier of certificates that nobody here wrote."""
    app, token = logged_in
    url = app.endpoints["userinfo_endpoint"]
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    assert app.bearer(token["access_token"], url).json() == {"sub": "alice"}
    for http in (presenting(), presenting(ground.issue("native-tls"))):
        refused = http.get(url, headers=bearer)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert app.bearer(token["access_token"], app.metadata["userinfo_endpoint"]).status_code == 401


@pytest.mark.parametrize("resource", ["mtls", "mtls-reference", "bearer"])
def test_the_api_wants_the_certificate_of_the_token(
    ground: Ground, real: RealServer, caller: Caller, presenting: Callable[..., httpx.Client], resource: str
) -> None:
    client = caller("tls")
    url = real.resource(resource)
    token = client.token(resource=url, scope="read")["access_token"]
    assert client.bearer(token, url).status_code == 200
    for http in (presenting(), presenting(ground.issue("tls"))):
        refused = http.get(url, headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert client.bearer(token, real.resource("a")).status_code == 401


def test_a_certificate_is_seen_on_http2_too(real: RealServer, caller: Caller) -> None:
    client = caller("tls")
    url = real.resource("mtls")
    token = client.token(resource=url, scope="read")["access_token"]
    with real.client(client.identity.certificate, http2=True) as http:
        answer = http.get(url, headers={"Authorization": f"Bearer {token}"})
        open_to_all = http.get(f"{real.api}/open").json()
    assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
    assert open_to_all["x5t#S256"] == client.identity.certificate.x5t_s256


def test_a_resource_that_wants_a_certificate_takes_no_token_without_one(real: RealServer, caller: Caller) -> None:
    client = caller("tls-only")
    for resource in ("mtls", "mtls-reference"):
        token = client.token(resource=real.resource(resource), scope="read")["access_token"]
        assert error(client.call(token, real.resource(resource))) == (401, "invalid_token")


def test_no_token_is_bound_to_a_certificate_and_to_a_key(real: RealServer, caller: Caller) -> None:
    client = caller("key-bound")
    form = {"grant_type": "client_credentials", "resource": real.resource("mtls")}
    assert error(client.send(client.token_endpoint, form, proof=True)) == (400, "use_dpop_nonce")
    assert error(client.send(client.token_endpoint, form, proof=True)) == (400, "invalid_request")


def test_the_api_reads_no_certificate_out_of_a_header(real: RealServer, caller: Caller) -> None:
    client = caller("tls")
    url = real.resource("mtls")
    token = client.token(resource=url, scope="read")["access_token"]
    forged = {"Authorization": f"Bearer {token}", "X-Client-Cert": client.identity.certificate.escaped}
    with real.client() as http:
        assert error(http.get(url, headers=forged)) == (401, "invalid_token")


def test_a_refresh_token_of_a_public_client_is_bound_to_the_certificate(
    ground: Ground, caller: Caller, logged_in: tuple[LoginByHand, dict[str, Any]]
) -> None:
    app, token = logged_in
    other = caller("native-tls", ground.issue("native-tls"), kind=LoginByHand)
    assert error(other.refresh(token["refresh_token"])) == (400, "invalid_grant")
    assert app.refresh(token["refresh_token"]).status_code == 200  # that has cost nothing


def test_a_refresh_token_of_a_confidential_client_is_not(ground: Ground, real: RealServer, caller: Caller) -> None:
    redirect_uri = "https://app.example.com/callback"
    backend = caller("tls", kind=LoginByHand)
    url = real.resource("mtls")
    unbound = backend.parameters(redirect_uri=redirect_uri, resource=url)
    del unbound["dpop_jkt"]
    token = backend.redeem(authorize(real, backend.front(unbound)), redirect_uri=redirect_uri, resource=url)
    renewed = caller("tls", ground.issue("tls"), kind=LoginByHand)
    answer = renewed.refresh(token["refresh_token"], resource=url)
    assert answer.status_code == 200, answer.text
    assert renewed.bearer(answer.json()["access_token"], url).status_code == 200


def test_an_assertion_becomes_a_token_that_is_bound_to_the_certificate(real: RealServer, caller: Caller) -> None:
    client = caller("key-bound")
    url = real.resource("mtls")
    assertion = client.assertion(real.assertion_issuer, sub="alice")
    token = client.token(grant_type=JWT_BEARER, assertion=assertion, resource=url, scope="read")["access_token"]
    assert client.bearer(token, url).json()["token"]["sub"] == "alice"


def test_who_came_with_a_certificate_is_counted_apart(real: RealServer, caller: Caller) -> None:
    before = real.stats()["as"]
    assert caller("tls").ask(resource=real.resource("mtls")).status_code == 200
    after = real.stats()["as"]
    assert after["aliases"]["token"] == before["aliases"].get("token", 0) + 1
    assert after["routes"].get("token", 0) == before["routes"].get("token", 0)


def test_the_endpoints_of_an_issuer_with_a_path_have_it_too(start_real: Callable[..., RealServer]) -> None:
    tenant = start_real(issuer_path="/tenant")
    with tenant.client(tenant.clients["tls"].certificate) as http:
        client = ByHand(tenant, "tls", http)
        assert client.token_endpoint == f"{tenant.mtls}/token"
        assert tenant.mtls.endswith("/tenant")
        assert client.ask(resource=tenant.resource("mtls"), scope="read").status_code == 200


def test_a_server_without_certificates_does_not_offer_them(start_real: Callable[..., RealServer]) -> None:
    plain = start_real(mtls=False)
    with plain.client() as http:
        client = ByHand(plain, "ES256", http)
        assert client.token(resource=plain.resource("a"), scope="read")["token_type"] == "DPoP"
        metadata = client.metadata
    assert plain.mtls == ""
    assert metadata.keys().isdisjoint({"mtls_endpoint_aliases", "tls_client_certificate_bound_access_tokens"})
    assert TLS not in metadata["token_endpoint_auth_methods_supported"]
