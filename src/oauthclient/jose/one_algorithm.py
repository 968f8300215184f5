"""What all private keys have in common: exactly one algorithm each, and nothing private to show (RFC 8725, 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from oauthclient.jose.jwk import thumbprint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self


class OneAlgorithmKey:
    """A private key that never changes. A copy of one is itself; it cannot be pickled."""

    __slots__ = ("_algorithm", "_kid", "_public_jwk", "_thumbprint")

    _algorithm: str
    _kid: str | None
    _public_jwk: Mapping[str, str]
    _thumbprint: str

    def _is(self, algorithm: str, kid: str | None, public_jwk: Mapping[str, str]) -> None:
        """Take what is public of the key, once it is known."""
        self._algorithm = algorithm
        self._kid = kid
        self._public_jwk = public_jwk
        self._thumbprint = thumbprint(public_jwk)

    @property
    def algorithm(self) -> str:
        """The one algorithm of this key, as `alg` names it."""
        return self._algorithm

    @property
    def kid(self) -> str | None:
        """The key ID that came with the key or was given with it."""
        return self._kid

    @property
    def public_jwk(self) -> dict[str, str]:
        """Its public JWK, as a copy: the required members (RFC 7638, section 3.2), and what the class says of more."""
        return dict(self._public_jwk)

    @property
    def thumbprint(self) -> str:
        """The SHA-256 thumbprint of its public JWK, base64url (RFC 7638): the `jkt` of RFC 9449."""
        return self._thumbprint

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A private key cannot be pickled.")
