"""The grants of the embedded server, and what a test adds one with (RFC 6749, 4.4; RFC 7523, 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oauthclient.errors import InvalidJWT
from oauthclient.jose import jwt
from oauthclient.jose.algorithms import VERIFYING
from oauthclient.jose.kinds import AUTHORIZATION_GRANT
from oauthclient.testing.records import claims_of
from oauthclient.testing.refusal import RefusedError
from oauthclient.testing.replays import Replays

if TYPE_CHECKING:
    from oauthclient.jose.jwks import KeySet
    from oauthclient.testing.clients import Client
    from oauthclient.testing.logins import Login


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """A token request whose client is authenticated and whose proof is verified.

    `form`: its parameters, each once. `jkt`: the thumbprint of the proof's key, or None without a proof.
    `now`: the server's time. `x5t_s256`: the thumbprint of the certificate that its tokens are bound to, or None.
    """

    client: Client
    form: Mapping[str, str] = field(repr=False)
    jkt: str | None
    now: float
    x5t_s256: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a grant allows: tokens for `subject`, with no more than `scope` (None: what the client may have).

    `claims` are added to the access token. `login`: the login of a person that the grant is part of; of it come a
    refresh token and an ID token, and `scope` is then what is asked for now, None for all that was granted.
    """

    subject: str
    scope: frozenset[str] | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    login: Login | None = None


GrantHandler = Callable[[GrantRequest], Grant]


def client_credentials(request: GrantRequest) -> Grant:
    """RFC 6749, section 4.4: the client acts for itself, so it must have proved who it is."""
    if request.client.method == "none":
        raise RefusedError("unauthorized_client", "A public client has no credentials (RFC 6749, 4.4).")
    return Grant(request.client.client_id)


class JWTBearer:
    """RFC 7523, section 2.1: an assertion about a subject, by a trusted issuer or by the client.

    `trusted`: the keys of each issuer. `audiences`: what may stand in `aud`: the issuer or the token endpoint
    (rfc7523bis, section 4). `once`: an assertion with a `jti` is for one use (RFC 7523, section 3, item 7).
    """

    def __init__(self, audiences: set[str]) -> None:
        self.trusted: dict[str, KeySet] = {}
        self.audiences = audiences
        self.once = True
        self._replays = Replays()

    def __call__(self, request: GrantRequest) -> Grant:
        """The grant that the assertion is, or `invalid_grant`."""
        assertion = request.form.get("assertion")
        if assertion is None:
            raise RefusedError("invalid_request", "assertion is missing (RFC 7521, 4.1).")
        # Read before it is verified, only to know whose keys must verify it.
        issuer = str((claims_of(assertion) or {}).get("iss"))
        keys = self.trusted.get(issuer)
        if keys is None and issuer == request.client.client_id:
            keys = request.client.keys
        if keys is None:
            raise RefusedError("invalid_grant", "The issuer of the assertion is not trusted.")
        try:
            verified = jwt.verify(
                AUTHORIZATION_GRANT,
                assertion,
                keys,
                algorithms=VERIFYING,
                issuer=issuer,
                audience=self.audiences,
                now=request.now,
            )
        except InvalidJWT as error:
            raise RefusedError("invalid_grant", f"The assertion does not verify: {error}") from None
        claims = verified.claims
        jti, exp = claims.get("jti"), float(claims["exp"])
        if self.once and jti and not self._replays.first_use(issuer, str(jti), now=request.now, until=exp):
            raise RefusedError("invalid_grant", "The assertion was used before (its jti is known).")
        return Grant(str(claims["sub"]))
