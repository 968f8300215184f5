"""An API in a process of its own that answers each request after 20 ms, however many there are at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSWERS_AFTER = 0.020  # seconds
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def slow_api() -> Iterator[str]:
    """Its URL on loopback. It ends with its standard input, so that it outlives nobody."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.slow_api"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("Both are pipes.")
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/orders"
        process.stdin.close()


class _Connection(asyncio.Protocol):
    """One keep-alive connection; a request is whatever ends with an empty line."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError("A TCP transport can write.")
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            self._received = b""
            asyncio.get_running_loop().call_later(_ANSWERS_AFTER, self._transport.write, _ANSWER)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
