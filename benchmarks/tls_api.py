"""An API in a process of its own, over TLS, that asks for a client certificate and answers each request at once."""

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
def tls_api() -> Iterator[TLSAPI]:
    """It runs until its standard input ends, so that it outlives nobody."""
    with TemporaryDirectory() as folder:
        authority = trustme.CA()
        files = {name: str(Path(folder, f"{name}.pem")) for name in ("ca", "server", "client")}
        authority.cert_pem.write_to_path(files["ca"])
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(files["server"])
        authority.issue_cert("client.example.com").private_key_and_cert_chain_pem.write_to_path(files["client"])
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.tls_api", files["ca"], files["server"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise AssertionError("Both are pipes.")
            url = f"https://127.0.0.1:{process.stdout.readline().strip()}/orders"
            yield TLSAPI(url, files["ca"], files["client"])
            process.stdin.close()


class _Connection(asyncio.Protocol):
    """One keep-alive connection; a request is whatever ends with an empty line."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError("A TLS transport can write.")
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            self._received = b""
            self._transport.write(_ANSWER)


async def _serve(ca: str, certificate: str) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    tls.load_cert_chain(certificate)
    tls.verify_mode = ssl.CERT_REQUIRED
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
