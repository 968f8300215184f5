"""Files that only their owner may read, replaced whole and for good, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EACCES, EDQUOT, EFBIG, EINVAL, ENOSPC, EPERM, EROFS
from time import sleep
from typing import TYPE_CHECKING, Final

from oauthclient.errors import StorageUnreadable, StorageUnwritable
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FULL: Final = (ENOSPC, EDQUOT, EFBIG)
_READ_ONLY: Final = (EROFS, EACCES, EPERM)
_WINDOWS: Final = os.name == "nt"
# On Windows a file that another process has open, if only for an instant, cannot be replaced or removed.
_ATTEMPTS: Final = 50 if _WINDOWS else 1
_BETWEEN_ATTEMPTS: Final = 0.02  # seconds


def private_folder(folder: Path) -> None:
    """Make `folder` for its owner alone (0700); one that is there stays as it is. Raises `StorageUnwritable`."""
    if folder.is_dir():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def read_whole(file: Path) -> bytes | None:
    """The content of `file`, or None where it does not exist. Raises `StorageUnreadable`."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        why = shown(error.strerror)
    raise StorageUnreadable(
        f"Cannot read {file}: {why}.", code="no_access", hint="See to its permissions and those of its folder."
    )


def replace_whole(file: Path, content: bytes) -> None:
    """Put `content` in place of `file`, as 0600: a crash at any instant leaves the old one or the new one.

    Raises `StorageUnwritable`, with the code `disk_full` or `read_only` where it is that.
    """
    private_folder(file.parent)
    try:
        temporary = _written(file, content)
        try:
            _patiently(lambda: temporary.replace(file))
        except OSError:
            _discard(temporary)
            raise
        _synchronise_folder(file.parent)
    except OSError as error:
        raise unwritable(file, error) from None


def try_writing(file: Path, size: int) -> None:
    """Write `size` octets beside `file` and remove them again. Raises `StorageUnwritable`, as `replace_whole` would."""
    private_folder(file.parent)
    try:
        _discard(_written(file, bytes(size)))
    except OSError as error:
        raise unwritable(file, error) from None


def remove(file: Path) -> None:
    """Remove `file`; no error where it does not exist. Raises `StorageUnwritable`."""
    try:
        _patiently(file.unlink)
        _synchronise_folder(file.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(file, error) from None


def unwritable(path: Path, error: OSError) -> StorageUnwritable:
    """The error that says why `path` cannot be written."""
    why = f"Cannot write {path}: {shown(error.strerror)}."
    if error.errno in _FULL:
        return StorageUnwritable(why, code="disk_full", hint="Make room and try again.")
    if error.errno in _READ_ONLY:
        return StorageUnwritable(why, code="read_only", hint="See to the permissions of its folder, or name another.")
    return StorageUnwritable(why, hint="See to its folder, or name another.")


def _written(file: Path, content: bytes) -> Path:
    """A new file beside `file` that holds `content`, on the disk and not only on its way there."""
    temporary = file.with_name(f".{file.name}.{os.urandom(8).hex()}.tmp")
    # Private from its first instant: what a umask leaves is never more than 0600.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
    except OSError:
        _discard(temporary)
        raise
    return temporary


def _patiently(change: Callable[[], object]) -> None:
    for left in reversed(range(_ATTEMPTS)):
        try:
            change()
        except PermissionError:
            if not left:
                raise
            sleep(_BETWEEN_ATTEMPTS)
        else:
            return


def _synchronise_folder(folder: Path) -> None:
    """Without it, a loss of power could bring back the old file. Windows and some file systems have no such call."""
    if _WINDOWS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != EINVAL:
            raise
    finally:
        os.close(descriptor)


def _discard(temporary: Path) -> None:
    with suppress(OSError):
        temporary.unlink()
