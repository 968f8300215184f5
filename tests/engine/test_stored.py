"""Who holds an answer that could not be saved keeps the lease until it is saved or the process ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.engine import stored as module
from oauthclient.engine.stored import Stored
from oauthclient.errors import StorageBusy, StorageUnwritable
from oauthclient.flows.effects import CheckWritable, DeleteKey, Erase, Lease, LoadKey, Persist, Read, SaveKey, Write
from oauthclient.protocol.record_name import Name
from oauthclient.secret import Secret
from oauthclient.storage.memory import MemoryStore
from oauthclient.storage.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = Name("session", "https://as.example.com", "app", "default")
OLD, NEW, NEWER = {"n": 1}, {"n": 2}, {"n": 3}


class Disk:
    """The records of a vault of files, on a disk that can be full."""

    def __init__(self, folder: Path) -> None:
        self._records = Vault.file(folder, key=bytes(32)).records
        self.full = False
        self.attempts = 0

    def save(self, name: Name, record: Any, /) -> None:
        self.attempts += 1
        if self.full:
            raise StorageUnwritable("Full.", code="disk_full")
        self._records.save(name, record)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.fixture
def stored(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    monkeypatch.setattr(module, "_RETRY", 0.01)
    monkeypatch.setattr(module, "_PATIENCE", 0.3)
    disk.save(NAME, OLD)
    yield Stored(Vault(Vault.memory().keys, disk))
    disk.full = False
    until(lambda: not unsaved_threads())


def until(condition: Callable[[], object]) -> None:
    """Wait for it, ten seconds at most."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def unsaved_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "oauthclient-unsaved"]


def lost_to_a_full_disk(stored: Stored, disk: Disk, record: Any = NEW) -> None:
    """A story holds the lease, cannot store its answer, and ends."""
    lease = stored.answer(Lease(NAME))
    disk.full = True
    with pytest.raises(StorageUnwritable):
        stored.answer(Persist(NAME, record, lease))
    lease.release()


def elsewhere(tmp_path: Path) -> Any:
    """The same folder, as another process sees it."""
    return Vault.file(tmp_path, key=bytes(32)).records


def test_what_can_be_stored_is_and_the_lease_ends_with_the_story(stored: Stored, tmp_path: Path) -> None:
    lease = stored.answer(Lease(NAME))
    stored.answer(Persist(NAME, NEW, lease))
    assert elsewhere(tmp_path).load(NAME) == NEW
    with pytest.raises(StorageBusy):
        elsewhere(tmp_path).lease(NAME, timeout=0)
    lease.release()
    elsewhere(tmp_path).lease(NAME, timeout=0).release()
    assert unsaved_threads() == []


def test_what_could_not_be_stored_is_read_from_memory_meanwhile(stored: Stored, disk: Disk, tmp_path: Path) -> None:
    lost_to_a_full_disk(stored, disk)
    assert stored.answer(Read(NAME)) == NEW
    assert elsewhere(tmp_path).load(NAME) == OLD


def test_the_lease_is_kept_from_others_and_the_process_itself_goes_on(
    stored: Stored, disk: Disk, tmp_path: Path
) -> None:
    lost_to_a_full_disk(stored, disk)
    with pytest.raises(StorageBusy):
        elsewhere(tmp_path).lease(NAME, timeout=0)
    lease = stored.answer(Lease(NAME))  # or nobody here could use what is in memory
    assert stored.answer(Read(NAME)) == NEW
    stored.answer(CheckWritable(NAME))
    lease.release()
    with pytest.raises(StorageBusy):
        elsewhere(tmp_path).lease(NAME, timeout=0)


def test_it_is_stored_as_soon_as_there_is_room_and_then_the_lease_ends(
    stored: Stored, disk: Disk, tmp_path: Path
) -> None:
    lost_to_a_full_disk(stored, disk)
    until(lambda: disk.attempts > 4)
    disk.full = False
    until(lambda: elsewhere(tmp_path).load(NAME) == NEW)
    until(lambda: not unsaved_threads())
    elsewhere(tmp_path).lease(NAME, timeout=0).release()
    assert stored.answer(Read(NAME)) == NEW


def test_a_later_record_is_not_overwritten_by_one_that_waits(
    stored: Stored, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY", 0.2)
    lost_to_a_full_disk(stored, disk)
    disk.full = False
    lease = stored.answer(Lease(NAME))
    stored.answer(Write(NAME, NEWER))
    lease.release()
    until(lambda: not unsaved_threads())
    assert elsewhere(tmp_path).load(NAME) == NEWER
    elsewhere(tmp_path).lease(NAME, timeout=0).release()


def test_a_logout_meanwhile_is_not_undone(
    stored: Stored, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY", 0.2)
    lost_to_a_full_disk(stored, disk)
    lease = stored.answer(Lease(NAME))
    stored.answer(Erase(NAME))
    lease.release()
    disk.full = False
    until(lambda: not unsaved_threads())
    assert elsewhere(tmp_path).load(NAME) is None
    assert stored.answer(Read(NAME)) is None


def test_two_that_could_not_be_stored_wait_as_one_the_later(stored: Stored, disk: Disk, tmp_path: Path) -> None:
    lost_to_a_full_disk(stored, disk)
    lost_to_a_full_disk(stored, disk, NEWER)
    assert len(unsaved_threads()) == 1
    disk.full = False
    until(lambda: not unsaved_threads())
    assert elsewhere(tmp_path).load(NAME) == NEWER
    elsewhere(tmp_path).lease(NAME, timeout=0).release()


def test_threads_take_turns_at_a_lease(stored: Stored) -> None:
    inside: list[int] = []

    def story(number: int) -> None:
        lease = stored.answer(Lease(NAME))
        inside.append(number)
        time.sleep(0.01)
        assert inside.pop() == number
        lease.release()
        lease.release()  # twice is no error, and lets nobody in

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(story, number) for number in range(16)]:
            done.result()


def test_a_turn_that_does_not_come_is_an_error(stored: Stored) -> None:
    lease = stored.answer(Lease(NAME))
    with pytest.raises(StorageBusy):
        stored.answer(Lease(NAME))
    lease.release()
    stored.answer(Lease(NAME)).release()


def test_a_lease_that_another_process_holds_is_an_error_and_can_be_had_later(stored: Stored, tmp_path: Path) -> None:
    theirs = elsewhere(tmp_path).lease(NAME, timeout=0)
    with pytest.raises(StorageBusy):
        stored.answer(Lease(NAME))
    theirs.release()
    stored.answer(Lease(NAME)).release()


def test_keys_are_where_keys_are_kept(stored: Stored) -> None:
    stored.answer(SaveKey("k", Secret("v")))
    assert stored.answer(LoadKey("k")) == Secret("v")
    stored.answer(DeleteKey("k"))
    assert stored.answer(LoadKey("k")) is None


def test_an_effect_of_another_kind_is_none_of_it(stored: Stored) -> None:
    with pytest.raises(AssertionError, match="MemoryStore"):
        stored.answer(MemoryStore())


# The end of the process

PROGRAM = """
import sys, threading, time
from oauthclient.engine import stored as module
from oauthclient.engine.stored import Stored
from oauthclient.errors import StorageUnwritable
from oauthclient.flows.effects import Lease, Persist
from oauthclient.protocol.record_name import Name
from oauthclient.storage.vault import Vault

module._RETRY = 0.1
NAME = Name("session", "https://as.example.com", "app", "default")
vault = Vault.file(sys.argv[1], key=bytes(32))
full = True

class Disk:
    def save(self, name, record, /):
        if full:
            raise StorageUnwritable("Full.", code="disk_full")
        vault.records.save(name, record)

    def __getattr__(self, name):
        return getattr(vault.records, name)

stored = Stored(Vault(vault.keys, Disk()))
lease = stored.answer(Lease(NAME))
try:
    stored.answer(Persist(NAME, {"n": 2}, lease))
except StorageUnwritable:
    pass
lease.release()
"""


def process(folder: Path, more: str = "") -> subprocess.CompletedProcess[str]:
    source = PROGRAM + textwrap.dedent(more)
    return subprocess.run(
        [sys.executable, "-c", source, str(folder)], capture_output=True, text=True, timeout=20, check=True
    )


def test_a_process_that_ends_tries_once_more(tmp_path: Path) -> None:
    process(tmp_path, "full = False")
    assert elsewhere(tmp_path).load(NAME) == {"n": 2}


def test_a_process_that_ends_on_a_full_disk_ends_all_the_same(tmp_path: Path) -> None:
    ended = process(tmp_path)
    assert ended.stderr == ""
    assert elsewhere(tmp_path).load(NAME) is None
    elsewhere(tmp_path).lease(NAME, timeout=0).release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_neither_waits_for_its_parents_turn_nor_ends_its_lease(tmp_path: Path) -> None:
    ended = process(
        tmp_path,
        """
        import json, os, warnings
        from oauthclient.errors import StorageBusy
        warnings.simplefilter("ignore")
        module._PATIENCE = 0.2
        held = stored._turns[NAME]
        with held:
            pid = os.fork()
            if pid == 0:
                try:
                    stored.answer(Lease(NAME))
                except StorageBusy as busy:
                    print(json.dumps("another process" in busy.message), flush=True)
                os._exit(0)
            os.waitpid(pid, 0)
        try:
            Vault.file(sys.argv[1], key=bytes(32)).records.lease(NAME, timeout=0)
        except StorageBusy:
            print("true")
        full = False
        """,
    )
    assert [json.loads(line) for line in ended.stdout.split()] == [True, True]
    assert elsewhere(tmp_path).load(NAME) == {"n": 2}
