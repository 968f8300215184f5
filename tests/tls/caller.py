"""The clients of both families, sync and async, in the same words: scenarios await whatever there is to await."""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any, Self

import trio

from tests.doors import Door

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from oauthclient import ClientCertificate
    from tests.tls.place import Place


class Caller:
    """A client of one kind (tests/doors.py) that presents a certificate, and trusts the servers of the place."""

    def __init__(self, kind: str, place: Place, certificate: ClientCertificate, **settings: Any) -> None:
        self.door = Door(kind)
        usual = {"verify": str(place.ca), "trust_env": False, "timeout": 5.0}
        family = self.door.family
        self.client: Any = certificate.client(
            family.AsyncClient if self.door.loop else family.Client, **(usual | settings)
        )
        self.pools = self.client._transport._pools

    async def get(self, url: str, **options: Any) -> Any:
        return await here(self.client.get(url, **options))

    async def begin(self, url: str) -> Any:
        """An answer whose body has not been read."""
        return await here(self.client.send(self.client.build_request("GET", url), stream=True))

    async def end(self, answer: Any) -> bytes:
        """Read it."""
        body: bytes = await here(answer.aread() if self.door.loop else answer.read())
        return body

    async def close(self) -> None:
        await here(self.client.aclose() if self.door.loop else self.client.close())

    @property
    def users(self) -> int:
        """How many answers are being waited for, or read."""
        return sum(pool.users for pool in self.pools._pools.values())


async def here(what: Any) -> Any:
    return await what if inspect.isawaitable(what) else what


def play(kind: str, scenario: Callable[[], Awaitable[Any]]) -> Any:
    """Run a scenario, in trio for clients in trio, else in asyncio."""
    if kind.endswith("trio"):
        return trio.run(scenario)

    async def main() -> Any:
        return await scenario()

    return asyncio.run(main())


class ConnectProxy:
    """An HTTP proxy that makes tunnels (RFC 9110, section 9.3.6). `targets`: where to, in their order."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        proxy = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                proxy._serve(self.request)

        ThreadingTCPServer.daemon_threads = True
        self._server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        target = head.split()[1].decode()
        self.targets.append(target)
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with ThreadPoolExecutor(2) as both:
                both.submit(_pump, client, server)
                both.submit(_pump, server, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
    except OSError:
        return
    finally:
        for end in (source, sink):
            try:
                end.shutdown(2)
            except OSError:
                continue
