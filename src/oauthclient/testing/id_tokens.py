"""The ID tokens of the embedded server (OpenID Connect Core 1.0, sections 2, 3.1.3.3 and 12.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oauthclient.jose import jwt
from oauthclient.jose.id_token_hash import at_hash
from oauthclient.jose.kinds import ID_TOKEN, REFRESHED_ID_TOKEN

if TYPE_CHECKING:
    from oauthclient.testing.clients import Client
    from oauthclient.testing.logins import Login
    from oauthclient.testing.server_keys import ServerKeys


class IDTokens:
    """Issues ID tokens. `lifetime`: in seconds. `on_refresh`: whether refreshing brings a new one."""

    def __init__(self, issuer: str, keys: ServerKeys) -> None:
        self.lifetime = 300
        self.on_refresh = True
        self._issuer = issuer
        self._keys = keys

    def issue(self, login: Login, client: Client, *, access_token: str, now: float) -> str | None:
        """The ID token to go with an access token, or None where none belongs."""
        first = login.tokens == 0
        if "openid" not in login.target.scope or not (first or self.on_refresh):
            return None
        algorithm = client.id_token_signed_response_alg
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": login.subject,
            "aud": client.client_id,
            "azp": client.client_id,
            "iat": int(now),
            "exp": int(now) + self.lifetime,
            "auth_time": login.auth_time,
            "at_hash": at_hash(access_token, algorithm),
        }
        if login.acr is not None:
            claims["acr"] = login.acr
        # Section 12.2: that of a refresh should have no nonce, for no authorization request was made.
        if first and login.nonce is not None:
            claims["nonce"] = login.nonce
        kind = ID_TOKEN if "nonce" in claims else REFRESHED_ID_TOKEN
        return jwt.issue(kind, self._keys.signing(algorithm), claims)
