"""How a server checks a DPoP proof, all twelve points (RFC 9449, section 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from oauthclient.errors import InvalidJWT, OAuthError
from oauthclient.jose.algorithms import OFFERED
from oauthclient.jose.jwt import verify_proof
from oauthclient.jose.proof import ath
from oauthclient.protocol.urls import origin, without_query
from oauthclient.testing.refusal import RefusedError
from oauthclient.testing.replays import Replays

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.jose.jwt import VerifiedProof
    from oauthclient.testing.http import Request
    from oauthclient.testing.nonces import Nonces

_LEEWAY: Final = 5  # seconds that an `iat` may lie ahead of this server's clock (RFC 9449, section 11.1)
_REMEMBERED: Final = 120  # seconds; longer than `verify_proof` accepts any proof


class ProofChecker:
    """Checks the proofs that one server receives.

    `algorithms`: what proofs may be signed with.
    """

    def __init__(self, *, now: Callable[[], float], nonces: Nonces) -> None:
        self.now = now
        self.nonces = nonces
        self.algorithms: tuple[str, ...] = (*OFFERED, "EdDSA")
        self._replays = Replays()

    def check(self, request: Request, *, access_token: str | None) -> VerifiedProof:
        """The proof of a request, or `invalid_dpop_proof` or `use_dpop_nonce`.

        `access_token`: the token it must be about; None where no token is presented, and then it must name
        none.
        """
        values = request.values("DPoP")
        if len(values) != 1:
            raise _invalid(f"There are {len(values)} DPoP headers, not one.")
        now = self.now()
        try:
            proof = verify_proof(values[0], algorithms=self.algorithms, now=now, leeway=_LEEWAY)
        except InvalidJWT as error:
            raise _invalid(f"The proof does not verify: {error}") from None
        claims = proof.claims
        if claims["htm"] != request.method:
            raise _invalid("htm is another method.")
        if not _same_target(claims["htu"], request.url):
            raise _invalid(f"htu is {claims['htu']}, the request went to {without_query(request.url)}.")
        if access_token is None and "ath" in claims:
            raise _invalid("ath is there without an access token.")
        if access_token is not None and claims.get("ath") != ath(access_token):
            raise _invalid("ath is not the hash of the access token.")
        self.nonces.check(claims.get("nonce"))
        # Last, so that a proof refused for another reason can be told from one sent twice.
        if not self._replays.first_use(str(claims["jti"]), now=now, until=now + _REMEMBERED):
            raise _invalid("The proof was used before (its jti is known).")
        return proof


def _same_target(htu: str, url: str) -> bool:
    """Equal but for the case of scheme and host, a default port, an empty path (RFC 3986, section 6.2).

    Percent-encoding is compared as it is: a client that re-encodes a path on the way is found out. A query or
    a fragment does not belong into an `htu` (RFC 9449, section 4.2).
    """
    try:
        return without_query(htu) == htu and _target(htu) == _target(url)
    except OAuthError:
        return False


def _target(url: str) -> tuple[str, str]:
    return origin(url), urlsplit(without_query(url)).path or "/"


def _invalid(description: str) -> RefusedError:
    return RefusedError("invalid_dpop_proof", description)
