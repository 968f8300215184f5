"""Answers are handed over as they come: nothing is read before the user reads it, nothing waits for anything else."""

import asyncio
import threading
import time
from typing import Any

import httpx
import httpx2

from oauthclient import ClientSecretPost, InvalidResponse, OAuthClient, Resource
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI, Response
from tests.doors import Api, Door
from tests.world import ORDERS, STOCK, World


def test_server_sent_events_arrive_one_by_one(world: World, api: Api) -> None:
    world.orders.nonces.mode = "required"
    lines = api.lines(f"{ORDERS}/events?count=3&pause=0.15")
    times = [seconds for seconds, line in lines if line.startswith("data:")]
    assert len(times) == 3
    assert times[1] - times[0] > 0.1
    assert times[2] - times[0] > 0.25


def test_an_answer_that_is_not_repeated_is_not_read(world: World, api: Api) -> None:
    def untouched() -> Any:
        raise AssertionError("The body was read.")
        yield b""

    class Untouched:
        __iter__ = staticmethod(untouched)

    challenge = (("WWW-Authenticate", 'DPoP error="insufficient_scope"'),)
    world.orders.instead(Response(401, challenge, Untouched()))
    answer = api.send(api.build("GET", ORDERS), stream=True)
    assert answer.status_code == 401
    assert not answer.is_stream_consumed


def test_a_stream_that_is_open_holds_up_no_other_request(world: World, door: Door) -> None:
    api = world.open(door)

    def both() -> list[int]:
        with api.client.stream("GET", f"{ORDERS}/events?count=2&pause=0") as first:
            second = api.client.get(ORDERS)
            return [first.status_code, second.status_code]

    async def both_async() -> list[int]:
        async with api.client.stream("GET", f"{ORDERS}/events?count=2&pause=0") as first:
            second = await api.client.get(ORDERS)
            return [first.status_code, second.status_code]

    assert door.run(both_async if door.loop else both) == [200, 200]
    assert len(world.token_requests) == 1


def test_a_token_request_holds_up_no_request_of_another_resource(world: World, door: Door) -> None:
    """The authorization server hangs over one token; the token of the other resource is at hand."""
    api = world.open(door)
    assert api.get(STOCK).status_code == 200
    released = threading.Event()
    world.server.instead(lambda _: (released.wait(5), Response(503))[1])

    def stock() -> int:
        status: int = api.client.get(STOCK).status_code
        released.set()
        return status

    async def stock_async() -> int:
        status: int = (await api.client.get(STOCK)).status_code
        released.set()
        return status

    calls = iter([lambda: api.client.get(ORDERS), stock_async if door.loop else stock])

    def one() -> Any:
        return next(calls)()

    results = door.together(2, one)
    assert 200 in results
    assert [result.code for result in results if isinstance(result, InvalidResponse)] == ["unexpected_status"]


def test_over_sockets_events_arrive_before_the_answer_ends() -> None:
    """HTTP/1.1 on a loopback port, with the chunks that a socket brings."""
    with LoopbackPort() as port:
        server = AuthorizationServer(f"{port.url}/as")
        api = ProtectedAPI(server, f"{port.url}/orders")
        server.register("svc", secret="s" * 40, method="client_secret_post")
        port.serve(Network(server, api))
        oauth = OAuthClient(
            f"{port.url}/as", client_id="svc", authentication=ClientSecretPost("s" * 40), insecure_loopback=True
        )
        auth = oauth.client_credentials(Resource(f"{port.url}/orders"))
        url = f"{port.url}/orders/events?count=2&pause=30"

        async def first_line(family: Any) -> str:
            async with family.AsyncClient(auth=auth) as client, client.stream("GET", url) as response:
                async for line in response.aiter_lines():
                    return str(line)
            return ""

        for family in (httpx, httpx2):
            with family.Client(auth=auth) as client, client.stream("GET", url) as response:
                assert next(response.iter_lines()) == "id: 1"
            assert asyncio.run(first_line(family)) == "id: 1"
        oauth.close()


def test_requests_at_the_same_time_are_not_serialised(world: World, door: Door) -> None:
    count = 20
    api = world.open(door)
    api.get(ORDERS)
    world.network.delay = 0.1
    began = time.monotonic()
    answers = api.get_together(count, ORDERS)
    assert time.monotonic() - began < 0.1 * count / 2
    assert {answer.status_code for answer in answers} == {200}
