"""JWK Sets, and which of their keys may verify a JWT, or be encrypted to (RFC 7517 section 5, RFC 7515 appendix D)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from oauthclient.errors import InvalidKey, InvalidResponse, NotOffered
from oauthclient.jose.verifying_key import VerifyingKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOST_KEYS: Final = 100
_MOST_TRIED: Final = 5


@final
class KeySet:
    """The public keys of one party.

    Keys that share a `kid` are all kept, and told apart by type, curve, `alg`, `use` and `key_ops`.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[VerifyingKey]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def from_jwks(cls, document: Mapping[str, object]) -> KeySet:
        """The usable keys of a JWK Set that a server published.

        Keys of unknown types, broken ones, and keys that hold private or symmetric members are left out, as
        RFC 7517 section 5 asks, so that one bad key does not stop all.

        Raises InvalidResponse: `not_a_jwk_set`, or `too_many_keys` beyond 100.
        """
        jwks = document.get("keys")
        if not isinstance(jwks, list):
            raise InvalidResponse('The JWK Set has no array "keys".', code="not_a_jwk_set")
        if len(jwks) > _MOST_KEYS:
            raise InvalidResponse(f"The JWK Set has more than {_MOST_KEYS} keys.", code="too_many_keys")
        return cls(key for jwk in jwks if isinstance(jwk, dict) and (key := _usable(jwk)) is not None)

    @classmethod
    def of(cls, *public_jwks: Mapping[str, object]) -> KeySet:
        """Keys that the program itself names. Raises InvalidKey as `VerifyingKey` does, for each of them."""
        return cls(VerifyingKey(jwk) for jwk in public_jwks)

    def __len__(self) -> int:
        return len(self._keys)

    def candidates(self, alg: str, kid: str | None) -> tuple[VerifyingKey, ...]:
        """The few keys to try for a JWT signed with `alg` by the key `kid`: at most five.

        A `kid` that no key has is looked for among the keys without one.
        """
        fitting = [key for key in self._keys if key.fits(alg)]
        if kid is not None:
            fitting = [key for key in fitting if key.kid == kid] or [key for key in fitting if key.kid is None]
        return tuple(fitting[:_MOST_TRIED])

    def encryption_jwk(self, alg: str) -> dict[str, str]:
        """The public key to encrypt to with `alg`, with its `kid`: one that only encrypts, if there is one.

        Raises NotOffered (`no_encryption_key`).
        """
        fitting = [key for key in self._keys if key.encrypts(alg)]
        if not fitting:
            raise NotOffered(
                f"The server publishes no key that something could be encrypted to with {alg}.",
                code="no_encryption_key",
                hint="Choose another algorithm, or send the request signed only.",
            )
        return next((key for key in fitting if key.only_encrypts), fitting[0]).public_jwk


def _usable(jwk: Mapping[str, object]) -> VerifyingKey | None:
    try:
        return VerifyingKey(jwk)
    except InvalidKey:
        return None
