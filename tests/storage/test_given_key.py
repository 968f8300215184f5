"""Files sealed under a key or a passphrase that is given: a wrong one is noticed before anything is written."""

import json
import threading

import pytest

from oauthclient import Secret, Vault
from oauthclient.errors import ConfigurationError, StorageError, StorageTooNew, StorageUnreadable, WrongStorageKey
from oauthclient.protocol.record_name import Name

NAME = Name("session", "https://as.example.com", "app", "default")
RECORD = {"refresh_token": "rt"}
KEY = bytes(range(32))


@pytest.fixture
def description(tmp_path):
    return tmp_path / "sealing.json"


def contents(folder) -> dict:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ({"passphrase": "hunter2"}, {"passphrase": "hunter3"}, "wrong_storage_key"),
        ({"passphrase": Secret("hunter2")}, {"passphrase": lambda: "Hunter2"}, "wrong_storage_key"),
        ({"key": KEY}, {"key": bytes(32)}, "wrong_storage_key"),
        ({"key": KEY}, {"passphrase": "hunter2"}, "other_method"),
        ({"passphrase": "hunter2"}, {"key": KEY}, "other_method"),
    ],
    ids=["passphrase", "function", "key", "passphrase for key", "key for passphrase"],
)
def test_the_wrong_one_changes_nothing_and_the_right_one_still_works(tmp_path, right, wrong, code) -> None:
    Vault.file(tmp_path, **right).records.save(NAME, RECORD)
    before = contents(tmp_path)
    intruder = Vault.file(tmp_path, **wrong)
    for attempt in (
        lambda: intruder.records.load(NAME),
        lambda: intruder.records.save(NAME, {}),
        lambda: intruder.records.check_writable(NAME),
        lambda: intruder.keys.save("k", Secret("k")),
        intruder.keys.probe,
    ):
        with pytest.raises(WrongStorageKey) as caught:
            attempt()
        assert caught.value.code == code
        assert "hunter" not in str(caught.value).lower()
    assert contents(tmp_path) == before
    assert Vault.file(tmp_path, **right).records.load(NAME) == RECORD


def test_a_wrong_one_is_noticed_where_nothing_is_stored_yet(tmp_path) -> None:
    Vault.file(tmp_path, passphrase="hunter2").keys.probe()
    with pytest.raises(WrongStorageKey):
        Vault.file(tmp_path, passphrase="hunter3").keys.probe()


def test_a_function_is_asked_when_it_is_needed_and_once(tmp_path) -> None:
    asked = []
    vault = Vault.file(tmp_path, passphrase=lambda: asked.append(1) or "hunter2")
    assert vault.records.load(NAME) is None
    assert vault.records.names() == []
    assert asked == []
    vault.records.save(NAME, RECORD)
    vault.keys.save("k", Secret("k"))
    assert vault.records.load(NAME) == RECORD
    assert asked == [1]


def test_after_a_wrong_answer_it_is_asked_again(tmp_path) -> None:
    Vault.file(tmp_path, passphrase="hunter2").records.save(NAME, RECORD)
    answers = iter(["hunter3", "hunter2"])
    vault = Vault.file(tmp_path, passphrase=lambda: next(answers))
    with pytest.raises(WrongStorageKey):
        vault.records.load(NAME)
    assert vault.records.load(NAME) == RECORD


def test_threads_that_come_first_together_agree(tmp_path) -> None:
    vaults = [Vault.file(tmp_path, passphrase="hunter2") for _ in range(4)]
    threads = [
        threading.Thread(target=vault.records.save, args=(NAME._replace(profile=str(number)), RECORD))
        for number, vault in enumerate(vaults)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = Vault.file(tmp_path, passphrase="hunter2").records
    assert [last.load(name) for name in last.names()] == [RECORD] * 4


def test_each_folder_has_a_salt_of_its_own(tmp_path) -> None:
    for folder in ("a", "b"):
        Vault.file(tmp_path / folder, passphrase="hunter2").keys.probe()
    salts = {json.loads((tmp_path / folder / "sealing.json").read_text())["salt"] for folder in ("a", "b")}
    assert len(salts) == 2


def test_a_file_from_another_folder_is_unreadable(tmp_path) -> None:
    for folder in ("a", "b"):
        Vault.file(tmp_path / folder, passphrase="hunter2").records.save(NAME, RECORD)
    (theirs,), (mine,) = ((tmp_path / folder).glob("*.sealed") for folder in ("a", "b"))
    mine.write_bytes(theirs.read_bytes())
    with pytest.raises(StorageUnreadable):
        Vault.file(tmp_path / "b", passphrase="hunter2").records.load(NAME)


@pytest.mark.parametrize(
    "damage",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"version": 1, "method": "key"}',
        b'{"version": 1, "method": 1, "salt": "", "check": ""}',
        b'{"version": 1, "method": "key", "salt": "!", "check": ""}',
        b'{"version": 1, "method": "key", "salt": 1, "check": ""}',
    ],
    ids=lambda damage: repr(damage)[:60],
)
def test_without_its_description_the_files_are_unreadable_and_it_is_not_made_anew(
    tmp_path, description, damage
) -> None:
    """A new salt would make them unreadable for good."""
    Vault.file(tmp_path, key=KEY).records.save(NAME, RECORD)
    before = description.read_bytes()
    description.unlink() if damage is None else description.write_bytes(damage)
    vault = Vault.file(tmp_path, key=KEY)
    for attempt in (lambda: vault.records.load(NAME), lambda: vault.records.save(NAME, {}), vault.keys.probe):
        with pytest.raises(StorageUnreadable) as caught:
            attempt()
        assert caught.value.code == "sealing_key_lost"
        assert "sealing.json" in str(caught.value)
    description.write_bytes(before)
    assert Vault.file(tmp_path, key=KEY).records.load(NAME) == RECORD


def test_a_description_of_a_later_version_is_told_apart(tmp_path, description) -> None:
    Vault.file(tmp_path, key=KEY).records.save(NAME, RECORD)
    members = json.loads(description.read_text())
    description.write_text(json.dumps({**members, "version": 2}))
    with pytest.raises(StorageTooNew):
        Vault.file(tmp_path, key=KEY).records.load(NAME)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"passphrase": "hunter2", "key": KEY},
        {"key": b""},
        {"key": b"short"},
        {"key": "a" * 32},
        {"passphrase": ""},
        {"passphrase": b"octets"},
    ],
    ids=str,
)
def test_what_is_neither_a_passphrase_nor_a_key_is_refused_at_once(tmp_path, settings) -> None:
    with pytest.raises(ConfigurationError):
        Vault.file(tmp_path, **settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", ["", None, b"octets"], ids=repr)
def test_nor_is_such_an_answer_accepted(tmp_path, answer) -> None:
    with pytest.raises(ConfigurationError):
        Vault.file(tmp_path, passphrase=lambda: answer).records.save(NAME, RECORD)


@pytest.mark.parametrize("settings", [{"passphrase": "hunter2"}, {"key": b"K" * 32}], ids=["passphrase", "key"])
def test_no_frame_of_an_error_shows_the_key(tmp_path, settings, monkeypatch) -> None:
    Vault.file(tmp_path, passphrase="another").records.save(NAME, RECORD)
    with pytest.raises(StorageError) as caught:
        Vault.file(tmp_path, **settings).records.load(NAME)
    trace = caught.tb
    while trace is not None:
        if "oauthclient/storage" in trace.tb_frame.f_code.co_filename:
            shown = repr(trace.tb_frame.f_locals)
            assert "hunter2" not in shown
            assert "KKKK" not in shown
        trace = trace.tb_next
