"""Where a native app keeps its keys and its sessions: the keyring with sealed files beside it, sealed files, or memory.

It stops who has the disk, a backup, a copied file or another account. It does not stop code that runs as the same user.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from oauthclient.errors import ConfigurationError
from oauthclient.storage.keys import MemoryKeys
from oauthclient.storage.records import MemoryRecords

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

    from oauthclient.secret import Secret
    from oauthclient.storage.keys import Keys
    from oauthclient.storage.records import Records
    from oauthclient.storage.sealing_key import KeyringSealingKey

_APP: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", re.ASCII)


class Vault:
    """`keys` and `records`, kept by whatever implements them; `keyring`, `file` and `memory` make the usual ones.

    Making a vault touches nothing: no keyring is asked and no file is made before the first use.
    """

    __slots__ = ("_sealing_key", "keys", "records")

    def __init__(self, keys: Keys, records: Records, *, sealing_key: KeyringSealingKey | None = None) -> None:
        self.keys: Final = keys
        self.records: Final = records
        self._sealing_key = sealing_key

    @classmethod
    def keyring(
        cls,
        app: str,
        directory: str | os.PathLike[str] | None = None,
        *,
        patient: bool = False,
        backend: KeyringBackend | None = None,
    ) -> Vault:
        """Keys in the operating system's keyring, records in files sealed under a key that the keyring holds too.

        `app`: a name for the items and the folder, of letters, digits, ".", "_" and "-", at most 64. `directory`: the
        folder of the files; default: the user's data folder for this app. `patient`: a person is there to unlock the
        keyring, so that each call waits a minute for it and not three seconds. `backend`: one of the library `keyring`,
        in place of the one it would choose. Needs the extra `native`.

        Raises `ConfigurationError` for another name or a missing package, `StorageUnavailable` for a backend that keeps
        nothing.
        """
        from oauthclient.storage.keyring_keys import KeyringKeys
        from oauthclient.storage.roomy_keys import RoomyKeys
        from oauthclient.storage.sealed_files import SealedFiles
        from oauthclient.storage.sealed_keys import SealedKeys
        from oauthclient.storage.sealing_key import KeyringSealingKey

        if not _APP.fullmatch(app):
            raise ConfigurationError(
                "An app's name has letters, digits, dots, hyphens and underscores, at most 64.", code="app_name"
            )
        folder = _usual_folder(app) if directory is None else Path(directory)
        keyring = KeyringKeys(app, folder, patient=patient, backend=backend)
        sealing_key = KeyringSealingKey(keyring, folder)
        keys = RoomyKeys(keyring, SealedKeys(SealedFiles(folder / "keys", sealing_key)))
        return cls(keys, SealedFiles(folder, sealing_key), sealing_key=sealing_key)

    @classmethod
    def file(
        cls,
        directory: str | os.PathLike[str],
        *,
        passphrase: str | Secret | Callable[[], str] | None = None,
        key: bytes | None = None,
    ) -> Vault:
        """Keys and records in files in `directory`, sealed under `key`, 32 octets, or one made of `passphrase`.

        Give one of both. A `passphrase` that is a function is called when the key is first needed, once in a process.
        Needs the extra `native`. Raises `ConfigurationError`; a wrong one of either raises `WrongStorageKey` when the
        vault is first used.
        """
        from oauthclient.storage.given_key import GivenKey
        from oauthclient.storage.sealed_files import SealedFiles
        from oauthclient.storage.sealed_keys import SealedKeys

        folder = Path(directory)
        sealing_key = GivenKey(folder, passphrase=passphrase, key=key)
        return cls(SealedKeys(SealedFiles(folder / "keys", sealing_key)), SealedFiles(folder, sealing_key))

    @classmethod
    def from_environment(cls, directory: str | os.PathLike[str]) -> Vault:
        """As `file`, with the key or passphrase that a variable of the environment holds, or a file that it names.

        The variables: OAUTHCLIENT_STORAGE_KEY and OAUTHCLIENT_STORAGE_KEY_FILE (32 octets in base64url or hexadecimal),
        OAUTHCLIENT_STORAGE_PASSPHRASE and OAUTHCLIENT_STORAGE_PASSPHRASE_FILE.

        Raises `StorageUnavailable` where none is set, `ConfigurationError` for several or for one that cannot be used.
        """
        from oauthclient.storage.environment import from_environment

        given = from_environment(os.environ)
        return cls.file(directory, passphrase=given.passphrase, key=given.key)

    @classmethod
    def memory(cls) -> Vault:
        """Keys and records in this process, and gone with it."""
        return cls(MemoryKeys(), MemoryRecords())

    def delete_unused_sealing_key(self) -> None:
        """After a logout: remove the sealing key from the keyring, if nothing is sealed under it any more.

        Raises what the keyring raises. There is nothing to do for the other vaults.
        """
        if self._sealing_key is not None:
            self._sealing_key.delete_if_unused()


def _usual_folder(app: str) -> Path:
    from oauthclient.storage.extra import missing

    try:
        from platformdirs import user_data_path
    except ImportError:
        raise missing("platformdirs") from None
    return user_data_path("oauthclient", appauthor=False) / app
