"""What is kept between runs of the program: how the effects of stories about it are answered from a vault."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from oauthclient.engine import time
from oauthclient.errors import StorageError
from oauthclient.flows.effects import CheckWritable, DeleteKey, Erase, Lease, LoadKey, Persist, Read, SaveKey, Write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.flows.effects import Effect, Held
    from oauthclient.protocol.record_name import Name
    from oauthclient.storage.vault import Vault

_PATIENCE: Final = 90.0  # seconds to wait for another process that holds a lease; a refresh takes seconds
_RETRY: Final = 1.0  # seconds between two attempts to store what must not be lost


class Stored:
    """One vault, and the records that could not be stored yet: they are read from here until they are."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._unsaved: dict[Name, Mapping[str, Any]] = {}

    def answer(self, effect: Effect[Any]) -> object:
        """The reply to `effect`. Raises StorageError."""
        records, keys = self._vault.records, self._vault.keys
        match effect:
            case Read(name=name):
                unsaved = self._unsaved.get(name)
                return records.load(name) if unsaved is None else dict(unsaved)
            case Write(name=name, record=record):
                records.save(name, record)
            case Persist(name=name, record=record, lease=lease):
                self._persist(name, record, lease)
            case Erase(name=name):
                records.delete(name)
            case CheckWritable(name=name):
                records.check_writable(name)
            case Lease(name=name):
                return _Shared(records.lease(name, timeout=_PATIENCE))
            case LoadKey(name=key):
                return keys.load(key)
            case SaveKey(name=key, value=value):
                keys.save(key, value)
            case DeleteKey(name=key):
                keys.delete(key)
            case _:
                raise AssertionError(f"An effect without an answer: {type(effect).__name__}")
        return None

    def _persist(self, name: Name, record: Mapping[str, Any], lease: Held) -> None:
        try:
            self._vault.records.save(name, record)
        except StorageError:
            self._unsaved[name] = record
            if isinstance(lease, _Shared):
                lease.share()
            # Not a daemon: while it lives, the answer that the server has forgotten is not lost.
            threading.Thread(target=self._until_saved, args=(name, lease), name="oauthclient-unsaved").start()
            raise

    def _until_saved(self, name: Name, lease: Held) -> None:
        main = threading.main_thread()
        while True:
            time.sleep(_RETRY)
            try:
                self._vault.records.save(name, self._unsaved[name])
            except StorageError:
                if main.is_alive():
                    continue
            del self._unsaved[name]
            lease.release()
            return


class _Shared:
    """A lease that a story holds, and perhaps a record that is not stored yet: it ends when both have let go."""

    __slots__ = ("_holders", "_lease")

    def __init__(self, lease: Held) -> None:
        self._lease = lease
        self._holders = 1

    def share(self) -> None:
        """Another one holds it too."""
        self._holders += 1

    def release(self) -> None:
        """Let go; the last one ends it."""
        self._holders -= 1
        if self._holders <= 0:
            self._lease.release()
