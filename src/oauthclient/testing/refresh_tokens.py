"""Refresh tokens: rotation, and what is done when one comes back (RFC 6749, section 6; RFC 9700, section 4.14.2)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from oauthclient.testing.grants import Grant
from oauthclient.testing.refusal import RefusedError
from oauthclient.testing.targets import asked_scope

if TYPE_CHECKING:
    from oauthclient.testing.grants import GrantRequest
    from oauthclient.testing.logins import Login
    from oauthclient.testing.tokens import Tokens

Rotation = Literal["rotate", "keep"]
Condition = Literal["always", "offline_access", "prompt=consent", "never"]


@dataclass(slots=True, eq=False)
class RefreshToken:
    """A refresh token and the login it belongs to. `used_at`: when it was first used up, in seconds since the epoch."""

    value: str = field(repr=False)
    login: Login
    issued_at: float
    used_at: float | None = None
    revoked: bool = False


class RefreshTokens:
    """Issues refresh tokens and is the grant of that name.

    `rotation`: `"rotate"` gives a new one with each use, `"keep"` none. `grace`: seconds for which one that was used is
    accepted again, for a client that lost the answer; after that its return is a replay, which ends the login.
    `condition`: what must have been asked for to get one: `"always"` (nothing), `"offline_access"`, `"prompt=consent"`
    with it (OpenID Connect Core, section 11), `"never"`. `lifetime`: seconds, None for no end. `issued`: all of them,
    oldest first. `refreshed`, `replays`: how many uses were honoured, and how many came too late.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.rotation: Rotation = "rotate"
        self.grace = 0.0
        self.condition: Condition = "always"
        self.lifetime: float | None = None
        self.issued: list[RefreshToken] = []
        self.refreshed = 0
        self.replays = 0
        self._tokens = tokens
        self._by_value: dict[str, RefreshToken] = {}

    def issue(self, login: Login, now: float) -> str:
        """A new one, for this login."""
        token = RefreshToken(secrets.token_urlsafe(32), login, now)
        self.issued.append(token)
        self._by_value[token.value] = token
        return token.value

    def find(self, value: str) -> RefreshToken | None:
        """The token of this value, whatever its state."""
        return self._by_value.get(value)

    def revoke(self, value: str | None = None) -> None:
        """Accept this one no more, or none that was issued so far. The login and its access tokens go on."""
        for token in self.issued if value is None else [self._by_value[value]]:
            token.revoked = True

    def end(self, login: Login) -> None:
        """Accept nothing of a login any more: neither refresh tokens nor access tokens."""
        login.ended = True
        for access_token in login.access_tokens:
            self._tokens.revoke(access_token)

    def end_all(self) -> None:
        """End every login that has a refresh token."""
        for token in self.issued:
            self.end(token.login)

    def offered(self, scope: frozenset[str], prompt: frozenset[str]) -> bool:
        """Whether an authorization request that asks for this gets one."""
        if self.condition in {"always", "never"}:
            return self.condition == "always"
        return "offline_access" in scope and (self.condition == "offline_access" or "consent" in prompt)

    def __call__(self, request: GrantRequest) -> Grant:
        """The grant that the token is. The order of the checks is that of node-oidc-provider.

        So a scope that was not granted uses nothing up, but a resource that was not granted, or that is missing, is
        found only after the token was used up.
        """
        value = request.form.get("refresh_token")
        if value is None:
            raise RefusedError("invalid_request", "refresh_token is missing (RFC 6749, 6).")
        token = self._by_value.get(value)
        if token is None or token.login.client_id != request.client.client_id:
            raise _invalid("The refresh token is unknown, or another client's.")
        login = token.login
        if token.revoked or login.ended:
            raise _invalid("The refresh token was revoked.")
        if self.lifetime is not None and request.now >= token.issued_at + self.lifetime:
            raise _invalid("The refresh token has expired.")
        if login.jkt is not None and request.jkt != login.jkt:
            raise _invalid("The refresh token is bound to another key (RFC 9449, 5).")
        if login.x5t_s256 is not None and request.x5t_s256 != login.x5t_s256:
            raise _invalid("The refresh token is bound to another certificate (RFC 8705, 4).")
        scope = asked_scope({name: [text] for name, text in request.form.items()})
        if scope is not None and not scope <= login.target.scope:
            raise RefusedError("invalid_scope", "The scope goes beyond what was granted (RFC 6749, 6).")
        self._use(token, request.now)
        return Grant(login.subject, scope=scope, login=login)

    def _use(self, token: RefreshToken, now: float) -> None:
        if token.used_at is not None and not 0 <= now - token.used_at < self.grace:
            self.replays += 1
            self.end(token.login)
            raise _invalid("The refresh token was used before: the login ends (RFC 9700, 4.14.2).")
        if self.rotation == "rotate" and token.used_at is None:
            token.used_at = now
        self.refreshed += 1


def _invalid(description: str) -> RefusedError:
    return RefusedError("invalid_grant", description)
