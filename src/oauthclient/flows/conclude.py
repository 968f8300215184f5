"""The end of a login: a session that is stored, or a login that left nothing behind (RFC 6749, section 4.1)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from oauthclient.errors import InvalidResponse, StorageError
from oauthclient.flows.effects import Erase
from oauthclient.flows.keep import keep_session
from oauthclient.flows.login import finish
from oauthclient.flows.login_key import give_up, pending_name, take
from oauthclient.protocol.authorization_response import belongs, callback_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.pending import Pending
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.session import SessionState
    from oauthclient.secret import Secret


def conclude(
    server: Server,
    name: Name,
    login: Name,
    outcome: Callable[[], Story[SessionState]],
    *,
    switch_account: bool,
) -> Story[SessionState]:
    """The session that `outcome` tells of, stored as `name`. `login`: the record of the login; it ends either way."""
    try:
        state = yield from outcome()
        state = yield from keep_session(server, name, state, switch_account=switch_account)
    except Exception:
        with suppress(StorageError):
            yield from give_up(login)
        raise
    with suppress(StorageError):  # the session is there; what is left of the login is cleared away later
        yield from Erase(login)
    return state


def answered(server: Server, pending: Pending, callback_url: Secret, *, profile: str) -> Story[SessionState]:
    """The second half of a login; an answer that is not this login's is refused in it."""
    answer = callback_parameters(callback_url.reveal(), pending.redirect_uri)
    return (yield from finish(server, pending, answer, profile=profile))


def answered_once(
    server: Server, name: Name, pending: Pending, callback_url: Secret, *, switch_account: bool
) -> Story[SessionState]:
    """The session that a callback URL brings, where nobody but its caller knows which login it answers.

    One of another login leaves this one as it is; the first with its `state` ends it, whatever it holds. Raises
    InvalidResponse (`wrong_redirect_uri`, `unknown_state`), LoginError (`login_finished`), what the login ends with.
    """
    callback_parameters(callback_url.reveal(), pending.redirect_uri)
    if not belongs(callback_url.reveal(), pending.state):
        raise InvalidResponse(
            "The state in the callback URL is not that of this login.",
            code="unknown_state",
            hint="Somebody may have slipped in another answer: finish each login with its own.",
        )
    login = pending_name(pending)
    yield from take(login, name.profile)
    return (
        yield from conclude(
            server,
            name,
            login,
            lambda: answered(server, pending, callback_url, profile=name.profile),
            switch_account=switch_account,
        )
    )
