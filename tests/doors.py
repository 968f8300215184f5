"""The user's client in each of its kinds — httpx and httpx2; threads, asyncio and trio — driven in the same words."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import httpx2
import trio

from oauthclient import Auth, attach
from oauthclient.testing import Network

KINDS = ("httpx", "httpx asyncio", "httpx trio", "httpx2", "httpx2 asyncio", "httpx2 trio")


class Door:
    """One kind of client, and the loop it runs in. An async client gets a new loop for every call."""

    def __init__(self, kind: str) -> None:
        family, _, self.loop = kind.partition(" ")
        self.family: Any = {"httpx": httpx, "httpx2": httpx2}[family]

    def client(self, auth: Auth | None, network: Network, *, attached: bool = False, **options: Any) -> "Api":
        """A client over `network`; with `attached`, redirected hops are signed too."""
        transport = network.transport() if self.family is httpx else network.transport2()
        make = self.family.AsyncClient if self.loop else self.family.Client
        client = make(transport=transport, **({} if attached else {"auth": auth}), **options)
        return Api(self, attach(client, auth) if attached and auth else client)

    def run(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """What `function` returns, awaited if this kind is async."""
        if not self.loop:
            return function(*arguments, **options)

        async def main() -> Any:
            return await function(*arguments, **options)

        return asyncio.run(main()) if self.loop == "asyncio" else trio.run(main)

    def together(self, count: int, function: Callable[[], Any]) -> list[Any]:
        """The results, or the exceptions, of `count` calls at the same time."""
        if not self.loop:
            with ThreadPoolExecutor(count) as pool:
                return list(pool.map(lambda _: _outcome(function), range(count)))
        outcomes: list[Any] = []

        async def one() -> None:
            outcomes.append(await _outcome_async(function))

        async def all_of_them() -> None:
            if self.loop == "trio":
                async with trio.open_nursery() as nursery:
                    for _ in range(count):
                        nursery.start_soon(one)
            else:
                await asyncio.gather(*(one() for _ in range(count)))

        self.run(all_of_them)
        return outcomes

    def generator(self, *pieces: bytes) -> Iterator[bytes] | AsyncIterator[bytes]:
        """A body that can be read once."""

        async def produce() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        return produce() if self.loop else (piece for piece in pieces)


class Api:
    """A client of one kind; its methods are those of an httpx.Client, whatever it is."""

    def __init__(self, door: Door, client: Any) -> None:
        self.door = door
        self.client = client

    def request(self, method: str, url: str, **options: Any) -> Any:
        return self.door.run(self.client.request, method, url, **options)

    def get(self, url: str, **options: Any) -> Any:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> Any:
        return self.request("POST", url, **options)

    def build(self, method: str, url: str, **options: Any) -> Any:
        return self.client.build_request(method, url, **options)

    def send(self, request: Any, **options: Any) -> Any:
        return self.door.run(self.client.send, request, **options)

    def get_together(self, count: int, url: str) -> list[Any]:
        """The answers, or the exceptions, of `count` requests at the same time."""
        return self.door.together(count, lambda: self.client.get(url))

    def lines(self, url: str) -> list[tuple[float, str]]:
        """The lines of a streamed answer, each with the seconds after which it came."""
        began = time.monotonic()
        came: list[tuple[float, str]] = []

        def read() -> None:
            with self.client.stream("GET", url) as response:
                came.extend((time.monotonic() - began, line) for line in response.iter_lines())

        async def read_async() -> None:
            async with self.client.stream("GET", url) as response:
                came.extend([(time.monotonic() - began, line) async for line in response.aiter_lines()])

        self.door.run(read_async if self.door.loop else read)
        return came


def _outcome(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except Exception as error:  # noqa: BLE001  # it is what the test looks at
        return error


async def _outcome_async(function: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await function()
    except Exception as error:  # noqa: BLE001  # it is what the test looks at
        return error
