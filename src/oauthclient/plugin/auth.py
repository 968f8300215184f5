"""The auth object: one for httpx and httpx2, sync and async; it walks no story while a token is fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from oauthclient.errors import ConfigurationError, NoResourceForURL, RedirectLeftResource, UnsafeURL
from oauthclient.plugin.families import AuthBase
from oauthclient.plugin.hop import EXTENSION, Hop
from oauthclient.protocol.token import Token
from oauthclient.protocol.urls import displayed
from oauthclient.tls.transport import EXTENSION as CLIENT_CERTIFICATE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from oauthclient.plugin.target import Target
    from oauthclient.protocol.resources import ResourceMap

Outside = Literal["raise", "anonymous"]


class Auth(AuthBase):
    """Gives each request the token of its resource, and a fresh proof: the `auth=` of any httpx or httpx2 client.

    Safe to share between threads, tasks, event loops and clients. Two of them, of other issuers say, are joined with
    `auth_a | auth_b`.
    """

    def __init__(self, resources: ResourceMap[Target], *, outside: Outside) -> None:
        if outside not in ("raise", "anonymous"):
            raise ConfigurationError('outside= is "raise" or "anonymous".', code="unknown_setting")
        self._resources = resources
        self._outside = outside

    def __or__(self, other: Auth) -> Auth:
        """Both: each URL belongs to the one whose resource it lies in. Raises ConfigurationError if two overlap.

        A URL outside all resources is refused unless both let it go anonymously.
        """
        if not isinstance(other, Auth):
            return NotImplemented
        both: Outside = "anonymous" if self._outside == other._outside == "anonymous" else "raise"
        return Auth(self._resources.joined(other._resources), outside=both)

    @property
    def needs_certificate(self) -> bool:
        """Whether one of its tokens is bound to a client certificate, which the HTTP client has to present."""
        return bool(self.certified)

    @property
    def certified(self) -> tuple[str, ...]:
        """The prefixes of URLs where that is so."""
        bound = (target.resource for target in self._resources.values() if target.certificate is not None)
        return tuple(url for resource in bound for url in (resource.url, *resource.also))

    def token(self, url: str) -> Token:
        """The token that a request to `url` would carry, obtained if need be: its granted scope, its expiry.

        Raises NoResourceForURL, or what asking the authorization server failed with.
        """
        needed = self._target(url).keeper.need()
        return needed if isinstance(needed, Token) else needed.result()

    async def token_async(self, url: str) -> Token:
        """As `token`, without blocking the event loop."""
        needed = self._target(url).keeper.need()
        return needed if isinstance(needed, Token) else await needed.result_async()

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """For httpx.Client and httpx2.Client: the request, signed, and once more for each cause that can be mended."""
        hop = self._begin(request)
        if hop is None:
            yield request
        while hop is not None:
            flight = hop.prepare()
            if flight is not None:
                hop.write(flight.result())
            response = yield hop.request
            hop = self._after(hop, response)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """For httpx.AsyncClient and httpx2.AsyncClient: the same."""
        hop = self._begin(request)
        if hop is None:
            yield request
        while hop is not None:
            flight = hop.prepare()
            if flight is not None:
                hop.write(await flight.result_async())
            response = yield hop.request
            hop = self._after(hop, response)

    def _begin(self, request: Any) -> Hop | None:
        """The first hop of a request, or None if it goes without a token."""
        url = str(request.url)
        earlier = request.extensions.get(EXTENSION)
        if isinstance(earlier, Hop):
            if earlier.request is not request and not earlier.inside(url):
                # The user sends on the `next_request` of a redirect that left the resource.
                strip(request)
                return None
        elif EXTENSION in request.extensions:  # and here that of a request that went without credentials
            return None
        target = self._find(url)
        if target is None:
            request.extensions[EXTENSION] = None
            return None
        if earlier is not None:
            strip(request)
        return Hop(request, target, url, self._resources)

    def _after(self, hop: Hop, response: Any) -> Hop | None:
        """The hop to send after this answer: the same once more, a redirected one repaired, or None."""
        if response.request is not hop.request:
            signed = response.request.extensions.get(EXTENSION)
            if not isinstance(signed, Hop):  # attach() let it go without credentials
                return None
            hop = signed if signed.request is response.request else self._followed(hop, response)
        if hop.judge(response):
            return hop
        hop.request = None  # or the request and its hop would hold each other until the garbage collector comes
        return None

    def _followed(self, hop: Hop, response: Any) -> Hop:
        """The last hop of a redirect that httpx followed on its own, if no hop left the resource."""
        for request in (*(earlier.request for earlier in response.history), response.request):
            if not hop.inside(str(request.url)):
                if hop.token is not None:
                    hop.token.retire()
                raise RedirectLeftResource(
                    f"A redirect led a request out of {hop.target.resource.url} to {displayed(str(request.url))}."
                )
        return hop.followed(response.request)

    def _find(self, url: str) -> Target | None:
        try:
            target = self._resources.find(url)
        except UnsafeURL:
            if self._outside == "anonymous":
                return None
            raise
        if target is None and self._outside == "raise":
            raise NoResourceForURL(f"{displayed(url)} lies outside every resource.")
        return target

    def _target(self, url: str) -> Target:
        url = str(url)  # which may be a URL of httpx
        target = self._resources.find(url)
        if target is None:
            raise NoResourceForURL(f"{displayed(url)} lies outside every resource.")
        return target

    def __repr__(self) -> str:
        return f"Auth({self._resources!r})"


def strip(request: Any) -> None:
    """Take the credentials out of a request that leaves the resource they are for."""
    for name in ("Authorization", "DPoP"):
        if name in request.headers:
            del request.headers[name]
    request.extensions.pop(CLIENT_CERTIFICATE, None)
    request.extensions[EXTENSION] = None


def learn(response: Any) -> None:
    """Take what an answer to one of our requests tells in its headers."""
    hop = response.request.extensions.get(EXTENSION)
    if isinstance(hop, Hop) and hop.request is response.request:
        hop.learn(response)


def follow(request: Any) -> None:
    """Sign, or strip, a request that httpx is about to send because of a redirect; leave every other one alone."""
    hop = request.extensions.get(EXTENSION)
    if not isinstance(hop, Hop) or hop.request is request:
        return
    if hop.token is not None and hop.inside(str(request.url)):
        hop.followed(request).write(hop.token)
    else:
        strip(request)
