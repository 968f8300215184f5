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
# What servers say to a client that is to have bound tokens and presents no certificate: RFC 8705 leaves it to them
# (section 3.4). And to a public client whose grant is bound to another one (section 4).
_UNBOUND: Final = ("invalid_grant", "invalid_request")


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


def explain(server: Server, error: E, presented: str | None = None, *, grant: bool = True) -> E:
    """`error`, with what is known of the clocks, or of the client certificate, where that may be its cause.

    `presented`: the `x5t#S256` of the certificate that was ready on the connection, None where none was. Whether the
    server asked for it, only the server knows: TLS does not say. `grant`: False for a request that begins a login, in
    which nothing can be bound to it yet.
    """
    hints = [error.hint]
    if presented is not None and _certificate_matters(server, error.code, grant=grant):
        hints.insert(
            0,
            f"Either the endpoint did not ask for the client certificate (x5t#S256 {presented}): it may lack an alias "
            "in mtls_endpoint_aliases, or a proxy before it ends TLS. Or the server does not know that certificate.",
        )
    if error.code in _TIME_MATTERS:
        hints.insert(0, server.clocks.of(origin(server.token_endpoint)).complaint())
    error.hint = " ".join(filter(None, hints))
    return error


def _certificate_matters(server: Server, code: str, *, grant: bool) -> bool:
    """Whether a server that missed the certificate, or expected another, would say this (RFC 8705, sections 2 to 4)."""
    if server.authentication.certificate is not None:  # once it has authenticated, the grant is not bound to it: 7.1
        return code == "invalid_client"
    return grant and code in _UNBOUND and server.binding.certificate is not None


def told(slot: Slot[Any]) -> list[tuple[str, str]]:
    """How the server is told what a token is for (RFC 8707, section 2)."""
    return [] if slot.told_by == "scope" else [(slot.told_by, slot.target)]
