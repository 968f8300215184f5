"""One private key with exactly one algorithm (RFC 7517, RFC 8725 section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from oauthclient.errors import InvalidKey
from oauthclient.jose.one_algorithm import OneAlgorithmKey
from oauthclient.secret import Secret

# joserfc and cryptography are imported inside: this module is on the front door, for which no start should pay.
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthclient.jose.private_key import PrivateKey


@final
class SigningKey(OneAlgorithmKey):
    """A private key in memory, and the one algorithm it signs with.

    Made by `generate`, `from_jwk` or `from_pem`. Never changes, is a `Signer`, cannot be pickled, and shows
    nothing private. `kid` is None unless it came with the key or was given.
    """

    __slots__ = ("_key", "_sign")

    _key: PrivateKey
    _sign: Callable[[bytes], bytes]

    def __init__(self) -> None:
        raise TypeError("A SigningKey is made by generate, from_jwk or from_pem.")

    @classmethod
    def generate(cls, algorithm: str = "ES256", *, kid: str | None = None) -> SigningKey:
        """A new key for `algorithm`: Ed25519, ES256/384/512, PS256/384/512, or RS256.

        Raises InvalidKey (`unsupported_algorithm`).
        """
        from oauthclient.jose.private_key import generate

        return cls._made(generate(algorithm), algorithm, None, kid)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object] | str | Secret, *, algorithm: str | None = None) -> SigningKey:
        """The private key in a JWK (RFC 7517), given as its members or as JSON, such as `to_jwk` makes.

        `algorithm` defaults to the JWK's `alg`, else to what its type says: ES256, ES384 or ES512 by the
        curve, Ed25519, or PS256 for RSA.

        Raises InvalidKey: `public_key`, `unreadable_key`, `weak_key`, `algorithm_mismatch`,
        `unsupported_algorithm`, or `not_for_signing` where `use` or `key_ops` say so.
        """
        from oauthclient.jose.private_key import jwk_members, read_jwk

        members = jwk_members(jwk)
        del jwk
        if isinstance(members, InvalidKey):
            raise members
        key = _misused(members) or read_jwk(members)
        declared, kid = members.get("alg"), members.get("kid")
        del members
        if kid is not None and not isinstance(kid, str):
            raise InvalidKey('The "kid" of the JWK is not a string.', code="unreadable_key")
        return cls._made(key, algorithm, declared, kid)

    @classmethod
    def from_pem(
        cls,
        pem: bytes | str,
        *,
        algorithm: str | None = None,
        passphrase: bytes | str | Secret | None = None,
        kid: str | None = None,
    ) -> SigningKey:
        """The private key in a PEM file's content, encrypted or not.

        `algorithm` defaults to what the key's type says: ES256, ES384 or ES512 by the curve, Ed25519, or
        PS256.

        Raises InvalidKey: `public_key`, `certificate`, `passphrase_needed`, `passphrase_not_needed`,
        `wrong_passphrase`, `unreadable_key`, `weak_key`, `algorithm_mismatch`, `unsupported_algorithm`.
        """
        from oauthclient.jose.private_key import read_pem

        if isinstance(passphrase, Secret):
            passphrase = passphrase.reveal()
        key = read_pem(pem, passphrase)
        del pem, passphrase  # or a traceback from here on would hold them
        return cls._made(key, algorithm, None, kid)

    @classmethod
    def _made(cls, key: PrivateKey | InvalidKey, named: str | None, declared: object, kid: str | None) -> SigningKey:
        from oauthclient.jose.private_key import choose_algorithm, public_jwk, signing

        if isinstance(key, InvalidKey):
            raise key
        algorithm = choose_algorithm(key, named=named, declared=declared)
        if isinstance(algorithm, InvalidKey):
            raise algorithm
        self = cls.__new__(cls)
        self._is(algorithm, kid, public_jwk(key))
        self._key = key
        self._sign = signing(key, algorithm)
        return self

    def to_jwk(self) -> Secret:
        """The private JWK as JSON, with its `alg` and `kid`: what `from_jwk` reads, for safe places only."""
        from oauthclient.jose.private_key import jwk_text

        return jwk_text(self._key, use="sig", alg=self._algorithm, kid=self._kid)

    def sign(self, message: bytes) -> bytes:
        """The raw JOSE signature of `message` (RFC 7518 section 3, RFC 8037): r || s for ECDSA."""
        return self._sign(message)

    def __repr__(self) -> str:
        return f"SigningKey(algorithm={self._algorithm!r}, kid={self._kid!r}, thumbprint={self._thumbprint!r})"


def _misused(members: Mapping[str, object]) -> InvalidKey | None:
    """What speaks against signing with this JWK (RFC 7517 sections 4.2 and 4.3)."""
    operations = members.get("key_ops", ("sign",))
    if members.get("use", "sig") == "sig" and isinstance(operations, list | tuple) and "sign" in operations:
        return None
    # A public key is the likelier mistake than a key for something else, and says more.
    code = "not_for_signing" if "d" in members else "public_key"
    return InvalidKey("The JWK is not meant for signing.", code=code, hint='Use the private key whose "use" is "sig".')
