"""A house to log in from: a server with two APIs on a loopback port, an app, and a person with a browser."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from re import search
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
import trio

from oauthclient import NativeApp, Resource, Session, Vault, time
from oauthclient.login.redirect import redirect_path
from oauthclient.testing import AuthorizationServer, Clock, Exchange, LoopbackPort, Network, ProtectedAPI, Response
from oauthclient.testing.pages import read_form

STORAGE_KEY = b"k" * 32
LOOPS = ("threads", "asyncio", "trio")


class Person:
    """Who uses the app: reads what it tells, and opens the URLs in it.

    `read`: all that was told. `pages`: what the browser ended on, status and text. `open`: what becomes of a URL, in
    place of visiting it. `cookies`: those of the browser: `subject` and `refusal` are the embedded server's.
    """

    def __init__(self, server: AuthorizationServer) -> None:
        self.server = server
        self.read: list[str] = []
        self.pages: list[tuple[int, str]] = []
        self.cookies: dict[str, str] = {}
        self.open: Callable[[str], object] = self.visit
        self._threads: list[threading.Thread] = []

    def tell(self, text: str) -> None:
        """What the app calls."""
        self.read.append(text)
        url = search(r"http\S+", text)
        if url:
            self.later(lambda: self.open(url[0]))

    def later(self, act: Callable[[], object]) -> None:
        """Do something while the app waits."""
        thread = threading.Thread(target=act, name="person")
        self._threads.append(thread)
        thread.start()

    def visit(self, url: str) -> httpx.Response:
        """Open a URL, follow it, and submit what submits itself."""
        with httpx.Client(cookies=self.cookies, follow_redirects=True, trust_env=False, timeout=20) as browser:
            page = browser.get(url)
            form = read_form(Response(page.status_code, (("Content-Type", "text/html"),), page.content))
            if form is not None:
                page = browser.post(form.action, data=dict(form.fields))
        self.pages.append((page.status_code, page.text))
        return page

    def callback(self, url: str, **changes: Any) -> str:
        """The callback URL that an authorization request leads to, which is not opened."""
        return self.server.person.approve(url, **changes)

    def leave(self) -> None:
        """Wait until all that was begun is done."""
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()


class House:
    """Everything above. `folder`: where the app keeps its sealed files."""

    def __init__(self, port: LoopbackPort, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.port = port
        self.folder = folder
        self.issuer = f"{port.url}/as"
        self.clock = Clock()
        self._passed = 0.0
        wall, steady = time.wall, time.steady
        patch.setattr(time, "wall", lambda: wall() + self._passed)
        patch.setattr(time, "steady", lambda: steady() + self._passed)
        self.server = AuthorizationServer(self.issuer, now=self.clock)
        self.orders = ProtectedAPI(self.server, f"{port.url}/orders", scope="read write")
        self.stock = ProtectedAPI(self.server, f"{port.url}/stock", scope="move")
        self.network = Network(self.server, self.orders, self.stock)
        port.serve(self.network)
        self.person = Person(self.server)
        self.apps: list[NativeApp] = []

    def pass_time(self, seconds: float) -> None:
        """Let time go by, here and at the servers."""
        self._passed += seconds
        self.clock.advance(seconds)

    def vault(self) -> Vault:
        """The vault, as another process would open it."""
        return Vault.file(self.folder, key=STORAGE_KEY)

    def resources(self) -> list[Resource]:
        return [Resource(self.orders.url, scope="read"), Resource(self.stock.url, scope="move")]

    def app(self, **settings: Any) -> NativeApp:
        """The app, as another process would make it. It registers itself unless it is told its `client_id`."""
        usual: dict[str, Any] = {"name": "Acme CLI", "insecure_loopback": True, "timeout": 5.0}
        usual |= {"resources": self.resources(), "vault": self.vault()}
        app = NativeApp(settings.pop("issuer", self.issuer), **(usual | settings))
        self.apps.append(app)
        return app

    def known(self, client_id: str = "acme", **registered: Any) -> str:
        """Register a client by hand."""
        registered.setdefault("redirect_uris", [f"http://127.0.0.1{redirect_path(self.issuer)}"])
        self.server.register(client_id, **registered)
        return client_id

    def login(self, app: NativeApp | None = None, **how: Any) -> Session:
        """A login in the person's browser."""
        usual: dict[str, Any] = {"open_browser": False, "tell": self.person.tell, "timeout": 20.0}
        return (app or self.app()).login(**(usual | how))

    def call(self, session: Session, url: str | None = None) -> httpx.Response:
        """A call of an API with a session."""
        with httpx.Client(auth=session.auth, trust_env=False) as api:
            return api.get(f"{url or self.orders.url}/1")

    def seen(self, endpoint: str) -> list[Exchange]:
        """What the server answered at an endpoint."""
        return [seen for seen in self.server.requests if seen.endpoint == endpoint]

    def records(self, kind: str) -> list[Any]:
        """The names of the records of a kind that are stored."""
        return [name for name in self.vault().records.names() if name.kind == kind]

    def keys(self) -> int:
        """How many private keys are stored."""
        return sum(1 for _ in (self.folder / "keys").glob("*.sealed"))

    def close(self) -> None:
        self.person.leave()
        for app in self.apps:
            app.close()


@contextmanager
def house_on(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[House]:
    with LoopbackPort() as port:
        house = House(port, folder, patch)
        try:
            yield house
        finally:
            house.close()


def run(loop: str, thing: Any, method: str, *arguments: Any, **options: Any) -> Any:
    """Call a method in a program that blocks, or its namesake in one that awaits."""
    if loop == "threads":
        return getattr(thing, method)(*arguments, **options)
    function = partial(getattr(thing, f"{method}_async"), *arguments, **options)

    async def main() -> Any:
        return await function()

    return asyncio.run(main()) if loop == "asyncio" else trio.run(main)


async def cancelled_once(loop: str, started: threading.Event, function: Callable[[], Awaitable[object]]) -> None:
    """Call `function` in a task, and cancel that as soon as `started` is set."""
    if loop == "trio":
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(function)
                await trio.to_thread.run_sync(started.wait)
                scope.cancel()
        return
    task = asyncio.ensure_future(function())
    await asyncio.to_thread(started.wait)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def eventually(condition: Callable[[], bool]) -> None:
    """What is done without anybody waiting for it."""
    deadline = monotonic() + 5
    while not condition():
        assert monotonic() < deadline
        sleep(0.01)
