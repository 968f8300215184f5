"""Issuing and verifying JWTs of one kind each (RFC 7515, RFC 7519, RFC 8725)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from oauthclient.errors import ConfigurationError, InvalidJWT, InvalidKey
from oauthclient.jose.algorithms import HMAC, SIGNING, VERIFYING
from oauthclient.jose.encoding import base64url, base64url_octets, json_object, json_text
from oauthclient.jose.jwk import public_members
from oauthclient.jose.kinds import DPOP_PROOF, Kind, audiences
from oauthclient.jose.signers import SharedSecret, signature
from oauthclient.jose.verifying_key import VerifyingKey

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from oauthclient.jose.jwks import KeySet
    from oauthclient.jose.signers import Signs

LONGEST_JWT: Final = 256 * 1024  # octets
LONGEST_HEADER: Final = 16 * 1024  # encoded; a certificate chain in x5c fits, joserfc's 512 octets hold no RSA key
_PARTS: Final = 3
_OURS: Final = frozenset({"alg", "typ", "crit", "jwk", "b64"})


class VerifiedJWT(NamedTuple):
    """A JWT whose signature and claims were found good."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


class VerifiedProof(NamedTuple):
    """A DPoP proof whose signature, key and age were found good. `thumbprint` is that of its key (`jkt`)."""

    claims: Mapping[str, Any]
    thumbprint: str


class _Parsed(NamedTuple):
    header: dict[str, Any]
    alg: str
    message: bytes
    signature: bytes
    payload: str


def issue(
    kind: Kind,
    signer: Signs,
    claims: Mapping[str, object],
    *,
    typ: str | None = None,
    alg: str | None = None,
    header: Mapping[str, object] | None = None,
) -> str:
    """A signed JWT of `kind` in the compact serialization (RFC 7515 section 7.1).

    `typ` picks another of the kind's types than the first (`"JWT"` for old servers), `alg="EdDSA"` the older
    name for an Ed25519 key, `header` adds header parameters such as `x5t#S256`, or a `kid` that the server
    assigned.

    Raises ConfigurationError: `missing_claim`, `foreign_claim`, `claim_type`, `subject_mismatch`,
    `audience_mismatch`, `claims_not_json`, `typ_mismatch`, `header_parameter`, `algorithm_mismatch`;
    InvalidKey for a signer that may not sign this kind.
    """
    fault = kind.fault(claims)
    if fault is not None:
        raise ConfigurationError(fault.message, code=fault.code)
    head = protected_header(kind, signer, typ=typ, alg=alg, header=header)
    message = base64url(_json(head)) + b"." + base64url(_json(dict(claims)))
    return (message + b"." + base64url(signature(signer.sign, message))).decode("ascii")


def protected_header(
    kind: Kind,
    signer: Signs,
    *,
    typ: str | None = None,
    alg: str | None = None,
    header: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The header that `issue` writes. Raises as it does."""
    if signer.algorithm not in (*SIGNING, *(HMAC if kind.hmac else ())):
        raise InvalidKey(f"This key may not sign a {kind.name}.", code="unsupported_algorithm")
    if alg not in {None, signer.algorithm} and (alg, signer.algorithm) != ("EdDSA", "Ed25519"):
        raise ConfigurationError(
            f"A key for {signer.algorithm} does not sign with another algorithm.", code="algorithm_mismatch"
        )
    if typ is not None and not kind.accepts(typ):
        raise ConfigurationError(f"This typ is not one of a {kind.name}.", code="typ_mismatch")
    written = dict(header or {})
    if not _OURS.isdisjoint(written):
        raise ConfigurationError(
            f"The header parameters {', '.join(sorted(_OURS))} are not for the caller to set.",
            code="header_parameter",
        )
    first = kind.typ[0] if kind.typ[0] != "jwt" else "JWT"  # in upper case: RFC 7519 section 5.1
    head: dict[str, object] = {"typ": typ or first, "alg": alg or signer.algorithm}
    if kind.embedded_key:
        head["jwk"] = _embedded(signer)
    elif signer.kid is not None:
        head["kid"] = signer.kid
    return head | written


def verify(
    kind: Kind,
    jwt: str,
    keys: KeySet | SharedSecret,
    *,
    algorithms: Collection[str],
    issuer: str | None,
    audience: str | Collection[str] | None,
    now: float,
    leeway: float = 10.0,
) -> VerifiedJWT:
    """The header and claims of `jwt`, if it is of `kind`, signed by one of `keys`, and meant for us now.

    `algorithms`: what the caller accepts, and nothing else is. `issuer` and `audience`: what `iss` must be
    and what one of `aud` must be; both must be given, but for kinds that have no recipient. `now`, `leeway`:
    seconds.

    Raises InvalidJWT: `malformed`, `too_large`, `encrypted`, `unencoded_payload`, `critical_header`,
    `algorithm_not_allowed`, `typ_mismatch`, `embedded_key`, `unknown_key`, `bad_signature`, `missing_claim`,
    `foreign_claim`, `claim_type`, `subject_mismatch`, `issuer_mismatch`, `audience_mismatch`, `expired`,
    `not_yet_valid`, `issued_in_future`, `too_old`, `too_long_lived`; ConfigurationError where the caller says
    too little.
    """
    if kind.recipient and (not issuer or not audience):
        raise ConfigurationError(
            f"To verify a {kind.name} its issuer and audience must be said.", code="expectation_missing"
        )
    if kind.embedded_key:
        raise ConfigurationError(f"A {kind.name} brings its own key: use verify_proof.", code="expectation_missing")
    parsed = _parse(kind, jwt, algorithms)
    if isinstance(keys, SharedSecret):
        if not kind.hmac or parsed.alg != keys.algorithm:
            raise _not_allowed()
        good = keys.verify(parsed.message, parsed.signature)
    else:
        candidates = keys.candidates(parsed.alg, parsed.header.get("kid"))
        if not candidates:
            raise InvalidJWT("No known key could have signed the JWT.", code="unknown_key")
        good = any(key.verify(parsed.alg, parsed.message, parsed.signature) for key in candidates)
    if not good:
        raise _bad_signature()
    claims = _claims(kind, parsed.payload, now, leeway)
    if kind.recipient:
        _check_recipient(kind, claims, issuer, (audience,) if isinstance(audience, str) else audience or ())
    return VerifiedJWT(parsed.header, claims)


def verify_proof(jwt: str, *, algorithms: Collection[str], now: float, leeway: float = 10.0) -> VerifiedProof:
    """The claims and the key's thumbprint of a DPoP proof (RFC 9449 section 4.3, checks 2 to 7 and 11).

    That `htm`, `htu`, `ath` and `nonce` are what they should be, and that the `jti` is new, is for the caller
    to see. A proof is accepted for 60 seconds. Raises InvalidJWT as `verify` does, `embedded_key` for a bad
    `jwk`.
    """
    parsed = _parse(DPOP_PROOF, jwt, algorithms)
    try:
        key = VerifyingKey(parsed.header["jwk"])
    except InvalidKey as fault:
        raise InvalidJWT(f"The key in the DPoP proof is unusable. {fault}", code="embedded_key") from None
    if not key.verify(parsed.alg, parsed.message, parsed.signature):
        raise _bad_signature()
    return VerifiedProof(_claims(DPOP_PROOF, parsed.payload, now, leeway), key.thumbprint)


def unverified_claims(jwt: str) -> dict[str, Any] | None:
    """What a JWT claims, unverified: good for finding out whose business it is, nothing else. None: unreadable."""
    try:
        return json_object(base64url_octets(jwt[:LONGEST_JWT].split(".")[1]))
    except (ValueError, IndexError):
        return None


def _parse(kind: Kind, jwt: str, algorithms: Collection[str]) -> _Parsed:
    if len(jwt) > LONGEST_JWT:
        raise InvalidJWT("The JWT is too large.", code="too_large")
    parts = jwt.split(".")
    if len(parts) == 5:  # noqa: PLR2004 - a JWE has five parts, RFC 7516 section 7.1
        raise InvalidJWT("The JWT is encrypted, which was not asked for.", code="encrypted")
    if len(parts) != _PARTS:
        raise InvalidJWT("The JWT has not three parts.", code="malformed")
    if len(parts[0]) > LONGEST_HEADER:
        raise InvalidJWT("The header of the JWT is too large.", code="too_large")
    header = _json_part("header", parts[0])
    alg = _check_header(kind, header, algorithms)
    message, signature = f"{parts[0]}.{parts[1]}", _octets("signature", parts[2])
    if not message.isascii():
        raise InvalidJWT("The payload of the JWT is not base64url.", code="malformed")
    return _Parsed(header, alg, message.encode("ascii"), signature, parts[1])


def _check_header(kind: Kind, header: dict[str, Any], algorithms: Collection[str]) -> str:
    # RFC 7797 section 3: an unencoded payload could be another text to the next reader.
    if header.get("b64", True) is not True:
        raise InvalidJWT("The payload of the JWT is not encoded.", code="unencoded_payload")
    if "crit" in header:  # RFC 7515 section 4.1.11: no extension is understood here, so none can be critical
        raise InvalidJWT("The JWT demands an extension that is not understood.", code="critical_header")
    alg = header.get("alg")
    # RFC 8725 section 3.1: an allowlist, compared exactly; "none" in whatever case is on none.
    if not isinstance(alg, str) or alg not in algorithms or alg not in (*VERIFYING, *HMAC):
        raise _not_allowed()
    if not kind.accepts(header.get("typ")) or ("typ" in header and header["typ"] is None):
        raise InvalidJWT(f"The JWT is not typed as a {kind.name}.", code="typ_mismatch")
    if "kid" in header and not isinstance(header["kid"], str):
        raise InvalidJWT('The "kid" of the JWT is not a string.', code="malformed")
    # RFC 8725 section 3.10: keys from the message (jku, x5u, x5c) are never looked at, and a jwk only where
    # the kind is about the possession of an unknown key.
    if ("jwk" in header) != kind.embedded_key or not isinstance(header.get("jwk", {}), dict):
        raise InvalidJWT(f"An embedded key is missing from, or has no place in, a {kind.name}.", code="embedded_key")
    return alg


def _claims(kind: Kind, payload: str, now: float, leeway: float) -> dict[str, Any]:
    claims = _json_part("payload", payload)
    fault = kind.fault(claims)
    if fault is not None:
        raise InvalidJWT(fault.message, code=fault.code)
    issued, ends = claims.get("iat"), claims.get("exp")
    if ends is not None and now >= ends + leeway:
        raise InvalidJWT(f"The {kind.name} has expired.", code="expired")
    if "nbf" in claims and now < claims["nbf"] - leeway:
        raise InvalidJWT(f"The {kind.name} is not valid yet.", code="not_yet_valid")
    if issued is not None and now < issued - leeway:
        raise InvalidJWT(f"The {kind.name} was issued in the future.", code="issued_in_future")
    if ends is None and issued is not None and now > issued + kind.longest + leeway:
        raise InvalidJWT(f"The {kind.name} is too old.", code="too_old")
    if ends is not None and ends - (now if issued is None else issued) > kind.longest + leeway:
        raise InvalidJWT(f"The {kind.name} is valid for too long.", code="too_long_lived")
    return claims


def _check_recipient(kind: Kind, claims: dict[str, Any], issuer: str | None, expected: Collection[str | None]) -> None:
    if claims["iss"] != issuer:  # RFC 8725 section 3.8: the keys were this issuer's
        raise InvalidJWT(f"The {kind.name} is by another issuer.", code="issuer_mismatch")
    if not any(aud in expected for aud in audiences(claims)):  # RFC 8725 section 3.9
        raise InvalidJWT(f"The {kind.name} is meant for somebody else.", code="audience_mismatch")


def _embedded(signer: Signs) -> dict[str, str]:
    jwk: dict[str, str] | None = getattr(signer, "public_jwk", None)
    if jwk is None:
        raise InvalidKey("A DPoP proof needs a signer with a public JWK.", code="unsupported_algorithm")
    return public_members(jwk)  # RFC 9449 section 4.2: never a private key; other members say nothing there


def _json(members: dict[str, object]) -> bytes:
    try:
        return json_text(members)
    except (TypeError, ValueError, RecursionError):
        raise ConfigurationError("What the JWT is to say is not JSON.", code="claims_not_json") from None


def _json_part(name: str, part: str) -> dict[str, Any]:
    try:
        return json_object(_octets(name, part))
    except ValueError as fault:
        raise InvalidJWT(f"The {name} of the JWT {fault}.", code="malformed") from None


def _octets(name: str, part: str) -> bytes:
    try:
        return base64url_octets(part)
    except ValueError:
        raise InvalidJWT(f"The {name} of the JWT is not base64url.", code="malformed") from None


def _not_allowed() -> InvalidJWT:
    return InvalidJWT("The JWT is not signed with an algorithm that is accepted.", code="algorithm_not_allowed")


def _bad_signature() -> InvalidJWT:
    return InvalidJWT("The signature of the JWT is not good.", code="bad_signature")
