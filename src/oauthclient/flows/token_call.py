"""A request to the token endpoint, whatever the grant (RFC 6749, section 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from oauthclient.flows.call import call
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.found_again import found_again
from oauthclient.protocol.urls import origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.errors import AuthorizationServerError
    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.flows.slot import Slot
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.wire import Parameters, Response

E = TypeVar("E", bound="AuthorizationServerError")

_TIME_MATTERS: Final = ("invalid_client", "invalid_dpop_proof", "invalid_grant")


def token_call(server: Server, parameters: Callable[[Occasion], Parameters], *, code: bool = False) -> Story[Response]:
    """The answer of the token endpoint to `parameters`. A `code` is never sent again, but for a nonce.

    Nothing is sent to a server that does not offer what was configured. Where the endpoint is not found any more, the
    metadata is read again, and it is asked for at its new place.
    """

    def ask(metadata: ServerMetadata) -> Story[Response]:
        server.binding.check(metadata)
        server.authentication.check(metadata)
        return (yield from call(server, metadata, metadata.token_endpoint, parameters, once=code))

    if code:
        return (yield from ask((yield from known_metadata(server))))
    return (yield from found_again(server, ask))


def answer_of(server: Server) -> str:
    """How an error names the answer of the token endpoint."""
    return f"the token response of {server.issuer or origin(server.token_endpoint)}"


def explain(server: Server, error: E) -> E:
    """`error`, with what is known of the clocks where that may be its cause."""
    if error.code in _TIME_MATTERS:
        complaint = server.clocks.of(origin(server.token_endpoint)).complaint()
        error.hint = f"{complaint} {error.hint}".strip()
    return error


def told(slot: Slot[Any]) -> list[tuple[str, str]]:
    """How the server is told what a token is for (RFC 8707, section 2)."""
    return [] if slot.told_by == "scope" else [(slot.told_by, slot.target)]
