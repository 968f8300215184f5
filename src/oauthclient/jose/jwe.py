"""JWTs inside JWEs: signed, then encrypted (RFC 7516 section 7.1, RFC 7518 sections 4 and 5, RFC 7519 section 11.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from oauthclient.errors import ConfigurationError, InvalidJWT, InvalidKey
from oauthclient.jose.algorithms import CONTENT_ENCRYPTION, KEY_MANAGEMENT
from oauthclient.jose.encoding import base64url_octets, json_object
from oauthclient.jose.jwk import public_members
from oauthclient.jose.jwt import LONGEST_HEADER, LONGEST_JWT
from oauthclient.jose.verifying_key import VerifyingKey, imported

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from oauthclient.jose.decryption_key import DecryptionKey

_PARTS: Final = 5
_SIGNED_PARTS: Final = 3
# What a JWT of the greatest length becomes in base64url, with room for a header, a key, an IV and a tag.
_LONGEST_JWE: Final = LONGEST_JWT * 4 // 3 + 2 * LONGEST_HEADER


class _Parsed(NamedTuple):
    header: dict[str, Any]
    aad: bytes
    encrypted_key: bytes
    iv: bytes
    ciphertext: bytes
    tag: bytes


def encrypt(content: str, *, jwk: Mapping[str, object], alg: str, enc: str, cty: str = "JWT") -> str:
    """`content`, a signed JWT, encrypted to the public key `jwk` in the compact serialization.

    `alg`: one of `KEY_MANAGEMENT`, `enc`: one of `CONTENT_ENCRYPTION`; a `kid` in the JWK is sent along. Nothing is
    compressed (RFC 8725 section 3.6).

    Raises ConfigurationError (`unsupported_algorithm`), InvalidKey as `VerifyingKey` does, and `algorithm_mismatch`
    where the JWK is not for encrypting with `alg`.
    """
    if alg not in KEY_MANAGEMENT or enc not in CONTENT_ENCRYPTION:
        raise ConfigurationError(
            "A JWT is not encrypted with the algorithms that were asked for.",
            code="unsupported_algorithm",
            hint=f"Use an alg of {', '.join(KEY_MANAGEMENT)} with an enc of {', '.join(CONTENT_ENCRYPTION)}.",
        )
    if not VerifyingKey(jwk).encrypts(alg):
        raise InvalidKey("The JWK is not for encrypting with the alg that was asked for.", code="algorithm_mismatch")
    from joserfc.jwe import encrypt_compact

    header = {"alg": alg, "enc": enc, "cty": cty}
    if isinstance(jwk.get("kid"), str):
        header["kid"] = str(jwk["kid"])
    return encrypt_compact(header, content, imported(public_members(jwk)), algorithms=[alg, enc])


def decrypt(compact: str, key: DecryptionKey, *, algs: Collection[str], encs: Collection[str]) -> str:
    """The content of a JWE in the compact serialization: a signed JWT, still to be verified.

    `algs` and `encs`: what the caller accepts, and nothing else is; of `algs` it is the one of `key`.

    Raises InvalidJWT: `too_large`, `not_encrypted`, `malformed`, `critical_header`, `compressed`,
    `algorithm_not_allowed`, `unknown_key` where the `kid` is another's; and for whatever fails from there on
    `decryption_failed`, which does not say what (RFC 7516 section 11.5).
    """
    parsed = _parse(compact)
    _check_header(parsed.header, key, algs, encs)
    content = _opened(parsed, key)
    # Raised out here, so that no foreign error holding the key's frames hangs on ours.
    if content is None:
        raise InvalidJWT(
            "The JWE cannot be decrypted.",
            code="decryption_failed",
            hint="It was changed on its way, or was encrypted to another key than the one registered last.",
        )
    return content


def _parse(compact: str) -> _Parsed:
    if len(compact) > _LONGEST_JWE:
        raise InvalidJWT("The JWE is too large.", code="too_large")
    parts = compact.split(".")
    if len(parts) == _SIGNED_PARTS:
        raise InvalidJWT("The JWT is not encrypted, which was agreed.", code="not_encrypted")
    if len(parts) != _PARTS:
        raise InvalidJWT("The JWE has not five parts.", code="malformed")
    if len(parts[0]) > LONGEST_HEADER:
        raise InvalidJWT("The header of the JWE is too large.", code="too_large")
    try:
        octets = [base64url_octets(part) for part in parts]
    except ValueError:
        raise InvalidJWT("A part of the JWE is not base64url.", code="malformed") from None
    try:
        header = json_object(octets[0])
    except ValueError as fault:
        raise InvalidJWT(f"The header of the JWE {fault}.", code="malformed") from None
    return _Parsed(header, parts[0].encode("ascii"), *octets[1:])


def _check_header(header: dict[str, Any], key: DecryptionKey, algs: Collection[str], encs: Collection[str]) -> None:
    if "crit" in header:  # RFC 7516 section 4.1.13: no extension is understood here, so none can be critical
        raise InvalidJWT("The JWE demands an extension that is not understood.", code="critical_header")
    if "zip" in header:  # RFC 8725 section 3.6; and a small JWE could become a huge JWT
        raise InvalidJWT("The content of the JWE is compressed.", code="compressed")
    alg, enc, kid = header.get("alg"), header.get("enc"), header.get("kid")
    if not isinstance(alg, str) or alg != key.algorithm or alg not in algs:
        raise InvalidJWT("The JWE is not encrypted with an alg that is accepted.", code="algorithm_not_allowed")
    if not isinstance(enc, str) or enc not in encs or enc not in CONTENT_ENCRYPTION:
        raise InvalidJWT("The JWE is not encrypted with an enc that is accepted.", code="algorithm_not_allowed")
    if kid is not None and key.kid is not None and kid != key.kid:
        raise InvalidJWT("The JWE is encrypted to another key.", code="unknown_key")


def _opened(parsed: _Parsed, key: DecryptionKey) -> str | None:
    from joserfc.errors import JoseError
    from joserfc.jwe import JWERegistry

    # The registry's algorithms, without its deserialisation: that caps headers and contents at fewer octets than
    # servers send, and reads JSON less strictly than we do.
    encryption = JWERegistry.algorithms["enc"][parsed.header["enc"]]
    content_key = key.content_key(parsed.header, parsed.encrypted_key)
    # RFC 7516 section 11.5: a random key in place of one that cannot be had, so that the time taken says nothing.
    if content_key is None or len(content_key) * 8 != encryption.cek_size:
        content_key = encryption.generate_cek()
    try:
        encryption.check_iv(parsed.iv)
        return encryption.decrypt(parsed.ciphertext, parsed.tag, content_key, parsed.iv, parsed.aad).decode("utf-8")
    except (JoseError, ValueError):
        return None
