"""The access tokens of the embedded server, and what its APIs can learn about them (RFC 9068)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from oauthclient.errors import InvalidJWT
from oauthclient.jose import jwt
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.kinds import ACCESS_TOKEN
from oauthclient.testing.records import claims_of
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.keys import SigningKey

TokenFormat = Literal["jwt", "reference", "paseto"]


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
        """The thumbprint of the key it is bound to (RFC 9449, section 6.1), or None for a bearer token."""
        confirmation = self.claims.get("cnf") or {}
        return confirmation.get("jkt")


class Tokens:
    """Issues and looks up access tokens.

    `format`: `"jwt"` (RFC 9068), `"reference"`, or `"paseto"` for something that looks like one; a client
    must not notice. `issued`: every token, oldest first.
    """

    def __init__(self, issuer: str, key: SigningKey) -> None:
        self.format: TokenFormat = "jwt"
        self.issued: list[IssuedToken] = []
        self._issuer = issuer
        self._key = key
        self._public = {**key.public_jwk, "alg": key.algorithm, "use": "sig"}
        self._keys = KeySet.of(self._public)
        self._active: dict[str, IssuedToken] = {}

    @property
    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JWK set that verifies the tokens (RFC 7517, section 5)."""
        return {"keys": [self._public]}

    def issue(self, claims: Mapping[str, Any]) -> IssuedToken:
        """A new token with these claims; `iss` and `jti` are added."""
        claims = {"iss": self._issuer, **claims, "jti": secrets.token_urlsafe(12)}
        if self.format == "jwt":
            access_token = jwt.issue(ACCESS_TOKEN, self._key, claims)
        elif self.format == "reference":
            access_token = secrets.token_urlsafe(32)
        else:
            access_token = f"v4.local.{secrets.token_urlsafe(96)}"
        token = IssuedToken(access_token, claims)
        self.issued.append(token)
        self._active[access_token] = token
        return token

    def revoke(self, access_token: str | None = None) -> None:
        """Let the APIs refuse this token from now on, or all that were issued so far."""
        if access_token is None:
            self._active.clear()
        else:
            self._active.pop(access_token, None)

    def check(self, access_token: str, *, audience: str, now: float) -> IssuedToken:
        """The token if it is ours, good at `now` and for this audience; else `invalid_token`."""
        if claims_of(access_token) is not None:
            try:
                jwt.verify(
                    ACCESS_TOKEN,
                    access_token,
                    self._keys,
                    algorithms=(self._key.algorithm,),
                    issuer=self._issuer,
                    audience=audience,
                    now=now,
                )
            except InvalidJWT as error:
                raise RefusedError("invalid_token", f"The access token does not verify: {error}") from None
        token = self._active.get(access_token)
        if token is None:
            raise RefusedError("invalid_token", "The access token is unknown or was revoked.")
        if token.claims["exp"] <= now:
            raise RefusedError("invalid_token", "The access token has expired.")
        audiences = token.claims["aud"]
        if audience not in ([audiences] if isinstance(audiences, str) else audiences):
            raise RefusedError("invalid_token", "The access token is for another audience.")
        return token
