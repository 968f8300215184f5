"""Nonces of resource servers: learned from any answer, kept by origin, one repeat per hop (RFC 9449, sections 8, 9)."""

import pytest

from oauthclient import NotRepeated, Resource, not_repeated
from oauthclient.testing import Response, misbehaviour
from tests.doors import Api, Door
from tests.world import BILLS, ORDERS, STOCK, Machine, World, outcomes

ASKED = (401, "use_dpop_nonce")
FINE = (200, None)


def test_a_nonce_that_is_asked_for_is_sent_at_once_with_a_proof_that_is_all_new(world: World, api: Api) -> None:
    world.orders.nonces.mode = "required"
    answer = api.post(f"{ORDERS}/echo", content=b"body")
    assert (answer.status_code, answer.content) == (200, b"body")
    assert outcomes(world.orders) == [ASKED, FINE]
    first, second = (seen.proof for seen in world.orders.requests)
    assert first
    assert second
    assert "nonce" not in first
    assert second["nonce"] == world.orders.nonces.current
    assert first["jti"] != second["jti"]


def test_a_known_nonce_is_sent_with_the_first_try(world: World, api: Api) -> None:
    world.orders.nonces.mode = "required"
    for _ in range(3):
        api.get(ORDERS)
    assert outcomes(world.orders) == [ASKED, FINE, FINE, FINE]


def test_a_nonce_of_a_success_is_kept(world: World, api: Api) -> None:
    world.orders.nonces.mode = "rolling"
    world.orders.nonces.window = 1
    for _ in range(4):
        assert api.get(ORDERS).status_code == 200
    assert outcomes(world.orders) == [ASKED, FINE, FINE, FINE, FINE]


@pytest.mark.parametrize("status", [204, 302, 403, 404, 500])
def test_a_nonce_of_any_answer_is_kept(world: World, api: Api, status: int) -> None:
    world.orders.instead(Response(status, (("dpop-nonce", "from-any-answer"),)))
    assert api.get(ORDERS).status_code == status
    api.get(ORDERS)
    assert world.orders.requests[-1].proof
    assert world.orders.requests[-1].proof["nonce"] == "from-any-answer"


def test_a_nonce_that_is_asked_for_in_place_of_a_known_one_is_sent(world: World, api: Api) -> None:
    world.orders.nonces.mode = "required"
    api.get(ORDERS)
    world.orders.nonces.roll(forget=True)
    assert api.get(ORDERS).status_code == 200
    assert outcomes(world.orders) == [ASKED, FINE, ASKED, FINE]


def test_a_server_that_asks_with_400_is_understood(world: World, api: Api) -> None:
    refusal = misbehaviour.challenge('DPoP error="use_dpop_nonce"', status=400)
    world.orders.instead(refusal.with_header("DPoP-Nonce", "fresh"))
    assert api.get(ORDERS).status_code == 200
    assert world.orders.requests[-1].proof
    assert world.orders.requests[-1].proof["nonce"] == "fresh"


def test_a_server_that_is_never_satisfied_gets_one_repeat(world: World, api: Api) -> None:
    world.orders.nonces.mode = "never satisfied"
    answer = api.get(ORDERS)
    assert answer.status_code == 401
    assert not_repeated(answer) is NotRepeated.REPEATED_ALREADY
    assert outcomes(world.orders) == [ASKED, ASKED]


@pytest.mark.parametrize("nonce", [None, "known", 'with "quotes"', "x" * 5000])
def test_without_a_usable_new_nonce_there_is_no_repeat(world: World, api: Api, nonce: str | None) -> None:
    world.orders.instead(Response(200, (("DPoP-Nonce", "known"),)))
    api.get(ORDERS)
    challenge = misbehaviour.challenge('DPoP error="use_dpop_nonce"').with_header("DPoP-Nonce", nonce)
    world.orders.instead(challenge, times=None)
    assert api.get(ORDERS).status_code == 401
    assert len(world.orders.requests) == 2
    api.get(ORDERS)
    assert world.orders.requests[-1].proof
    assert world.orders.requests[-1].proof["nonce"] == "known"


def test_two_origins_have_nonces_of_their_own(world: World, door: Door) -> None:
    auth = world.oauth().client_credentials(Resource(ORDERS), Resource(BILLS))
    api = door.client(auth, world.network)
    world.orders.nonces.mode = world.bills.nonces.mode = "required"
    for url in (ORDERS, BILLS, ORDERS, BILLS):
        assert api.get(url).status_code == 200
    assert outcomes(world.orders) == outcomes(world.bills) == [ASKED, FINE, FINE]


def test_resources_of_one_origin_share_its_nonces(world: World, api: Api) -> None:
    world.orders.nonces.mode = "required"
    api.get(ORDERS)
    api.get(STOCK)
    assert outcomes(world.stock) == [FINE]


def test_the_nonces_of_the_authorization_server_are_its_own(door: Door) -> None:
    """An issuer on the origin of its API: requests with a token, and without one, have a slot each."""
    world = World("https://api.example.com/as")
    world.server.nonces.mode = world.orders.nonces.mode = "required"
    api = world.open(door)
    api.get(ORDERS)
    api.get(STOCK)
    assert [(seen.status, seen.error) for seen in world.token_requests] == [(400, "use_dpop_nonce"), FINE, FINE]
    assert outcomes(world.orders) == [ASKED, FINE]


def test_an_answer_to_a_request_without_our_token_sets_no_nonce(world: World, api: Api) -> None:
    world.orders.instead(Response(200, (("DPoP-Nonce", "theirs"),)))
    api.get(ORDERS, auth=None)
    api.get(ORDERS)
    assert world.orders.requests[-1].proof
    assert "nonce" not in world.orders.requests[-1].proof


def test_a_nonce_and_then_a_new_token_are_one_repeat_each(world: World, api: Api, machine: Machine) -> None:
    api.get(ORDERS)
    machine.pass_time(30)
    world.server.tokens.revoke()
    world.orders.instead(
        misbehaviour.challenge('DPoP error="use_dpop_nonce"').with_header("DPoP-Nonce", "fresh"),
    )
    assert api.get(ORDERS).status_code == 200
    assert outcomes(world.orders) == [FINE, (401, None), (401, "invalid_token"), FINE]
