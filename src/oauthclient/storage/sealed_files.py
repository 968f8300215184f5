"""Records in sealed files: one file each, encrypted, bound to its name, and replaced whole (NIST SP 800-38D).

A file holds, one after the other: the version of this format (one octet), the length of the name (two octets, the
highest first), the name (a JSON array of kind, issuer, client and profile), and the sealed record. All that stands
before the sealed record is its associated data. The name is in the clear, so that the records can be listed while the
keyring is locked; nothing else is.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, get_args

from oauthclient.errors import ConfigurationError, StorageError, StorageTooNew, StorageUnreadable
from oauthclient.protocol.record_name import Name, RecordKind
from oauthclient.storage.private_files import read_whole, remove, replace_whole, try_writing
from oauthclient.storage.records import record_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from oauthclient.storage.records import Lease
    from oauthclient.storage.sealing_key import SealingKey

_VERSION: Final = 1
_NAME_STARTS: Final = 3  # after the version and the length of the name
_LONGEST_NAME: Final = 0xFFFF
_ROOM: Final = 4096  # octets that a record may grow by from one save to the next
_KINDS: Final = get_args(RecordKind)


class SealedFiles:
    """Records in `directory`, made as 0700 where it is missing, each in a file of its own (0600).

    `sealing_key` gives the 32 octets they are sealed under. Where its answer changes during a save, that is repeated.
    """

    __slots__ = ("_directory", "_sealing_key")

    def __init__(self, directory: Path, sealing_key: SealingKey) -> None:
        self._directory = directory
        self._sealing_key = sealing_key

    def load(self, name: Name, /) -> dict[str, Any] | None:
        """The record of `name`, or None where there is none.

        Raises `StorageUnreadable` for a file that is damaged, cut short, of another name or sealed with another key,
        `StorageTooNew` for one of a later format, and what the sealing key raises. The file is left as it is.
        """
        from oauthclient.jose.sealing import unseal

        file = self._file(name)
        content = read_whole(file)
        if content is None:
            return None
        self._refuse_other_versions(file, content)
        header = _header(name)
        if not content.startswith(header):
            raise _damaged(file, "it is damaged, or the file of another record")
        text = unseal(self._sealing_key.to_unseal(), content[len(header) :], header)
        record = None if text is None else record_of(text)
        del text  # so that no traceback with locals shows it
        if record is None:
            raise _damaged(file, "it is damaged, or was sealed with another key")
        return record

    def save(self, name: Name, record: Mapping[str, Any], /) -> None:
        """Put `record` in place of the one before. Raises `StorageUnwritable`, and what the sealing key raises."""
        fault = self._put(self._file(name), _header(name), record)
        del record  # so that no traceback with locals shows it
        if fault is not None:
            raise fault

    def _put(self, file: Path, header: bytes, record: Mapping[str, Any]) -> StorageError | None:
        """The fault, if there is one, is returned: this frame holds secrets, and would stand in its traceback."""
        from oauthclient.jose.sealing import seal

        try:
            text, key = text_of(record), self._sealing_key.to_seal()
            while True:
                replace_whole(file, header + seal(key, text, header))
                # Another process may have ended its last session meanwhile, and removed the key with it.
                last, key = key, self._sealing_key.to_seal()
                if key == last:
                    return None
        except StorageError as fault:
            return fault.with_traceback(None)

    def delete(self, name: Name, /) -> None:
        """Remove the file of `name`, readable or not; no error where there is none. Raises `StorageUnwritable`."""
        remove(self._file(name))

    def names(self) -> list[Name]:
        """The names of all records, sorted; no key is needed.

        A file that is damaged where its name stands is not among them; to load that record raises all the same.
        Raises `StorageUnreadable` where the folder cannot be read.
        """
        found = (self._named(file) for file in self._files())
        return sorted(name for name in found if name is not None)

    def _files(self) -> list[Path]:
        try:
            return sorted(file for file in self._directory.iterdir() if file.suffix == ".sealed")
        except FileNotFoundError:
            return []
        except OSError:
            pass
        raise StorageUnreadable(
            f"Cannot list the folder {self._directory}.", code="no_access", hint="See to its permissions."
        )

    def check_writable(self, name: Name, /) -> None:
        """Write as much as the record has, and some more, beside it, and remove that. Raises what `save` would."""
        self._sealing_key.to_seal()
        file = self._file(name)
        try:
            size = file.stat().st_size
        except OSError:
            size = 0
        try_writing(file, size + _ROOM)

    def lease(self, name: Name, /, *, timeout: float) -> Lease:
        """The lease of `name` among all processes, waited for at most `timeout` seconds.

        Raises `StorageBusy`, or `StorageUnwritable` where its file cannot be made.
        """
        from oauthclient.storage.lease import lease_of

        return lease_of(self._file(name).with_suffix(".lock"), name.kind, timeout=timeout)

    def _file(self, name: Name) -> Path:
        return self._directory / f"{hashlib.sha256(_name_text(name)).hexdigest()[:32]}.sealed"

    def _refuse_other_versions(self, file: Path, content: bytes) -> None:
        version = content[0] if content else 0
        if version > _VERSION:
            raise StorageTooNew(f"{file} is of version {version}; this library reads version {_VERSION}.")
        if version < _VERSION:
            raise _damaged(file, "it is empty or damaged")

    def _named(self, file: Path) -> Name | None:
        content = read_whole(file)
        if content is None or content[:1] != bytes([_VERSION]):
            return None
        text = content[_NAME_STARTS : _NAME_STARTS + int.from_bytes(content[1:_NAME_STARTS], "big")]
        try:
            members = json.loads(text)
        except ValueError:
            return None
        if not (isinstance(members, list) and len(members) == len(Name._fields) and members[0] in _KINDS):
            return None
        if not all(isinstance(member, str) for member in members):
            return None
        name = Name(*members)
        return name if self._file(name) == file else None


def _name_text(name: Name) -> bytes:
    return json.dumps(list(name), separators=(",", ":")).encode()


def _header(name: Name) -> bytes:
    text = _name_text(name)
    if len(text) > _LONGEST_NAME:
        raise ConfigurationError(f"The name of this {name.kind} is too long to store.", code="name_too_long")
    return bytes([_VERSION]) + len(text).to_bytes(2, "big") + text


def _damaged(file: Path, why: str) -> StorageUnreadable:
    return StorageUnreadable(f"Cannot read {file}: {why}.")
