"""From a login to a stored session, in place of the one before (RFC 9700, section 4.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.errors import ReauthenticationRequired, StorageUnreadable
from oauthclient.flows.effects import DeleteKey, Lease, Persist, Read
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
    """Store a new session. The one before is given up after that: its refresh token is revoked, its key deleted.

    Raises ReauthenticationRequired (`identity_changed`) where another person was logged in before, unless
    `switch_account`: then the new session is revoked, and the one before stays.
    """
    lease = yield from Lease(name)
    try:
        before = yield from _readable(name)
        changed = before is not None and before.subject is not None and before.subject != state.subject
        if changed and not switch_account:
            if state.refresh_token is not None:
                yield from revoke(server, state.refresh_token, "refresh_token")
            raise ReauthenticationRequired(
                "Another person has logged in than before.",
                code="identity_changed",
                hint="Log in as the same person, or with switch_account=True.",
            )
        yield from Persist(name, to_record(state), lease)
        if before is not None and before.refresh_token is not None:
            yield from revoke(server, before.refresh_token, "refresh_token")
        if before is not None and before.jkt not in ("", state.jkt):
            yield from DeleteKey(before.jkt)
        return state
    finally:
        lease.release()


def _readable(name: Name) -> Story[SessionState | None]:
    try:
        return (yield from stored_session(name))
    except StorageUnreadable:
        return None
