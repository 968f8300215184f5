"""Which keyring backend is used: the one that is named, the one that worked before, or the best that is there.

To ask the library `keyring` for the best one imports all of them, and asks each: a tenth of a second. So the first that
works is remembered by its class, in a small file beside the records, and loaded by itself from then on. That also keeps
a passing fault from moving a program to another keyring, where its keys would seem to be gone.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import StorageUnavailable, StorageUnwritable
from oauthclient.protocol.text import shown
from oauthclient.storage.extra import missing
from oauthclient.storage.private_files import read_whole, replace_whole

if TYPE_CHECKING:
    from pathlib import Path

    from keyring.backend import KeyringBackend

_VARIABLE: Final = "PYTHON_KEYRING_BACKEND"
_CLASS_PATH: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)
_UNFIT: Final = ("keyring.backends.fail.Keyring", "keyring.backends.null.Keyring")
_CHAIN: Final = "keyring.backends.chainer.ChainerBackend"
_WINDOWS: Final = "keyring.backends.Windows.WinVaultKeyring"
_RECOMMENDED: Final = 1  # the library's own bound: below it are files, some of them in the clear


class Choice:
    """The choice of a backend, remembered in `pin`. `backend` is one that the program names itself."""

    __slots__ = ("_backend", "_pin", "_to_pin")

    def __init__(self, pin: Path, backend: KeyringBackend | None) -> None:
        self._pin = pin
        self._backend = None if backend is None else _prepared(backend)
        self._to_pin: str | None = None

    def backend(self) -> KeyringBackend:
        """The backend. Raises `StorageUnavailable`, or whatever a backend raises that cannot be used."""
        if self._backend is None:
            self._backend = _prepared(self._named() or self._pinned() or self._best())
        return self._backend

    def worked(self) -> None:
        """Remember the backend, now that it has kept or given back a value."""
        if self._to_pin is not None:
            with suppress(StorageUnwritable):  # then the next process looks for it again
                replace_whole(self._pin, f"{self._to_pin}\n".encode())
            self._to_pin = None

    def is_windows(self) -> bool:
        """Whether values are bounded as Windows bounds them."""
        return self._backend is not None and class_path(self._backend) == _WINDOWS

    def _named(self) -> KeyringBackend | None:
        if not os.environ.get(_VARIABLE):
            return None
        from keyring.core import load_env

        return load_env()

    def _pinned(self) -> KeyringBackend | None:
        content = read_whole(self._pin)
        if content is None:
            return None
        path = content.decode("ascii", "replace").strip()
        made = _made(path) if _CLASS_PATH.fullmatch(path) else None
        if made is None:
            raise StorageUnavailable(
                f'The keyring backend "{shown(path)}", which keeps the keys, cannot be loaded.',
                code="keyring_backend_gone",
                hint=f"Install it again; or, if it is gone for good, remove {self._pin} and log in again.",
            )
        return made

    def _best(self) -> KeyringBackend:
        from keyring import get_keyring

        best = get_keyring()
        if class_path(best) == _CHAIN:
            # A chain writes to the first that takes it. Used by itself, that one is loaded without the others.
            chained: Any = best
            best = next(iter(chained.backends), best)
        if class_path(best) in (*_UNFIT, _CHAIN):
            raise StorageUnavailable("There is no keyring here.", code="no_keyring")
        if best.priority < _RECOMMENDED:
            raise StorageUnavailable(
                f'The only keyring here is "{class_path(best)}", which may keep keys in the clear.',
                code="no_keyring",
                hint=f"{StorageUnavailable.hint} To use it all the same, set {_VARIABLE} to its name.",
            )
        self._to_pin = class_path(best)
        return best


def class_path(backend: KeyringBackend) -> str:
    """The backend's module and class, as `PYTHON_KEYRING_BACKEND` names it."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _made(path: str) -> KeyringBackend | None:
    module, _, name = path.rpartition(".")
    from keyring.backend import KeyringBackend

    try:
        backend = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return None
    if not (isinstance(backend, type) and issubclass(backend, KeyringBackend)):
        return None
    return backend()


def _prepared(backend: KeyringBackend) -> KeyringBackend:
    if class_path(backend) in _UNFIT:
        raise StorageUnavailable(f'The keyring "{class_path(backend)}" keeps nothing.', code="no_keyring")
    if class_path(backend) == _WINDOWS:
        # Its default roams: Windows would copy the keys to every machine of the person's domain.
        vault: Any = backend
        vault.persist = "local machine"
    return backend


def needs_keyring() -> None:
    """Raise `ConfigurationError` where the library `keyring` is not installed."""
    try:
        import_module("keyring")
    except ImportError:
        raise missing("keyring") from None
