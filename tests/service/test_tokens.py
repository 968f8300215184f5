"""Tokens: opaque, kept by their slot, replaced in time without anybody waiting for it (RFC 6749, 5.1)."""

import threading
from typing import Any

import pytest

from oauthclient import OAuthError, Resource
from oauthclient.testing import NO_ANSWER, Response, misbehaviour
from oauthclient.testing.misbehaviour import OMIT
from tests.doors import Api, Door
from tests.world import ORDERS, STOCK, Machine, World


@pytest.mark.parametrize("form", ["jwt", "reference", "paseto"])
def test_tokens_of_every_form_are_carried_alike(world: World, api: Api, form: Any) -> None:
    world.server.tokens.format = form
    assert [api.get(url).status_code for url in (ORDERS, STOCK)] == [200, 200]
    assert world.orders.requests[0].access_token == world.server.tokens.issued[0].access_token


def test_a_token_is_replaced_when_it_has_expired(world: World, api: Api, machine: Machine) -> None:
    assert api.get(ORDERS).status_code == 200
    machine.pass_time(301)
    assert api.get(ORDERS).status_code == 200
    assert len(world.token_requests) == 2
    assert {seen.status for seen in world.orders.requests} == {200}


def test_a_token_is_not_presented_in_its_last_seconds(world: World, api: Api, machine: Machine) -> None:
    api.get(ORDERS)
    machine.pass_time(295)
    api.get(ORDERS)
    assert world.orders.requests[0].access_token != world.orders.requests[1].access_token


def test_a_token_that_grows_old_is_replaced_while_requests_go_on_with_it(
    world: World, api: Api, machine: Machine
) -> None:
    api.get(ORDERS)
    machine.pass_time(275)
    released = threading.Event()
    landed = _hold_back(world, released)
    for _ in range(3):
        assert api.get(ORDERS).status_code == 200
    assert len({seen.access_token for seen in world.orders.requests}) == 1
    released.set()
    assert landed.wait(5)
    _until(lambda: api.get(ORDERS) and len({seen.access_token for seen in world.orders.requests}) == 2)
    assert len(world.token_requests) == 2


def test_a_failed_early_renewal_is_not_tried_again_on_each_request(world: World, api: Api, machine: Machine) -> None:
    api.get(ORDERS)
    machine.pass_time(275)
    world.server.instead(misbehaviour.html(503), times=None)
    api.get(ORDERS)
    _until(lambda: len(world.token_requests) == 2)
    assert [api.get(ORDERS).status_code for _ in range(10)] == [200] * 10
    assert len(world.token_requests) == 2
    machine.pass_time(3)
    api.get(ORDERS)
    _until(lambda: len(world.token_requests) == 3)


@pytest.mark.parametrize("expires_in", [300, 300.5, "300"], ids=repr)
def test_a_lifetime_may_be_a_number_or_digits(world: World, api: Api, machine: Machine, expires_in: object) -> None:
    world.server.amend(misbehaviour.members(expires_in=expires_in))
    for _ in range(2):
        api.get(ORDERS)
    assert len(world.token_requests) == 1
    machine.pass_time(301)
    api.get(ORDERS)
    assert len(world.token_requests) == 2


@pytest.mark.parametrize("expires_in", [OMIT, None])
def test_without_a_lifetime_a_token_serves_until_a_401(
    world: World, api: Api, machine: Machine, expires_in: object
) -> None:
    world.server.lifetime = 10**6
    world.server.amend(misbehaviour.members(expires_in=expires_in))
    api.get(ORDERS)
    machine.pass_time(3600)
    api.get(ORDERS)
    assert len(world.token_requests) == 1
    world.server.tokens.revoke()
    assert api.get(ORDERS).status_code == 200
    assert len(world.token_requests) == 2


@pytest.mark.parametrize("expires_in", [0, -5, "0"], ids=repr)
def test_a_token_without_a_future_is_used_once(world: World, api: Api, expires_in: object) -> None:
    world.server.amend(misbehaviour.members(expires_in=expires_in), times=None)
    assert [api.get(ORDERS).status_code for _ in range(2)] == [200, 200]
    assert len(world.token_requests) == 2


@pytest.mark.parametrize("expires_in", [True, "soon", [300], "1e9", float("nan")])
def test_a_lifetime_that_is_none_is_refused(world: World, api: Api, expires_in: object) -> None:
    world.server.amend(misbehaviour.members(expires_in=expires_in))
    with pytest.raises(OAuthError):
        api.get(ORDERS)


def test_auth_objects_of_one_client_share_tokens_and_those_of_several_do_not(world: World, door: Door) -> None:
    oauth = world.oauth()
    for auth in (oauth.client_credentials(Resource(ORDERS)), oauth.client_credentials(Resource(ORDERS))):
        door.client(auth, world.network).get(ORDERS)
    assert len(world.token_requests) == 1
    door.client(world.oauth().client_credentials(Resource(ORDERS)), world.network).get(ORDERS)
    assert len(world.token_requests) == 2
    assert world.server.tokens.issued[0].jkt != world.server.tokens.issued[1].jkt


def test_a_closed_client_keeps_its_tokens_and_connects_again(world: World, door: Door, machine: Machine) -> None:
    with world.oauth() as oauth:
        api = door.client(oauth.client_credentials(Resource(ORDERS)), world.network)
        api.get(ORDERS)
    assert api.get(ORDERS).status_code == 200
    machine.pass_time(301)
    assert api.get(ORDERS).status_code == 200
    assert len(world.token_requests) == 2


def test_a_lost_answer_is_an_error_and_the_next_try_brings_a_token(world: World, api: Api, machine: Machine) -> None:
    world.server.instead(NO_ANSWER)
    with pytest.raises(OAuthError):
        api.get(ORDERS)
    machine.pass_time(2)
    assert api.get(ORDERS).status_code == 200


def _hold_back(world: World, released: threading.Event) -> threading.Event:
    """Let the next token request hang until `released`; the event returned says that it has been answered."""
    answered = threading.Event()

    def answer(response: Response) -> Response:
        released.wait(5)
        answered.set()
        return response

    world.server.amend(answer)
    return answered


def _until(condition: Any) -> None:
    deadline = threading.Event()
    for _ in range(500):
        if condition():
            return
        deadline.wait(0.01)
    raise AssertionError("It did not come true within five seconds.")
