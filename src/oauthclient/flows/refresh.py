"""A session's token, refreshed so that a crash at any instant loses nothing (RFC 6749, 6; RFC 9700, 4.14).

A refresh token that rotates is the session. So a note is stored before it is sent, and the answer and the cleared note
in one replacement. A note found later means that the outcome is unknown, never that the token is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oauthclient.errors import ErrorResponse, InvalidJWT, OAuthError, ReauthenticationRequired
from oauthclient.flows.effects import CheckWritable, Jitter, Lease, Now, Persist, Read, Write
from oauthclient.flows.login import identity
from oauthclient.flows.revoke import revoke
from oauthclient.flows.token_call import answer_of, token_call, told
from oauthclient.protocol.id_token import check_refreshed
from oauthclient.protocol.session import from_record, to_record
from oauthclient.protocol.strict_json import text_member
from oauthclient.protocol.token import Token, read_success, read_token_response
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from oauthclient.flows.effects import Held, Story
    from oauthclient.flows.server import Server
    from oauthclient.flows.slot import Slot
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.session import SessionState
    from oauthclient.protocol.wire import Parameters, Response

_ATTEMPTS: Final = 2  # a second one only where the first was rejected and another token has been stored meanwhile


def renew_session(server: Server, slot: Slot[Name], seen: Token | None) -> Story[Token]:
    """A token for `slot`, whose grant is a session, that is not `seen`.

    The lease comes first, and a look at what is stored next: another process may have been here. Raises
    ReauthenticationRequired, which is the one error that a program must handle.
    """
    name = slot.grant
    lease = yield from Lease(name)
    try:
        for _ in range(_ATTEMPTS):
            session = yield from _stored(name)
            now = yield from Now()
            kept = session.tokens.get(slot.target)
            if kept is not None and (seen is None or kept.access_token.reveal() != seen.access_token):
                token = Token.kept(kept, scheme=server.binding.token_type, now=now, jitter=(yield from Jitter()))
                if token.usable(now.wall, now.steady):
                    return token
            fresh = yield from _refresh(server, name, slot, session, lease)
            if fresh is not None:
                return fresh
        raise AssertionError("A refresh ends in a token or an error.")
    finally:
        lease.release()


def _stored(name: Name) -> Story[SessionState]:
    record = yield from Read(name)
    if record is None:
        raise ReauthenticationRequired("There is no session any more.", code="no_session")
    return from_record(record)


def _refresh(server: Server, name: Name, slot: Slot[Name], session: SessionState, lease: Held) -> Story[Token | None]:
    """Send the refresh token once. None: it was rejected, but another one has been stored since it was read."""
    refresh_token, scope = _presentable(session, slot)
    interrupted = session.note is not None
    yield from CheckWritable(name)
    now = yield from Now()
    session = session.noted(now.wall)
    yield from Write(name, to_record(session))

    def parameters(_: Occasion) -> Parameters:
        return [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("scope", scope or ""),
            *told(slot),
            *server.parameters.items(),
        ]

    response = yield from token_call(server, parameters)
    try:
        read_success(response, what=answer_of(server))
    except ErrorResponse as error:
        if error.code != "invalid_grant":
            raise  # the note stays: nothing is known about the token
        stored = yield from _stored(name)
        if stored.refresh_token != refresh_token:
            return None
        yield from Write(name, to_record(session.ended()))
        raise _rejected(error, interrupted=interrupted) from None
    return (yield from _keep(server, name, slot, session, response, lease))


def _keep(
    server: Server, name: Name, slot: Slot[Name], session: SessionState, response: Response, lease: Held
) -> Story[Token]:
    """Store the answer, whatever is thought of it: its refresh token is the only one left."""
    what = answer_of(server)
    document = read_success(response, what=what)
    renewed = text_member(document, "refresh_token", what=what)
    session = session.refreshed(None if renewed is None else Secret(renewed))
    failure: OAuthError | None = None
    token: Token | None = None
    try:
        token = read_token_response(
            response,
            scheme=server.binding.token_type,
            asked=slot.scope,
            what=what,
            jitter=(yield from Jitter()),
        )
        session = session.with_token(slot.target, token.to_keep())
    except OAuthError as error:
        failure = error
    yield from Persist(name, to_record(session), lease)
    if failure is not None or token is None:
        raise failure or AssertionError
    id_token = text_member(document, "id_token", what=what)
    if id_token is not None:
        session = yield from _same_person(server, name, session, Secret(id_token), Secret(token.access_token))
        yield from Persist(name, to_record(session), lease)
    return token


def _same_person(
    server: Server, name: Name, session: SessionState, id_token: Secret, access_token: Secret
) -> Story[SessionState]:
    """The session with the ID token of a refresh, which must speak of the same login (OIDC Core, section 12.2).

    With another person's the session is over: it is revoked, and its tokens are forgotten.
    """
    claims = yield from identity(server, id_token, access_token=access_token)
    try:
        if session.claims:
            check_refreshed(claims, session.claims)
    except InvalidJWT:
        if session.refresh_token is not None:
            yield from revoke(server, session.refresh_token, "refresh_token")
        yield from Write(name, to_record(session.ended()))
        raise ReauthenticationRequired(
            "The authorization server answered a refresh with another person's ID token.", code="identity_changed"
        ) from None
    return session.identified(subject=claims["sub"], claims={**session.claims, **claims}, id_token=id_token)


def _presentable(session: SessionState, slot: Slot[Name]) -> tuple[Secret, str | None]:
    """The refresh token and the scope to ask for, if the grant holds them: some servers spend before they look."""
    if not session.holds(slot.target):
        raise ReauthenticationRequired(
            f"This login was not granted {slot.target}.",
            code="not_granted",
            hint="Log in again with extend=True to ask for what it has and what it lacks.",
        )
    if session.refresh_token is None:
        raise ReauthenticationRequired("The session has ended, and there is no refresh token.", code="no_refresh_token")
    granted = session.scope_of(slot.target)
    if granted is None or slot.scope is None:
        return session.refresh_token, granted
    scope = " ".join(word for word in slot.scope.split() if word in granted.split())
    if not scope:
        raise ReauthenticationRequired(
            f"This login was not granted the scope {slot.scope} for {slot.target}.",
            code="not_granted",
            hint="Log in again with extend=True to ask for what it has and what it lacks.",
        )
    return session.refresh_token, scope


def _rejected(error: ErrorResponse, *, interrupted: bool) -> ReauthenticationRequired:
    if interrupted:
        return ReauthenticationRequired(
            "An earlier refresh was cut short; the server had spent the token, and its answer is lost.",
            code="refresh_outcome_unknown",
        )
    why = f": {error.description}" if error.description else "."
    return ReauthenticationRequired(f"The server has ended the session (invalid_grant){why}", code="refresh_rejected")
