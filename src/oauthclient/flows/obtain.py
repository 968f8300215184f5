"""From a grant to a token (RFC 6749, section 4; RFC 8707, section 2.2; RFC 9449, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.errors import ErrorResponse
from oauthclient.flows.call import call, theirs
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.effects import Jitter, Load, Now, Save
from oauthclient.protocol.token import read_token_response
from oauthclient.protocol.urls import origin

if TYPE_CHECKING:
    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.flows.slot import Slot
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.token import Token
    from oauthclient.protocol.wire import Form, Response

_TIME_MATTERS = ("invalid_client", "invalid_dpop_proof", "invalid_grant")


def renew(server: Server, slot: Slot, seen: Token | None) -> Story[Token]:
    """A token for `slot` that is not `seen`, the one known to be of no more use.

    Somebody may have stored another one since it was seen: that one is then the answer, and nothing is sent.
    """
    stored = yield from Load(slot)
    now = yield from Now()
    if stored is not None and stored is not seen and stored.usable(now.wall, now.steady):
        return stored
    token = yield from obtain(server, slot)
    yield from Save(slot, token)
    return token


def obtain(server: Server, slot: Slot) -> Story[Token]:
    """A new token for `slot`. Nothing is sent to a server that does not offer what was configured."""
    response = yield from _ask(server, slot)
    if response.status == 404 and server.read_again != float("inf"):  # noqa: PLR2004  # the endpoint has moved
        server.read_again = 0.0
        response = yield from _ask(server, slot)
    what = f"the token response of {server.issuer or origin(_endpoint(server))}"
    jitter = yield from Jitter()
    try:
        return read_token_response(
            response, scheme=server.binding.token_type, asked=slot.scope, what=what, jitter=jitter
        )
    except ErrorResponse as error:
        if error.code in _TIME_MATTERS:
            complaint = server.clocks.of(origin(_endpoint(server))).complaint()
            error.hint = f"{complaint} {error.hint}".strip()
        raise


def _ask(server: Server, slot: Slot) -> Story[Response]:
    metadata = yield from known_metadata(server)
    server.binding.check(metadata)
    server.authentication.check(metadata)

    def fill(form: Form, occasion: Occasion) -> Story[None]:
        form.add([("grant_type", slot.grant.grant_type)])
        yield from theirs(lambda: form.add(slot.grant.parameters(occasion)), what="grant")
        form.add([("scope", slot.scope or "")])
        if slot.told_by != "scope":
            form.add([(slot.told_by, slot.target)])
        form.add(server.parameters.items())

    return (yield from call(server, metadata, metadata.token_endpoint, fill))


def _endpoint(server: Server) -> str:
    return server.metadata.token_endpoint if server.metadata is not None else server.issuer
