"""A full disk and a read-only one, both real: a tmpfs in a mount namespace of its own, and the limit of a process.

Permission bits would not do: root writes all the same.
"""

import errno
import json
import os
import resource
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from oauthclient import Vault
from oauthclient.errors import StorageUnwritable
from oauthclient.protocol.record_name import Name
from tests.components import ComponentMissing, missing

NAME = Name("session", "https://as.example.com", "app", "default")
OLD = {"refresh_token": "old"}
LARGE = {"refresh_token": "new" * 30_000}


@pytest.fixture(scope="module")
def happened(tmp_path_factory):
    """What tests/storage/small_disk.py says."""
    alone = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        missing(ComponentMissing("A mount namespace", "run the tests as root, or where user namespaces are allowed."))
    ran = subprocess.run(
        [*alone, sys.executable, Path(__file__).with_name("small_disk.py"), tmp_path_factory.mktemp("disk")],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(ran.stdout)


@pytest.fixture
def records(tmp_path):
    records = Vault.file(tmp_path, key=bytes(32)).records
    records.save(NAME, OLD)
    return records


@pytest.mark.parametrize(("disk", "code"), [("full", "disk_full"), ("read-only", "read_only")])
def test_what_would_write_says_why_it_cannot(happened, disk, code) -> None:
    for attempt in ("check_writable", "save", "save a key", "probe"):
        assert happened[disk][attempt] == f"StorageUnwritable {code}", attempt


@pytest.mark.parametrize("disk", ["full", "read-only"])
def test_what_was_stored_is_still_there(happened, disk) -> None:
    assert happened[disk]["load"] == OLD
    assert happened[disk]["load a key"] is True
    assert happened[disk]["names"] == 1


def test_a_full_disk_gets_no_litter(happened) -> None:
    assert happened["nothing left behind"] is True


def test_on_a_read_only_disk_nothing_can_be_deleted_or_leased(happened) -> None:
    assert happened["read-only"]["delete"] == "StorageUnwritable read_only"
    assert happened["read-only"]["lease"] == "StorageUnwritable read_only"


def test_all_is_well_once_there_is_room_again(happened) -> None:
    assert happened["again"] == {"refresh_token": "new"}


def test_a_limit_on_the_size_of_files_is_as_a_full_disk(records, tmp_path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(StorageUnwritable) as caught:
            records.save(NAME, LARGE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.code == "disk_full"
    assert records.load(NAME) == OLD
    assert list(tmp_path.glob(".*")) == []


def test_trying_writes_as_much_as_the_record_has(records) -> None:
    records.save(NAME, LARGE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (80_000, before[1]))
    try:
        with pytest.raises(StorageUnwritable):
            records.check_writable(NAME)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    records.check_writable(NAME)


@pytest.mark.parametrize("call", ["fsync", "open"])
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EROFS, "read_only"),
        (errno.EACCES, "read_only"),
        (errno.EIO, "storage_unwritable"),
    ],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else value,
)
def test_whatever_the_system_says_is_our_error_and_the_old_record_stays(
    records, tmp_path, monkeypatch, call, number, code
) -> None:
    def fails(*_arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fails)
        with pytest.raises(StorageUnwritable) as caught:
            records.save(NAME, LARGE)
    assert caught.value.code == code
    assert caught.value.__cause__ is None
    assert records.load(NAME) == OLD
    assert list(tmp_path.glob(".*")) == []


def test_a_folder_that_cannot_be_synchronised_is_no_fault_on_a_file_system_without_that(records, monkeypatch) -> None:
    fsync = os.fsync

    def only_files(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    records.save(NAME, LARGE)
    assert records.load(NAME) == LARGE
