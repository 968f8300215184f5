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


def tricks(server: AuthorizationServer, *, by_certificate: bool) -> Iterator[Trick]:
    """Tricks to play one at a time, each to be followed by `server.behave()`.

    `by_certificate`: whether tokens are bound to a client certificate, or else to a key.
    """
    yield from _with_certificates(server) if by_certificate else _with_keys(server)
    impostor = misbehaviour.members(issuer="https://evil.example")
    yield Trick(
        "Its metadata is that of somebody else:",
        'server.amend(misbehaviour.members(issuer="https://evil.example"), endpoint="metadata", times=None)',
        lambda: server.amend(impostor, endpoint="metadata", times=None),
    )
    elsewhere = misbehaviour.redirect("https://evil.example/token", 307)
    yield Trick(
        "It sends the client, credentials and all, to another address:",
        'server.instead(misbehaviour.redirect("https://evil.example/token", 307))',
        lambda: server.instead(elsewhere),
    )


def _with_keys(server: AuthorizationServer) -> Iterator[Trick]:
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


def _with_certificates(server: AuthorizationServer) -> Iterator[Trick]:
    silent = misbehaviour.members(tls_client_certificate_bound_access_tokens=misbehaviour.OMIT)
    yield Trick(
        "Its metadata promises no longer that tokens are bound:",
        "server.amend(misbehaviour.members(tls_client_certificate_bound_access_tokens=OMIT), "
        'endpoint="metadata", times=None)',
        lambda: server.amend(silent, endpoint="metadata", times=None),
    )
    plain = misbehaviour.aliases(token_endpoint="http://as.example.com/token")  # noqa: S106 - a URL
    yield Trick(
        "Its alias for the token endpoint is one without TLS:",
        'server.amend(misbehaviour.aliases(token_endpoint="http://as.example.com/token"), '
        'endpoint="metadata", times=None)',
        lambda: server.amend(plain, endpoint="metadata", times=None),
    )
