"""An API in a process of its own, with or without TLS, that answers after as long as it is told, whoever asks."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class TLSAPI(NamedTuple):
    """Where it is, and the PEM files of its CA and of a client's certificate and key."""

    url: str
    ca: str
    certificate: str


@contextmanager
def slow_api() -> Iterator[str]:
    """The URL of one that answers each request after 20 ms, however many there are at once."""
    with _process("0.020") as port:
        yield f"http://127.0.0.1:{port}/orders"


@contextmanager
def tls_api() -> Iterator[TLSAPI]:
    """One that wants a client certificate, and answers at once."""
    with TemporaryDirectory() as folder:
        authority = trustme.CA()
        files = {name: str(Path(folder, f"{name}.pem")) for name in ("ca", "server", "client")}
        authority.cert_pem.write_to_path(files["ca"])
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(files["server"])
        authority.issue_cert("client.example.com").private_key_and_cert_chain_pem.write_to_path(files["client"])
        with _process("0", files["ca"], files["server"]) as port:
            yield TLSAPI(f"https://127.0.0.1:{port}/orders", files["ca"], files["client"])


@contextmanager
def _process(*arguments: str) -> Iterator[str]:
    """Its port. It ends with its standard input, so that it outlives nobody."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.api", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("Both are pipes.")
        yield process.stdout.readline().strip()
        process.stdin.close()


class _Connection(asyncio.Protocol):
    """One keep-alive connection; a request is whatever ends with an empty line."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError("A stream's transport can write.")
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            self._received = b""
            if self._seconds:
                asyncio.get_running_loop().call_later(self._seconds, self._transport.write, _ANSWER)
            else:
                self._transport.write(_ANSWER)


def _tls(ca: str, certificate: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    context.load_cert_chain(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _serve(seconds: str, *files: str) -> None:
    loop = asyncio.get_running_loop()
    tls = _tls(*files) if files else None
    server = await loop.create_server(lambda: _Connection(float(seconds)), "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
