"""The network behaves like one: for both families, sync and async, with bodies that are read and sent once."""

from __future__ import annotations

import asyncio
import time

import httpx
import httpx2
import pytest
import trio

from oauthclient.testing import NO_ANSWER, Bystander, Cut, Network, Pause, ProtectedAPI, Response
from oauthclient.testing import misbehaviour as wrong

SITE = "https://site.example"
FAMILIES = pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])


@pytest.fixture
def site():
    return Bystander(SITE)


@pytest.fixture
def network(site):
    return Network(site)


def transport(family, network):
    return network.transport() if family is httpx else network.transport2()


@FAMILIES
def test_a_sync_client_reaches_the_hosts(family, network, site):
    with family.Client(transport=transport(family, network)) as client:
        response = client.get(f"{SITE}/a?b=c", headers={"X-Test": "1"})
    assert response.json() == {"method": "GET", "url": f"{SITE}/a?b=c"}
    assert response.headers["content-length"] == str(len(response.content))
    assert site.requests[0].request.header("x-test") == "1"


@FAMILIES
@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_an_async_client_reaches_the_hosts(family, run, network):
    network.delay = 0.001

    async def main():
        async with family.AsyncClient(transport=transport(family, network)) as client:
            return await asyncio_free(client)

    async def asyncio_free(client):
        async def body():
            yield b"one"
            yield b"two"

        response = await client.post(f"{SITE}/a", content=body())
        return response.status_code

    if run is asyncio.run:
        assert asyncio.run(main()) == 200
    else:
        assert trio.run(main) == 200
    assert network.hosts[0].requests[0].request.body == b"onetwo"


@FAMILIES
def test_the_longest_prefix_wins(family, world):
    special = ProtectedAPI(world.server, "https://api.example.com/orders/special")
    world.network.hosts.append(special)
    world.network.hosts.append(Bystander("https://api.example.com"))
    with family.Client(transport=transport(family, world.network)) as client:
        client.get("https://api.example.com/orders/special/1")
        client.get("https://api.example.com/orders/specials")
        client.get("https://api.example.com/ordersX")
    assert len(special.requests) == len(world.orders.requests) == 1
    assert len(world.network.hosts[-1].requests) == 1


@FAMILIES
def test_an_issuer_without_path_leaves_its_origin_to_others(family, world):
    api = ProtectedAPI(world.server, "https://as.example.com/api")
    network = Network(world.server, api)
    with family.Client(transport=transport(family, network)) as client:
        assert client.get("https://as.example.com/api/1").status_code == 401
        assert client.get("https://as.example.com/other").status_code == 404
        assert client.get(world.server.jwks_uri).json() == world.server.keys.jwks


@FAMILIES
def test_a_host_that_is_not_there_cannot_be_connected_to(family, network):
    with family.Client(transport=transport(family, network)) as client, pytest.raises(family.ConnectError):
        client.get("https://nowhere.example")


@FAMILIES
def test_a_generator_body_that_was_sent_is_consumed(family, network):
    body = (piece for piece in [b"one", b"two"])
    with family.Client(transport=transport(family, network)) as client:
        request = client.build_request("POST", SITE, content=body)
        client.send(request)
        with pytest.raises(family.StreamConsumed):
            client.send(request)


@FAMILIES
def test_a_response_is_read_by_nobody_but_the_client(family, site, network):
    sent = []

    def body():
        for number in range(3):
            sent.append(number)
            yield b"%d" % number

    site.instead(lambda _request: Response(200, body=body()))
    with (
        family.Client(transport=transport(family, network)) as client,
        client.stream("GET", SITE) as response,
    ):
        assert sent == []
        pieces = response.iter_raw()
        assert (next(pieces), sent) == (b"0", [0])
        assert list(pieces) == [b"1", b"2"]


@FAMILIES
def test_an_answer_that_never_comes_breaks_the_connection(family, site, network):
    site.instead(NO_ANSWER)
    with family.Client(transport=transport(family, network)) as client, pytest.raises(family.RemoteProtocolError):
        client.get(SITE)


@FAMILIES
def test_a_body_may_break_off(family, site, network):
    site.instead(Response(200, body=(b"half", Cut())), times=2)
    with family.Client(transport=transport(family, network)) as client, pytest.raises(family.RemoteProtocolError):
        client.get(SITE)

    async def main():
        async with family.AsyncClient(transport=transport(family, network)) as client:
            await client.get(SITE)

    with pytest.raises(family.RemoteProtocolError):
        asyncio.run(main())


@FAMILIES
def test_what_takes_longer_than_the_read_timeout_is_one(family, site, network):
    site.amend(wrong.slow(60), times=2)
    site.instead(Response(200, body=(b"a", Pause(60))))
    began = time.monotonic()
    with family.Client(transport=transport(family, network), timeout=0.01) as client:
        for _ in range(2):
            with pytest.raises(family.ReadTimeout):
                client.get(SITE)

    async def main():
        async with family.AsyncClient(transport=transport(family, network), timeout=0.01) as client:
            await client.get(SITE)

    with pytest.raises(family.ReadTimeout):
        asyncio.run(main())
    assert time.monotonic() - began < 10


@FAMILIES
def test_a_pause_keeps_what_comes_after_it(family, site, network):
    body = (b"a", Pause(0.001), b"b")
    site.instead(Response(200, body=body), times=2)
    with family.Client(transport=transport(family, network)) as client:
        assert client.get(SITE).content == b"ab"

    async def main():
        async with family.AsyncClient(transport=transport(family, network)) as client:
            return (await client.get(SITE)).content

    assert asyncio.run(main()) == b"ab"


@FAMILIES
def test_requests_that_wait_do_not_hold_each_other_up(family, site, network):
    """With a delay that would time out in sum, fifty at once come back: they waited side by side."""
    network.delay = 0.2

    async def main():
        async with family.AsyncClient(transport=transport(family, network)) as client:
            async with asyncio.timeout(5):
                await asyncio.gather(*(client.get(SITE) for _ in range(50)))

    asyncio.run(main())
    assert len(site.requests) == 50


@FAMILIES
@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_body_has_none(family, site, network, status):
    site.instead(Response(status, body=b"not sent"))
    with family.Client(transport=transport(family, network)) as client:
        response = client.get(SITE)
        assert (response.content, "content-length" in response.headers) == (b"", False)
        response = client.head(SITE)
        assert (response.content, int(response.headers["content-length"]) > 0) == (b"", True)


@FAMILIES
def test_the_transport_is_of_its_family(family, network):
    made = transport(family, network)
    assert isinstance(made, family.BaseTransport)
    assert isinstance(made, family.AsyncBaseTransport)
