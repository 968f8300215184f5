"""Servers whose clock is not ours: learned from Date, within bounds, and only for what we sign for them."""

import re
from email.utils import formatdate

import pytest

from oauthclient import ErrorResponse, Resource
from oauthclient.testing import Clock, ProtectedAPI, misbehaviour
from tests.doors import Api, Door
from tests.world import BILLS, ORDERS, World, outcomes

HOUR = 3600.0


@pytest.mark.parametrize("skew", [-HOUR, HOUR, 23 * HOUR])
def test_the_clock_of_the_authorization_server_is_learned_with_one_repeat(world: World, api: Api, skew: float) -> None:
    world.clock.advance(skew)
    assert api.get(ORDERS).status_code == 200
    assert [seen.status for seen in world.token_requests] == [401, 200]
    first, second = (seen.assertion for seen in world.token_requests)
    assert first
    assert second
    assert first["jti"] != second["jti"]
    assert second["iat"] == pytest.approx(world.clock(), abs=4)


@pytest.mark.parametrize("skew", [-HOUR, HOUR])
def test_the_clock_of_an_api_is_learned_with_one_repeat_and_then_known(world: World, door: Door, skew: float) -> None:
    clock = Clock(world.clock)
    bills = ProtectedAPI(world.server, BILLS, scope="bills.read", now=clock)
    bills.proofs.now = lambda: world.clock() + skew  # its tokens it checks by the right time
    bills.headers["Date"] = formatdate(world.clock() + skew, usegmt=True)
    world.network.hosts[world.network.hosts.index(world.bills)] = bills
    api = door.client(world.oauth().client_credentials(Resource(BILLS)), world.network)
    assert [api.get(BILLS).status_code for _ in range(2)] == [200, 200]
    assert outcomes(bills) == [(401, "invalid_dpop_proof"), (200, None), (200, None)]
    assert len(world.token_requests) == 1


def test_a_clock_that_is_more_than_a_day_off_is_not_followed_but_named(world: World, api: Api) -> None:
    world.clock.advance(25 * HOUR)
    with pytest.raises(ErrorResponse) as refusal:
        api.get(ORDERS)
    assert refusal.value.code == "invalid_client"
    assert re.search(r"(89999|9000[01]) s ahead of this machine's", str(refusal.value))
    assert "set this machine's clock" in str(refusal.value)
    assert len(world.token_requests) == 1


def test_an_answer_from_a_cache_does_not_tell_the_time(world: World, api: Api) -> None:
    world.clock.advance(HOUR)
    world.server.headers["Age"] = "3"
    with pytest.raises(ErrorResponse) as refusal:
        api.get(ORDERS)
    assert refusal.value.code == "invalid_client"
    assert len(world.token_requests) == 1


def test_a_complaint_about_a_proof_whose_time_was_right_is_the_answer(world: World, api: Api) -> None:
    world.orders.instead(misbehaviour.challenge('DPoP error="invalid_dpop_proof"'))
    assert api.get(ORDERS).status_code == 401
    assert len(world.orders.requests) == 1


def test_a_proof_is_backdated_by_at_most_two_seconds(world: World, api: Api) -> None:
    api.get(ORDERS)
    for seen in (world.orders.requests[0], world.token_requests[0]):
        assert seen.proof
        assert 0 <= world.clock() - seen.proof["iat"] <= 3  # two, and the time this test takes
