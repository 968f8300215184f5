"""A transport that keeps what went over the wire, in the order in which it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

from oauthclient.tls.transport import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Mapping

_HANDED_ON: Final[tuple[str, ...]] = ("http_version", EXTENSION)


class Exchange(NamedTuple):
    """A request as it was sent, and the answer that came back. It holds secrets: `anatomy` says what to show of it."""

    request: httpx.Request
    response: httpx.Response


class Log:
    """All exchanges, oldest first, whichever client sent them."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._told = 0

    def new(self) -> list[Exchange]:
        """The exchanges since the last time."""
        since, self._told = self._told, len(self.exchanges)
        return self.exchanges[since:]


class Recorder(httpx.BaseTransport):
    """A transport that sends by way of `wire` and writes each exchange into `log`.

    What `wire` says of the client certificate on the connection stands in the `extensions` of the request in the log.
    """

    def __init__(self, log: Log, wire: httpx.Client) -> None:
        self._log = log
        self._wire = wire

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, read the whole answer, and hand on an answer like it."""
        request.read()
        answer = self._wire.send(request, auth=None, follow_redirects=False, stream=True)
        try:
            raw = b"".join(answer.iter_raw())
        finally:
            answer.close()
        told = {name: answer.extensions[name] for name in _HANDED_ON if name in answer.extensions}
        kept, handed_on = (
            httpx.Response(
                answer.status_code,
                headers=answer.headers,
                stream=httpx.ByteStream(raw),
                extensions=dict(told),
                request=request,
            )
            for _ in range(2)
        )
        kept.read()
        self._log.exchanges.append(Exchange(_copy(request, told), kept))
        return handed_on

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def _copy(request: httpx.Request, told: Mapping[str, Any]) -> httpx.Request:
    """The request as it is now: before a repeat, the auth object writes its new proof into the same one."""
    headers = request.headers.copy()
    return httpx.Request(request.method, request.url, headers=headers, content=request.content, extensions=dict(told))
