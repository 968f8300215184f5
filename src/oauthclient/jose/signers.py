"""Who can sign: a key in memory or elsewhere, and a shared secret (RFC 7518 sections 3.1 and 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, final

from oauthclient.errors import InvalidKey, OAuthError
from oauthclient.jose.algorithms import ALGORITHMS, HMAC
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable


class Signs(Protocol):
    """What a JWS needs: an algorithm, a key ID where there is one, and a raw signature."""

    @property
    def algorithm(self) -> str:
        """The one algorithm, as `alg` names it."""

    @property
    def kid(self) -> str | None:
        """The key ID to send, or None."""

    def sign(self, message: bytes) -> bytes:
        """The raw JOSE signature of `message` (RFC 7518 section 3)."""


class Signer(Signs, Protocol):
    """A private key, wherever it lives: in memory (`SigningKey`), on a token, in a key management service."""

    @property
    def public_jwk(self) -> dict[str, str]:
        """The required public members of its JWK (RFC 7638 section 3.2)."""

    @property
    def thumbprint(self) -> str:
        """The SHA-256 thumbprint of its public JWK, base64url (RFC 7638)."""


def signature(sign: Callable[[bytes], bytes], message: bytes) -> bytes:
    """What `sign` makes of `message`; what a signer of the program's own raises becomes an error of ours."""
    try:
        return sign(message)
    except OAuthError:
        raise
    except Exception as error:
        raise InvalidKey(
            f"The key could not sign: {type(error).__name__}.",
            code="signing_failed",
            hint="See the cause: the token, the network or the service that holds the key.",
        ) from error


@final
class SharedSecret:
    """A client secret that signs by HMAC, for `client_secret_jwt` (OpenID Connect Core section 9).

    `algorithm`: HS256, HS384 or HS512. The secret's UTF-8 octets are the key.

    Raises InvalidKey: `weak_secret` for fewer octets than the hash has (RFC 7518 section 3.2, RFC 8725
    section 3.5), `unsupported_algorithm`.
    """

    __slots__ = ("_algorithm", "_secret")

    def __init__(self, secret: Secret, algorithm: str = "HS256") -> None:
        self._algorithm = algorithm
        self._secret = Secret(secret)
        if algorithm not in HMAC:
            raise InvalidKey(
                "A shared secret does not sign with the algorithm that was asked for.",
                code="unsupported_algorithm",
                hint=f"Use one of {', '.join(HMAC)}.",
            )
        least = ALGORITHMS[algorithm].octets
        if _octets(self._secret) < least:
            raise InvalidKey(
                f"The secret is shorter than the {least} octets that {algorithm} needs.",
                code="weak_secret",
                hint="Have the server issue a longer random one, or authenticate in another way.",
            )

    @property
    def algorithm(self) -> str:
        """The one algorithm, as `alg` names it."""
        return self._algorithm

    @property
    def kid(self) -> None:
        """A secret has no key ID."""
        return

    def sign(self, message: bytes) -> bytes:
        """The HMAC of `message`."""
        import hmac

        return hmac.digest(self._secret.reveal().encode(), message, ALGORITHMS[self._algorithm].hash_name)

    def verify(self, message: bytes, mac: bytes) -> bool:
        """Whether `mac` is the HMAC of `message`, compared in constant time."""
        import hmac

        return hmac.compare_digest(self.sign(message), mac)

    def __repr__(self) -> str:
        return f"SharedSecret(algorithm={self._algorithm!r})"


def _octets(secret: Secret) -> int:
    """How many octets a secret has in UTF-8; none where it has no UTF-8."""
    try:
        return len(secret.reveal().encode("utf-8"))
    except UnicodeEncodeError:
        return 0
