"""A client's key that is fetched from where keys are kept when it first signs: most runs of an app never need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from oauthclient.errors import StorageUnreadable
from oauthclient.jose.jwk import public_members, thumbprint
from oauthclient.jose.keys import SigningKey

if TYPE_CHECKING:
    from oauthclient.protocol.registration import Registration
    from oauthclient.storage.keys import Keys


@final
class StoredKey:
    """The `Signer` of a registered client. Its public half is known from the registration."""

    __slots__ = ("_key", "_keys", "algorithm", "kid", "public_jwk", "thumbprint")

    def __init__(self, keys: Keys, registration: Registration) -> None:
        registered, algorithm = registration.signing_jwk, registration.signing_algorithm
        if registered is None or algorithm is None:
            raise StorageUnreadable(
                "The registration does not hold the key that it was made with.",
                code="client_key_missing",
                hint="Rotate the client's key, or register the client anew.",
            )
        self._keys = keys
        self._key: SigningKey | None = None
        self.public_jwk = public_members(registered)
        self.thumbprint = thumbprint(self.public_jwk)
        self.algorithm = algorithm
        self.kid = registered.get("kid")

    def sign(self, message: bytes) -> bytes:
        """The raw signature of `message`. Raises StorageError where the key cannot be had."""
        if self._key is None:
            stored = self._keys.load(self.thumbprint)
            if stored is None:
                raise StorageUnreadable(
                    "The private key of the registered client is not where keys are kept any more.",
                    code="client_key_missing",
                    hint="Rotate the client's key, or register the client anew.",
                )
            self._key = SigningKey.from_jwk(stored)
        return self._key.sign(message)
