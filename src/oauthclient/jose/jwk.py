"""JSON Web Keys as text: their members and their thumbprint (RFC 7517, RFC 7518 section 6, RFC 7638)."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import InvalidKey
from oauthclient.jose.algorithms import ALGORITHMS, WEAKEST_RSA_BITS
from oauthclient.jose.encoding import base64url, base64url_octets, json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

# In lexicographic order: the required members of RFC 7638 section 3.2, and nothing else, describe a public
# key.
PUBLIC_MEMBERS: Final = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

_CURVES: Final[Mapping[tuple[str, str], int]] = {(a.kty, a.crv): a.octets for a in ALGORITHMS.values() if a.crv}
# A modulus or an exponent beyond these lets whoever chose the key keep the verifier busy.
_LARGEST_RSA_BITS: Final = 8192
_LARGEST_EXPONENT_BITS: Final = 64


def public_members(jwk: Mapping[str, object]) -> dict[str, str]:
    """The required public members of `jwk`, each checked for its type, encoding and length.

    Raises InvalidKey: `unsupported_algorithm` for a key type or curve that no algorithm here uses, `weak_key`
    for RSA below 2048 bits, `unreadable_key` for the rest. Whether a point lies on its curve is left to the
    import.
    """
    kty = jwk.get("kty")
    if not isinstance(kty, str):
        raise InvalidKey('The JWK has no member "kty" that is a string.', code="unreadable_key")
    if kty not in PUBLIC_MEMBERS:
        raise InvalidKey("The JWK is of a type that is of no use here.", code="unsupported_algorithm", hint=_HINT_TYPES)
    if kty != "RSA" and (kty, str(jwk.get("crv"))) not in _CURVES:
        raise InvalidKey(
            "The JWK is on a curve that is of no use here.", code="unsupported_algorithm", hint=_HINT_TYPES
        )
    members: dict[str, str] = {}
    for name in PUBLIC_MEMBERS[kty]:
        value = jwk.get(name)
        if not isinstance(value, str) or not value:
            raise InvalidKey(f'The JWK has no member "{name}" that is a string.', code="unreadable_key")
        members[name] = value
    if kty == "RSA":
        _check_rsa(octets_of(members, "n"), octets_of(members, "e"))
    else:
        # RFC 7518 section 6.2.1.2, RFC 8037 section 2: coordinates have the full length, leading zeros
        # included.
        full = _CURVES[kty, members["crv"]]
        if any(len(octets_of(members, name)) != full for name in ("x", "y") if name in members):
            raise InvalidKey("A coordinate of the JWK has not the length of its curve.", code="unreadable_key")
    return members


def octets_of(jwk: Mapping[str, object], name: str) -> bytes:
    """The octets of the member `name`. Raises InvalidKey (`unreadable_key`) where it is not base64url."""
    with suppress(ValueError):
        return base64url_octets(str(jwk[name]))
    # Raised out here, so that no foreign error holding the member's text hangs on ours.
    raise InvalidKey(f'The member "{name}" of the JWK is not base64url.', code="unreadable_key")


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of a public JWK, base64url (RFC 7638 section 3; the `jkt` of RFC 9449)."""
    required = {name: jwk[name] for name in PUBLIC_MEMBERS[jwk["kty"]]}
    return base64url(hashlib.sha256(json_text(required)).digest()).decode("ascii")


def _check_rsa(modulus: bytes, exponent: bytes) -> None:
    bits = int.from_bytes(modulus).bit_length()
    if bits < WEAKEST_RSA_BITS:
        raise InvalidKey(
            f"The RSA key has {bits} bits; {WEAKEST_RSA_BITS} are the least (RFC 7518, section 3.5).",
            code="weak_key",
        )
    if bits > _LARGEST_RSA_BITS or int.from_bytes(exponent).bit_length() > _LARGEST_EXPONENT_BITS:
        raise InvalidKey("The RSA key is larger than any that is in use.", code="unreadable_key")


_HINT_TYPES: Final = "Use a key of EC P-256, P-384 or P-521, OKP Ed25519, or RSA."
