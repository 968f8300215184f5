"""The one way to an authorization server: a client of our own that follows, keeps and reveals nothing.

No redirects (a 307 would re-post the credentials), no cookies, no hooks of the user's; bounded bodies and times.
"""

from __future__ import annotations

import functools
import os
import ssl
import sys
import weakref
from typing import TYPE_CHECKING, Any, Final

import httpx

from oauthclient import time
from oauthclient.errors import ConfigurationError, InvalidResponse, OAuthError, TLSFailed, Unreachable
from oauthclient.protocol.text import shown
from oauthclient.protocol.urls import without_query
from oauthclient.protocol.wire import Response
from oauthclient.tls.failures import tls_failure
from oauthclient.tls.transport import EXTENSION as CLIENT_CERTIFICATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.protocol.wire import Instant, Request
    from oauthclient.tls.client_certificate import ClientCertificate

    Verify = ssl.SSLContext | Callable[[], ssl.SSLContext] | str | os.PathLike[str] | None

_LARGEST_BODY: Final = 1024 * 1024  # bytes
_WHOLE_EXCHANGE: Final = 3.0  # times the timeout: what a server may take for all of an answer, drop by drop
_HEADERS: Final = {"User-Agent": "oauthclient", "Accept-Encoding": "identity"}


class Transport:
    """Sends requests to an authorization server and reads its answers, on whatever thread calls.

    `verify`: an SSLContext, a function that makes one, or the path of a file of CA certificates. `proxy`: a URL; else
    the environment's proxies count. `transport`: an httpx or httpx2 transport to use instead; then the two others do
    not count. `timeout`: seconds to connect, and to wait for each next piece of an answer. `certificate`: what is
    presented to servers that ask for it; a transport of the program's own presents it by itself.
    """

    def __init__(
        self,
        *,
        verify: Verify = None,
        proxy: str | None = None,
        transport: Any = None,
        timeout: float = 10.0,
        certificate: ClientCertificate | None = None,
    ) -> None:
        self._verify: Any = verify if certificate is not None else _context(verify)
        self._certificate = certificate
        if certificate is not None and transport is None:
            from oauthclient.tls.contexts import trust

            trusted = trust(verify, httpx)
            if isinstance(verify, str | os.PathLike):
                trusted()  # to fail now
        self._proxy = proxy
        self._transport = transport
        self._timeout = timeout
        self._family: Any = httpx if transport is None else _family_of(transport)
        self._client: Any = None
        self._process = os.getpid()
        self._under_way: set[object] = set()
        self._closed = False

    def send(self, request: Request) -> Response:
        """The answer to `request`. Raises Unreachable, or InvalidResponse for one that is too large or compressed."""
        host = _place(request)
        sent = time.now()
        try:
            return self._exchange(request, sent)
        except TLSFailed as error:
            failure = Unreachable(error.message, code=error.code, hint=error.hint)
        except OAuthError:
            raise
        except Exception as error:  # noqa: BLE001  # the border: whatever a transport raises becomes an error of ours
            failure = _unreachable(error, host, self._family)
        raise failure

    def close(self) -> None:
        """Close the connections, those in use as soon as their answers are there. None are kept open from now on."""
        self._closed = True
        self._close_unused()

    def _close_unused(self) -> None:
        if self._closed and not self._under_way:
            client, self._client = self._client, None
            if client is not None:
                _close(client, self._process)

    def _exchange(self, request: Request, sent: Instant) -> Response:
        if self._process != os.getpid():
            self._under_way = set()  # those of the parent, of which a fork makes this the child
        exchange = object()
        self._under_way.add(exchange)
        try:
            return self._exchanged(request, sent)
        finally:
            # What is under way when the program closes us may be a refresh token that the server has just replaced.
            self._under_way.discard(exchange)
            self._close_unused()

    def _exchanged(self, request: Request, sent: Instant) -> Response:
        outgoing = self._family.Request(
            request.method,
            request.url,
            headers={**_HEADERS, **request.headers},
            content=request.body,
            extensions=None if request.certificate is None else {CLIENT_CERTIFICATE: request.certificate},
        )
        response = self._open().send(outgoing, stream=True, auth=None, follow_redirects=False)
        try:
            received = time.now()
            headers = {name.lower(): value for name, value in response.headers.items()}
            if headers.get("content-encoding", "identity").lower() != "identity":
                raise InvalidResponse(f"{_place(request)} compressed its answer unasked.", code="unasked_encoding")
            body = bytearray()
            # What a mock answers has been read already, and cannot be streamed again.
            for piece in (response.content,) if response.is_stream_consumed else response.iter_raw():
                body += piece
                if len(body) > _LARGEST_BODY:
                    raise InvalidResponse(
                        f"The answer of {_place(request)} is longer than {_LARGEST_BODY} bytes.",
                        code="too_large",
                    )
                if time.steady() - sent.steady > self._timeout * _WHOLE_EXCHANGE:
                    raise Unreachable(f"{_place(request)} did not finish its answer in time.", code="timeout")
        finally:
            response.close()
        return Response(
            response.status_code,
            headers,
            bytes(body),
            sent=sent,
            received=received,
            certificate=self._presented(response),
        )

    def _presented(self, response: Any) -> str | None:
        """Which certificate was ready on the connection; the program's own transport presents the current one."""
        if self._certificate is None:
            return None
        told: str | None = response.extensions.get(CLIENT_CERTIFICATE)
        return told or self._certificate.current().x5t_s256

    def _open(self) -> Any:
        if self._client is None or self._process != os.getpid():
            # A forked child must not use its parent's connections, nor close them: that would end TLS for both.
            self._process = os.getpid()
            settings: dict[str, Any] = {"timeout": self._timeout, "follow_redirects": False}
            if self._transport is not None:
                self._client = self._family.Client(transport=self._transport, **settings)
            elif self._certificate is not None:
                self._client = self._certificate.client(
                    httpx.Client, verify=self._verify, proxy=self._proxy, **settings
                )
            else:
                verify = self._verify or _default_context()
                self._client = httpx.Client(verify=verify, proxy=self._proxy, **settings)
            # Whoever forgets close() leaves no open connections behind all the same.
            weakref.finalize(self, _close, self._client, self._process).atexit = False
        return self._client


def _place(request: Request) -> str:
    """Where a request goes, as an error may show it."""
    return shown(without_query(request.url))


def _close(client: Any, process: int) -> None:
    if process == os.getpid():
        client.close()


@functools.cache
def _default_context() -> ssl.SSLContext:
    """Httpx's own choice of CA certificates, loaded once for the process: that takes tens of milliseconds."""
    return httpx.create_ssl_context()


def _context(verify: Verify) -> ssl.SSLContext | None:
    if verify is None:
        return None
    made = verify() if callable(verify) else verify
    if isinstance(made, ssl.SSLContext):
        if made.verify_mode == ssl.CERT_NONE:
            raise ConfigurationError(
                "The SSLContext in verify= verifies no server, which would be shown all credentials.",
                code="unusable_verify",
                hint="Give the path of the file of a private CA.",
            )
        return made
    from oauthclient.tls.contexts import context_trusting

    return context_trusting(made)


def _family_of(transport: object) -> Any:
    for name in ("httpx", "httpx2"):
        family: Any = sys.modules.get(name)
        if family is not None and isinstance(transport, family.BaseTransport):
            return family
    raise ConfigurationError(
        f"A {type(transport).__name__} cannot carry requests to the authorization server.",
        code="unusable_transport",
        hint="Give an httpx or httpx2 transport that is synchronous.",
    )


def _unreachable(error: Exception, url: str, family: Any) -> Unreachable:
    if isinstance(error, family.TimeoutException):
        return Unreachable(f"{url} gave no answer in time.", code="timeout")
    failed = tls_failure(error, url)
    if failed is not None:
        return Unreachable(failed.message, code=failed.code, hint=failed.hint)
    reason = shown(error).rstrip(".") or type(error).__name__
    return Unreachable(f"No answer from {url}: {reason}.", code="connection_failed")
