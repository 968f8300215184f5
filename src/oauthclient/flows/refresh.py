"""A session's token, refreshed so that a crash at any instant loses nothing (RFC 6749, 6; RFC 9700, 4.14).

A refresh token that rotates is the session. So a note is stored before it is sent, and the answer and the cleared note
in one replacement. A note found later means that the outcome is unknown, never that the token is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oauthclient.errors import AuthorizationServerError, ErrorResponse, InvalidJWT, OAuthError, ReauthenticationRequired
from oauthclient.flows.call import presented
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.effects import CheckWritable, Jitter, Lease, Now, Persist, Read, Write
from oauthclient.flows.login import identity
from oauthclient.flows.revoke import revoke
from oauthclient.flows.token_call import answer_of, explain, token_call, told
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

_ANOTHER_PERSON: Final = ("issuer_mismatch", "iss_changed", "sub_changed")  # codes of InvalidJWT
_WHY: Final = {
    "refresh_rejected": "The server has ended the session (invalid_grant).",
    "refresh_outcome_unknown": "A refresh was cut short; the server had spent the token, and its answer is lost.",
    "identity_changed": "The authorization server answered a refresh with another person's ID token.",
    "no_refresh_token": "The session has ended, and there is no refresh token.",
}


def renew_session(server: Server, slot: Slot[Name], seen: Token | None) -> Story[Token]:
    """A token for `slot`, whose grant is a session, that is not `seen`.

    The lease comes first, and a look at what is stored next: another process may have been here. Raises
    ReauthenticationRequired, which is the one error that a program must handle.
    """
    name = slot.grant
    lease = yield from Lease(name)
    try:
        while True:  # again only where the token was rejected, and another one has been stored meanwhile
            session = yield from _stored(name)
            if (session.jkt, session.login) != (slot.thumbprint, server.login):
                # Its tokens would be sent with another key's proofs or another certificate, and be lost.
                raise ReauthenticationRequired(
                    "Another login has replaced this session.",
                    code="no_session",
                    hint="Restore the session that is stored now, or log in again.",
                )
            token = yield from _kept(server, slot, session, seen)
            if token is not None and not session.urgent((yield from Now()).wall):
                return token
            try:
                fresh = yield from _refresh(server, name, slot, session, lease)
            except AuthorizationServerError:
                if token is None:
                    raise
                return token  # it was good all the while; the next one asks again
            if fresh is not None:
                return fresh
    finally:
        lease.release()


def _stored(name: Name) -> Story[SessionState]:
    record = yield from Read(name)
    if record is None:
        raise ReauthenticationRequired("There is no session any more.", code="no_session")
    return from_record(record)


def _kept(server: Server, slot: Slot[Name], session: SessionState, seen: Token | None) -> Story[Token | None]:
    """The stored token, if somebody has put one there since that can serve."""
    kept = session.tokens.get(slot.target)
    if kept is None or (seen is not None and kept.access_token.reveal() == seen.access_token):
        return None
    if not kept.serves(_scope(session, slot)) or (kept.certificate or "") != slot.certificate:
        return None
    now = yield from Now()
    token = Token.kept(kept, scheme=server.binding.token_type, now=now, jitter=(yield from Jitter()))
    return token if token.usable(now.wall, now.steady) else None


def _refresh(server: Server, name: Name, slot: Slot[Name], session: SessionState, lease: Held) -> Story[Token | None]:
    """Send the refresh token once. None: it was rejected, but another one has been stored since it was read."""
    scope = _scope(session, slot)
    refresh_token = session.refresh_token
    if refresh_token is None:
        raise _over(session.over or "no_refresh_token")
    # Found and checked now, so that the note says no more than it must: it is written to send, not to look around.
    yield from presented(server)
    metadata = yield from known_metadata(server)
    server.binding.check(metadata)
    server.authentication.check(metadata)
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
            # The note stays: nothing is known about the token.
            raise explain(server, error, response.certificate) from None
        stored = yield from _stored(name)
        if stored.refresh_token != refresh_token:
            return None
        why = "refresh_outcome_unknown" if interrupted else "refresh_rejected"
        yield from Write(name, to_record(session.ended(why)))
        raise _over(why, error.description) from None
    return (yield from _keep(server, name, slot, session, response, lease, asked=scope))


def _keep(
    server: Server,
    name: Name,
    slot: Slot[Name],
    session: SessionState,
    response: Response,
    lease: Held,
    *,
    asked: str | None,
) -> Story[Token]:
    """Store the refresh token of the answer, which is the only one left, then judge the rest, and store that."""
    what = answer_of(server)
    document = read_success(response, what=what)
    bound_to = None if server.binding.certificate is None else response.certificate
    refresh_token = _secret(text_member(document, "refresh_token", what=what))
    session = session.refreshed(refresh_token, certificate=bound_to)
    id_token: Secret | None = None
    token: Token | None = None
    failure: OAuthError | None = None
    jitter = yield from Jitter()
    try:
        id_token = _secret(text_member(document, "id_token", what=what))
        token = read_token_response(response, binding=server.binding, asked=asked, what=what, jitter=jitter)
    except OAuthError as error:
        failure = error
    if token is not None and id_token is None:
        session = session.with_token(slot.target, token.to_keep(asked=asked))
    yield from Persist(name, to_record(session), lease)
    if token is None or failure is not None:
        raise failure or AssertionError
    if id_token is not None:
        session = yield from _same_person(server, name, session, id_token, Secret(token.access_token))
        session = session.with_token(slot.target, token.to_keep(asked=asked))
        yield from Persist(name, to_record(session), lease)
    return token


def _same_person(
    server: Server, name: Name, session: SessionState, id_token: Secret, access_token: Secret
) -> Story[SessionState]:
    """The session with the ID token of a refresh, which must speak of the same login (OIDC Core, section 12.2).

    With another person's the session is over: it is revoked, and its tokens are forgotten.
    """
    try:
        claims = yield from identity(server, id_token, access_token=access_token)
        if session.claims:
            check_refreshed(claims, session.claims)
    except InvalidJWT as error:
        if error.code not in _ANOTHER_PERSON:
            raise
    else:
        return session.identified(subject=claims["sub"], claims={**session.claims, **claims}, id_token=id_token)
    if session.refresh_token is not None:
        yield from revoke(server, session.refresh_token, "refresh_token")
    yield from Write(name, to_record(session.ended("identity_changed").without_tokens()))
    raise _over("identity_changed")


def _scope(session: SessionState, slot: Slot[Name]) -> str | None:
    """The scope to ask for: no more than the grant holds, for some servers spend the token before they look.

    Raises ReauthenticationRequired (`not_granted`).
    """
    if not session.holds(slot.target):
        raise _not_granted(slot.target)
    granted = session.scope_of(slot.target)
    if granted is None or slot.scope is None:
        return granted
    scope = " ".join(word for word in slot.scope.split() if word in granted.split())
    if not scope:
        raise _not_granted(f"the scope {slot.scope} for {slot.target}")
    return scope


def _secret(value: str | None) -> Secret | None:
    return Secret(value) if value else None


def _not_granted(what: str) -> ReauthenticationRequired:
    return ReauthenticationRequired(
        f"This login was not granted {what}.",
        code="not_granted",
        hint="Log in again with extend=True to ask for what it has and what it lacks.",
    )


def _over(why: str, description: str = "") -> ReauthenticationRequired:
    return ReauthenticationRequired(
        _WHY.get(why, _WHY["no_refresh_token"]) + (f" It says: {description}" if description else ""), code=why
    )
