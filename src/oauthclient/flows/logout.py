"""The end of a session: the server is told, and what is kept of it is deleted, in that order (RFC 7009)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.errors import StorageUnreadable
from oauthclient.flows.effects import DeleteKey, Erase, Lease, Read
from oauthclient.flows.revoke import revoke_all
from oauthclient.protocol.session import from_record

if TYPE_CHECKING:
    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.revocation import StillHonoured, TokenTypeHint
    from oauthclient.protocol.session import SessionState
    from oauthclient.secret import Secret


def logout(server: Server, name: Name) -> Story[tuple[tuple[StillHonoured, ...], SessionState | None]]:
    """What the server may honour still, and the session that was; None where there was none that could be read.

    The lease comes first: a refresh under way ends before, or its answer would outlive the logout.
    """
    lease = yield from Lease(name)
    try:
        state = yield from _stored(name)
        left: tuple[StillHonoured, ...] = ()
        if state is not None:
            left = yield from revoke_all(server, _tokens(state))
        yield from Erase(name)
        if state is not None and state.jkt:
            yield from DeleteKey(state.jkt)  # last: a keyring that is locked must not keep the session here
        return left, state
    finally:
        lease.release()


def _stored(name: Name) -> Story[SessionState | None]:
    try:
        record = yield from Read(name)
        return None if record is None else from_record(record)
    except StorageUnreadable:
        return None


def _tokens(state: SessionState) -> list[tuple[Secret, TokenTypeHint]]:
    """The refresh token first: with it servers let go of the others too."""
    tokens: list[tuple[Secret, TokenTypeHint]] = []
    if state.refresh_token is not None:
        tokens.append((state.refresh_token, "refresh_token"))
    tokens.extend((token.access_token, "access_token") for token in state.tokens.values())
    return tokens
