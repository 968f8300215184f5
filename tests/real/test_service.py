"""The main job, and what can go wrong in it, on a server that nobody here wrote."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from joserfc import jwt

from oauthclient import (
    Auth,
    Bearer,
    ClientAuthentication,
    ClientSecretBasic,
    ClientSecretJWT,
    ClientSecretPost,
    DPoP,
    ErrorResponse,
    IssuedAssertion,
    NotOffered,
    OAuthClient,
    PrivateKeyJWT,
    PublicClient,
    Resource,
    SelfIssuedAssertion,
    SigningKey,
    attach,
)
from tests.doors import KINDS, Door
from tests.real.harness import RealServer
from tests.real.identities import Client

_opened: list[OAuthClient] = []

SERVICES = ["ES256", "ES384", "ES512", "Ed25519", "PS256", "PS384", "PS512", "RS256"]
SECRETS = ["client_secret_basic", "client_secret_post", "client_secret_jwt"]


def authentication(client: Client) -> ClientAuthentication:
    match client.method:
        case "client_secret_basic":
            return ClientSecretBasic(client.secret)
        case "client_secret_post":
            return ClientSecretPost(client.secret)
        case "client_secret_jwt":
            return ClientSecretJWT(client.secret)
        case "none":
            return PublicClient()
    return PrivateKeyJWT(SigningKey.from_pem(client.pem, algorithm=client.algorithm))


def service(real: RealServer, name: str = "ES256", **settings: Any) -> OAuthClient:
    client = real.clients[name]
    usual: dict[str, Any] = {"authentication": authentication(client), "client_id": client.client_id}
    _opened.append(OAuthClient(real.issuer, verify=real.tls, **(usual | settings)))
    return _opened[-1]


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def main_job(real: RealServer, name: str = "ES256", **settings: Any) -> Auth:
    resources = Resource(real.resource("a"), scope="read write"), Resource(real.resource("b"), scope="admin")
    return service(real, name, **settings).client_credentials(*resources)


def get_all(door: Door, real: RealServer, auth: Auth, *urls: str, **options: Any) -> list[Any]:
    """The answers to a GET of each URL, one after the other, through one client."""
    settings: dict[str, Any] = {"auth": auth, "verify": real.tls, "trust_env": False, "timeout": 10, **options}

    def get() -> list[Any]:
        with door.family.Client(**settings) as http:
            return [http.get(url) for url in urls]

    async def get_async() -> list[Any]:
        async with door.family.AsyncClient(**settings) as http:
            return [await http.get(url) for url in urls]

    answers: list[Any] = door.run(get_async if door.loop else get)
    return answers


@pytest.fixture
def http(real: RealServer) -> Iterator[Callable[[Auth], httpx.Client]]:
    """Opens a client of the user's."""
    opened: list[httpx.Client] = []

    def open_client(auth: Auth, **options: Any) -> httpx.Client:
        opened.append(real.client(auth=auth, **options))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_calls_two_apis_with_a_token_and_a_proof_for_each(real: RealServer, kind: str) -> None:
    urls = [f"{real.resource('a')}/orders/17?x=1", f"{real.resource('b')}/stock/9", f"{real.resource('a')}/orders/18"]
    before = real.stats()
    answers = get_all(Door(kind), real, main_job(real), *urls)
    after = real.stats()
    seen = [answer.json() for answer in answers]
    assert [answer.status_code for answer in answers] == [200] * 3, seen
    assert [one["token"]["aud"] for one in seen] == [real.resource("a"), real.resource("b"), real.resource("a")]
    assert [one["token"]["scope"] for one in seen] == ["read write", "admin", "read write"]
    assert [one["proof"]["htu"] for one in seen] == [url.partition("?")[0] for url in urls]
    assert len({one["proof"]["jti"] for one in seen}) == 3
    assert after["as"]["granted"]["client_credentials"] - before["as"]["granted"].get("client_credentials", 0) == 2


@pytest.mark.parametrize("name", [*SERVICES, *SECRETS])
def test_every_client_authenticates(real: RealServer, name: str) -> None:
    auth = main_job(real, name)
    (answer,) = get_all(Door("httpx"), real, auth, real.resource("a"))
    assert answer.json()["token"]["client_id"] == real.clients[name].client_id
    assert auth.token(real.resource("a")).scope == "read write"


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES384", "PS256"])
def test_proofs_may_have_another_algorithm(real: RealServer, algorithm: str) -> None:
    auth = main_job(real, binding=DPoP(algorithm=algorithm))
    (answer,) = get_all(Door("httpx2"), real, auth, real.resource("a"))
    assert answer.status_code == 200


def test_a_bearer_token_by_explicit_word(real: RealServer) -> None:
    oauth = service(real, "bearer", binding=Bearer())
    auth = oauth.client_credentials(Resource(real.resource("bearer"), scope="read"))
    (answer,) = get_all(Door("httpx"), real, auth, real.resource("bearer"))
    assert answer.json()["proof"] is None


def test_a_proof_binds_the_token_of_a_client_that_was_not_registered_for_it(real: RealServer) -> None:
    auth = main_job(real, "bearer")
    assert auth.token(real.resource("a")).token_type == "DPoP"


@pytest.mark.parametrize("path", ["nonce/more", "nonce/silent"])
def test_nonces_that_roll_are_followed(real: RealServer, http: Any, path: str) -> None:
    auth = main_job(real)
    url = f"{real.resource('a')}/{path}"
    before = real.stats()["api"]["refused"].get("use_dpop_nonce", 0)
    client = http(auth)
    assert [client.post(url, content=f"body {n}").json()["body"] for n in range(8)] == [f"body {n}" for n in range(8)]
    # The first request, and where the new nonce is not announced the fourth and the seventh too.
    assert real.stats()["api"]["refused"]["use_dpop_nonce"] - before == (1 if path == "nonce/more" else 3)


def test_the_nonce_of_the_authorization_server_costs_one_repeat_in_all(real: RealServer) -> None:
    before = real.stats()["as"]["refused"].get("use_dpop_nonce", 0)
    auth = main_job(real)
    for name in ("a", "b"):
        assert auth.token(real.resource(name))
    assert real.stats()["as"]["refused"]["use_dpop_nonce"] - before == 1


def test_a_reference_token_is_carried_like_any_other(real: RealServer, http: Any) -> None:
    auth = service(real).client_credentials(Resource(real.resource("reference"), scope="read"))
    assert http(auth).get(real.resource("reference")).json()["token"]["active"] is True
    assert "." not in auth.token(real.resource("reference")).access_token


@pytest.mark.parametrize("name", ["ES256", "Ed25519"])
def test_an_assertion_of_our_own_becomes_a_token_for_each_api(real: RealServer, http: Any, name: str) -> None:
    client = real.clients[name]
    grant = SelfIssuedAssertion("alice", key=SigningKey.from_pem(client.pem, algorithm=client.algorithm))
    resources = Resource(real.resource("a"), scope="read"), Resource(real.resource("b"), scope="read")
    auth = service(real, name).grant(grant, *resources)
    for resource in resources:
        seen = http(auth).get(resource.url).json()
        assert (seen["token"]["sub"], seen["token"]["aud"]) == ("alice", resource.url)


@pytest.mark.parametrize("name", ["ES256", "none"])
def test_an_assertion_of_somebody_else_becomes_a_token(real: RealServer, http: Any, name: str) -> None:
    issuer = real.assertion_issuer

    def fetch() -> str:
        now = int(time.time())
        claims = {"iss": issuer.client_id, "sub": "bob", "aud": real.issuer, "iat": now, "exp": now + 60}
        return jwt.encode({"alg": "ES256"}, claims | {"jti": f"{time.time_ns()}"}, issuer.key)

    auth = service(real, name).grant(IssuedAssertion(fetch), Resource(real.resource("a"), scope="read"))
    assert http(auth).get(real.resource("a")).json()["token"]["sub"] == "bob"


def test_userinfo_takes_a_token_that_was_asked_for_without_a_resource(real: RealServer, http: Any) -> None:
    client = real.clients["ES256"]
    oauth = service(real, target="scope")
    url = oauth.discover().document["userinfo_endpoint"]
    auth = oauth.grant(SelfIssuedAssertion("alice", key=SigningKey.from_pem(client.pem)), Resource(url))
    user = http(auth)
    assert [user.get(url).json() for _ in range(2)] == [{"sub": "alice"}] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_http_2_is_spoken(real: RealServer, kind: str) -> None:
    answers = get_all(Door(kind), real, main_job(real), *[real.resource("a")] * 2, http2=True)
    assert [(answer.status_code, answer.http_version) for answer in answers] == [(200, "HTTP/2")] * 2


def test_many_requests_share_one_http_2_connection(real: RealServer) -> None:
    async def main() -> list[httpx.Response]:
        settings: dict[str, Any] = {"verify": real.tls, "trust_env": False, "http2": True, "timeout": 10}
        async with httpx.AsyncClient(auth=main_job(real), **settings) as http:
            await http.get(real.resource("a"))
            return await asyncio.gather(*(http.get(f"{real.resource('a')}?delay=200") for _ in range(20)))

    began = time.monotonic()
    answers = asyncio.run(main())
    assert {answer.status_code for answer in answers} == {200}
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize("options", [{}, {"http2": True}])
def test_events_arrive_before_the_answer_ends(real: RealServer, http: Any, options: dict[str, bool]) -> None:
    client = http(main_job(real), **options)
    client.get(real.resource("a"))
    began = time.monotonic()
    with client.stream("GET", f"{real.resource('a')}/events?count=3&pause=400") as answer:
        times = [time.monotonic() - began for line in answer.iter_lines() if line]
    assert len(times) == 3
    assert times[0] < 0.35
    assert times[2] > 0.75


def test_an_attached_client_follows_redirects_with_a_proof_for_each_hop(real: RealServer, http: Any) -> None:
    auth = main_job(real)
    client = attach(http(None, follow_redirects=True), auth)
    before = real.stats()["api"]
    inside = client.post(f"{real.resource('a')}/redirect?to=/a/landed&status=308", content="body")
    assert (inside.json()["body"], inside.json()["proof"]["htu"]) == ("body", f"{real.resource('a')}/landed")
    after = real.stats()["api"]
    assert (after["requests"] - before["requests"], after["accepted"] - before["accepted"]) == (2, 2)
    leaving = client.get(f"{real.resource('a')}/redirect?to={quote(real.api, safe='')}/open")
    assert leaving.json() == {"method": "GET", "authorization": None, "dpop": False}
    assert client.get(f"{real.resource('a')}/redirect?to=/b/landed").status_code == 401


def test_a_client_with_auth_alone_repairs_a_hop_that_was_followed(real: RealServer, http: Any) -> None:
    client = http(main_job(real), follow_redirects=True)
    answer = client.get(f"{real.resource('a')}/redirect?to=/a/landed&status=307")
    assert answer.json()["proof"]["htu"] == f"{real.resource('a')}/landed"


def test_a_token_that_was_withdrawn_is_replaced(real: RealServer, http: Any) -> None:
    client = http(main_job(real))
    first = client.get(real.resource("a")).json()["token"]["jti"]
    real.distrust()
    answer = client.get(real.resource("a"))
    assert answer.status_code == 200
    assert answer.json()["token"]["jti"] != first


def test_an_expired_token_is_replaced_once_for_all_who_ask(start_real: Callable[..., RealServer]) -> None:
    server = start_real(token_lifetime=2)
    door = Door("httpx asyncio")
    auth = main_job(server)
    get_all(door, server, auth, server.resource("a"))
    time.sleep(2.1)

    async def main() -> list[httpx.Response]:
        async with httpx.AsyncClient(auth=auth, verify=server.tls, trust_env=False, timeout=10) as http:
            return await asyncio.gather(*(http.get(server.resource("a")) for _ in range(20)))

    assert {answer.status_code for answer in asyncio.run(main())} == {200}
    assert server.stats()["as"]["granted"]["client_credentials"] == 2


def test_a_server_without_dpop_is_refused_before_it_is_asked(start_real: Callable[..., RealServer]) -> None:
    server = start_real(dpop=False, clients=[])
    with pytest.raises(NotOffered) as refusal:
        main_job(server).token(server.resource("a"))
    assert refusal.value.code == "binding_not_offered"
    assert not server.stats()["as"]["refused"]


def test_an_issuer_with_a_path_is_discovered(start_real: Callable[..., RealServer]) -> None:
    server = start_real(issuer_path="/tenant", dpop_nonces=False)
    assert main_job(server).token(server.resource("a"))
    assert server.issuer.endswith("/tenant")


def test_an_unknown_resource_and_a_wrong_key_are_told(real: RealServer) -> None:
    url = "https://elsewhere.example"
    with pytest.raises(ErrorResponse) as refusal:
        service(real).client_credentials(Resource(url, scope="read")).token(url)
    assert refusal.value.code == "invalid_target"
    assert "identifier" in refusal.value.hint
    with pytest.raises(ErrorResponse) as refusal:
        main_job(real, authentication=PrivateKeyJWT(SigningKey.generate())).token(real.resource("a"))
    assert refusal.value.code == "invalid_client"
    assert "registered key" in refusal.value.hint
