"""One private key that a server encrypts to, with exactly one algorithm (RFC 7517, RFC 7518 section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from oauthclient.errors import InvalidKey
from oauthclient.jose.algorithms import KEY_MANAGEMENT
from oauthclient.jose.encoding import base64url_octets
from oauthclient.jose.jwk import public_members
from oauthclient.jose.one_algorithm import OneAlgorithmKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.private_key import PrivateKey
    from oauthclient.secret import Secret

_DEFAULTS: Final = {"EC": "ECDH-ES", "RSA": "RSA-OAEP-256"}
# What has the same type of key: its algorithm is forgotten once the key is made.
_MADE_AS: Final = {"EC": "ES256", "RSA": "PS256"}


@final
class DecryptionKey(OneAlgorithmKey):
    """A private key in memory for what a server signs and encrypts to us: ID tokens, JARM and UserInfo responses.

    Made by `generate` or `from_jwk`; `public_jwk` is what is registered, with `use`, `alg` and `kid`. Never changes,
    cannot be pickled, and shows nothing private. It signs nothing: each key has one use.
    """

    __slots__ = ("_key",)

    _key: PrivateKey

    def __init__(self) -> None:
        raise TypeError("A DecryptionKey is made by generate or from_jwk.")

    @classmethod
    def generate(cls, algorithm: str = "ECDH-ES", *, kid: str | None = None) -> DecryptionKey:
        """A new key for `algorithm`: ECDH-ES, alone or with A128KW or A256KW, on P-256; or RSA-OAEP-256, 3,072 bits.

        Raises InvalidKey (`unsupported_algorithm`).
        """
        from oauthclient.jose.private_key import generate

        return cls._made(generate(_MADE_AS[_type_for(algorithm)]), algorithm, None, kid)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object] | str | Secret, *, algorithm: str | None = None) -> DecryptionKey:
        """The private key in a JWK, given as its members or as JSON, such as `to_jwk` makes.

        `algorithm` defaults to the JWK's `alg`, else to ECDH-ES or RSA-OAEP-256 by its type.

        Raises InvalidKey: `public_key`, `unreadable_key`, `weak_key`, `algorithm_mismatch`, `unsupported_algorithm`, or
        `not_for_decryption` where `use` says so.
        """
        from oauthclient.jose.private_key import jwk_members, read_jwk

        members = jwk_members(jwk)
        del jwk
        if isinstance(members, InvalidKey):
            raise members
        key = read_jwk(members)
        use, declared, kid = members.get("use", "enc"), members.get("alg"), members.get("kid")
        del members
        if use != "enc":
            raise InvalidKey(
                "The JWK is not meant for decryption.",
                code="not_for_decryption",
                hint='Use one whose "use" is "enc"; a key that signs does nothing else.',
            )
        if kid is not None and not isinstance(kid, str):
            raise InvalidKey('The "kid" of the JWK is not a string.', code="unreadable_key")
        return cls._made(key, algorithm, declared, kid)

    @classmethod
    def _made(cls, key: PrivateKey | InvalidKey, named: str | None, declared: object, kid: str | None) -> DecryptionKey:
        from oauthclient.jose.private_key import public_jwk as public_jwk_of

        if isinstance(key, InvalidKey):
            raise key
        members = public_jwk_of(key)
        kty = members["kty"]
        algorithm = str(named or declared or _DEFAULTS.get(kty))
        if _type_for(algorithm) != kty or declared not in (None, algorithm):
            raise InvalidKey(
                f"A key of {kty} that is declared for {declared or 'no algorithm'} cannot decrypt with {algorithm}.",
                code="algorithm_mismatch",
                hint="Each key has exactly one algorithm (RFC 8725, section 3.1).",
            )
        self = cls.__new__(cls)
        public_jwk = {**members, "use": "enc", "alg": algorithm}
        self._is(algorithm, kid, public_jwk if kid is None else {**public_jwk, "kid": kid})
        self._key = key
        return self

    def to_jwk(self) -> Secret:
        """The private JWK as JSON, with its `alg` and `kid`: what `from_jwk` reads, for safe places only."""
        from oauthclient.jose.private_key import jwk_text

        return jwk_text(self._key, use="enc", alg=self._algorithm, kid=self._kid)

    def content_key(self, header: Mapping[str, Any], encrypted_key: bytes) -> bytes | None:
        """The key that a JWE with this protected header has its content encrypted with, or None for whatever fails."""
        from joserfc.errors import JoseError
        from joserfc.jwa import JWEKeyAgreement, JWEKeyEncryption
        from joserfc.jwe import CompactEncryption, JWERegistry, Recipient

        from oauthclient.jose.private_key import jose_key

        method = JWERegistry.algorithms["alg"][self._algorithm]
        try:
            read = {**header, "epk": self._ephemeral_key(header)} if isinstance(method, JWEKeyAgreement) else {**header}
            recipient: Recipient[Any] = Recipient(CompactEncryption(read), recipient_key=jose_key(self._key))
            recipient.encrypted_key = encrypted_key
            if isinstance(method, JWEKeyEncryption):
                return method.decrypt_cek(recipient)
            if not isinstance(method, JWEKeyAgreement):
                return None
            agreed = method.decrypt_agreed_upon_key(JWERegistry.algorithms["enc"][header["enc"]], recipient)
            if not method.direct_mode:
                return method.unwrap_cek_with_auk(encrypted_key, agreed)
        except (JoseError, InvalidKey, ValueError):
            return None
        return None if encrypted_key else agreed  # RFC 7516 section 5.2 step 10

    def _ephemeral_key(self, header: Mapping[str, Any]) -> dict[str, str]:
        """The public members of `epk`, if they are on the curve of our key (RFC 8725 section 3.4).

        That the point lies on it is seen at its import, before anything is computed with our key. Raises ValueError or
        InvalidKey otherwise, and where `apu` or `apv` cannot be read (RFC 7518 sections 4.6.1.2 and 4.6.1.3).
        """
        for name in ("apu", "apv"):
            party = header.get(name, "")
            base64url_octets(party if isinstance(party, str) else "=")
        epk = header.get("epk")
        members = public_members(epk) if isinstance(epk, dict) else {}
        if members.get("crv") != self._public_jwk["crv"]:
            raise ValueError("has no ephemeral key on our curve")
        return members

    def __repr__(self) -> str:
        return f"DecryptionKey(algorithm={self._algorithm!r}, kid={self._kid!r}, thumbprint={self.thumbprint!r})"


def _type_for(algorithm: object) -> str:
    kty = KEY_MANAGEMENT.get(algorithm) if isinstance(algorithm, str) else None
    if kty is None:
        raise InvalidKey(
            "A private key does not decrypt with the algorithm that was asked for.",
            code="unsupported_algorithm",
            hint=f"Use one of {', '.join(KEY_MANAGEMENT)}.",
        )
    return kty
