"""The key that sealed files are sealed under: kept in the keyring, given by the program, or made of a passphrase."""

from __future__ import annotations

import hashlib
import os
from binascii import a2b_base64, b2a_base64
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from oauthclient.errors import StorageUnreadable
from oauthclient.secret import Secret
from oauthclient.storage.private_files import read_whole, remove, replace_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from oauthclient.storage.keys import Keys

KEY_OCTETS: Final = 32
LEASE_SECONDS: Final = 60.0  # who holds it may be waiting for a person to unlock the keyring

_ITEM: Final = "seal"


class SealingKey(Protocol):
    """Where a sealing key comes from. Asked at each load and save; it remembers its answer."""

    def to_unseal(self) -> bytes:
        """The 32 octets. Raises `StorageUnreadable` where there is none any more, and any other `StorageError`."""

    def to_seal(self) -> bytes:
        """The 32 octets, made where there are none. Raises any `StorageError`."""


class KeyringSealingKey:
    """A random key in the item `seal` of a keyring, made once for all processes.

    Beside the files stands a hash of it, by which a process that remembers the key sees that it was replaced: after the
    last logout of another process removed it.
    """

    __slots__ = ("_directory", "_keys", "_known", "_lock", "_mark")

    def __init__(self, keys: Keys, directory: Path) -> None:
        self._keys = keys
        self._directory = directory
        self._mark = directory / "sealing-key.id"
        self._known: Secret | None = None
        self._lock = Lock()

    def to_unseal(self) -> bytes:
        """The key. Raises `StorageUnreadable` where the keyring has it no more, and what the keyring raises."""
        with self._lock:
            key = self._remembered() or self._kept()
        if key is None:
            raise StorageUnreadable(
                f"The keyring does not hold the key to the files in {self._directory}.",
                code="sealing_key_lost",
                hint="If this is the right keyring, log in again.",
            )
        return octets(key)

    def to_seal(self) -> bytes:
        """The key, made where there is none. Raises what the keyring raises."""
        with self._lock:
            return octets(self._remembered() or self._made())

    def delete_if_unused(self) -> None:
        """Remove the key where nothing is sealed under it any more. Raises what the keyring raises."""
        with self._lock, self._lease():
            if anything_sealed(self._directory):
                return
            # Who seals a file looks at the mark afterwards, and this looks for files after it removed the mark: so one
            # of both sees the other.
            mark = read_whole(self._mark)
            remove(self._mark)
            if mark is not None and anything_sealed(self._directory):
                replace_whole(self._mark, mark)
                return
            self._keys.delete(_ITEM)
            self._known = None

    def _remembered(self) -> Secret | None:
        return self._known if self._known is not None and read_whole(self._mark) == _mark_of(self._known) else None

    def _kept(self) -> Secret | None:
        """The key that the keyring holds, if it does; remembered, if it is the one that all processes use."""
        key = self._keys.load(_ITEM)
        if key is not None and read_whole(self._mark) == _mark_of(key):
            self._known = key
        return key

    def _made(self) -> Secret:
        key = self._kept()
        if key is not None and key is self._known:
            return key
        with self._lease():
            key = self._kept()
            if key is None:
                key = written(os.urandom(KEY_OCTETS))
                self._keys.save(_ITEM, key)
            replace_whole(self._mark, _mark_of(key))
        self._known = key
        return key

    @contextmanager
    def _lease(self) -> Iterator[None]:
        from oauthclient.storage.lease import lease_of

        lease = lease_of(self._directory / "sealing-key.lock", "sealing key", timeout=LEASE_SECONDS)
        try:
            yield
        finally:
            lease.release()


def anything_sealed(directory: Path) -> bool:
    """Whether there is a sealed file in `directory` or below it."""
    return any(directory.rglob("*.sealed"))


def written(key: bytes) -> Secret:
    """`key` as text, and so that no traceback with locals shows it."""
    return Secret(b2a_base64(key, newline=False).decode())


def octets(key: Secret) -> bytes:
    """The key that `written` wrote. Raises `StorageUnreadable` where it has not 32 octets."""
    try:
        key_octets = a2b_base64(key.reveal().encode())
    except ValueError:
        key_octets = b""
    if len(key_octets) != KEY_OCTETS:
        del key_octets
        raise StorageUnreadable(f'The item "{_ITEM}" of the keyring is no sealing key.', code="sealing_key_lost")
    return key_octets


def _mark_of(key: Secret) -> bytes:
    """A hash of 256 random bits: it tells keys apart, and nothing about them."""
    return hashlib.sha256(b"oauthclient sealing key\0" + octets(key)).hexdigest()[:32].encode()
