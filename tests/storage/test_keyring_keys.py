"""Keys in a keyring: every way in which backends are seen to fail, and what becomes of it."""

import sys
import threading
import time

import pytest
from keyring.errors import InitError, KeyringError, KeyringLocked, NoKeyringError, PasswordDeleteError, PasswordSetError

from oauthclient import Secret, Vault
from oauthclient.errors import ConfigurationError, StorageError, StorageLocked, StorageUnavailable, StorageUnwritable
from oauthclient.storage import keyring_keys
from oauthclient.storage.keyring_keys import KeyringKeys
from tests.storage.backends import (
    CredentialError,
    Dictionary,
    Failing,
    Hanging,
    MacOS,
    NamedAsWindows,
    Swallowing,
    Windows,
)

_SECRET = Secret("the-private-key")


@pytest.fixture
def keys(tmp_path):
    return lambda backend, **settings: KeyringKeys("app", tmp_path, backend=backend, **settings)


def waiting_threads() -> set[threading.Thread]:
    """Those that call a keyring."""
    return {thread for thread in threading.enumerate() if thread.name == "oauthclient-keyring"}


def never_spoken() -> Exception:
    """A backend's exception that holds the value, as nothing keeps a backend from doing."""
    return ValueError(f"cannot store {_SECRET.reveal()}")


@pytest.mark.parametrize(
    ("error", "expected", "code"),
    [
        (KeyringLocked("Failed to unlock the collection!"), StorageLocked, "keyring_locked"),
        (InitError("Failed to create the collection: Prompt dismissed.."), StorageLocked, "keyring_locked"),
        (KeyringError("Can't get password from keychain: (-25308, 'Unknown Error')"), StorageLocked, "keyring_locked"),
        (type("LockedException", (Exception,), {})("Item is locked!"), StorageLocked, "keyring_locked"),
        (NoKeyringError("No recommended backend was available."), StorageUnavailable, "no_keyring"),
        (RuntimeError("The Secret Service daemon is neither running"), StorageUnavailable, "keyring_failed"),
        (FileNotFoundError(2, "No such file or directory"), StorageUnavailable, "keyring_failed"),
        (type("SecretServiceNotAvailableException", (Exception,), {})("gone"), StorageUnavailable, "keyring_failed"),
        (CredentialError(1312, "CredWrite", "No such logon session"), StorageUnavailable, "keyring_failed"),
        (PasswordSetError("no"), StorageUnavailable, "keyring_failed"),
        (AttributeError("'NoneType' object has no attribute 'x'"), StorageUnavailable, "keyring_failed"),
    ],
)
def test_whatever_a_backend_raises_is_one_of_our_errors(keys, error, expected, code) -> None:
    mine = keys(Failing(error))
    calls = (lambda: mine.load("k"), lambda: mine.save("k", _SECRET), lambda: mine.delete("k"), mine.probe)
    for call in calls:
        with pytest.raises(StorageError) as caught:
            call()
        assert type(caught.value) is expected
        assert caught.value.code == code
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert caught.value.hint


def test_the_error_names_the_ways_out_where_there_is_no_keyring(keys) -> None:
    with pytest.raises(StorageUnavailable) as caught:
        keys(Failing(NoKeyringError("none"))).probe()
    for way in ("Vault.file", "passphrase", "key=", "Vault.from_environment", "Vault.memory"):
        assert way in str(caught.value)


def test_what_a_backend_says_while_it_stores_is_not_repeated(keys) -> None:
    with pytest.raises(StorageUnavailable) as caught:
        keys(Failing(never_spoken(), at="set")).save("k", _SECRET)
    assert _SECRET.reveal() not in str(caught.value)
    assert "ValueError" in str(caught.value)


def test_no_frame_of_an_error_shows_the_value(keys) -> None:
    with pytest.raises(StorageUnavailable) as caught:
        keys(Failing(never_spoken(), at="set")).save("k", _SECRET)
    trace = caught.tb
    while trace is not None:
        if "oauthclient" in trace.tb_frame.f_code.co_filename:
            assert _SECRET.reveal() not in repr(trace.tb_frame.f_locals)
        trace = trace.tb_next


def test_a_backend_that_swallows_what_it_is_given_is_found_out(keys) -> None:
    for call in (lambda: keys(Swallowing()).save("k", _SECRET), keys(Swallowing()).probe):
        with pytest.raises(StorageUnavailable) as caught:
            call()
        assert caught.value.code == "keyring_forgets"


def test_a_delete_that_fails_is_told_from_one_of_nothing(keys) -> None:
    backend = Failing(PasswordDeleteError("not allowed"), at="delete")
    keys(backend).delete("absent")
    keys(backend).save("k", _SECRET)
    with pytest.raises(StorageUnavailable):
        keys(backend).delete("k")


def test_a_probe_leaves_nothing(keys) -> None:
    backend = Dictionary()
    keys(backend).probe()
    assert backend.items == {}


def test_a_keyring_that_does_not_answer_counts_as_locked(keys, monkeypatch) -> None:
    monkeypatch.setattr(keyring_keys, "_BACKGROUND", 0.1)
    backend = Hanging()
    started = time.monotonic()
    with pytest.raises(StorageLocked) as caught:
        keys(backend).load("k")
    assert caught.value.code == "keyring_timeout"
    assert 0.1 <= time.monotonic() - started < 2
    backend.unlocked.set()


def test_trying_again_while_it_hangs_starts_no_more_threads_and_works_once_it_is_unlocked(keys, monkeypatch) -> None:
    monkeypatch.setattr(keyring_keys, "_BACKGROUND", 0.1)
    backend = Hanging()
    backend.set_password("oauthclient:app:k", "k", "value")
    mine = keys(backend)
    before = waiting_threads()
    for _ in range(3):
        with pytest.raises(StorageLocked):
            mine.load("k")
    assert len(waiting_threads() - before) == 1
    assert backend.waiting == 1
    backend.unlocked.set()
    assert mine.load("k") == Secret("value")


def test_its_thread_does_not_keep_the_program_from_ending(keys, monkeypatch) -> None:
    monkeypatch.setattr(keyring_keys, "_BACKGROUND", 0.05)
    backend, before = Hanging(), waiting_threads()
    with pytest.raises(StorageLocked):
        keys(backend).load("k")
    assert [thread.daemon for thread in waiting_threads() - before] == [True]
    backend.unlocked.set()


@pytest.mark.parametrize(("patient", "method"), [(False, "probe"), (True, "load")])
def test_a_probe_and_a_patient_program_wait_for_a_person(keys, monkeypatch, patient, method) -> None:
    monkeypatch.setattr(keyring_keys, "_BACKGROUND", 0.05)
    backend = Hanging()
    threading.Timer(0.3, backend.unlocked.set).start()
    mine = keys(backend, patient=patient)
    getattr(mine, method)(*["k"] * (method == "load"))


def test_a_value_too_large_for_windows_goes_into_the_sealed_file(tmp_path) -> None:
    for backend in (Windows(), NamedAsWindows()):
        vault = Vault.keyring("app", tmp_path / type(backend).__name__, backend=backend)
        large, small = Secret("r" * 1281), Secret("s" * 1280)
        vault.keys.save("rsa", large)
        vault.keys.save("ec", small)
        again = Vault.keyring("app", tmp_path / type(backend).__name__, backend=backend)
        assert again.keys.load("rsa") == large
        assert again.keys.load("ec") == small
        assert sorted(user for user, *_ in backend.items.values()) == ["ec", "seal"]
        again.keys.delete("rsa")
        assert Vault.keyring("app", tmp_path / type(backend).__name__, backend=backend).keys.load("rsa") is None


def test_the_limit_counts_utf_16_units(keys) -> None:
    keys(NamedAsWindows()).save("k", Secret("\U0001f512" * 640))
    with pytest.raises(StorageUnwritable) as caught:
        keys(NamedAsWindows()).save("k", Secret("\U0001f512" * 641))
    assert caught.value.code == "too_large_for_keyring"


def test_on_windows_items_stay_on_the_machine(keys) -> None:
    backend = NamedAsWindows()
    keys(backend).save("k", _SECRET)
    assert [persist for *_, persist in backend.items.values()] == ["local machine"]


def test_on_windows_no_item_is_ever_moved_so_that_two_at_once_lose_none(keys) -> None:
    backend = Windows()
    threads = [threading.Thread(target=keys(backend).save, args=(f"k{n}", Secret(f"value {n}"))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert backend.moved == 0
    assert [keys(backend).load(f"k{n}") for n in range(8)] == [Secret(f"value {n}") for n in range(8)]


def test_on_macos_a_process_asks_a_person_once_for_each_item_it_reads(tmp_path) -> None:
    items = {}
    first = Vault.keyring("app", tmp_path, backend=(backend := MacOS(items)))
    first.keys.save("dpop-1", _SECRET)
    first.keys.save("client-1", _SECRET)
    first.keys.probe()
    assert backend.prompts == 0
    second = Vault.keyring("app", tmp_path, backend=(backend := MacOS(items)))
    for _ in range(5):
        second.keys.load("dpop-1")
        second.keys.load("client-1")
    assert backend.prompts == 2


def test_without_the_library_the_error_says_how_to_get_it(keys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError) as caught:
        keys(None).load("k")
    assert caught.value.code == "extra_missing"
    assert "oauthclient[native]" in str(caught.value)
