"""Private keys as items of the operating system's keyring: one each, few of them, and every failure a clear error."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

from oauthclient.errors import StorageError, StorageLocked, StorageUnavailable, StorageUnwritable
from oauthclient.protocol.text import shown
from oauthclient.secret import Secret
from oauthclient.storage.bounded import Bounded
from oauthclient.storage.keyring_backend import Choice, class_path, needs_keyring

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keyring.backend import KeyringBackend

T = TypeVar("T")

TOO_LARGE: Final = "too_large_for_keyring"
"""The code of the StorageUnwritable for a value that the keyring is too small for."""

_BACKGROUND: Final = 3.0  # seconds; nobody may be there to unlock it
_PERSON: Final = 60.0  # seconds in which a person finds the prompt and types a password
_MOST_ON_WINDOWS: Final = 1280  # UTF-16 units: CRED_MAX_CREDENTIAL_BLOB_SIZE is 2,560 octets
_TOO_LARGE_ON_WINDOWS: Final = 1783  # RPC_X_BAD_STUB_DATA, "The stub received bad data"
# Known by name: whichever library raises them may not be installed. An InitError is a keyring that could be made only
# by a person at a prompt, or one whose service is gone.
_LOCKED: Final = frozenset({"KeyringLocked", "InitError", "LockedException", "PromptDismissedException"})
_GONE: Final = "SecretServiceNotAvailableException"
_LOCKED_ON_MACOS: Final = "-25308"  # errSecInteractionNotAllowed: locked, and no desktop to ask on


class KeyringKeys:
    """Keys in the keyring, for one app.

    Each item has a service of its own, `oauthclient:<app>:<name>`: under a shared one, Windows moves the items of other
    names about at each write, and of two processes that write at once one loses its item. `directory` holds the small
    file that remembers the backend. `patient`: a person is there, so each call may wait a minute for the keyring to be
    unlocked, and not three seconds. `backend`: a backend of the library `keyring`, where the program chooses it itself.

    Raises `StorageUnavailable` for a `backend` that keeps nothing.
    """

    __slots__ = ("_app", "_bounded", "_choice", "_patience")

    def __init__(
        self, app: str, directory: Path, *, patient: bool = False, backend: KeyringBackend | None = None
    ) -> None:
        self._app = app
        self._choice = Choice(directory / "keyring-backend", backend)
        self._patience = _PERSON if patient else _BACKGROUND
        self._bounded = Bounded()

    def load(self, name: str, /) -> Secret | None:
        """The key of `name`, or None where there is none. Raises `StorageLocked` or `StorageUnavailable`."""

        def get(backend: KeyringBackend) -> Secret | None:
            value = backend.get_password(self._service(name), name)
            return None if value is None else Secret(value)

        value = self._call(get, self._patience)
        if value is not None:
            self._choice.worked()
        return value

    def save(self, name: str, value: Secret, /) -> None:
        """Keep a key, and read it back: a backend may take it and keep nothing.

        Raises `StorageUnwritable` with the code `too_large_for_keyring`, `StorageLocked` or `StorageUnavailable`.
        """
        self._save(name, value, self._patience)

    def delete(self, name: str, /) -> None:
        """Remove a key; no error where there is none. Raises `StorageLocked` or `StorageUnavailable`."""
        self._delete(name, self._patience)

    def probe(self) -> None:
        """Write a random value, read it back and delete it, waiting up to a minute for the keyring to be unlocked.

        Raises `StorageLocked` or `StorageUnavailable`.
        """
        name = f"probe-{os.urandom(8).hex()}"
        self._save(name, Secret(os.urandom(32).hex()), _PERSON)
        self._delete(name, _PERSON)

    def _save(self, name: str, value: Secret, seconds: float) -> None:
        def put(backend: KeyringBackend) -> None:
            if self._choice.is_windows() and len(value.reveal().encode("utf-16-le")) > 2 * _MOST_ON_WINDOWS:
                raise _too_large(name)
            failure: StorageError | None
            try:
                backend.set_password(self._service(name), name, value.reveal())
            except Exception as error:  # noqa: BLE001  # a backend raises what it likes
                failure = _failure(error, name=name, spoken=False)
            else:
                failure = (
                    None if backend.get_password(self._service(name), name) == value.reveal() else _forgets(backend)
                )
            if failure is not None:
                raise failure

        self._call(put, seconds)
        self._choice.worked()

    def _delete(self, name: str, seconds: float) -> None:
        def remove(backend: KeyringBackend) -> None:
            from keyring.errors import PasswordDeleteError

            try:
                backend.delete_password(self._service(name), name)
            except PasswordDeleteError:
                if backend.get_password(self._service(name), name) is not None:
                    raise

        self._call(remove, seconds)

    def _call(self, work: Callable[[KeyringBackend], T], seconds: float) -> T:
        """What `work` returns, given the backend; both on a thread of their own, since either may wait for ever."""
        needs_keyring()

        def attempt() -> T | StorageError:
            # Faults are returned: raised here, they would bring the frames of the backend, and the value in them.
            try:
                backend = self._choice.backend()
            except StorageError as error:
                return error.with_traceback(None)
            except Exception as error:  # noqa: BLE001  # see above
                return StorageUnavailable(f"There is no keyring here ({_told(error)}).", code="no_keyring")
            try:
                return work(backend)
            except StorageError as error:
                return error.with_traceback(None)
            except Exception as error:  # noqa: BLE001  # see above
                return _failure(error, name="", spoken=True)

        try:
            outcome = self._bounded.call(attempt, seconds)
        except TimeoutError:
            outcome = StorageLocked(
                f"The keyring gave no answer within {seconds:g} s: it may be waiting to be unlocked.",
                code="keyring_timeout",
            )
        if isinstance(outcome, StorageError):
            raise outcome from None
        return outcome

    def _service(self, name: str) -> str:
        return f"oauthclient:{self._app}:{name}"


def _failure(error: Exception, *, name: str, spoken: bool) -> StorageError:
    """What a backend's exception means. Its text is given only where it was `spoken` without a value at hand."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    gone = _GONE in kinds or type(error.__cause__).__name__ == _GONE
    if not gone and (kinds & _LOCKED or _LOCKED_ON_MACOS in str(error)):
        return StorageLocked("The keyring is locked.", code="keyring_locked")
    if "NoKeyringError" in kinds:
        return StorageUnavailable("There is no keyring here.", code="no_keyring")
    if _TOO_LARGE_ON_WINDOWS in (getattr(error, "winerror", None), *error.args[:1]):
        return _too_large(name)
    told = _told(error) if spoken else type(error).__name__
    return StorageUnavailable(f"The keyring failed ({told}).", code="keyring_failed")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {shown(error)}"


def _too_large(name: str) -> StorageUnwritable:
    return StorageUnwritable(f'The key "{name}" is too large for this keyring.', code=TOO_LARGE)


def _forgets(backend: KeyringBackend) -> StorageUnavailable:
    return StorageUnavailable(
        f'The keyring "{class_path(backend)}" took a value and does not give it back.', code="keyring_forgets"
    )
