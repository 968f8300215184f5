"""An endpoint that has moved is looked for in the metadata once more (RFC 8414, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.flows.discover import known_metadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.wire import Response


def found_again(server: Server, ask: Callable[[ServerMetadata], Story[Response]]) -> Story[Response]:
    """What `ask` brings from an endpoint that the metadata names; asked again where that is not there any more."""
    response = yield from ask((yield from known_metadata(server)))
    if response.status == 404 and server.discovered:  # noqa: PLR2004  # the endpoint has moved
        server.read_again = 0.0
        response = yield from ask((yield from known_metadata(server)))
    return response
