"""A login that lasts: what is kept of it, and how that changes (RFC 6749, section 6; RFC 9700, section 4.14)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from oauthclient.errors import InvalidKey, StorageTooNew, StorageUnreadable
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION: Final = 1
USERINFO: Final = ""  # the target of the token that the authorization server's own UserInfo endpoint takes
_MADE_ANEW: Final = 60.0  # seconds; a younger note may still be within a server's grace window


class Granted(NamedTuple):
    """What a login was granted for one target: as it was told to the server, and must be told at each refresh."""

    target: str
    scope: str | None


class KeptToken(NamedTuple):
    """An access token as it is stored: times in seconds since 1970, None where the server named no end.

    `scope`: what the server granted; `asked`: what it was asked for, None where no scope was named. `certificate`: the
    `x5t#S256` of the client certificate that it is bound to, if it is.
    """

    access_token: Secret
    token_type: str
    scope: str | None
    asked: str | None
    obtained_at: float
    expires_at: float | None
    certificate: str | None = None

    def serves(self, scope: str | None) -> bool:
        """Whether asking for `scope` would bring nothing that this one was not asked for."""
        return self.asked is None or (scope is not None and set(scope.split()) <= set(self.asked.split()))


class Note(NamedTuple):
    """Written before a refresh token is sent, cleared with the answer: found later, it means "outcome unknown"."""

    token_hash: str
    generation: int
    written_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """One login of one account, immutable: each change is a new one, stored in place of the last.

    `jkt`: the thumbprint of its binding key; `x5t_s256`: of the client certificate that it was issued to; each "" where
    there is none. `login`: what tells it from other logins where no key does, else "". `generation` grows with every
    refresh. `subject` and `claims` are those of the ID token, if there was one; `id_token` is kept as the hint that
    logout sends. `over`: the reason for which it cannot be refreshed any more, None while it can, or where there never
    was a refresh token.
    """

    issuer: str
    client_id: str
    profile: str
    jkt: str
    granted: tuple[Granted, ...]
    x5t_s256: str = ""
    login: str = ""
    refresh_token: Secret | None = None
    generation: int = 0
    note: Note | None = None
    tokens: Mapping[str, KeptToken] = field(default_factory=dict)
    subject: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    id_token: Secret | None = None
    over: str | None = None

    def scope_of(self, target: str) -> str | None:
        """The scope granted for `target`. Raises KeyError where the grant does not hold it."""
        return {granted.target: granted.scope for granted in self.granted}[target]

    def holds(self, target: str) -> bool:
        """Whether the grant holds `target` at all."""
        return any(granted.target == target for granted in self.granted)

    def noted(self, now: float) -> SessionState:
        """The session, with the note that its refresh token is about to be sent.

        A note that is there stays: it is older, and its outcome just as unknown.
        """
        if self.refresh_token is None or self.note is not None:
            return self
        return replace(self, note=Note(hashed(self.refresh_token), self.generation, now))

    def refreshed(self, refresh_token: Secret | None, *, certificate: str | None = None) -> SessionState:
        """The session after an answer of the token endpoint; one without a refresh token keeps the old one."""
        return replace(
            self,
            refresh_token=refresh_token or self.refresh_token,
            x5t_s256=certificate or self.x5t_s256,
            generation=self.generation + 1,
            note=None,
        )

    def with_token(self, target: str, token: KeptToken) -> SessionState:
        """The session with a newer token for `target`."""
        return replace(self, tokens={**self.tokens, target: token})

    def ended(self, why: str) -> SessionState:
        """The session with a refresh token no more, and the reason for whoever asks next."""
        return replace(self, refresh_token=None, note=None, over=why)

    def without_tokens(self) -> SessionState:
        """The session with no access token: none that it had may be used any more."""
        return replace(self, tokens={})

    def identified(self, *, subject: str, claims: Mapping[str, Any], id_token: Secret) -> SessionState:
        """The session with what a verified ID token says."""
        return replace(self, subject=subject, claims=dict(claims), id_token=id_token)

    def urgent(self, now: float) -> bool:
        """Whether a refresh that was cut short is so recent that repeating it at once may still be forgiven."""
        return self.note is not None and 0 <= now - self.note.written_at < _MADE_ANEW


def hashed(refresh_token: Secret) -> str:
    """What a note names a refresh token by: enough to recognise it, of no use to a thief."""
    return hashlib.sha256(refresh_token.reveal().encode()).hexdigest()


def to_record(session: SessionState) -> dict[str, Any]:
    """The JSON object to store: it holds secrets in the clear, and belongs into sealed storage only."""
    return {
        "version": _VERSION,
        "issuer": session.issuer,
        "client_id": session.client_id,
        "profile": session.profile,
        "jkt": session.jkt,
        "x5t#S256": session.x5t_s256,
        "login": session.login,
        "granted": [list(granted) for granted in session.granted],
        "refresh_token": _revealed(session.refresh_token),
        "generation": session.generation,
        "note": None if session.note is None else list(session.note),
        "tokens": {target: [token.access_token.reveal(), *token[1:]] for target, token in session.tokens.items()},
        "subject": session.subject,
        "claims": dict(session.claims),
        "id_token": _revealed(session.id_token),
        "over": session.over,
    }


def from_record(record: Mapping[str, Any]) -> SessionState:
    """The session that was stored. Raises StorageTooNew, or StorageUnreadable where it is none."""
    version = record.get("version")
    if isinstance(version, int) and version > _VERSION:
        raise StorageTooNew(
            f"The stored session is of version {version}; this library reads up to {_VERSION}.",
            hint="Update the program, or log in again under another profile.",
        )
    try:
        return SessionState(
            issuer=record["issuer"],
            client_id=record["client_id"],
            profile=record["profile"],
            jkt=record["jkt"],
            x5t_s256=record["x5t#S256"],
            login=record["login"],
            granted=tuple(Granted(*granted) for granted in record["granted"]),
            refresh_token=_secret(record["refresh_token"]),
            generation=record["generation"],
            note=None if record["note"] is None else Note(*record["note"]),
            tokens={
                target: KeptToken(Secret(access_token), *rest)
                for target, (access_token, *rest) in record["tokens"].items()
            },
            subject=record["subject"],
            claims=record["claims"],
            id_token=_secret(record["id_token"]),
            over=record["over"],
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidKey):
        pass
    raise StorageUnreadable("The stored session is not one.", hint="Log in again: it then replaces this one.")


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def _secret(value: str | None) -> Secret | None:
    return None if value is None else Secret(value)
