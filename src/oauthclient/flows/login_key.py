"""The key of a login under way: stored before anything is bound to it, and for one answer (RFC 9449, 5 and 10).

A record says that the login is under way, until a session names its key, or it has come to nothing. It is what makes
an answer good for once among all processes, and what finds the keys of logins that were never finished.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from oauthclient.errors import LoginError, StorageError, StorageUnreadable
from oauthclient.flows.effects import Ask, DeleteKey, Erase, FreshID, Lease, Now, Read, SaveKey, Write
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.record_name import Name
from oauthclient.protocol.session import hashed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthclient.flows.effects import Story
    from oauthclient.protocol.pending import Pending

_VERSION: Final = 1
_GIVEN_UP: Final = 86400.0  # seconds after which nobody comes back to finish a login


def login_name(issuer: str, client_id: str, thumbprint: str) -> Name:
    """What a login is filed under: its key."""
    return Name("login", issuer, client_id, thumbprint)


def pending_name(pending: Pending) -> Name:
    """What a login is filed under that has begun; one for bearer tokens, which has no key, under its `state`."""
    return login_name(pending.issuer, pending.client_id, pending.jkt or hashed(pending.state))


def new_login_key(issuer: str, client_id: str, *, algorithm: str, profile: str | None) -> Story[SigningKey]:
    """A new key for `algorithm`, and the record of the login that it is for.

    `profile`: that of the session to be; None where it is said by who finishes the login.
    """
    key = yield from Ask(partial(SigningKey.generate, algorithm))
    yield from remember(login_name(issuer, client_id, key.thumbprint), key=key.thumbprint, profile=profile)
    yield from SaveKey(key.thumbprint, key.to_jwk())
    return key


def new_keyless_login(issuer: str, client_id: str, *, profile: str) -> Story[Name]:
    """The record of a login without a key: for the key of the session that it is to replace."""
    login = login_name(issuer, client_id, (yield from FreshID()))
    yield from remember(login, key="", profile=profile)
    return login


def remember(login: Name, *, key: str, profile: str | None) -> Story[None]:
    """Record that a login is under way."""
    now = yield from Now()
    replaced = None if profile is None else (yield from _key_of_session(login, profile))
    record = {"version": _VERSION, "began_at": now.wall, "key": key, "profile": profile, "replaced": replaced}
    yield from Write(login, record)


def take(login: Name, profile: str) -> Story[None]:
    """Finish a login, as the only one who does, for the session of `profile`. Raises LoginError (`login_finished`)."""
    lease = yield from Lease(login)
    try:
        record = yield from Read(login)
        if record is None or record.get("profile") is not None:
            raise finished()
        replaced = yield from _key_of_session(login, profile)
        yield from Write(login, {**record, "profile": profile, "replaced": replaced})
    finally:
        lease.release()


def finished() -> LoginError:
    """What is raised where a login is to be finished for a second time."""
    return LoginError(
        "This login has been finished before, or was given up.",
        code="login_finished",
        hint="Each login takes one answer: begin another one.",
    )


def give_up(login: Name) -> Story[None]:
    """Delete the keys that a login left which was cut short: its own, or that of the session it replaced.

    The one that a session names stays.
    """
    record = yield from Read(login)
    if record is None:
        return
    profile = record.get("profile")
    named = None
    if isinstance(profile, str):
        session = yield from Read(_session_name(login, profile))
        named = None if session is None else session.get("jkt")
    for key in (record.get("key"), record.get("replaced")):
        if key and key != named:
            yield from DeleteKey(key)
    yield from Erase(login)


def _session_name(login: Name, profile: str) -> Name:
    return Name("session", login.issuer, login.client, profile)


def _key_of_session(login: Name, profile: str) -> Story[str | None]:
    """The key of the session that a login is to replace; None where there is none that can be read."""
    try:
        session = yield from Read(_session_name(login, profile))
    except StorageUnreadable:
        return None
    return None if session is None else session.get("jkt")


def clear_away(logins: Iterable[Name]) -> Story[None]:
    """Give up the logins that nobody has finished in a day. One that cannot be read now is left for another time."""
    now = yield from Now()
    for login in logins:
        with suppress(StorageError):
            record = yield from Read(login)
            began_at = None if record is None else record.get("began_at")
            if isinstance(began_at, int | float) and now.wall - began_at > _GIVEN_UP:
                yield from give_up(login)
