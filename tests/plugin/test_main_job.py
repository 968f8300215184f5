"""One object, every kind of client: a token for each resource, a fresh proof for each request (RFC 9449, 7.1)."""

from typing import Any

import pytest

from oauthclient import (
    AlreadyAuthorized,
    Bearer,
    ClientSecretPost,
    ConfigurationError,
    NoResourceForURL,
    OAuthClient,
    Resource,
    UnsafeURL,
)
from tests.doors import Api, Door
from tests.world import BILLS, ELSEWHERE, ORDERS, STOCK, World


def test_each_api_is_called_with_a_token_of_its_own(world: World, api: Api) -> None:
    order = api.get(f"{ORDERS}/17")
    level = api.request("PUT", f"{STOCK}/9", json={"level": 3})
    assert (order.status_code, order.json()["scope"]) == (200, "orders.read")
    assert (level.status_code, level.json()["scope"]) == (200, "stock.write")
    assert level.json()["body"].replace(" ", "") == '{"level":3}'
    assert [seen.form["resource"] for seen in world.token_requests] == [[ORDERS], [STOCK]]
    assert [token.claims["aud"] for token in world.server.tokens.issued] == [ORDERS, STOCK]


def test_a_token_serves_until_it_expires_and_each_request_has_a_proof_of_its_own(world: World, api: Api) -> None:
    for _ in range(3):
        assert api.get(f"{ORDERS}/17?page=2#top").status_code == 200
    proofs = [seen.proof for seen in world.orders.requests]
    assert len(world.token_requests) == 1
    assert len({proof["jti"] for proof in proofs if proof}) == 3
    assert {(proof["htm"], proof["htu"]) for proof in proofs if proof} == {("GET", f"{ORDERS}/17")}
    assert all(seen.scheme == "dpop" for seen in world.orders.requests)


@pytest.mark.parametrize("path", ["/%7Eme/a%2Fb", "/a%20b", "/ü", "/a;b=c", "/a//b", "/a?x=%2F&y=/../z"])
def test_the_proof_names_the_url_as_it_is_on_the_wire(world: World, api: Api, path: str) -> None:
    assert api.get(ORDERS + path).status_code == 200
    (seen,) = world.orders.requests
    assert seen.proof
    assert seen.proof["htu"] == seen.request.url.partition("?")[0]


def test_a_token_request_carries_a_proof_without_ath_and_an_api_request_one_with_it(world: World, api: Api) -> None:
    api.get(ORDERS)
    assert world.token_requests[0].proof
    assert "ath" not in world.token_requests[0].proof
    assert world.orders.requests[0].proof
    assert "ath" in world.orders.requests[0].proof


def test_a_url_outside_every_resource_is_refused_before_anything_is_sent(world: World, api: Api) -> None:
    with pytest.raises(NoResourceForURL) as refusal:
        api.get(f"{ELSEWHERE}/path?secret=1")
    assert refusal.value.code == "no_resource_for_url"
    assert "Resource" in refusal.value.hint
    assert "secret" not in str(refusal.value)
    assert not world.server.requests
    assert not world.elsewhere.requests


@pytest.mark.parametrize(
    "url",
    [f"{ORDERS}x", "https://api.example.com/", "https://api.example.com:8443/orders", "https://example.com/orders"],
)
def test_a_neighbour_of_a_resource_is_outside(api: Api, url: str) -> None:
    with pytest.raises(NoResourceForURL):
        api.get(url)


@pytest.mark.parametrize(
    "url",
    [f"{ORDERS}/%2e%2e/stock", "http://api.example.com/orders", "https://me@api.example.com/orders", f"{ORDERS}/a%5Cb"],
)
def test_a_url_that_could_be_read_in_two_ways_gets_no_token(world: World, api: Api, url: str) -> None:
    with pytest.raises(UnsafeURL):
        api.get(url)
    assert not world.orders.requests


def test_outside_requests_may_go_without_a_token(world: World, door: Door) -> None:
    api = door.client(world.auth(outside="anonymous"), world.network)
    assert api.get(ELSEWHERE).status_code == 200
    assert api.get(f"{ORDERS}/17").status_code == 200
    assert not world.elsewhere.credentials_seen


def test_what_the_user_authorizes_is_left_alone_outside_and_refused_inside(world: World, door: Door) -> None:
    api = door.client(world.auth(outside="anonymous"), world.network)
    assert api.get(ELSEWHERE, headers={"Authorization": "Basic eDp5"}).status_code == 200
    assert world.elsewhere.requests[0].request.header("Authorization") == "Basic eDp5"
    with pytest.raises(AlreadyAuthorized) as refusal:
        api.get(ORDERS, headers={"authorization": "Bearer mine"})
    assert "auth=None" in refusal.value.hint
    assert not world.orders.requests
    assert api.get(ORDERS, headers={"Authorization": "Bearer mine"}, auth=None).status_code == 401


def test_a_request_object_can_be_sent_again(world: World, api: Api) -> None:
    request = api.build("POST", f"{ORDERS}/echo", content=b"twice")
    assert [api.send(request).content for _ in range(2)] == [b"twice", b"twice"]
    assert len({seen.proof["jti"] for seen in world.orders.requests if seen.proof}) == 2


def test_the_auth_object_serves_a_single_request_too(world: World, door: Door) -> None:
    api = door.client(None, world.network)
    assert api.get(ORDERS, auth=world.auth()).status_code == 200
    assert api.get(ORDERS).status_code == 401


def test_auth_objects_of_several_issuers_are_joined(world: World, door: Door) -> None:
    other = World("https://other.example.com")
    world.network.hosts += [other.server, other.bills]
    world.network.hosts.remove(world.bills)
    bills = other.oauth(transport=world.network.transport()).client_credentials(Resource(BILLS))
    api = door.client(world.auth() | bills, world.network)
    assert api.get(ORDERS).status_code == 200
    assert api.get(BILLS).status_code == 200
    assert len(world.token_requests) == len(other.token_requests) == 1
    with pytest.raises(NoResourceForURL):
        api.get(ELSEWHERE)


@pytest.mark.parametrize("url", [ORDERS, f"{ORDERS}/archive", "https://api.example.com"])
def test_joining_auth_objects_that_overlap_is_refused(world: World, url: str) -> None:
    other = World("https://other.example.com").oauth().client_credentials(Resource(url))
    with pytest.raises(ConfigurationError) as refusal:
        world.auth() | other
    assert refusal.value.code == "overlapping_resources"


def test_joined_auth_lets_a_request_go_anonymously_only_if_both_do(world: World, door: Door) -> None:
    bills = World("https://other.example.com").oauth().client_credentials(Resource(BILLS), outside="anonymous")
    with pytest.raises(NoResourceForURL):
        door.client(world.auth() | bills, world.network).get(ELSEWHERE)
    both = world.auth(outside="anonymous") | bills
    assert door.client(both, world.network).get(ELSEWHERE).status_code == 200


def test_joining_with_something_else_is_a_type_error(world: World) -> None:
    with pytest.raises(TypeError):
        world.auth() | "auth"


def test_the_token_of_a_url_can_be_looked_at(world: World, door: Door) -> None:
    world.server.targets.grants_less = True
    world.server.clients["svc"].scope = frozenset({"orders.read"})
    auth = world.oauth().client_credentials(Resource(ORDERS, scope="orders.read orders.write"))
    token = door.run(auth.token_async if door.loop else auth.token, f"{ORDERS}/17")
    assert token.scope == "orders.read"
    assert token.expires_at == pytest.approx(world.clock() + 300, abs=5)
    assert token.access_token == world.server.tokens.issued[-1].access_token
    with pytest.raises(NoResourceForURL):
        door.run(auth.token_async if door.loop else auth.token, ELSEWHERE)


def test_bearer_tokens_have_to_be_asked_for_by_name(world: World, door: Door) -> None:
    world.server.dpop = "offered"
    api = door.client(world.auth(binding=Bearer()), world.network)
    assert api.get(ORDERS).status_code == 200
    (seen,) = world.orders.requests
    assert seen.scheme == "bearer"
    assert seen.request.header("DPoP") is None
    assert world.token_requests[0].request.header("DPoP") is None


def test_an_auth_object_needs_a_resource(world: World) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        world.oauth().client_credentials()
    assert refusal.value.code == "no_resource"


@pytest.mark.parametrize("resource", ["https://api.example.com", [Resource(ORDERS)], None])
def test_what_is_no_resource_is_refused(world: World, resource: Any) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        world.oauth().client_credentials(resource)
    assert refusal.value.code == "no_resource"
    assert "Resource(" in refusal.value.hint


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"issuer": "http://as.example.com"}, "invalid_issuer"),
        ({"issuer": "https://as.example.com?x"}, "invalid_issuer"),
        ({"issuer": None}, "no_issuer"),
        ({"client_id": ""}, "unknown_setting"),
        ({"target": "realm"}, "unknown_setting"),
        ({"transport": object()}, "unusable_transport"),
        ({"verify": "/no/such/file.pem", "transport": None}, "unreadable_ca"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_once(world: World, settings: dict[str, object], code: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        world.auth(**settings)
    assert refusal.value.code == code


def test_nothing_is_sent_and_no_key_is_made_before_the_first_request(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oauthclient.jose.keys.SigningKey.generate", None)
    world.auth()
    assert not world.server.requests


def test_what_identifies_the_client_shows_and_its_secrets_do_not() -> None:
    oauth = OAuthClient("https://as.example.com", client_id="svc", authentication=ClientSecretPost("x" * 32))
    assert repr(oauth) == "OAuthClient('https://as.example.com', client_id='svc', binding=DPoP(ES256))"
    assert "orders" in repr(oauth.client_credentials(Resource(ORDERS)))
