"""What every server of `oauthclient.testing` has: records, a clock, answers laid ready by the test."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, ClassVar

from oauthclient.protocol.urls import without_query
from oauthclient.testing.records import Exchange
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.testing.http import Request, Response


@dataclass(slots=True)
class _Script:
    endpoint: str
    times: int | None
    instead: Callable[[Request], Response] | None = None
    amend: Callable[[Response], Response] | None = None
    status: int | None = None


class Host:
    """A server that answers requests one at a time, keeps a record of each, and misbehaves on command.

    `requests`: what it saw, oldest first. `headers`: fields that it adds to each answer. `now`: its clock,
    whose time stands in the `Date` header of each answer that has none.
    """

    main_endpoint: ClassVar[str]

    def __init__(self, *, now: Callable[[], float]) -> None:
        self.now = now
        self.requests: list[Exchange] = []
        self.headers: dict[str, str] = {}
        self._scripts: list[_Script] = []
        self._lock = threading.RLock()

    def instead(
        self,
        answer: Response | Callable[[Request], Response],
        *,
        endpoint: str | None = None,
        times: int | None = 1,
    ) -> None:
        """Give this answer instead of the server's own to the next request, the next `times`, or (None) all.

        The server does not look at such a request: a proof is not verified, no nonce or assertion is used up.
        `answer` may be a function of the request, which may also block. `endpoint`: which endpoint, by
        default the token endpoint of an authorization server and every URL of an API. Answers laid ready are
        given in their order.
        """
        give = answer if callable(answer) else lambda _request: answer
        self._lay(_Script(endpoint or self.main_endpoint, times, instead=give))

    def amend(
        self,
        edit: Callable[[Response], Response],
        *,
        endpoint: str | None = None,
        times: int | None = 1,
        status: int | None = 200,
    ) -> None:
        """Let the server answer, then `edit` its answer: the next one, the next `times`, or (None) all.

        Only answers of this `status` are changed and counted; None stands for any.
        """
        self._lay(_Script(endpoint or self.main_endpoint, times, amend=edit, status=status))

    def behave(self) -> None:
        """Forget everything laid ready by `instead` and `amend`."""
        with self._lock:
            self._scripts.clear()

    def claim(self, url: str) -> int:
        """How many leading characters of the URL say that it is this server's, 0 if it is not."""
        raise NotImplementedError

    def endpoint(self, request: Request) -> str:
        """The name of the endpoint that a request meets."""
        return self.main_endpoint if self.claim(request.url) else "unknown"

    def respond(self, request: Request) -> Response:
        """The server's own answer; `RefusedError` is turned into one by `refuse`."""
        raise NotImplementedError

    def refuse(self, request: Request, refused: RefusedError) -> Response:
        """The answer that tells a refusal."""
        raise NotImplementedError

    def handle(self, request: Request) -> Response:
        """Answer a request and record both. Safe to call from several threads."""
        endpoint = self.endpoint(request)
        script = self._take(endpoint)
        refused: RefusedError | None = None
        # What a test laid ready runs outside of the lock: it may wait for another request.
        if script is not None and script.instead is not None:
            response = script.instead(request)
        else:
            with self._lock:
                try:
                    response = self.respond(request)
                except RefusedError as error:
                    refused = error
                    response = self.refuse(request, error)
        response = self._dressed(response)
        edits = self._take_edits(endpoint, response.status) if script is None else []
        for edit in edits:
            response = edit(response)
        exchange = Exchange(
            endpoint,
            request,
            response,
            error=refused.error if refused else None,
            description=refused.description if refused else None,
            scripted=script is not None or bool(edits),
        )
        with self._lock:
            self.requests.append(exchange)
        return response

    def _dressed(self, response: Response) -> Response:
        for name, value in self.headers.items():
            response = response.with_header(name, value)
        if response.header("Date") is None:
            response = response.with_header("Date", formatdate(self.now(), usegmt=True))
        return response

    def _lay(self, script: _Script) -> None:
        with self._lock:
            self._scripts.append(script)

    def _take(self, endpoint: str) -> _Script | None:
        with self._lock:
            for script in self._scripts:
                if script.instead is not None and script.endpoint == endpoint:
                    self._count(script)
                    return script
        return None

    def _take_edits(self, endpoint: str, status: int) -> list[Callable[[Response], Response]]:
        with self._lock:
            fitting = [s for s in self._scripts if s.endpoint == endpoint and s.status in {None, status}]
            edits = []
            for script in fitting:
                if script.amend is not None:
                    self._count(script)
                    edits.append(script.amend)
            return edits

    def _count(self, script: _Script) -> None:
        if script.times is not None:
            script.times -= 1
            if script.times <= 0:
                self._scripts.remove(script)


def prefix_length(base: str, url: str) -> int:
    """The length of `base`, a URL without trailing slash, if the URL is it or lies under it; else 0."""
    path = without_query(url)
    return len(base) if path == base or path.startswith(f"{base}/") else 0


def moved(url: str, before: str, after: str) -> str | None:
    """The URL with the base `after` in place of `before`, or None where it does not lie under that."""
    before = before.rstrip("/")
    return f"{after.rstrip('/')}{url[len(before) :]}" if prefix_length(before, url) else None
