"""Records that outlive the process: what any place for them must do, and the one that keeps them in memory."""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from oauthclient.errors import StorageBusy, StorageUnwritable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.protocol.record_name import Name


class Lease(Protocol):
    """The right to be the only one who changes a record."""

    def release(self) -> None:
        """Let others have it. Any thread may call it, and more than once."""


class Records(Protocol):
    """Where records are kept: JSON objects, each under its `Name`. Called on flights only, so it may block.

    `oauthclient.testing.contracts.RecordsContract` tests an implementation.
    """

    def load(self, name: Name, /) -> dict[str, Any] | None:
        """The record of `name`, or None where there is none.

        Raises `StorageUnreadable`, `StorageTooNew`, `StorageLocked` or `StorageUnavailable` where there is one that
        cannot be had, and leaves it as it is.
        """

    def save(self, name: Name, record: Mapping[str, Any], /) -> None:
        """Put `record` in place of the one before: whole and for good, or not at all.

        Raises `StorageUnwritable`, and those of `load`.
        """

    def delete(self, name: Name, /) -> None:
        """Remove the record of `name`, readable or not; no error where there is none. Raises `StorageUnwritable`."""

    def names(self) -> list[Name]:
        """The names of all records, sorted. Raises `StorageUnreadable` where the place cannot be read."""

    def check_writable(self, name: Name, /) -> None:
        """Really try whether `save` would work now, and change nothing. Raises what it would."""

    def lease(self, name: Name, /, *, timeout: float) -> Lease:
        """The lease of `name`, among all processes that share this place, waited for at most `timeout` seconds.

        It ends with `release()`, and with the process, however that ends. Raises `StorageBusy`.
        """


class MemoryRecords:
    """Records kept in this process and nowhere else."""

    __slots__ = ("_leases", "_texts")

    def __init__(self) -> None:
        self._texts: dict[Name, bytes] = {}
        self._leases: dict[Name, Lock] = {}

    def load(self, name: Name, /) -> dict[str, Any] | None:
        """The record of `name`, or None where there is none."""
        text = self._texts.get(name)
        return None if text is None else record_of(text)

    def save(self, name: Name, record: Mapping[str, Any], /) -> None:
        """Put `record` in place of the one before. Raises `StorageUnwritable` where JSON cannot hold it."""
        self._texts[name] = text_of(record)

    def delete(self, name: Name, /) -> None:
        """Remove the record of `name`; no error where there is none."""
        self._texts.pop(name, None)

    def names(self) -> list[Name]:
        """The names of all records, sorted."""
        return sorted(self._texts.copy())

    def check_writable(self, name: Name, /) -> None:
        """Memory takes any record."""

    def lease(self, name: Name, /, *, timeout: float) -> Lease:
        """The lease of `name` among the threads of this process. Raises `StorageBusy` after `timeout` seconds."""
        lock = self._leases.setdefault(name, Lock())
        if not lock.acquire(timeout=timeout):
            raise StorageBusy(f"The {name.kind} is still held by another thread after {timeout:g} s.")
        return _ThreadLease(lock)


class _ThreadLease:
    """A lock that is held, until it is released for the first time."""

    __slots__ = ("_held",)

    def __init__(self, lock: Lock) -> None:
        self._held = [lock]

    def release(self) -> None:
        """Let others have it."""
        try:
            lock = self._held.pop()  # atomic, so that of two threads only one releases
        except IndexError:
            return
        lock.release()


def text_of(record: Mapping[str, Any]) -> bytes:
    """`record` as JSON in UTF-8. Raises `StorageUnwritable` with the code `not_json`."""
    try:
        return json.dumps(record, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        pass
    del record  # it holds secrets, and would stand in the traceback
    raise StorageUnwritable("JSON cannot hold this record.", code="not_json", hint="Store JSON values only.")


def record_of(text: bytes) -> dict[str, Any] | None:
    """The record that `text_of` wrote, or None where it is no JSON object."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
