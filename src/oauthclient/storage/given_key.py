"""A sealing key that the program gives, or that is made of a passphrase; a wrong one is noticed before it is used.

Beside the sealed files stands `sealing.json`: how the key comes about, the salt, and a sealed nothing that only the
right key unseals.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from oauthclient.errors import ConfigurationError, StorageTooNew, StorageUnreadable, WrongStorageKey
from oauthclient.secret import Secret
from oauthclient.storage.private_files import read_whole, replace_whole
from oauthclient.storage.sealing_key import KEY_OCTETS, LEASE_SECONDS, anything_sealed, octets, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_VERSION: Final = 1
_ASSOCIATED: Final = b"oauthclient sealing.json"


class GivenKey:
    """The key for the sealed files in `directory`: exactly one of `key`, 32 octets, and `passphrase`.

    A passphrase may be a function that asks for it: it is called when the key is first needed, once in a process.
    Raises `ConfigurationError` for a key of another length, an empty passphrase, or both or none of them.
    """

    __slots__ = ("_directory", "_known", "_lock", "_source")

    def __init__(
        self, directory: Path, *, passphrase: str | Secret | Callable[[], str] | None, key: bytes | None
    ) -> None:
        self._directory = directory
        self._known: Secret | None = None
        self._lock = Lock()
        if (passphrase is None) == (key is None):
            raise ConfigurationError("Give a passphrase or a key of 32 octets: one of them.", code="storage_key")
        self._source: _Key | _Passphrase = _Passphrase(passphrase) if passphrase is not None else _Key(key or b"")

    def to_unseal(self) -> bytes:
        """The key.

        Raises `WrongStorageKey`, `StorageUnreadable` or `StorageTooNew` for its `sealing.json`, and what the function
        that asks for the passphrase raises.
        """
        with self._lock:
            return octets(self._known or self._checked())

    def to_seal(self) -> bytes:
        """The key. Raises as `to_unseal` does, and `StorageUnwritable` where `sealing.json` cannot be made."""
        with self._lock:
            if self._known is None and not anything_sealed(self._directory):
                self._begin()
            return octets(self._known or self._checked())

    def _begin(self) -> None:
        """Make `sealing.json` where it is missing, once for all processes."""
        from oauthclient.jose.sealing import SALT_OCTETS, seal
        from oauthclient.storage.lease import lease_of

        lease = lease_of(self._directory / "sealing.lock", "sealing key", timeout=LEASE_SECONDS)
        try:
            if read_whole(self._file()) is None:
                salt = os.urandom(SALT_OCTETS)
                key = self._source.key(salt)
                members = {
                    "version": _VERSION,
                    "method": self._source.method,
                    "salt": b64encode(salt).decode(),
                    "check": b64encode(seal(octets(key), b"", _ASSOCIATED)).decode(),
                }
                replace_whole(self._file(), json.dumps(members).encode())
                self._known = key
        finally:
            lease.release()

    def _checked(self) -> Secret:
        from oauthclient.jose.sealing import unseal

        description = self._described()
        if description.method != self._source.method:
            raise WrongStorageKey(
                f"The files in {self._directory} were sealed with a {description.method}, not with a"
                f" {self._source.method}.",
                code="other_method",
            )
        key = self._source.key(description.salt)
        if unseal(octets(key), description.check, _ASSOCIATED) is None:
            raise WrongStorageKey(
                f"The {self._source.method} is not the one that the files in {self._directory} were sealed with."
            )
        self._known = key
        return key

    def _described(self) -> _Description:
        content = read_whole(self._file())
        if content is None:
            raise self._unreadable("is missing")
        try:
            members = json.loads(content)
            version = members["version"]
            if isinstance(version, int) and version > _VERSION:
                raise StorageTooNew(f"{self._file()} is of version {version}; this library reads version {_VERSION}.")
            method, salt, check = members["method"], members["salt"], members["check"]
            if isinstance(method, str):
                return _Description(method, b64decode(salt, validate=True), b64decode(check, validate=True))
        except (ValueError, TypeError, KeyError, RecursionError):
            pass
        raise self._unreadable("is damaged")

    def _unreadable(self, why: str) -> StorageUnreadable:
        return StorageUnreadable(
            f"{self._file()} {why}, without which the sealed files there cannot be read.",
            code="sealing_key_lost",
            hint="Restore it from a backup; or remove the sealed files there and log in again.",
        )

    def _file(self) -> Path:
        return self._directory / "sealing.json"


class _Description(NamedTuple):
    method: str
    salt: bytes
    check: bytes


class _Key:
    """A key as it is."""

    __slots__ = ("_key",)
    method: Final = "key"

    def __init__(self, key: bytes) -> None:
        if not isinstance(key, bytes) or len(key) != KEY_OCTETS:
            raise ConfigurationError("A key to seal files with has 32 octets.", code="storage_key")
        self._key = written(key)

    def key(self, _salt: bytes) -> Secret:
        """The key; it needs no salt."""
        return self._key


class _Passphrase:
    """A passphrase, or the function that asks for it."""

    __slots__ = ("_passphrase",)
    method: Final = "passphrase"

    def __init__(self, passphrase: str | Secret | Callable[[], str]) -> None:
        self._passphrase = passphrase if callable(passphrase) else _not_empty(passphrase)

    def key(self, salt: bytes) -> Secret:
        """The key that scrypt makes of it."""
        from oauthclient.jose.sealing import key_from_passphrase

        given = self._passphrase if isinstance(self._passphrase, Secret) else _not_empty(self._passphrase())
        return written(key_from_passphrase(given.reveal(), salt))


def _not_empty(passphrase: object) -> Secret:
    if isinstance(passphrase, str | Secret) and passphrase:
        return Secret(passphrase)
    del passphrase
    raise ConfigurationError("The passphrase is empty, or is no text.", code="storage_key")
