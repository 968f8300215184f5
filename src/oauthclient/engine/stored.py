"""What is kept between runs of the program: how the effects of stories about it are answered from a vault."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

from oauthclient import time
from oauthclient.errors import StorageBusy, StorageError
from oauthclient.flows.effects import CheckWritable, DeleteKey, Erase, Lease, LoadKey, Persist, Read, SaveKey, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthclient.flows.effects import Effect, Held
    from oauthclient.protocol.record_name import Name
    from oauthclient.storage.vault import Vault

_PATIENCE: Final = 90.0  # seconds to wait for another process that holds a lease; a refresh takes seconds
_RETRY: Final = 1.0  # seconds between two attempts to store what must not be lost


class Stored:
    """One vault, and the records that could not be stored yet: they are read from here until they are.

    While there is one, this process keeps the lease of its name from all others, and its own stories take turns at it.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._process = os.getpid()
        self._unsaved: dict[Name, Mapping[str, Any]] = {}
        self._leases: dict[Name, Held] = {}
        self._inherited: dict[Name, Held] = {}
        self._turns: dict[Name, threading.Lock] = {}

    def answer(self, effect: Effect[Any]) -> object:  # one case for each effect
        """The reply to `effect`. Raises StorageError."""
        records, keys = self._vault.records, self._vault.keys
        match effect:
            case Read(name=name):
                unsaved = self._unsaved.get(name)
                return records.load(name) if unsaved is None else dict(unsaved)
            case Write(name=name, record=record):
                records.save(name, record)
                self._unsaved.pop(name, None)
            case Persist(name=name, record=record):
                self._persist(name, record)
            case Erase(name=name):
                records.delete(name)
                self._unsaved.pop(name, None)
            case CheckWritable(name=name):
                records.check_writable(name)
            case Lease(name=name):
                return self._lease(name)
            case LoadKey(name=key):
                return keys.load(key)
            case SaveKey(name=key, value=value):
                keys.save(key, value)
            case DeleteKey(name=key):
                keys.delete(key)
            case _:
                raise AssertionError(f"An effect without an answer: {type(effect).__name__}")
        return None

    def _lease(self, name: Name) -> Held:
        if self._process != os.getpid():  # what could not be stored is its parent's, and so are those who hold a turn
            self._process = os.getpid()
            self._inherited = self._leases  # kept, for to drop a lease may be to end it, the parent's with it
            self._unsaved, self._leases, self._turns = {}, {}, {}
        began = time.steady()
        turn = self._turns.setdefault(name, threading.Lock())
        if not turn.acquire(timeout=_PATIENCE):
            raise StorageBusy(f"The {name.kind} is still held by another thread after {_PATIENCE:g} s.")
        try:
            if name not in self._leases:
                left = max(_PATIENCE - (time.steady() - began), 0.0)
                self._leases[name] = self._vault.records.lease(name, timeout=left)
        except BaseException:
            turn.release()
            raise
        return _Turn(lambda: self._release(name, turn))

    def _release(self, name: Name, turn: threading.Lock) -> None:
        try:
            if name not in self._unsaved:
                self._leases.pop(name).release()
        finally:
            turn.release()

    def _persist(self, name: Name, record: Mapping[str, Any]) -> None:
        first = name not in self._unsaved
        try:
            self._vault.records.save(name, record)
        except StorageError:
            self._unsaved[name] = record
            if first:
                # Not a daemon: while it lives, the answer that the server has forgotten is not lost.
                threading.Thread(target=self._until_saved, args=(name,), name="oauthclient-unsaved").start()
            raise
        self._unsaved.pop(name, None)

    def _until_saved(self, name: Name) -> None:
        main = threading.main_thread()
        turn = self._turns[name]
        while True:
            over = not main.is_alive()
            if not over:
                time.sleep(_RETRY)
            with turn:
                record = self._unsaved.get(name)
                if record is None:  # a story has stored a later one, and let go of the lease
                    return
                try:
                    self._vault.records.save(name, record)
                except StorageError:
                    if not over:
                        continue
                del self._unsaved[name]
                self._leases.pop(name).release()
                return


class _Turn:
    """A lease that a story holds, until it is released for the first time."""

    __slots__ = ("_release",)

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Let others have it."""
        release, self._release = self._release, None
        if release is not None:
            release()
