"""The sealing key in the keyring: one for all processes, gone with the last session, and never silently another."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oauthclient import Secret, Vault
from oauthclient.errors import StorageLocked, StorageUnreadable
from oauthclient.protocol.record_name import Name
from oauthclient.storage import sealing_key
from tests.storage.backends import Dictionary, Failing, MacOS

NAME = Name("session", "https://as.example.com", "app", "default")
RECORD = {"refresh_token": "rt"}
ITEM = ("oauthclient:app:seal", "seal")


@pytest.fixture
def items():
    return {}


@pytest.fixture
def process(tmp_path, items):
    """What one process sees: a vault of its own on the same keyring and folder."""
    return lambda backend=Dictionary: Vault.keyring("app", tmp_path, backend=backend(items))


def test_it_is_made_when_the_first_record_is_stored_and_found_by_all_others(process, items) -> None:
    assert process().records.load(NAME) is None
    assert items == {}
    process().records.save(NAME, RECORD)
    assert list(items) == [ITEM]
    assert process().records.load(NAME) == RECORD


def test_each_process_reads_it_once(process) -> None:
    process().records.save(NAME, RECORD)
    backends = []
    vault = process(lambda items: backends.append(MacOS(items)) or backends[0])
    for _ in range(3):
        vault.records.load(NAME)
        vault.records.check_writable(NAME)
        vault.records.save(NAME, RECORD)
    assert backends[0].reads == ["seal"]


def test_a_running_process_does_not_need_the_keyring_any_more(process, items) -> None:
    vault = process()
    vault.keys.save("dpop-1", Secret("key"))
    vault.records.save(NAME, RECORD)
    items.clear()
    assert vault.keys.load("dpop-1") == Secret("key")
    assert vault.records.load(NAME) == RECORD


def test_a_record_whose_key_is_lost_is_unreadable_not_absent_and_no_new_key_is_made_to_read_it(process, items) -> None:
    process().records.save(NAME, RECORD)
    items.clear()
    with pytest.raises(StorageUnreadable) as caught:
        process().records.load(NAME)
    assert caught.value.code == "sealing_key_lost"
    assert items == {}
    assert process().records.names() == [NAME]


def test_a_new_login_replaces_it_then(process, items) -> None:
    process().records.save(NAME, RECORD)
    items.clear()
    process().records.save(NAME, {"refresh_token": "new"})
    assert process().records.load(NAME) == {"refresh_token": "new"}


@pytest.mark.parametrize("item", ["", "not base64!", "c2hvcnQ="])
def test_an_item_that_is_no_key_is_said_to_be_none(process, items, item) -> None:
    process().records.save(NAME, RECORD)
    items[ITEM] = item
    for attempt in (lambda: process().records.load(NAME), lambda: process().records.save(NAME, RECORD)):
        with pytest.raises(StorageUnreadable):
            attempt()
    assert items[ITEM] == item


def test_a_locked_keyring_is_said_to_be_locked_and_the_names_are_told_all_the_same(process, tmp_path) -> None:
    process().records.save(NAME, RECORD)
    locked = Vault.keyring("app", tmp_path, backend=Failing(type("KeyringLocked", (Exception,), {})()))
    for attempt in (
        lambda: locked.records.load(NAME),
        lambda: locked.records.save(NAME, {}),
        lambda: locked.records.check_writable(NAME),
    ):
        with pytest.raises(StorageLocked):
            attempt()
    assert locked.records.names() == [NAME]
    assert process().records.load(NAME) == RECORD


def test_the_last_logout_removes_it_and_no_earlier_one(process, items) -> None:
    vault = process()
    vault.records.save(NAME, RECORD)
    vault.records.save(NAME._replace(profile="work"), RECORD)
    vault.records.delete(NAME)
    vault.delete_unused_sealing_key()
    assert ITEM in items
    vault.records.delete(NAME._replace(profile="work"))
    vault.delete_unused_sealing_key()
    assert items == {}
    vault.delete_unused_sealing_key()


def test_what_cannot_be_read_counts_as_sealed_under_it(process, items, tmp_path) -> None:
    vault = process()
    vault.records.save(NAME, RECORD)
    (file,) = tmp_path.glob("*.sealed")
    file.write_bytes(b"\x07 of a later version")
    vault.delete_unused_sealing_key()
    assert ITEM in items


def test_a_process_that_remembers_a_removed_key_seals_under_the_new_one(process) -> None:
    """Else a session that it stores could be read by nobody."""
    remembers, ends = process(), process()
    remembers.records.save(NAME, RECORD)
    ends.records.delete(NAME)
    ends.delete_unused_sealing_key()
    remembers.records.save(NAME, {"refresh_token": "of a new login"})
    assert process().records.load(NAME) == {"refresh_token": "of a new login"}


def test_a_file_that_is_sealed_while_the_key_is_being_removed_keeps_it(process, items, monkeypatch) -> None:
    vault = process()
    vault.records.save(NAME, RECORD)
    answers = iter([False, True])  # it appears between the two looks
    monkeypatch.setattr(sealing_key, "anything_sealed", lambda _directory: next(answers))
    vault.delete_unused_sealing_key()
    assert ITEM in items
    assert process().records.load(NAME) == RECORD


def test_a_crash_before_the_mark_was_written_loses_nothing(process, tmp_path) -> None:
    process().records.save(NAME, RECORD)
    (tmp_path / "sealing-key.id").unlink()
    assert process().records.load(NAME) == RECORD
    process().records.save(NAME, {"refresh_token": "next"})
    assert (tmp_path / "sealing-key.id").exists()
    assert process().records.load(NAME) == {"refresh_token": "next"}


_FIRST = """
import sys, time
from pathlib import Path
from keyring.backend import KeyringBackend
from oauthclient import Vault
from oauthclient.protocol.record_name import Name

class Folder(KeyringBackend):
    '''Items as files, so that processes share them.'''
    priority = 5
    def get_password(self, service, username):
        file = Path(sys.argv[1], "items", username)
        if file.exists():
            return file.read_text()
        time.sleep(0.3)  # so that all of them see that there is none
        return None
    def set_password(self, service, username, password):
        with Path(sys.argv[1], "written").open("a") as log:
            log.write(username + "\\n")
        Path(sys.argv[1], "items", username).write_text(password)
    def delete_password(self, service, username):
        raise NotImplementedError

name = Name("session", "https://as.example.com", "app", sys.argv[2])
sys.stdin.readline()
Vault.keyring("app", sys.argv[1], backend=Folder()).records.save(name, {"by": sys.argv[2]})
print(Vault.keyring("app", sys.argv[1], backend=Folder()).records.names() and "stored")
for line in sys.stdin:
    records = Vault.keyring("app", sys.argv[1], backend=Folder()).records
    print(sorted(records.load(name)["by"] for name in records.names()), flush=True)
"""


def test_of_processes_that_come_first_together_one_makes_it(tmp_path: Path) -> None:
    (tmp_path / "items").mkdir()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _FIRST, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ,
        )
        for number in range(4)
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.stdout.readline()
    said = [process.communicate("read\n")[0] for process in processes]
    assert (tmp_path / "written").read_text() == "seal\n"
    assert said == ["['0', '1', '2', '3']\n"] * 4
