"""Private keys in a keyring, those too large for it in a sealed file, and each read once in the life of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.errors import StorageUnwritable
from oauthclient.storage.keyring_keys import TOO_LARGE

if TYPE_CHECKING:
    from oauthclient.secret import Secret
    from oauthclient.storage.keys import Keys


class RoomyKeys:
    """Keys in `keyring`, or in `aside` where it finds them too large: an RSA key on Windows.

    What was read or written is remembered: on macOS each read of an item may ask a person, and a keyring that goes away
    under a running program takes nothing from it.
    """

    __slots__ = ("_aside", "_keyring", "_known")

    def __init__(self, keyring: Keys, aside: Keys) -> None:
        self._keyring = keyring
        self._aside = aside
        self._known: dict[str, Secret] = {}

    def load(self, name: str, /) -> Secret | None:
        """The key of `name`, or None where there is none. Raises what both places raise."""
        value = self._known.get(name)
        if value is None:
            value = self._keyring.load(name) or self._aside.load(name)
            if value is not None:
                self._known[name] = value
        return value

    def save(self, name: str, value: Secret, /) -> None:
        """Keep a key in one of both places. Raises what they raise."""
        try:
            self._keyring.save(name, value)
        except StorageUnwritable as error:
            if error.code != TOO_LARGE:
                raise
            self._aside.save(name, value)
        else:
            self._aside.delete(name)
        self._known[name] = value

    def delete(self, name: str, /) -> None:
        """Remove a key from both places; no error where there is none. Raises what they raise."""
        self._known.pop(name, None)
        self._aside.delete(name)
        self._keyring.delete(name)

    def probe(self) -> None:
        """Try the keyring. Raises what it raises."""
        self._keyring.probe()
