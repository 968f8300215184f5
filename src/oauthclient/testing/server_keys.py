"""The keys that the server signs with, and their rotation (RFC 7517, section 5; OpenID Connect Core, 10.1.1)."""

from __future__ import annotations

from oauthclient.jose.jwks import KeySet
from oauthclient.jose.keys import SigningKey
from oauthclient.testing.clients import published


class ServerKeys:
    """One key for each algorithm, made when it is first needed; the JWK set holds them and those they replaced."""

    def __init__(self) -> None:
        self._generation = 1
        self._current: dict[str, SigningKey] = {}
        self._published: list[dict[str, str]] = []
        self._verifying = KeySet(())

    def signing(self, algorithm: str) -> SigningKey:
        """The key that signs with this algorithm now."""
        if algorithm not in self._current:
            self._publish(algorithm)
        return self._current[algorithm]

    def rotate(self, *, forget: bool = False, same_kid: bool = False) -> None:
        """Sign with new keys from now on.

        `forget`: what the old ones signed verifies no more. `same_kid`: the new ones are published under the names of
        the old ones, as careless servers do, and the old ones are forgotten.
        """
        if forget or same_kid:
            self._published = []
        self._generation += not same_kid
        # Made at once: a client that reads the set now is to find the new keys there.
        for algorithm in self._current:
            self._publish(algorithm)

    @property
    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JWK set that verifies what the server signed (RFC 7517, section 5)."""
        return {"keys": list(self._published)}

    @property
    def verifying(self) -> KeySet:
        """The same keys, to verify with."""
        return self._verifying

    def _publish(self, algorithm: str) -> None:
        key = SigningKey.generate(algorithm, kid=f"{algorithm}-{self._generation}")
        self._current[algorithm] = key
        self._published.append(published(key) | {"use": "sig"})
        self._verifying = KeySet.of(*self._published)
