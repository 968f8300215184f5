"""However many ask at once, one token request is made, and everybody gets its token or an error of their own."""

import asyncio
import threading
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest
import trio

from oauthclient import ErrorResponse
from oauthclient.testing import Response, misbehaviour
from tests.doors import Api, Door
from tests.world import ORDERS, STOCK, Machine, World

MANY = 50


def test_many_at_once_make_one_token_request(world: World, api: Api) -> None:
    world.network.delay = 0.01
    answers = api.get_together(MANY, ORDERS)
    assert [answer.status_code for answer in answers] == [200] * MANY
    assert [seen.endpoint for seen in world.server.requests] == ["metadata", "token"]


def test_many_at_expiry_make_one_token_request(world: World, api: Api, machine: Machine) -> None:
    api.get(ORDERS)
    machine.pass_time(301)
    world.network.delay = 0.01
    answers = api.get_together(MANY, ORDERS)
    assert [answer.status_code for answer in answers] == [200] * MANY
    assert len(world.token_requests) == 2


def test_threads_and_event_loops_of_all_kinds_share_one_token_request(world: World) -> None:
    world.network.delay = 0.05
    auth = world.auth()
    statuses: list[int] = []
    start = threading.Barrier(5)

    def in_a_thread() -> None:
        start.wait()
        with httpx.Client(auth=auth, transport=world.network.transport()) as client:
            statuses.append(client.get(ORDERS).status_code)

    async def in_tasks() -> None:
        start.wait()
        async with httpx2.AsyncClient(auth=auth, transport=world.network.transport2()) as client:
            answers = await asyncio.gather(*(client.get(ORDERS) for _ in range(10)))
            statuses.extend(answer.status_code for answer in answers)

    async def in_trio() -> None:
        start.wait()
        async with httpx.AsyncClient(auth=auth, transport=world.network.transport()) as client:
            statuses.append((await client.get(ORDERS)).status_code)

    _in_threads(
        in_a_thread,
        in_a_thread,
        lambda: asyncio.run(in_tasks()),
        lambda: asyncio.run(in_tasks()),
        lambda: trio.run(in_trio),
    )
    assert statuses == [200] * 23
    assert len(world.token_requests) == 1


def test_a_failure_is_told_to_all_who_waited_each_with_an_exception_of_their_own(world: World, api: Api) -> None:
    world.server.instead(misbehaviour.oauth_error("invalid_client", status=401), times=None)
    world.network.delay = 0.02
    failures = api.get_together(MANY, ORDERS)
    assert {type(failure) for failure in failures} == {ErrorResponse}
    assert len({id(failure) for failure in failures}) == MANY
    assert len(world.token_requests) == 1
    assert max(len(traceback.extract_tb(failure.__traceback__)) for failure in failures) < 30


def test_those_who_come_after_a_failure_get_it_too_for_a_while(world: World, api: Api, machine: Machine) -> None:
    world.server.instead(misbehaviour.html(500))
    for _ in range(5):
        with pytest.raises(Exception, match="HTTP status 500"):
            api.get(ORDERS)
    assert len(world.token_requests) == 1
    machine.pass_time(2)
    assert api.get(ORDERS).status_code == 200


def test_the_failure_of_one_resource_is_not_that_of_another(world: World, api: Api) -> None:
    world.server.instead(misbehaviour.html(500))
    with pytest.raises(Exception, match="HTTP status 500"):
        api.get(ORDERS)
    assert api.get(STOCK).status_code == 200


def test_a_cancelled_leader_of_asyncio_hurts_nobody(world: World) -> None:
    async def main() -> list[int]:
        async with httpx.AsyncClient(auth=world.auth(), transport=world.network.transport()) as client:
            leader = asyncio.create_task(client.get(ORDERS))
            await asyncio.to_thread(asked.wait)
            followers = [asyncio.create_task(client.get(ORDERS)) for _ in range(5)]
            await asyncio.sleep(0.02)
            leader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leader
            released.set()
            return [(await follower).status_code for follower in followers]

    asked, released = _hold_back(world)
    assert asyncio.run(main()) == [200] * 5
    assert len(world.token_requests) == 1


def test_a_cancelled_leader_of_trio_hurts_nobody(world: World) -> None:
    async def main() -> int:
        async with httpx2.AsyncClient(auth=world.auth(), transport=world.network.transport2()) as client:
            with trio.move_on_after(0.1) as leader:
                await client.get(ORDERS)
            assert leader.cancelled_caught
            released.set()
            status: int = (await client.get(ORDERS)).status_code
            return status

    _, released = _hold_back(world)
    assert trio.run(main) == 200
    assert len(world.token_requests) == 1


def test_a_token_that_arrives_after_everybody_left_is_kept(world: World) -> None:
    asked, released = _hold_back(world)
    auth = world.auth()

    async def main() -> None:
        async with httpx.AsyncClient(auth=auth, transport=world.network.transport()) as client:
            async with asyncio.timeout(0.1):
                await client.get(ORDERS)

    with pytest.raises(TimeoutError):
        asyncio.run(main())  # the loop is closed by the time the token arrives
    assert asked.is_set()
    released.set()
    assert Door("httpx").client(auth, world.network).get(ORDERS).status_code == 200
    assert len(world.token_requests) == 1


@pytest.mark.parametrize("challenge", ['DPoP error="invalid_token"', "DPoP", "Bearer"])
def test_an_api_that_rejects_every_token_makes_no_storm(world: World, machine: Machine, challenge: str) -> None:
    world.orders.instead(misbehaviour.challenge(challenge), times=None)
    world.server.lifetime = 10**6
    api = world.open(Door("httpx"))
    for _ in range(360):  # an hour, with a request every ten seconds
        machine.pass_time(10)
        assert api.get(ORDERS).status_code == 401
    # The first, then after 10, 20, 40, 80 and 160 s, then every five minutes.
    assert 12 <= len(world.token_requests) <= 17
    assert len(world.orders.requests) <= 360 + 17


def test_an_authorization_server_that_is_broken_meets_no_storm(world: World, machine: Machine) -> None:
    world.server.instead(misbehaviour.html(500), times=None)
    api = world.open(Door("httpx"))
    for _ in range(3600):  # an hour, with a request every second
        machine.pass_time(1)
        with pytest.raises(Exception, match="HTTP status 500"):
            api.get(ORDERS)
    # 1, 2, 4 ... s after the first, then once a minute, each up to a quarter earlier or later.
    assert 50 <= len(world.token_requests) <= 90


def test_an_authorization_server_is_left_alone_for_as_long_as_it_asks(world: World, machine: Machine) -> None:
    world.server.instead(misbehaviour.too_many_requests(300))
    api = world.open(Door("httpx"))
    for _ in range(29):
        with pytest.raises(Exception, match="429"):
            api.get(ORDERS)
        machine.pass_time(10)
    assert len(world.token_requests) == 1
    machine.pass_time(11)
    assert api.get(ORDERS).status_code == 200


def test_a_broken_discovery_meets_no_storm_either(world: World, machine: Machine) -> None:
    world.server.instead(misbehaviour.html(500), endpoint="metadata", times=None)
    api = world.open(Door("httpx"))
    for _ in range(600):
        machine.pass_time(1)
        with pytest.raises(Exception, match="HTTP status 500"):
            api.get(ORDERS)
    assert len(world.server.requests) <= 25


def _hold_back(world: World) -> tuple[threading.Event, threading.Event]:
    """The first token answer waits for the second event; the first says that it has been asked for."""
    asked, released = threading.Event(), threading.Event()

    def answer(response: Response) -> Response:
        asked.set()
        released.wait(5)
        return response

    world.server.amend(answer)
    return asked, released


def _in_threads(*functions: Callable[[], Any]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
