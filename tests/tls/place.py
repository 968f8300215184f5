"""Where certificates are renewed: their files, the authorities of both sides, and servers on loopback."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import trustme

from oauthclient import ClientCertificate
from oauthclient.jose.certificate import Certificate
from oauthclient.testing import Bystander, LoopbackPort, Network, Response
from tests.real.certificates import DAY, HOUR, Authority, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE = 10.0  # seconds for what happens on another thread


class Issued:
    """A chain and its key, PEM."""

    def __init__(self, chain: bytes, key: bytes) -> None:
        self.chain, self.key = chain, key
        self.x5t_s256 = Certificate.from_pem(chain, key).x5t_s256


class Place:
    """An authority for servers, one for clients with an intermediate, and a folder with a client's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = trustme.CA()
        self._served = self.servers.issue_cert("127.0.0.1")
        self.ca = folder / "ca.pem"
        self.servers.cert_pem.write_to_path(str(self.ca))
        self.clients = Authority()
        self.cert, self.key = folder / "client.pem", folder / "client-key.pem"

    def issue(self, name: str = "service", *, starts: float = -HOUR, lifetime: float = DAY) -> Issued:
        return Issued(*self.clients.certify(Subject.called(name), starts=starts, lifetime=lifetime))

    def put(self, issued: Issued | None = None) -> Issued:
        """Write a new certificate, or that one, as one should: each file replaced in one step."""
        issued = issued or self.issue()
        for path, text in ((self.cert, issued.chain), (self.key, issued.key)):
            replace(path, text)
        return issued

    def certificate(self, **settings: Any) -> ClientCertificate:
        return ClientCertificate.from_files(self.cert, self.key, **({"check_every": 0} | settings))

    def serving(
        self, verify_mode: ssl.VerifyMode = ssl.CERT_OPTIONAL, version: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        """The context of a server that asks for a certificate, or does not."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._served.configure_cert(context)
        context.load_verify_locations(cadata=self.clients.pem.decode())
        context.verify_mode = verify_mode
        if version is not None:
            context.maximum_version = version
        return context

    @contextmanager
    def site(self, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
        with LoopbackPort(tls=tls or self.serving()) as port:
            yield Site(port)


class Site(Bystander):
    """A site behind a TLS port, that answers whatever comes."""

    def __init__(self, port: LoopbackPort) -> None:
        super().__init__(port.url)
        self._port = port
        self.url = port.url
        port.serve(Network(self))

    @property
    def seen(self) -> list[str | None]:
        """The certificate of each request, oldest first."""
        return [exchange.x5t_s256 for exchange in self.requests]

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._port._server.connections)

    def hold(self, until: threading.Event, body: bytes = b"the end") -> None:
        """Let the next answer begin at once, and end when that event is set."""

        class Body:
            def __iter__(self) -> Iterator[bytes]:
                yield b"the beginning, "
                assert until.wait(PATIENCE)
                yield body

        self.instead(Response(200, body=Body()))


@contextmanager
def refusing(tls: ssl.SSLContext, *, rudely: bool = False) -> Iterator[str]:
    """The URL of a server whose handshakes fail; `rudely`, it resets the connection before its alert can be read."""

    def refuse(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            secure = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            with suppress(ssl.SSLError):
                secure.do_handshake()
            if rudely:
                secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                socket.socket.shutdown(secure, socket.SHUT_WR)
                while socket.socket.recv(secure, 4096):
                    pass
            secure.close()

    def serve() -> None:
        with ThreadPoolExecutor(4) as pool, suppress(OSError):
            while True:
                pool.submit(refuse, listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def replace(path: Path, text: bytes) -> None:
    """Write a file in one step."""
    new = path.with_suffix(".new")
    new.write_bytes(text)
    os.replace(new, path)  # noqa: PTH105  # the word for it


def soon(condition: Callable[[], object]) -> bool:
    """Whether it becomes true, within some seconds."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


def renewed(certificate: ClientCertificate, issued: Issued) -> bool:
    """Whether that one comes into use, while somebody asks for the current one."""
    return soon(lambda: certificate.current().x5t_s256 == issued.x5t_s256)


def settled(certificate: ClientCertificate) -> bool:
    """Whether the files that are there now have been looked at, and nobody is looking at them."""
    certificate.current()
    return soon(lambda: not certificate._looking)
