"""The real Secret Service, on a D-Bus of its own: unlocked, locked, gone, never there, and dying under a process."""

import gc
import os
import subprocess
import sys
import time

import pytest

from oauthclient import Secret, Vault
from oauthclient.errors import StorageLocked, StorageUnavailable
from oauthclient.protocol.record_name import Name
from oauthclient.testing.contracts import KeysContract, RecordsContract
from tests.components import ComponentMissing, missing
from tests.storage.desktop import Desktop

# Where it fails, the library `keyring` leaves its connection to the bus to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

NAME = Name("session", "https://as.example.com", "app", "default")
RECORD = {"refresh_token": "rt"}


@pytest.fixture
def desktop(tmp_path_factory, monkeypatch):
    try:
        made = Desktop(tmp_path_factory.mktemp("d"))
    except ComponentMissing as gap:
        missing(gap)
    with made as desktop:
        for variable, value in desktop.environment.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.SecretService.Keyring")
        yield desktop
        gc.collect()  # while its warnings are ignored


@pytest.fixture
def vault(tmp_path):
    """Opens the vault, as another process would."""
    return lambda: Vault.keyring("app", tmp_path)


class TestKeys(KeysContract):
    @pytest.fixture
    def open_keys(self, desktop, vault):
        desktop.start_keyring("login password")
        return lambda: vault().keys


class TestRecords(RecordsContract):
    @pytest.fixture
    def open_records(self, desktop, vault):
        desktop.start_keyring("login password")
        return lambda: vault().records


def refuses(vault: Vault, kind: type[Exception]) -> None:
    """Everything that needs the keyring raises `kind`, and soon."""
    for call in (
        lambda: vault.keys.load("k"),
        lambda: vault.keys.save("k", Secret("other")),
        lambda: vault.keys.delete("k"),
        vault.keys.probe,
        lambda: vault.records.save(NAME, {}),
    ):
        started = time.monotonic()
        with pytest.raises(kind):
            call()
        assert time.monotonic() - started < 2.5  # told, and not waited for


def test_a_keyring_that_was_locked_again_says_so_and_has_lost_nothing(desktop, vault) -> None:
    desktop.start_keyring("login password")
    vault().keys.save("k", Secret("value"))
    vault().records.save(NAME, RECORD)
    desktop.end_keyring()
    desktop.start_keyring(None)
    refuses(vault(), StorageLocked)
    with pytest.raises(StorageLocked):
        vault().records.load(NAME)
    assert vault().records.names() == [NAME]
    desktop.end_keyring()
    desktop.start_keyring("login password")
    assert vault().keys.load("k") == Secret("value")
    assert vault().records.load(NAME) == RECORD


def test_another_password_leaves_it_locked(desktop, vault) -> None:
    desktop.start_keyring("login password")
    vault().keys.save("k", Secret("value"))
    desktop.end_keyring()
    desktop.start_keyring("another password")
    refuses(vault(), StorageLocked)


def test_one_that_nobody_ever_unlocked_is_locked(desktop, vault) -> None:
    desktop.start_keyring(None)
    refuses(vault(), StorageLocked)


def test_a_bus_without_a_keyring_has_none(desktop, vault) -> None:
    refuses(vault(), StorageUnavailable)


@pytest.mark.parametrize("address", [None, "unix:path=/nowhere/bus"])
def test_without_a_bus_there_is_none(desktop, vault, monkeypatch, address) -> None:
    if address is None:
        monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    else:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    refuses(vault(), StorageUnavailable)


@pytest.mark.parametrize("end", ["end_keyring", "end_bus"])
def test_one_that_dies_under_a_process_takes_nothing_that_the_process_has_read(desktop, vault, end) -> None:
    desktop.start_keyring("login password")
    running = vault()
    running.keys.save("k", Secret("value"))
    running.records.save(NAME, RECORD)
    getattr(desktop, end)()
    assert running.keys.load("k") == Secret("value")
    assert running.records.load(NAME) == RECORD
    running.records.save(NAME, {"refresh_token": "next"})
    with pytest.raises(StorageUnavailable):
        running.keys.save("k2", Secret("value"))
    refuses(vault(), StorageUnavailable)


def test_one_that_died_and_came_back_is_used_again_by_the_same_process(desktop, vault) -> None:
    desktop.start_keyring("login password")
    running = vault()
    running.keys.save("k", Secret("value"))
    desktop.end_keyring()
    with pytest.raises(StorageUnavailable):
        running.keys.load("k2")
    desktop.start_keyring("login password")
    assert running.keys.load("k2") is None
    running.keys.save("k2", Secret("value"))


_STORE = """
import sys
from oauthclient import Secret, Vault
vault = Vault.keyring("app", sys.argv[1])
print(vault.keys.load("k"))
vault.keys.save("k", Secret("value"))
print(sorted(name for name in sys.modules if name.startswith("keyring.backends.")))
"""


def test_the_library_finds_it_and_the_next_process_loads_it_alone(desktop, vault, tmp_path) -> None:
    """As a program does that sets no variable."""
    desktop.start_keyring("login password")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_KEYRING_BACKEND"}

    def run() -> list[str]:
        ran = subprocess.run(
            [sys.executable, "-c", _STORE, str(tmp_path)], env=environment, check=True, capture_output=True, text=True
        )
        return ran.stdout.splitlines()

    loaded, modules = run()
    assert loaded == "None"
    assert "keyring.backends.kwallet" in modules
    assert (tmp_path / "keyring-backend").read_text() == "keyring.backends.SecretService.Keyring\n"
    loaded, modules = run()
    assert loaded == "<redacted>"
    assert modules == "['keyring.backends.SecretService', 'keyring.backends.fail']"


def test_a_record_that_is_read_costs_one_look_into_the_keyring(desktop, vault) -> None:
    """Some twenty milliseconds, once in a process; afterwards a millisecond at most."""
    desktop.start_keyring("login password")
    vault().records.save(NAME, RECORD)
    again = vault()
    again.records.load(NAME)
    desktop.end_keyring()
    fastest = min(_seconds(again) for _ in range(20))
    assert fastest < 0.001


def _seconds(vault: Vault) -> float:
    started = time.perf_counter()
    assert vault.records.load(NAME) == RECORD
    return time.perf_counter() - started
