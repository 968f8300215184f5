"""What a server could do to weaken what was agreed, each played by the embedded one (RFC 9700, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from oauthclient.testing import misbehaviour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oauthclient.testing import AuthorizationServer


class Trick(NamedTuple):
    """What the server does, in words; the command that makes it; and how to give it."""

    what: str
    command: str
    play: Callable[[], None]


def tricks(server: AuthorizationServer) -> Iterator[Trick]:
    """Tricks to play one at a time, each to be followed by `server.behave()`."""
    bearer = misbehaviour.members(token_type="Bearer")  # noqa: S106 - the name of a type
    yield Trick(
        "It issues a token that is bound to nothing:",
        'server.amend(misbehaviour.members(token_type="Bearer"))',
        lambda: server.amend(bearer),
    )
    without_dpop = misbehaviour.members(dpop_signing_alg_values_supported=misbehaviour.OMIT)
    yield Trick(
        "Its metadata offers DPoP no longer:",
        'server.amend(misbehaviour.members(dpop_signing_alg_values_supported=OMIT), endpoint="metadata", times=None)',
        lambda: server.amend(without_dpop, endpoint="metadata", times=None),
    )
    impostor = misbehaviour.members(issuer="https://evil.example")
    yield Trick(
        "Its metadata is that of somebody else:",
        'server.amend(misbehaviour.members(issuer="https://evil.example"), endpoint="metadata", times=None)',
        lambda: server.amend(impostor, endpoint="metadata", times=None),
    )
    elsewhere = misbehaviour.redirect("https://evil.example/token", 307)
    yield Trick(
        "It sends the client, assertion and all, to another address:",
        'server.instead(misbehaviour.redirect("https://evil.example/token", 307))',
        lambda: server.instead(elsewhere),
    )
