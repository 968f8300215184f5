"""The real server is what the tests take it for: seen with httpx and joserfc alone."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx
import pytest
from joserfc import jws

from tests.components import ComponentMissing, missing
from tests.real.by_hand import ByHand
from tests.real.harness import RealServer
from tests.real.identities import JWT_BEARER
from tests.real.node import SERVER

METHODS = [
    "ES256",
    "Ed25519",
    "PS256",
    "RS256",
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
]


@pytest.fixture
def http(real: RealServer) -> Iterator[httpx.Client]:
    with real.client() as client:
        yield client


@pytest.fixture
def service(real: RealServer, http: httpx.Client) -> ByHand:
    return ByHand(real, "ES256", http)


def test_the_metadata_offers_what_issue_2_needs(real: RealServer, service: ByHand) -> None:
    metadata = service.discover().json()
    assert metadata == service.discover("oauth-authorization-server").json()
    assert metadata["issuer"] == real.issuer
    assert {"ES256", "Ed25519", "PS256"} <= set(metadata["dpop_signing_alg_values_supported"])
    assert {"ES256", "Ed25519", "PS256"} <= set(metadata["token_endpoint_auth_signing_alg_values_supported"])
    assert {"client_credentials", JWT_BEARER} <= set(metadata["grant_types_supported"])


def test_a_client_gets_a_bound_token_for_one_resource_and_the_api_accepts_it(real: RealServer, service: ByHand) -> None:
    url = real.resource("a")
    challenge = service.ask(resource=url, scope="read")
    assert (challenge.status_code, challenge.json()["error"]) == (400, "use_dpop_nonce")
    token = service.token(resource=url, scope="read write admin")
    assert token["token_type"] == "DPoP"
    assert token["scope"] == "read write"  # of what was asked for, what the resource has
    assert jws.extract_compact(token["access_token"].encode()).headers()["typ"] == "at+jwt"

    answer = service.call(token["access_token"], f"{url}/stock/9?x=1", "PUT")
    seen = answer.json()
    assert answer.status_code == 200, seen
    assert (seen["method"], seen["url"]) == ("PUT", f"{url}/stock/9?x=1")
    assert seen["token"]["cnf"] == {"jkt": service.dpop_key.thumbprint()}
    assert seen["proof"]["htu"] == f"{url}/stock/9"


def test_the_api_takes_each_proof_once(real: RealServer, service: ByHand) -> None:
    url = real.resource("a")
    token = service.token(resource=url, scope="read")["access_token"]
    headers = service.headers(token, "GET", url)
    assert service.http.get(url, headers=headers).status_code == 200
    replay = service.http.get(url, headers=headers)
    assert replay.status_code == 401
    assert 'error="invalid_dpop_proof"' in replay.headers["WWW-Authenticate"]


def test_the_nonce_challenge_spends_the_client_assertion(real: RealServer, service: ByHand) -> None:
    assertion = service.assertion()
    assert service.ask(client_assertion=assertion).json()["error"] == "use_dpop_nonce"
    assert service.ask(client_assertion=assertion).json()["error"] == "invalid_client"


@pytest.mark.parametrize("name", METHODS)
def test_every_authentication_method_is_taken(real: RealServer, http: httpx.Client, name: str) -> None:
    client = ByHand(real, name, http)
    url = real.resource("b")
    token = client.token(resource=url, scope="admin")["access_token"]
    seen = client.call(token, f"{url}/x").json()
    assert seen["token"]["client_id"] == client.identity.client_id


def test_a_wrong_secret_and_a_foreign_key_are_refused(real: RealServer, http: httpx.Client) -> None:
    assert ByHand(real, "client_secret_post", http).ask(client_secret="wrong").json()["error"] == "invalid_client"
    es256 = ByHand(real, "ES256", http)
    forged = es256.assertion(real.assertion_issuer, iss="service-ES256", sub="service-ES256")
    assert es256.ask(client_assertion=forged).json()["error"] == "invalid_client"


def test_a_token_serves_only_its_resource_its_key_and_its_scope(
    real: RealServer, service: ByHand, http: httpx.Client
) -> None:
    url = real.resource("a")
    token = service.token(resource=url, scope="read")["access_token"]
    assert 'error="invalid_token"' in service.call(token, real.resource("b")).headers["WWW-Authenticate"]
    assert ByHand(real, "ES256", http).call(token, url).status_code == 401
    lacking = service.call(token, f"{url}?scope=admin")
    assert lacking.status_code == 403
    assert 'error="insufficient_scope"' in lacking.headers["WWW-Authenticate"]
    assert http.get(url).headers["WWW-Authenticate"].startswith("DPoP algs=")
    assert http.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize("resource", ["https://elsewhere.example", "not a URI"])
def test_unknown_resources_are_refused(service: ByHand, resource: str) -> None:
    service.ask()
    assert service.ask(resource=resource, scope="read").json()["error"] == "invalid_target"


def test_a_reference_token_is_looked_up(real: RealServer, service: ByHand) -> None:
    url = real.resource("reference")
    token = service.token(resource=url, scope="read")["access_token"]
    assert "." not in token
    assert service.call(token, url).json()["token"]["active"] is True
    assert service.call(token, url, jti="once").status_code == 200
    assert service.call(token, url, jti="once").status_code == 401
    assert service.call(token, url, ath="of another token").status_code == 401
    assert service.call(token, url, htm="PUT").status_code == 401


def test_an_unbound_token_serves_only_where_none_is_asked_for(real: RealServer, http: httpx.Client) -> None:
    client = ByHand(real, "bearer", http)
    url = real.resource("bearer")
    token = client.token(resource=url, scope="read")
    assert token["token_type"] == "Bearer"
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert http.get(url, headers=headers).status_code == 200
    strict = client.token(resource=real.resource("a"), scope="read")["access_token"]
    assert http.get(real.resource("a"), headers={"Authorization": f"Bearer {strict}"}).status_code == 401


@pytest.mark.parametrize("path", ["nonce/more", "nonce/silent"])
def test_the_api_rolls_its_nonce_after_each_third_request(real: RealServer, service: ByHand, path: str) -> None:
    url = f"{real.resource('a')}/{path}"
    announces = path == "nonce/more"
    token = service.token(resource=real.resource("a"), scope="read")["access_token"]
    challenge = service.call(token, url)
    assert challenge.status_code == 401
    assert 'error="use_dpop_nonce"' in challenge.headers["WWW-Authenticate"]
    nonce = challenge.headers["DPoP-Nonce"]
    answers = [service.call(token, url, nonce=nonce) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert ["DPoP-Nonce" in answer.headers for answer in answers] == [False, False, announces]
    challenge = service.call(token, url, nonce=nonce)
    assert challenge.status_code == 401
    if announces:
        assert challenge.headers["DPoP-Nonce"] == answers[2].headers["DPoP-Nonce"]
    assert service.call(token, url, nonce=challenge.headers["DPoP-Nonce"]).status_code == 200


@pytest.mark.parametrize("name", ["ES256", "none"])
def test_an_assertion_becomes_a_token_for_its_subject(real: RealServer, http: httpx.Client, name: str) -> None:
    client = ByHand(real, name, http)
    assertion = client.assertion(real.assertion_issuer, sub="alice")
    url = real.resource("a")
    token = client.token(grant_type=JWT_BEARER, assertion=assertion, resource=url, scope="read")
    assert client.call(token["access_token"], url).json()["token"]["sub"] == "alice"
    again = client.ask(grant_type=JWT_BEARER, assertion=assertion, resource=url, scope="read")
    assert again.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "claims", [{"aud": "https://elsewhere.example"}, {"exp": 1}, {"iss": "https://nobody.example"}]
)
def test_an_assertion_that_is_not_for_this_server_is_refused(
    real: RealServer, service: ByHand, claims: dict[str, object]
) -> None:
    service.ask()
    assertion = service.assertion(real.assertion_issuer, sub="alice", **claims)
    assert service.ask(grant_type=JWT_BEARER, assertion=assertion).json()["error"] == "invalid_grant"


def test_a_self_issued_assertion_opens_userinfo(real: RealServer, service: ByHand) -> None:
    """UserInfo is a verifier of DPoP that nobody here wrote."""
    assertion = service.assertion(sub="alice")
    token = service.token(grant_type=JWT_BEARER, assertion=assertion)["access_token"]
    url = service.discover().json()["userinfo_endpoint"]
    assert service.call(token, url, nonce=service.nonce).json() == {"sub": "alice"}
    assert 'error="use_dpop_nonce"' in service.call(token, url).headers["WWW-Authenticate"]


def test_the_api_streams_and_redirects(real: RealServer, service: ByHand) -> None:
    url = real.resource("a")
    token = service.token(resource=url, scope="read")["access_token"]
    events = service.call(token, f"{url}/events?count=2&pause=1")
    assert events.headers["Content-Type"] == "text/event-stream"
    assert events.text == 'data: {"n":0}\n\ndata: {"n":1}\n\n'
    inside = service.call(token, f"{url}/redirect?to=/a/landed&status=308")
    assert (inside.status_code, inside.headers["Location"]) == (308, "/a/landed")
    leaving = service.call(token, f"{url}/redirect?to={quote(real.api, safe='')}/open")
    assert leaving.next_request is not None
    assert service.http.send(leaving.next_request).json()["dpop"] is True  # what httpx does, and attach() must not


def test_the_api_speaks_http_2(real: RealServer, service: ByHand) -> None:
    url = real.resource("a")
    token = service.token(resource=url, scope="read")["access_token"]
    with real.client(http2=True) as http:
        answer = http.post(url, headers=service.headers(token, "POST", url), content="level=9")
    assert answer.http_version == "HTTP/2"
    assert (answer.json()["method"], answer.json()["body"]) == ("POST", "level=9")


def test_tokens_can_be_withdrawn_and_everything_is_counted(real: RealServer, service: ByHand) -> None:
    url = real.resource("a")
    token = service.token(resource=url, scope="read")["access_token"]
    assert service.call(token, url).status_code == 200
    before = real.stats()
    real.distrust()
    assert 'error="invalid_token"' in service.call(token, url).headers["WWW-Authenticate"]
    fresh = service.token(resource=url, scope="read")["access_token"]
    assert service.call(fresh, url).status_code == 200
    after = real.stats()
    granted = "client_credentials"
    assert after["as"]["granted"][granted] == before["as"]["granted"][granted] + 1
    assert after["api"]["requests"] == before["api"]["requests"] + 2
    assert after["api"]["accepted"] == before["api"]["accepted"] + 1


def test_a_server_can_be_started_with_other_switches(start_real: Callable[..., RealServer]) -> None:
    other = start_real(issuer_path="/tenant", dpop_nonces=False, token_lifetime=1, debug=True)
    with other.client() as http:
        client = ByHand(other, "ES256", http)
        assert client.token_endpoint == f"{other.issuer}/token"
        assert other.issuer.endswith("/tenant")
        answer = client.ask(resource=other.resource("a"), scope="read")
        assert (answer.status_code, answer.json()["expires_in"]) == (200, 1)
        assertion = client.assertion()
        client.ask(client_assertion=assertion)
        client.ask(client_assertion=assertion)
    assert "client assertion tokens must only be used once" in other.log()


def test_a_server_without_dpop_does_not_offer_it(start_real: Callable[..., RealServer]) -> None:
    other = start_real(dpop=False, clients=[])
    with other.client() as http:
        metadata = http.get(f"{other.issuer}/.well-known/openid-configuration").json()
    assert "dpop_signing_alg_values_supported" not in metadata


def test_a_server_that_does_not_start_says_why(start_real: Callable[..., RealServer]) -> None:
    with pytest.raises(RuntimeError, match="no such setting: nonsense"):
        start_real(nonsense=True)


def test_a_missing_component_is_a_skip_and_with_ci_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    gap = ComponentMissing("Node", "install it")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Node is missing: install it"):
        missing(gap)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Node is missing: install it"):
        missing(gap)


def test_the_lock_file_pins_contents_and_names_no_registry() -> None:
    packages = json.loads((SERVER / "package-lock.json").read_text())["packages"]
    installed = {path: package for path, package in packages.items() if path}
    assert all("resolved" not in package and package["integrity"] for package in installed.values())
