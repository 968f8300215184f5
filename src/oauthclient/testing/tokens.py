"""The access tokens of the embedded server, and what its APIs can learn about them (RFC 9068)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from oauthclient.errors import InvalidJWT
from oauthclient.jose import jwt
from oauthclient.jose.kinds import ACCESS_TOKEN, audiences
from oauthclient.testing.records import header_of
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.testing.server_keys import ServerKeys

TokenFormat = Literal["jwt", "reference", "paseto"]

_ALGORITHM: Final = "ES256"


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token and its claims. Its repr does not show the token."""

    access_token: str = field(repr=False)
    claims: Mapping[str, Any]

    @property
    def scope(self) -> frozenset[str]:
        """The scopes it was granted."""
        return frozenset(str(self.claims.get("scope", "")).split())

    @property
    def jkt(self) -> str | None:
        """The thumbprint of the key it is bound to (RFC 9449, section 6.1), or None."""
        return self._confirmation.get("jkt")

    @property
    def x5t_s256(self) -> str | None:
        """The thumbprint of the certificate it is bound to (RFC 8705, section 3.1), or None."""
        return self._confirmation.get("x5t#S256")

    @property
    def _confirmation(self) -> Mapping[str, str]:
        return self.claims.get("cnf") or {}


class Tokens:
    """Issues and looks up access tokens.

    `format`: `"jwt"` (RFC 9068), `"reference"`, or `"paseto"` for something that looks like one; a client
    must not notice. `issued`: every token, oldest first.
    """

    def __init__(self, issuer: str, keys: ServerKeys) -> None:
        self.format: TokenFormat = "jwt"
        self.issued: list[IssuedToken] = []
        self._issuer = issuer
        self._keys = keys
        keys.signing(_ALGORITHM)  # so that it is published before the first token is seen
        self._claims: dict[str, Mapping[str, Any]] = {}
        self._revoked: set[str] = set()

    def issue(self, claims: Mapping[str, Any]) -> IssuedToken:
        """A new token with these claims; `iss` and `jti` are added."""
        claims = {"iss": self._issuer, **claims, "jti": secrets.token_urlsafe(12)}
        if self.format == "jwt":
            access_token = jwt.issue(ACCESS_TOKEN, self._keys.signing(_ALGORITHM), claims)
        elif self.format == "reference":
            access_token = secrets.token_urlsafe(32)
        else:
            access_token = f"v4.local.{secrets.token_urlsafe(96)}"
        token = IssuedToken(access_token, claims)
        self.issued.append(token)
        self._claims[access_token] = claims
        return token

    def revoke(self, access_token: str | None = None) -> None:
        """Let the APIs refuse this token from now on, or all that were issued so far."""
        self._revoked.update(self._claims if access_token is None else [access_token])

    def check(self, access_token: str, *, audience: str, now: float) -> IssuedToken:
        """The token if it is ours, good at `now` and for this audience; else `invalid_token` (RFC 6750, 3.1)."""
        if access_token in self._revoked:
            raise RefusedError("invalid_token", "The access token was revoked.")
        read = self._verified if header_of(access_token) is not None else self._looked_up
        return IssuedToken(access_token, read(access_token, audience, now))

    def _verified(self, access_token: str, audience: str, now: float) -> Mapping[str, Any]:
        """The claims of a JWT, by the server's keys alone (RFC 9068, section 4)."""
        try:
            verified = jwt.verify(
                ACCESS_TOKEN,
                access_token,
                self._keys.verifying,
                algorithms=(_ALGORITHM,),
                issuer=self._issuer,
                audience=audience,
                now=now,
                leeway=0.0,
            )
        except InvalidJWT as error:
            raise RefusedError("invalid_token", f"The access token does not verify: {error}") from None
        return verified.claims

    def _looked_up(self, access_token: str, audience: str, now: float) -> Mapping[str, Any]:
        """The claims of a token that says nothing by itself, as introspection would tell them (RFC 7662)."""
        claims = self._claims.get(access_token)
        if claims is None:
            raise RefusedError("invalid_token", "The access token is unknown.")
        if claims["exp"] <= now:
            raise RefusedError("invalid_token", "The access token has expired.")
        if audience not in audiences(claims):
            raise RefusedError("invalid_token", "The access token is for another audience.")
        return claims
