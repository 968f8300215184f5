"""Leases between processes: a lock of the operating system on a file, which a dead process cannot keep."""

from __future__ import annotations

from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING

from oauthclient.errors import StorageBusy
from oauthclient.storage.extra import missing
from oauthclient.storage.private_files import private_folder, unwritable

if TYPE_CHECKING:
    from pathlib import Path

    from oauthclient.storage.records import Lease

# Short beside a token request, and long enough that dozens of waiting processes do not keep a processor busy.
_POLL = 0.02  # seconds


def lease_of(file: Path, what: str, *, timeout: float) -> Lease:
    """The lease that `file` stands for, waited for at most `timeout` seconds; `what` it is for, in errors.

    The file is made where it is missing, and stays: were it removed, two processes could hold two of them.
    Raises `StorageBusy`, or `StorageUnwritable` where the file cannot be made.
    """
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise missing("filelock") from None
    private_folder(file.parent)
    # An object of its own for each lease: one that is shared lets a second thread in, one that is thread-local cannot
    # be released by another.
    lock = FileLock(file, mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=min(max(timeout, 0), TIMEOUT_MAX), poll_interval=_POLL)
    except Timeout:
        raise StorageBusy(f"The {what} is still held by another process or thread after {timeout:g} s.") from None
    except OSError as error:
        raise unwritable(file, error) from None
    return lock
