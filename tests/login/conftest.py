"""A listener on a real port, and browsers as bare sockets."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oauthclient.login.listener import CallbackRequest, Listener
from oauthclient.login.redirect import RedirectTarget
from tests.browser import find_chromium
from tests.components import ComponentMissing, missing

PATH = "/callback/hPhi4surPQF"
OURS = f"{PATH}?code=c0de&state=ours"


class Login:
    """A login under way whose state is "ours": what comes of it is the code, or what `finish` makes of the answer."""

    def __init__(self, listener: Listener, *, timeout: float = 20) -> None:
        self.listener = listener
        self.port = urlsplit(listener.redirect_uri).port
        self.timeout = timeout
        self.finish: Callable[[CallbackRequest], Any] = lambda callback: parameters(callback)["code"][0]
        self.seen: list[CallbackRequest] = []
        self.outcome: Any = None
        self._thread = threading.Thread(target=self._work)

    def accept(self, callback: CallbackRequest) -> Callable[[], Any] | None:
        self.seen.append(callback)
        return (lambda: self.finish(callback)) if parameters(callback).get("state") == ["ours"] else None

    def _work(self) -> None:
        try:
            self.outcome = self.listener.wait(self.accept, timeout=self.timeout)
        except BaseException as error:  # noqa: BLE001  # the outcome to look at
            self.outcome = error

    def start(self) -> None:
        self._thread.start()

    def end(self) -> Any:
        """The value that came of it, or what was raised."""
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.outcome

    def connect(self, address: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection((address, self.port), timeout=10)

    def ask(self, request: bytes, *, address: str = "127.0.0.1") -> bytes:
        """The whole answer to `request`, where `PORT` stands for the port."""
        with self.connect(address) as connection:
            connection.sendall(request.replace(b"PORT", str(self.port).encode()))
            return everything(connection)

    def tab(self, target: str) -> socket.socket:
        """A connection on which `target` has been asked for."""
        connection = self.connect()
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
        return connection

    def get(self, target: str, *, host: str = "127.0.0.1:PORT", address: str = "127.0.0.1") -> bytes:
        """The answer to a GET, after a redirect, as a browser takes it."""
        answer = self.ask(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), address=address)
        moved = re.search(rb"\r\nLocation: ([^\r]+)\r\n", answer)
        return self.get(moved[1].decode(), host=host, address=address) if moved else answer


def parameters(callback: CallbackRequest) -> dict[str, list[str]]:
    return parse_qs(urlsplit(callback.url.reveal()).query, keep_blank_values=True)


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip here and not in the fixture: so pytest folds the skips of all tests into one line."""
    if "chromium" in getattr(item, "fixturenames", ()):
        try:
            find_chromium()
        except ComponentMissing as gap:
            missing(gap)


@pytest.fixture
def login() -> Iterator[Login]:
    with Listener(RedirectTarget(PATH), app="Acme CLI") as listener:
        login = Login(listener)
        login.start()
        yield login
        listener.close()
        login.end()
