"""Keyring backends of our own, with the manners of platforms that the tests do not run on."""

import time
from threading import Event

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class Dictionary(KeyringBackend):
    """A well-behaved keyring in memory. Backends that are given the same `items` are one keyring."""

    priority = 5

    def __init__(self, items: dict | None = None) -> None:
        super().__init__()
        self.items = {} if items is None else items
        self.reads: list[str] = []

    def get_password(self, service, username):
        self.reads.append(username)
        return self.items.get((service, username))

    def set_password(self, service, username, password):
        self.items[service, username] = password

    def delete_password(self, service, username):
        if self.items.pop((service, username), None) is None:
            raise PasswordDeleteError("No such password!")


class CredentialError(Exception):
    """As pywintypes.error: no OSError, and no KeyringError."""

    def __init__(self, winerror: int, function: str, message: str) -> None:
        super().__init__(winerror, function, message)
        self.winerror = winerror


class Windows(Dictionary):
    """The Credential Manager as `keyring.backends.Windows` uses it.

    A value has at most 2,560 octets in UTF-16; an item stands under its service alone, until one of another user comes
    and moves it; and what is stored roams, unless `persist` says otherwise.
    """

    persist = "enterprise"
    moved = 0

    def _target(self, service, username):
        held = self.items.get(service)
        return service if held and held[0] == username else f"{username}@{service}"

    def _write(self, target, username, password):
        if len(password.encode("utf-16-le")) > 2560:
            raise CredentialError(1783, "CredWrite", "The stub received bad data")
        self.items[target] = (username, password, self.persist)

    def get_password(self, service, username):
        self.reads.append(username)
        held = self.items.get(self._target(service, username))
        return held and held[1]

    def set_password(self, service, username, password):
        held = self.items.get(service)
        if held:
            self.moved += held[0] != username
            time.sleep(0.001)  # so that of two at once each sees what the other did half
            self._write(f"{held[0]}@{service}", held[0], held[1])
        self._write(service, username, password)

    def delete_password(self, service, username):
        if self.items.pop(self._target(service, username), None) is None:
            raise PasswordDeleteError(service)


class NamedAsWindows(Windows):
    """The same under the real one's name, by which its limit and its `persist` are known beforehand."""


NamedAsWindows.__module__, NamedAsWindows.__qualname__ = "keyring.backends.Windows", "WinVaultKeyring"


class MacOS(Dictionary):
    """The Keychain: a new Python is asked about at each item it reads, but not at those it wrote itself.

    `prompts` is how often this process made a person answer.
    """

    def __init__(self, items: dict | None = None) -> None:
        super().__init__(items)
        self.prompts = 0
        self.mine: set[str] = set()

    def get_password(self, service, username):
        value = super().get_password(service, username)
        if value is not None and username not in self.mine:
            self.prompts += 1
        return value

    def set_password(self, service, username, password):
        super().set_password(service, username, password)
        self.mine.add(username)


class Swallowing(Dictionary):
    """As the null backend: takes everything, and keeps nothing."""

    def set_password(self, service, username, password):
        pass


class Hanging(Dictionary):
    """Locked, on a desktop where nobody answers its prompt; until `unlocked` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = Event()
        self.waiting = 0

    def get_password(self, service, username):
        self.waiting += 1
        self.unlocked.wait()
        return super().get_password(service, username)


class Failing(Dictionary):
    """Raises `error` at whatever it is asked, or only `at` one of its methods."""

    def __init__(self, error: Exception, at: str = "") -> None:
        super().__init__()
        self.error, self.at = error, at

    def _fail(self, method: str) -> None:
        if self.at in ("", method):
            raise self.error

    def get_password(self, service, username):
        self._fail("get")
        return super().get_password(service, username)

    def set_password(self, service, username, password):
        self._fail("set")
        super().set_password(service, username, password)

    def delete_password(self, service, username):
        self._fail("delete")
        super().delete_password(service, username)


class Unrecommended(Dictionary):
    """As the files of keyrings.alt: may well be in the clear."""

    priority = 0.5
