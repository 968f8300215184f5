"""Telling the server that a token is not to be honoured any more (RFC 7009)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oauthclient.errors import NotOffered, OAuthError
from oauthclient.flows.call import call
from oauthclient.flows.effects import Now
from oauthclient.flows.found_again import found_again
from oauthclient.protocol.revocation import StillHonoured, check_revoked, revocation_parameters
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.revocation import TokenTypeHint
    from oauthclient.protocol.wire import Parameters, Response
    from oauthclient.secret import Secret

_LONG_ENOUGH: Final = 5.0  # seconds that a person who logs out is kept waiting
_SILENT: Final = ("connection_failed", "timeout", "tls_failed")  # codes of Unreachable


def revoke(server: Server, token: Secret, hint: TokenTypeHint) -> Story[StillHonoured | None]:
    """Revoke one token. None: the server does not honour it any more; else why that cannot be said.

    No failure is raised, be it the server's, the network's or the program's own: what is forgotten on this machine is
    forgotten all the same, and the user is to hear what is left. Some servers revoke refresh tokens only (2.2.1).
    """

    def parameters(_: Occasion) -> Parameters:
        return revocation_parameters(token, hint)

    def ask(metadata: ServerMetadata) -> Story[Response]:
        endpoint = metadata.revocation_endpoint
        if endpoint is None:
            raise NotOffered("The authorization server revokes no tokens.", code="revocation_not_offered")
        # Whose token it is decides here, not who may use it (RFC 7009, section 2.1): its certificate may be gone.
        return (yield from call(server, metadata, endpoint, parameters, bound=False))

    try:
        response = yield from found_again(server, ask)
        check_revoked(response, what=f"the answer of {server.name} to a revocation")
    except OAuthError as error:
        return StillHonoured(hint, error.code, shown(error.message))
    return None


def revoke_all(
    server: Server, tokens: Iterable[tuple[Secret, TokenTypeHint]], *, within: float = _LONG_ENOUGH
) -> Story[tuple[StillHonoured, ...]]:
    """Revoke several tokens, in their order; what the server may honour still.

    None is begun when `within` seconds have passed, nor after one to which no answer came: the next would wait as long.
    """
    began = yield from Now()
    left: list[StillHonoured] = []
    silent: StillHonoured | None = None
    for token, hint in tokens:
        now = yield from Now()
        if silent is not None:
            left.append(silent._replace(token_type=hint))
        elif now.steady - began.steady >= within:
            left.append(StillHonoured(hint, "timeout", "There was no time left to revoke it."))
        else:
            honoured = yield from revoke(server, token, hint)
            if honoured is not None:
                left.append(honoured)
                silent = honoured if honoured.code in _SILENT else None
    return tuple(left)
