"""Private keys that outlive the process: what any place for them must do, and the one that keeps them in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from oauthclient.secret import Secret


class Keys(Protocol):
    """Where private keys are kept, each under a name. Called on flights only, so it may block.

    A name stands for one key for ever: it is never given to another one, so that what was read may be remembered.
    A value is JSON text of a private JWK, or base64 of 32 octets: some 250 characters, or 2,500 for RSA.
    `oauthclient.testing.contracts.KeysContract` tests an implementation.
    """

    def load(self, name: str, /) -> Secret | None:
        """The key of `name`, or None where there is none.

        Raises `StorageLocked`, `StorageUnavailable` or `StorageUnreadable` where that cannot be known.
        """

    def save(self, name: str, value: Secret, /) -> None:
        """Keep a key, and read it back. Raises `StorageUnwritable`, and those of `load`."""

    def delete(self, name: str, /) -> None:
        """Remove a key; no error where there is none. Raises `StorageLocked` or `StorageUnavailable`."""

    def probe(self) -> None:
        """Write something, read it back and delete it: to be called before a person is asked to log in.

        Raises what `save`, `load` and `delete` would. It may wait a minute for a person who unlocks the keyring.
        """


class MemoryKeys:
    """Keys kept in this process and nowhere else."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, Secret] = {}

    def load(self, name: str, /) -> Secret | None:
        """The key of `name`, or None where there is none."""
        return self._values.get(name)

    def save(self, name: str, value: Secret, /) -> None:
        """Keep a key."""
        self._values[name] = value

    def delete(self, name: str, /) -> None:
        """Remove a key; no error where there is none."""
        self._values.pop(name, None)

    def probe(self) -> None:
        """Memory takes any key."""
