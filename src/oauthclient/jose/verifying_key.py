"""One public key from a JWK, checked before it verifies or encrypts anything (RFC 7517 section 4, RFC 8725 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from oauthclient.errors import InvalidKey
from oauthclient.jose.algorithms import ALGORITHMS, KEY_MANAGEMENT, exact
from oauthclient.jose.jwk import PRIVATE_MEMBERS, public_members, thumbprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc.jwk import Key

# RFC 7517 section 4.3: of a public key that a JWE's content key is encrypted to, or agreed on with.
_TO_ENCRYPT: Final = ("encrypt", "wrapKey", "deriveKey", "deriveBits")


@final
class VerifyingKey:
    """A public key and what its JWK says it is for. Everything private or unusable is refused.

    Raises InvalidKey: `private_key` where a private member stands in the JWK, else as `public_members` does,
    and `unreadable_key` for a point that is not on its curve.
    """

    __slots__ = ("_alg", "_key", "_key_ops", "_members", "_use", "kid")

    def __init__(self, jwk: Mapping[str, object]) -> None:
        if not PRIVATE_MEMBERS.isdisjoint(jwk):
            raise InvalidKey("A public JWK holds a private or symmetric key.", code="private_key")
        self._members = public_members(jwk)
        self._key = imported(self._members)
        self._alg, self._use, self._key_ops = jwk.get("alg"), jwk.get("use"), jwk.get("key_ops")
        self.kid: object = jwk.get("kid")

    @property
    def thumbprint(self) -> str:
        """The SHA-256 thumbprint of the key, base64url (RFC 7638)."""
        return thumbprint(self._members)

    @property
    def public_jwk(self) -> dict[str, str]:
        """Its required public members, and its `kid` where it has one."""
        return {**self._members, "kid": self.kid} if isinstance(self.kid, str) else {**self._members}

    @property
    def only_encrypts(self) -> bool:
        """Whether its JWK says that it is for encryption."""
        return self._use == "enc"

    def encrypts(self, alg: str) -> bool:
        """Whether something may be encrypted to the key with `alg`: by type, `alg`, `use` and `key_ops`."""
        return (
            self._members["kty"] == KEY_MANAGEMENT.get(alg)
            and self._alg in (None, alg)
            and self._use in (None, "enc")
            and (
                self._key_ops is None
                or (isinstance(self._key_ops, list) and any(name in self._key_ops for name in _TO_ENCRYPT))
            )
        )

    def fits(self, alg: str) -> bool:
        """Whether the key may verify `alg`: by type, curve, `alg`, `use` and `key_ops` (RFC 8725 3.1)."""
        needs = ALGORITHMS[alg]
        return (
            self._members["kty"] == needs.kty
            and self._members.get("crv", "") == needs.crv
            and (self._alg is None or (isinstance(self._alg, str) and exact(self._alg) == exact(alg)))
            and (self._use is None or self._use == "sig")
            and (self._key_ops is None or (isinstance(self._key_ops, list) and "verify" in self._key_ops))
        )

    def verify(self, alg: str, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's for `message`. False too where the key does not fit `alg`."""
        from joserfc.jws import JWSRegistry

        # The registry's algorithm, without its serialisation: that caps a header at 512 octets, fewer than a
        # DPoP proof by an RSA key has, and reads JSON less strictly than we do.
        algorithm = JWSRegistry.algorithms[exact(alg)]
        return self.fits(alg) and bool(algorithm.verify(message, signature, self._key))


def imported(members: dict[str, str]) -> Key:
    """The key with these public members. Raises InvalidKey (`unreadable_key`) for a point off its curve."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    try:
        key = import_key({**members})
        _ = key.public_key
    except (JoseError, ValueError, UnsupportedAlgorithm):
        raise InvalidKey("The public key is not one: a point off its curve, say.", code="unreadable_key") from None
    return key
