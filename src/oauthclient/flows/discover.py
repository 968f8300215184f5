"""Discovery: from an issuer to its metadata (RFC 8414, section 3; OpenID Connect Discovery, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oauthclient.errors import DiscoveryFailed, InvalidResponse, Unreachable
from oauthclient.flows.effects import Now, Once, Send
from oauthclient.protocol.metadata import read_metadata, well_known_urls
from oauthclient.protocol.wire import get

if TYPE_CHECKING:
    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.metadata import ServerMetadata

_KEPT: Final = 24 * 3600.0  # seconds until metadata is read again
_LOOK_AGAIN: Final = 60.0  # seconds until it is tried again, where reading it again failed


def known_metadata(server: Server) -> Story[ServerMetadata]:
    """The metadata of `server`: what is known while that is fresh, else what discovery finds.

    A server whose metadata has grown old, and cannot be had anew, is met with the old one.
    """
    now = yield from Now()
    if server.metadata is not None and now.steady < server.read_again:
        return server.metadata
    try:
        return (yield from Once(("discover", server.issuer), lambda: _learned(server)))
    except (Unreachable, DiscoveryFailed):
        if server.metadata is None:
            raise
        server.read_again = now.steady + _LOOK_AGAIN
        return server.metadata


def _learned(server: Server) -> Story[ServerMetadata]:
    """What discovery finds, unless somebody was faster since the caller looked: one story is told after the other."""
    now = yield from Now()
    if server.metadata is None or now.steady >= server.read_again:
        server.metadata = server.seen((yield from discover(server)))
        server.read_again = now.steady + _KEPT
    return server.metadata


def discover(server: Server) -> Story[ServerMetadata]:
    """Ask each well-known URL in turn; the first metadata that names this very issuer is the answer.

    A refusal, an answer that is not metadata, or another issuer moves on, and nothing is merged. Raises DiscoveryFailed
    with the reason for each URL, or Unreachable if one of them gave no answer: what it would have said is unknown.
    """
    failures: list[str] = []
    hint = ""
    for url in well_known_urls(server.issuer):
        try:
            response = yield from Send(get(url))
            if response.status >= 500:  # noqa: PLR2004  # a server in trouble says nothing about what it would say
                raise Unreachable(f"{url} answered with HTTP status {response.status}.", code="server_trouble")
            if response.status != 200:  # noqa: PLR2004  # the one status of success (RFC 8414, section 3.2)
                failures.append(f"{url}: HTTP status {response.status}")
                continue
            return read_metadata(response.body, issuer=server.issuer, url=url, loopback=server.loopback)
        except InvalidResponse as error:
            failures.append(error.message.rstrip("."))
            hint = hint or error.hint
    raise DiscoveryFailed(
        f"No metadata for the issuer {server.issuer}. Tried: " + "; ".join(failures) + ".",
        hint=hint or "Check the issuer, or give the server's metadata by hand: OAuthClient(..., metadata={...}).",
    )
