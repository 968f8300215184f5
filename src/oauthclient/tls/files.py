"""The PEM files of a client certificate: what is in them, and whether they have changed (RFC 7468)."""

from __future__ import annotations

import errno
import os
import stat
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from oauthclient.errors import ConfigurationError, InvalidKey
from oauthclient.jose.certificate import read_certificate
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.jose.certificate import Certificate

    Passphrase = str | bytes | Secret | Callable[[], str | bytes | Secret]
    Kept = Secret | Callable[[], str | bytes | Secret] | None


_LARGEST: Final = 1024 * 1024  # bytes
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class PEMFiles:
    """The file of a certificate, and that of its key if it is another one."""

    __slots__ = ("_passphrase", "_paths")

    def __init__(
        self,
        certificate: str | PathLike[str],
        key: str | PathLike[str] | None,
        passphrase: Passphrase | None,
    ) -> None:
        paths = [path for path in (certificate, key) if path is not None]
        if certificate is None or not all(map(_is_path, paths)):
            del certificate, key, passphrase, paths  # no traceback is to show them
            raise ConfigurationError("A client certificate is read from a path.", code="unreadable_file", hint=_HINT)
        self._paths = [Path(path) for path in paths]
        self._passphrase = kept(passphrase)

    def state(self) -> object:
        """What changes when one of the files does. Raises OSError where one is missing.

        The inode tells of a link or a folder that was exchanged, as Kubernetes does; the time of its change of a file
        that was copied with the time of another.
        """
        found = [path.stat() for path in self._paths]
        return [(each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns, each.st_ctime_ns) for each in found]

    def read(self) -> Certificate:
        """The certificate.

        Raises InvalidKey, ConfigurationError (`unreadable_file`), and what the passphrase's function does.
        """
        texts: list[bytes] = []
        fault: InvalidKey | ConfigurationError
        try:
            texts.extend(_text(path) for path in self._paths)
            found = read_certificate(texts[0], texts[-1], told(self._passphrase))
            if not isinstance(found, InvalidKey):
                return found
            fault = found
        except OSError as error:
            if error.filename is None:
                raise  # of the passphrase's function
            fault = ConfigurationError(
                f"{error.filename} cannot be read: {error.strerror}.",
                code="unreadable_file",
                hint=_HINT,
            )
        finally:
            texts.clear()  # no traceback is to show them
        raise fault


def _text(path: Path) -> bytes:
    """What stands in a file; no pipe is waited for, and nothing huge is read. Raises OSError."""
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        text = file.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise OSError(errno.EFBIG, f"it is larger than {_LARGEST} bytes", str(path))
    return text


def _is_path(path: object) -> bool:
    """Whether it is one, and not what should stand in that file: a message would show that."""
    return isinstance(path, str | PathLike) and "-----BEGIN" not in str(path) and "\0" not in str(path)


def kept(passphrase: Passphrase | None) -> Kept:
    """A passphrase as it may be kept: nothing shows it. Raises InvalidKey (`not_a_string`)."""
    if passphrase is None or callable(passphrase):
        return passphrase
    return Secret(passphrase.decode("utf-8", "surrogateescape") if isinstance(passphrase, bytes) else passphrase)


def told(passphrase: Kept) -> bytes | None:
    """The passphrase itself."""
    value = passphrase() if callable(passphrase) else passphrase
    if isinstance(value, Secret):
        value = value.reveal()
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


_HINT: Final = "Give the paths of its PEM files; ClientCertificate.from_pem takes what stands in them."
