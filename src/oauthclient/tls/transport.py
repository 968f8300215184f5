"""Transports that present a client certificate: a pool of connections for each generation of it (RFC 8705, 6.3)."""

from __future__ import annotations

import sys
import threading
from contextlib import AsyncExitStack, ExitStack, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from oauthclient import time
from oauthclient.errors import RequestRefused
from oauthclient.tls.failures import tls_failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from oauthclient.jose.certificate import Certificate
    from oauthclient.protocol.presented import Presented

EXTENSION: Final = "client_certificate"
"""Of a request: the `x5t#S256` of the certificate it must go with. Of a response: of the one it went with."""

_DRAINED: Final = 5.0  # seconds after its last answer in which the pool of a former certificate may serve again


class _Pool:
    """The connections that were opened with one certificate."""

    __slots__ = ("idle_since", "transport", "users", "x5t_s256")

    def __init__(self, certificate: Certificate, transport: Any) -> None:
        self.x5t_s256 = certificate.x5t_s256
        self.transport = transport
        self.users = 0
        self.idle_since = 0.0


class Pools:
    """The pools of one transport. A request goes over that of its token's certificate, else over the current one's.

    The pool of a former certificate is closed when it has been idle for some seconds, and never under an answer.
    """

    __slots__ = ("_context", "_lock", "_make", "_pools", "_source")

    def __init__(
        self, source: Presented, context: Callable[[Certificate], SSLContext], make: Callable[[SSLContext], Any]
    ) -> None:
        self._source = source
        self._context = context
        self._make = make
        self._pools: dict[str, _Pool] = {}
        self._lock = threading.Lock()
        self.give_back(self.take(None))  # what cannot be had is said now, and no request waits for a context

    def take(self, wanted: str | None) -> _Pool:
        """The pool for a request, to be given back.

        `wanted`: the thumbprint that a token is bound to. Raises RequestRefused (`another_certificate`).
        """
        current = self._source.current()
        if wanted is None or wanted == current.x5t_s256:
            certificate = current  # even if it has expired: that is for the server to say
        else:
            former = self._source.generation(wanted) if isinstance(wanted, str) else None
            if former is None:
                raise RequestRefused(
                    "The token of this request is bound to a client certificate that this HTTP client does not have, "
                    "or that has been renewed and has expired.",
                    code="another_certificate",
                    hint="Make the HTTP client with the ClientCertificate object that binds the tokens.",
                )
            certificate = former
        name = certificate.chain_s256
        context: SSLContext | None = None
        while True:
            with self._lock:
                pool = self._pools.get(name)
                if pool is None and context is not None:
                    pool = self._pools[name] = _Pool(certificate, self._make(context))
                if pool is not None:
                    pool.users += 1
                    return pool
            context = self._context(certificate)  # not under the lock: it may take tens of milliseconds

    def give_back(self, pool: _Pool) -> None:
        """Say that a request and its answer are over."""
        with self._lock:
            pool.users -= 1
            pool.idle_since = time.steady()

    def all(self) -> list[Any]:
        """Every transport, to be closed; none of them is used again."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        return [pool.transport for pool in pools]

    def drained(self) -> Any:
        """A transport that has drained, to be closed, or None."""
        if len(self._pools) > 1:
            current = self._source.current().chain_s256
            over = time.steady() - _DRAINED
            with self._lock:
                for name, pool in self._pools.items():
                    if name != current and not pool.users and pool.idle_since < over:
                        del self._pools[name]
                        return pool.transport
        return None


class _Sync:
    """What the transport of a sync client does, in either family."""

    body: Any  # the class of bodies of that family

    def __init__(self, pools: Pools) -> None:
        self._pools = pools

    def handle_request(self, request: Any) -> Any:
        pools = self._pools
        while (transport := pools.drained()) is not None:
            with suppress(Exception):  # it is none of this request's
                transport.close()
        pool = pools.take(request.extensions.get(EXTENSION))
        handled = sys.exception()
        try:
            response = pool.transport.handle_request(request)
        except BaseException as error:
            pools.give_back(pool)
            failure = tls_failure(error, request.url.netloc.decode("ascii"), handled)
            if failure is None:
                raise
            raise failure from None
        response.extensions[EXTENSION] = pool.x5t_s256
        response.stream = self.body(response.stream, pools, pool)
        return response

    def close(self) -> None:
        with ExitStack() as stack:  # all of them, whatever the first one raises
            for transport in self._pools.all():
                stack.callback(transport.close)


class _Async:
    """What the transport of an async client does, in either family."""

    body: Any

    def __init__(self, pools: Pools) -> None:
        self._pools = pools

    async def handle_async_request(self, request: Any) -> Any:
        pools = self._pools
        while (transport := pools.drained()) is not None:
            with suppress(Exception):  # such as that its event loop has ended
                await transport.aclose()
        pool = pools.take(request.extensions.get(EXTENSION))
        handled = sys.exception()
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException as error:
            pools.give_back(pool)
            failure = tls_failure(error, request.url.netloc.decode("ascii"), handled)
            if failure is None:
                raise
            raise failure from None
        response.extensions[EXTENSION] = pool.x5t_s256
        response.stream = self.body(response.stream, pools, pool)
        return response

    async def aclose(self) -> None:
        async with AsyncExitStack() as stack:
            for transport in self._pools.all():
                stack.push_async_callback(transport.aclose)


class _Body:
    """The body of an answer, which holds its pool until it is closed."""

    def __init__(self, stream: Any, pools: Pools, pool: _Pool) -> None:
        self._stream = stream
        self._pools = pools
        self._pool: _Pool | None = pool

    def _over(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            self._pools.give_back(pool)


class _SyncBody(_Body):
    def __iter__(self) -> Any:
        return iter(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._over()


class _AsyncBody(_Body):
    def __aiter__(self) -> Any:
        return aiter(self._stream)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._over()


@cache
def transport_class(family: Any, *, asynchronous: bool) -> type[Any]:
    """The transport of a sync or an async client of `family`. Ours comes first: its methods are those that count."""
    if asynchronous:
        body = type("AsyncBody", (_AsyncBody, family.AsyncByteStream), {})
        return type("AsyncMutualTLSTransport", (_Async, family.AsyncBaseTransport), {"body": body})
    body = type("SyncBody", (_SyncBody, family.SyncByteStream), {})
    return type("MutualTLSTransport", (_Sync, family.BaseTransport), {"body": body})
