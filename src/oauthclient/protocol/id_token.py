"""ID tokens: who logged in, said by the authorization server (OpenID Connect Core 1.0, sections 3.1.3.7 and 12.2)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import InvalidJWT
from oauthclient.jose.algorithms import VERIFYING
from oauthclient.jose.id_token_hash import at_hash
from oauthclient.jose.jwt import verify
from oauthclient.jose.kinds import ID_TOKEN, REFRESHED_ID_TOKEN, audiences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.jwks import KeySet
    from oauthclient.secret import Secret

_LEEWAY: Final = 10.0  # seconds
_COMPARED: Final = {
    "iss": "iss_changed",
    "sub": "sub_changed",
    "aud": "aud_changed",
    "auth_time": "auth_time_changed",
    "azp": "azp_changed",
    "nonce": "nonce_changed",
}
_ALWAYS: Final = ("iss", "sub")  # the others where both have them


def acceptable_algorithms(listed: tuple[str, ...] | None, *, registered: str | None = None) -> tuple[str, ...]:
    """With which algorithms something the server signed may be signed.

    Exactly the `registered` one where that is known; else the asymmetric ones that both we and the server list, where
    RS256 is the default of OpenID Connect Core, section 3.1.3.7.
    """
    if registered is not None:
        return (registered,) if registered in VERIFYING else ()
    return tuple(algorithm for algorithm in listed or ("RS256",) if algorithm in VERIFYING)


def verify_id_token(
    id_token: Secret,
    keys: KeySet,
    *,
    issuer: str,
    client_id: str,
    algorithms: tuple[str, ...],
    now: float,
    access_token: Secret | None = None,
    nonce: Secret | None = None,
    max_age: int | None = None,
) -> Mapping[str, Any]:
    """The claims of an ID token, all of it verified. `max_age`: seconds. Raises InvalidJWT.

    `nonce` is that of the login; without one, as after a refresh or a device's login, none is required.
    """
    token = verify(
        REFRESHED_ID_TOKEN if nonce is None else ID_TOKEN,
        id_token.reveal(),
        keys,
        algorithms=algorithms,
        issuer=issuer,
        audience=client_id,
        now=now,
        leeway=_LEEWAY,
    )
    claims = token.claims
    _check_authorized_party(claims, client_id)
    if nonce is not None and not _same(claims.get("nonce"), nonce.reveal()):
        raise InvalidJWT("The nonce in the ID token is not that of this login.", code="nonce_mismatch")
    if access_token is not None and "at_hash" in claims:
        expected = at_hash(access_token.reveal(), token.header["alg"])
        if not _same(claims["at_hash"], expected):
            raise InvalidJWT("The ID token belongs to another access token (at_hash).", code="at_hash_mismatch")
    _check_auth_time(claims, max_age, now)
    return claims


def check_refreshed(claims: Mapping[str, Any], first: Mapping[str, Any]) -> None:
    """Whether the ID token of a refresh speaks of the same login (section 12.2). Raises InvalidJWT."""
    for name, code in _COMPARED.items():
        said, before = _said(claims, name), _said(first, name)
        if said != before and (name in _ALWAYS or (said is not None and before is not None)):
            raise InvalidJWT(f"The ID token of a refresh has another {name} than the first.", code=code)


def _said(claims: Mapping[str, Any], name: str) -> object:
    if name == "aud" and "aud" in claims:  # in any order, one of them alone or in an array (RFC 7519, section 4.1.3)
        return frozenset(audiences(claims))
    return claims.get(name)


def _check_authorized_party(claims: Mapping[str, Any], client_id: str) -> None:
    azp = claims.get("azp")
    if azp is not None and azp != client_id:
        raise InvalidJWT("The ID token was issued to another client (azp).", code="azp_mismatch")
    if azp is None and len(audiences(claims)) > 1:
        raise InvalidJWT("The ID token has several audiences, and names no azp.", code="missing_claim")


def _check_auth_time(claims: Mapping[str, Any], max_age: int | None, now: float) -> None:
    auth_time = claims.get("auth_time")
    if auth_time is None:
        if max_age is not None:
            raise InvalidJWT("The ID token does not say when the person logged in (auth_time).", code="missing_claim")
        return
    if isinstance(auth_time, bool) or not isinstance(auth_time, int | float):
        raise InvalidJWT("auth_time in the ID token is not a number.", code="claim_type")
    if max_age is not None and now - auth_time > max_age + _LEEWAY:
        raise InvalidJWT(
            f"The person logged in longer than {max_age} s ago, which is more than max_age allows.", code="too_old"
        )


def _same(one: object, other: str) -> bool:
    return isinstance(one, str) and hmac.compare_digest(one.encode(), other.encode())
