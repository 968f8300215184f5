"""From a grant to a token (RFC 6749, section 4; RFC 8707, section 2.2; RFC 9449, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.errors import ErrorResponse
from oauthclient.flows.effects import Jitter, Load, Now, Save
from oauthclient.flows.token_call import answer_of, explain, token_call, told
from oauthclient.protocol.token import read_token_response

if TYPE_CHECKING:
    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.flows.slot import Slot
    from oauthclient.protocol.grants import Grant
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.token import Token
    from oauthclient.protocol.wire import Parameters


def renew(server: Server, slot: Slot[Grant], seen: Token | None) -> Story[Token]:
    """A token for `slot` that is not `seen`, the one known to be of no more use.

    Somebody may have stored another one since it was seen: that one is then the answer, and nothing is sent. One that
    was asked for while the client certificate was renewed is filed under that which it is bound to (RFC 8705, section
    3): who shares the store may have only the other one.
    """
    stored = yield from Load(slot)
    now = yield from Now()
    if stored is not None and stored is not seen and stored.usable(now.wall, now.steady):
        return stored
    token = yield from obtain(server, slot)
    yield from Save(slot if token.certificate is None else slot._replace(certificate=token.certificate), token)
    return token


def obtain(server: Server, slot: Slot[Grant]) -> Story[Token]:
    """A new token for `slot`."""

    def parameters(occasion: Occasion) -> Parameters:
        return [
            ("grant_type", slot.grant.grant_type),
            *slot.grant.parameters(occasion),
            ("scope", slot.scope or ""),
            *told(slot),
            *server.parameters.items(),
        ]

    response = yield from token_call(server, parameters)
    jitter = yield from Jitter()
    try:
        return read_token_response(
            response,
            binding=server.binding,
            asked=slot.scope,
            what=answer_of(server),
            jitter=jitter,
        )
    except ErrorResponse as error:
        raise explain(server, error, response.certificate) from None
