"""Private keys in sealed files: where there is no keyring, and where one is too small for a key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from oauthclient.errors import StorageUnreadable, StorageUnwritable
from oauthclient.protocol.record_name import Name
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from oauthclient.storage.records import Records

_MEMBER: Final = "key"


class SealedKeys:
    """Keys in `records` that are sealed, each a record of its own."""

    __slots__ = ("_records",)

    def __init__(self, records: Records) -> None:
        self._records = records

    def load(self, name: str, /) -> Secret | None:
        """The key of `name`, or None where there is none. Raises what the records raise."""
        record = self._records.load(_filed(name))
        if record is None:
            return None
        value = record.get(_MEMBER)
        del record
        if not isinstance(value, str):
            raise StorageUnreadable(f'The stored key "{name}" is none.')
        return Secret(value)

    def save(self, name: str, value: Secret, /) -> None:
        """Keep a key, and read it back. Raises what the records raise."""
        self._records.save(_filed(name), {_MEMBER: value.reveal()})
        if self.load(name) != value:
            raise StorageUnwritable(f'The key "{name}" was stored, and reads differently.', code="not_kept")

    def delete(self, name: str, /) -> None:
        """Remove a key; no error where there is none. Raises what the records raise."""
        self._records.delete(_filed(name))

    def probe(self) -> None:
        """Seal a random value, read it back and remove it. Raises what the records raise."""
        name, value = f"probe-{os.urandom(8).hex()}", Secret(os.urandom(32).hex())
        try:
            self.save(name, value)
        finally:
            self.delete(name)


def _filed(name: str) -> Name:
    return Name("key", "", "", name)
