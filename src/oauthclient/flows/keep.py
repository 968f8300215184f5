"""From a login to a stored session, in place of the one before (RFC 9700, section 4.14)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from oauthclient.errors import ReauthenticationRequired, StorageError, StorageUnreadable
from oauthclient.flows.effects import DeleteKey, Lease, Read, Write
from oauthclient.flows.revoke import revoke
from oauthclient.protocol.session import from_record, to_record

if TYPE_CHECKING:
    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.session import SessionState


def stored_session(name: Name) -> Story[SessionState | None]:
    """The stored session of that name. Raises StorageError where there is one that cannot be had."""
    record = yield from Read(name)
    return None if record is None else from_record(record)


def keep_session(server: Server, name: Name, state: SessionState, *, switch_account: bool) -> Story[SessionState]:
    """Store a new session. The one before is given up after that: its key is deleted, and without it nobody can use it.

    Its refresh token is revoked only where it was another person's: servers that keep one grant for each person and
    client, node-oidc-provider among them, would end the new session with it (RFC 7009, section 2.1).

    Raises ReauthenticationRequired (`identity_changed`) where another person was logged in before, unless
    `switch_account`, or StorageError: then the new session is revoked, and the one before stays.
    """
    lease = yield from Lease(name)
    try:
        before = yield from _readable(name)
        changed = before is not None and before.subject is not None and before.subject != state.subject
        if changed and not switch_account:
            yield from _revoked(server, state)
            raise ReauthenticationRequired(
                "Another person has logged in than before.",
                code="identity_changed",
                hint="Log in as the same person, or with switch_account=True.",
            )
        try:
            yield from Write(name, to_record(state))
        except StorageError:
            if before is None or before.subject != state.subject:
                yield from _revoked(server, state)
            raise
        if before is not None and changed:
            yield from _revoked(server, before)
        if before is not None and before.jkt not in ("", state.jkt):
            with suppress(StorageError):  # the login has succeeded all the same
                yield from DeleteKey(before.jkt)
        return state
    finally:
        lease.release()


def _revoked(server: Server, state: SessionState) -> Story[None]:
    if state.refresh_token is not None:
        yield from revoke(server, state.refresh_token, "refresh_token")


def _readable(name: Name) -> Story[SessionState | None]:
    try:
        return (yield from stored_session(name))
    except StorageUnreadable:
        return None
