"""The hosts of a test, reached without a socket by clients of both families, sync and async."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from oauthclient.testing.http import Cut, Headers, Pause, Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
    from types import ModuleType

    import httpx
    import httpx2

    from oauthclient.testing.host import Host

_WITHOUT_BODY = frozenset({204, 304})


class Network:
    """Hosts, found by their URLs: the longest prefix wins.

    `delay`: seconds until any answer comes, as on a real network; other requests go on meanwhile. What would
    be a read timeout of the client there is one here. A URL that no host owns cannot be connected to.
    """

    def __init__(self, *hosts: Host, delay: float = 0.0) -> None:
        self.hosts = list(hosts)
        self.delay = delay

    def handle(self, request: Request) -> Response | None:
        """The answer of the host that owns the URL, or None if none does."""
        claims = [(host.claim(request.url), host) for host in self.hosts]
        length, host = max(claims, key=lambda claim: claim[0], default=(0, None))
        return host.handle(request) if host is not None and length else None

    def transport(self) -> httpx.MockTransport:
        """A transport for `httpx.Client` and `httpx.AsyncClient` alike."""
        import httpx

        transport: httpx.MockTransport = _transport_class(httpx)(self)
        return transport

    def transport2(self) -> httpx2.MockTransport:
        """A transport for `httpx2.Client` and `httpx2.AsyncClient` alike; needs the extra `httpx2`."""
        import httpx2

        transport: httpx2.MockTransport = _transport_class(httpx2)(self)
        return transport


def framing(response: Response) -> Headers:
    """The headers of an answer, with the length of its body where that is known (RFC 9110, section 8.6)."""
    if not isinstance(response.body, bytes) or response.header("Content-Length") is not None:
        return response.headers
    if response.status in _WITHOUT_BODY:
        return response.headers
    return (*response.headers, ("Content-Length", str(len(response.body))))


def pieces(method: str, response: Response) -> Iterable[bytes | Pause | Cut]:
    """What is sent of an answer's body."""
    if method == "HEAD" or response.status in _WITHOUT_BODY:
        return ()
    return (response.body,) if isinstance(response.body, bytes) else response.body


class _Sent(Protocol):
    """A request of either family."""

    method: str
    url: object
    headers: Any
    stream: Any
    extensions: Mapping[str, Any]


class _Wire:
    """What a transport of either family does: it reads a request's body off its stream, as a socket would.

    So a generator that was consumed once is empty, as it would be in production (httpx's own MockTransport
    keeps it). The answer is streamed for the same reason: nothing has read it before the client does.
    """

    family: Any  # the module httpx or httpx2

    def __init__(self, network: Network) -> None:
        self._network = network

    def handle_request(self, request: _Sent) -> object:
        response = self._exchange(request, b"".join(request.stream))
        self._sleep(request, self._network.delay + response.delay)
        return self._answer(request, response, self._body(request, response))

    async def handle_async_request(self, request: _Sent) -> object:
        response = self._exchange(request, b"".join([chunk async for chunk in request.stream]))
        await self._sleep_async(request, self._network.delay + response.delay)
        return self._answer(request, response, self._body_async(request, response))

    def _exchange(self, request: _Sent, body: bytes) -> Response:
        seen = Request(request.method, str(request.url), tuple(request.headers.multi_items()), body)
        response = self._network.handle(seen)
        if response is None:
            raise self.family.ConnectError("No host of this network owns the URL.", request=request)
        return response

    def _answer(self, request: _Sent, response: Response, body: Iterator[bytes] | AsyncIterator[bytes]) -> object:
        if not response.status:
            raise self.family.RemoteProtocolError("The server broke the connection.", request=request)
        headers = framing(response)
        extensions = {"http_version": b"HTTP/1.1"}
        return self.family.Response(response.status, headers=list(headers), content=body, extensions=extensions)

    def _body(self, request: _Sent, response: Response) -> Iterator[bytes]:
        for piece in pieces(request.method, response):
            if isinstance(piece, Pause):
                self._sleep(request, piece.seconds)
            elif isinstance(piece, Cut):
                raise self._broken(request)
            else:
                yield piece

    async def _body_async(self, request: _Sent, response: Response) -> AsyncIterator[bytes]:
        for piece in pieces(request.method, response):
            if isinstance(piece, Pause):
                await self._sleep_async(request, piece.seconds)
            elif isinstance(piece, Cut):
                raise self._broken(request)
            else:
                yield piece

    def _sleep(self, request: _Sent, seconds: float) -> None:
        patience = _patience(request)
        time.sleep(min(seconds, patience))
        if seconds > patience:
            raise self._timeout(request)

    async def _sleep_async(self, request: _Sent, seconds: float) -> None:
        from anyio import sleep  # of httpx's own dependencies, imported by it for async clients

        patience = _patience(request)
        await sleep(min(seconds, patience))
        if seconds > patience:
            raise self._timeout(request)

    def _timeout(self, request: _Sent) -> Exception:
        timeout: Exception = self.family.ReadTimeout("The server did not answer in time.", request=request)
        return timeout

    def _broken(self, request: _Sent) -> Exception:
        broken: Exception = self.family.RemoteProtocolError("The body is incomplete.", request=request)
        return broken


def _patience(request: _Sent) -> float:
    """The read timeout of the client, in seconds."""
    timeout: float | None = request.extensions.get("timeout", {}).get("read")
    return math.inf if timeout is None else timeout


@cache
def _transport_class(family: ModuleType) -> type[Any]:
    # _Wire comes first: its methods replace those of MockTransport, which is there for its bases and its type.
    return type("NetworkTransport", (_Wire, family.MockTransport), {"family": family})
