"""The hosts of a test, reached without a socket by clients of both families, sync and async."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from oauthclient.jose.certificate import Certificate
from oauthclient.testing.http import Cut, Headers, Pause, Request, Response
from oauthclient.tls.transport import EXTENSION as CLIENT_CERTIFICATE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
    from types import ModuleType

    import httpx
    import httpx2

    from oauthclient.testing.host import Host
    from oauthclient.tls.client_certificate import ClientCertificate

    Presented = ClientCertificate | Certificate | None

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

    def transport(self, client_certificate: Presented = None) -> httpx.MockTransport:
        """A transport for `httpx.Client` and `httpx.AsyncClient` alike.

        `client_certificate`: what its connections present. A ClientCertificate stands for the client that it makes,
        so a request goes with the generation that its token is bound to, else with the current one; a Certificate for
        a client with an SSLContext of its own.
        """
        import httpx

        transport: httpx.MockTransport = _transport_class(httpx)(self, client_certificate)
        return transport

    def transport2(self, client_certificate: Presented = None) -> httpx2.MockTransport:
        """The same for `httpx2.Client` and `httpx2.AsyncClient`; needs the extra `httpx2`."""
        import httpx2

        transport: httpx2.MockTransport = _transport_class(httpx2)(self, client_certificate)
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

    def __init__(self, network: Network, client_certificate: Presented) -> None:
        self._network = network
        self._client_certificate = client_certificate

    def handle_request(self, request: _Sent) -> object:
        presented = self._presented(request)
        response = self._exchange(request, b"".join(request.stream), presented)
        self._sleep(request, self._network.delay + response.delay)
        return self._answer(request, response, self._body(request, response), presented)

    async def handle_async_request(self, request: _Sent) -> object:
        presented = self._presented(request)
        response = self._exchange(request, b"".join([chunk async for chunk in request.stream]), presented)
        await self._sleep_async(request, self._network.delay + response.delay)
        return self._answer(request, response, self._body_async(request, response), presented)

    def _presented(self, request: _Sent) -> Certificate | None:
        source = self._client_certificate
        if source is None or isinstance(source, Certificate):
            return source
        wanted = request.extensions.get(CLIENT_CERTIFICATE)
        return (None if wanted is None else source.generation(wanted)) or source.current()

    def _exchange(self, request: _Sent, body: bytes, presented: Certificate | None) -> Response:
        headers = tuple(request.headers.multi_items())
        der = b"" if presented is None else presented.der
        seen = Request(request.method, str(request.url), headers, body, der)
        response = self._network.handle(seen)
        if response is None:
            raise self.family.ConnectError("No host of this network owns the URL.", request=request)
        return response

    def _answer(
        self,
        request: _Sent,
        response: Response,
        body: Iterator[bytes] | AsyncIterator[bytes],
        presented: Certificate | None,
    ) -> object:
        if not response.status:
            raise self.family.RemoteProtocolError("The server broke the connection.", request=request)
        headers = framing(response)
        extensions: dict[str, Any] = {"http_version": b"HTTP/1.1"}
        if presented is not None and presented is not self._client_certificate:
            extensions[CLIENT_CERTIFICATE] = presented.x5t_s256  # as a transport of a ClientCertificate tells it
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
