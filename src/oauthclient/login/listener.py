"""Waits on the loopback interface for the browser to bring the answer (RFC 8252, sections 7.3 and 8.3)."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self, TypeVar, final

from oauthclient.errors import LoginError, LoginTimeout
from oauthclient.login import page
from oauthclient.login.connections import Connections
from oauthclient.login.loopback import listen
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oauthclient.login.connections import Connection
    from oauthclient.login.redirect import RedirectTarget
    from oauthclient.login.request import Request

T = TypeVar("T")

_SLICE: Final = 1.0  # seconds; Windows hears Ctrl-C only between two waits
_QUIET: Final = 0.05  # seconds without an event, after which the last page has been taken
_LONGEST_MOVE: Final = 2.0  # seconds, for a browser to follow a redirect to us
_LONGEST_FAREWELL: Final = 1.0  # seconds
_FORM: Final = "application/x-www-form-urlencoded"


@final
class CallbackRequest:
    """An answer that the browser brought: `method` is GET or POST (OAuth 2.0 Form Post Response Mode).

    `url` is the callback URL, as it was requested; for a POST, as it would be with the form in its query. Nothing in it
    is judged yet, and a parameter may stand there twice.
    """

    __slots__ = ("method", "url")

    def __init__(self, method: str, url: Secret) -> None:
        self.method: Final = method
        self.url: Final = url

    def __repr__(self) -> str:
        return f"CallbackRequest({self.method!r}, {self.url!r})"


@final
class Listener:
    """Listens for the answer to one authorization request, from the moment it is made until it is closed.

    `redirect_uri` is known at once, so that the request can be made with it. `app` is shown on the pages. Nothing is
    logged. Raises PortTaken, or LoginError (`cannot_listen`).
    """

    __slots__ = (
        "_app",
        "_asked",
        "_authorities",
        "_closed",
        "_connections",
        "_lock",
        "_path",
        "_waiting",
        "redirect_uri",
    )

    def __init__(self, target: RedirectTarget, *, app: str) -> None:
        listening = listen(target)
        port: int = listening[0].getsockname()[1]
        self.redirect_uri: Final = target.uri(port)
        self._app: Final = app
        self._authorities: Final = target.authorities(port)
        self._path: Final = target.path
        self._connections: Final = Connections(listening)
        self._asked: Final[deque[tuple[Connection, Request | int]]] = deque()
        self._lock: Final = threading.Lock()
        self._waiting = False
        self._closed: Final = threading.Event()

    def wait(self, accept: Callable[[CallbackRequest], Callable[[], T] | None], *, timeout: float) -> T:
        """Wait at most `timeout` seconds for the answer, and return what finishing the login with it returns.

        `accept` is asked about each answer that comes. None: its `state` is not that of this login; the browser is told
        so, and the wait goes on. Else it gives the function that finishes the login, which the browser waits for, so
        that the page tells the truth. What either raises ends the wait, too: the page shows it if it is an OAuthError.

        Raises LoginTimeout, or LoginError (`login_abandoned`) when the listener is closed meanwhile.
        """
        with self._waiting_here():
            ends_at = time.monotonic() + timeout
            while (left := ends_at - time.monotonic()) > 0:
                self._asked.extend(self._connections.turn(min(left, _SLICE)))
                for connection, callback in self._callbacks():
                    try:
                        finish = accept(callback)
                        if finish is None:
                            self._show(connection, page.not_ours(self._app), status=HTTPStatus.BAD_REQUEST)
                            continue
                    except BaseException as error:
                        self._conclude(connection, page.failure(self._app, error))
                        raise
                    return self._finished(connection if callback.method == "POST" else self._moved(connection), finish)
                if self._closed.is_set():
                    raise LoginError("The login was given up before its answer came.", code="login_abandoned")
        raise LoginTimeout(f"No answer came from the browser within {timeout:g} seconds.")

    async def wait_async(
        self,
        accept: Callable[[CallbackRequest], Callable[[], T] | None],
        *,
        timeout: float,  # noqa: ASYNC109
    ) -> T:
        """The same for a task of asyncio or trio; `accept` and the function it gives run on a thread.

        A cancelled task closes the listener. A login that is being finished then is not cut short.
        """
        from concurrent.futures import Future
        from contextvars import copy_context

        from oauthclient.engine.waiting import wait_async

        future: Future[T] = Future()
        context = copy_context()

        def work() -> None:
            try:
                future.set_result(context.run(lambda: self.wait(accept, timeout=timeout)))
            except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
                future.set_exception(error)

        # A daemon: a task that is neither finished nor cancelled must not hold the program's end until the timeout.
        threading.Thread(target=work, name="oauthclient-login", daemon=True).start()
        try:
            while not await wait_async(future, timeout):
                pass
        except BaseException:
            self.close()
            raise
        return future.result()

    def close(self) -> None:
        """Free the port; a wait on another thread ends. Any thread may call this, and more than once."""
        with self._lock:
            free = not self._waiting and not self._closed.is_set()
            self._closed.set()
        if free:
            self._connections.close()
        else:
            self._connections.wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @contextmanager
    def _waiting_here(self) -> Iterator[None]:
        with self._lock:
            if self._waiting or self._closed.is_set():
                raise LoginError("A listener waits once at a time, and not when it is closed.", code="not_listening")
            self._waiting = True
        try:
            yield
        finally:
            with self._lock:
                self._waiting = False
                free = self._closed.is_set()
            if free:
                self._connections.close()

    def _callbacks(self) -> Iterator[tuple[Connection, CallbackRequest]]:
        """The answers among the requests that have come. Anything else is told that there is nothing here."""
        while self._asked:
            connection, request = self._asked.popleft()
            callback = None if isinstance(request, int) else self._callback(request)
            if callback is None:
                refusal = request if isinstance(request, int) else HTTPStatus.NOT_FOUND
                self._connections.send(connection, page.head(refusal))
            else:
                yield connection, callback

    def _callback(self, request: Request) -> CallbackRequest | None:
        """The answer that `request` brings: at exactly our path, and with our own `Host` (against DNS rebinding)."""
        path, mark, query = request.target.partition("?")
        if path != self._path or (request.field("host") or "").lower() not in self._authorities:
            return None
        if request.method == "GET":
            return CallbackRequest("GET", Secret(self.redirect_uri + mark + query))
        media_type = (request.field("content-type") or "").partition(";")[0].strip().lower()
        if request.method == "POST" and not mark and media_type == _FORM and request.body.isascii():
            return CallbackRequest("POST", Secret(f"{self.redirect_uri}?{request.body.decode()}"))
        return None

    def _finished(self, connection: Connection, finish: Callable[[], T]) -> T:
        """What `finish` returns, which `connection` is told about."""
        self._show(connection, page.waiting(self._app), more=True)
        try:
            value = finish()
        except BaseException as error:
            self._conclude(connection, page.failure(self._app, error))
            raise
        self._conclude(connection, page.success(self._app))
        return value

    def _moved(self, connection: Connection) -> Connection:
        """Send the browser to the redirect URI without the answer, and return the connection on which it comes there.

        Browsers keep the URLs that they show in a history that no script reaches, but show none that redirected them.
        """
        self._connections.send(connection, page.head(HTTPStatus.SEE_OTHER, location=self._path))
        ends_at = time.monotonic() + _LONGEST_MOVE
        while (left := ends_at - time.monotonic()) > 0:
            self._asked.extend(self._connections.turn(left))
            for other, callback in self._callbacks():
                if self._is_bare(callback):
                    return other
                self._show(other, page.already_done(self._app))
        return connection  # it has been answered: nobody stays to see more

    def _is_bare(self, callback: CallbackRequest) -> bool:
        return callback.method == "GET" and callback.url.reveal() == self.redirect_uri

    def _show(self, connection: Connection, main: bytes, *, status: int = HTTPStatus.OK, more: bool = False) -> None:
        """Send `main`, within the page that the first one opens."""
        before = b"" if connection.begun else page.head(status) + page.opening(self._app)
        self._connections.send(connection, before + main, more=more)

    def _conclude(self, connection: Connection, main: bytes) -> None:
        """Show the last page, give it the time to arrive, and tell other tabs that come meanwhile that all is done."""
        self._show(connection, main)
        ends_at = time.monotonic() + _LONGEST_FAREWELL
        self._connections.quiet = False
        while not self._connections.quiet and time.monotonic() < ends_at:
            self._asked.extend(self._connections.turn(_QUIET))
            for late, callback in self._callbacks():
                self._show(late, main if self._is_bare(callback) else page.already_done(self._app))
