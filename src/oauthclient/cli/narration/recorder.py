"""A transport that keeps what went over the wire, in the order in which it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import httpx

if TYPE_CHECKING:
    import ssl


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
    """A transport over real connections that writes each exchange into `log`."""

    def __init__(self, log: Log, *, tls: ssl.SSLContext) -> None:
        self._log = log
        self._wire = httpx.HTTPTransport(verify=tls)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, read the whole answer, and hand on an answer like it."""
        request.read()
        answer = self._wire.handle_request(request)
        try:
            raw = b"".join(answer.iter_raw())
        finally:
            answer.close()
        version = {"http_version": answer.extensions.get("http_version", b"HTTP/1.1")}
        kept, handed_on = (
            httpx.Response(
                answer.status_code,
                headers=answer.headers,
                stream=httpx.ByteStream(raw),
                extensions=version,
                request=request,
            )
            for _ in range(2)
        )
        kept.read()
        self._log.exchanges.append(Exchange(_copy(request), kept))
        return handed_on

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def _copy(request: httpx.Request) -> httpx.Request:
    """The request as it is now: before a repeat, the auth object writes its new proof into the same one."""
    return httpx.Request(request.method, request.url, headers=request.headers.copy(), content=request.content)
