"""Sealed files: what is in them, who may read them, and what happens to those that are not as they were written."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oauthclient.errors import ConfigurationError, StorageTooNew, StorageUnreadable, StorageUnwritable
from oauthclient.protocol.record_name import Name
from oauthclient.storage.sealed_files import SealedFiles

NAME = Name("session", "https://as.example.com", "app", "default")
OTHER = NAME._replace(profile="work")
RECORD = {"refresh_token": "rt-1234567890", "numbers": list(range(100))}


class Constant:
    """A sealing key that is simply there."""

    def __init__(self, key: bytes = bytes(range(32))) -> None:
        self.key = key

    def to_unseal(self) -> bytes:
        return self.key

    to_seal = to_unseal


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "below" / "records"


@pytest.fixture
def records(folder):
    return SealedFiles(folder, Constant())


@pytest.fixture
def file(records, folder) -> Path:
    """The file of NAME, which holds RECORD."""
    records.save(NAME, RECORD)
    (file,) = folder.glob("*.sealed")
    return file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_only_its_owner_may_read_it_whatever_the_umask(records, folder, mask) -> None:
    folder.parent.mkdir()
    before = os.umask(mask)
    try:
        records.save(NAME, RECORD)
        records.check_writable(NAME)
        records.lease(NAME, timeout=1).release()
    finally:
        os.umask(before)
    assert mode(folder) & 0o077 == 0
    assert all(mode(path) & 0o177 == 0 for path in folder.iterdir())
    if mask != 0o777:
        assert mode(folder) == 0o700
        assert {mode(path) for path in folder.iterdir()} == {0o600}


def test_the_file_is_private_before_anything_is_written(records, folder, monkeypatch) -> None:
    seen = []
    fsync = os.fsync

    def look(descriptor: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    before = os.umask(0)
    try:
        records.save(NAME, RECORD)
    finally:
        os.umask(before)
    assert seen == [0o600, 0o700]  # the file, and its folder after the file took its place


def test_a_folder_that_is_there_stays_as_it_is(records, folder) -> None:
    folder.mkdir(parents=True, mode=0o755)
    folder.chmod(0o755)
    records.save(NAME, RECORD)
    assert mode(folder) == 0o755


def test_nothing_secret_is_in_the_clear(file) -> None:
    content = file.read_bytes()
    assert content[0] == 1
    assert b"rt-123" not in content
    assert b"refresh_token" not in content
    assert b"example" not in file.name.encode()


def test_nothing_is_left_beside_it(records, file) -> None:
    records.save(NAME, RECORD)
    records.check_writable(NAME)
    assert list(file.parent.iterdir()) == [file]


def unreadable(records: SealedFiles, file: Path, content: bytes) -> StorageUnreadable:
    """The error about `file` with other content; which stays as it is."""
    file.write_bytes(content)
    with pytest.raises(StorageUnreadable) as caught:
        records.load(NAME)
    assert file.read_bytes() == content
    assert "rt-123" not in repr(caught.value) + str(caught.value)
    return caught.value


def test_an_empty_file_is_no_record(records, file) -> None:
    assert "empty" in str(unreadable(records, file, b""))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(data=st.data())
def test_a_file_that_was_cut_short_is_no_record(records, file, data) -> None:
    records.save(NAME, RECORD)
    content = file.read_bytes()
    unreadable(records, file, content[: data.draw(st.integers(0, len(content) - 1))])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(data=st.data())
def test_a_file_with_one_other_bit_is_no_record(records, file, data) -> None:
    records.save(NAME, RECORD)
    content = bytearray(file.read_bytes())
    bit = data.draw(st.integers(8, 8 * len(content) - 1))  # the first octet is the version
    content[bit // 8] ^= 1 << bit % 8
    unreadable(records, file, bytes(content))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(content=st.binary(max_size=400))
def test_any_other_octets_are_no_record_and_no_crash(records, file, content) -> None:
    file.write_bytes(content)
    with pytest.raises((StorageUnreadable, StorageTooNew)):
        records.load(NAME)
    records.names()


def test_a_file_of_another_version_is_told_apart(records, file) -> None:
    content = file.read_bytes()
    file.write_bytes(b"\x02" + content[1:])
    with pytest.raises(StorageTooNew) as caught:
        records.load(NAME)
    assert "version 2" in str(caught.value)
    assert file.read_bytes() == b"\x02" + content[1:]
    unreadable(records, file, b"\x00" + content[1:])


def test_files_cannot_be_swapped(records, file) -> None:
    records.save(OTHER, {"refresh_token": "of another account"})
    (other,) = set(file.parent.glob("*.sealed")) - {file}
    unreadable(records, file, other.read_bytes())


def test_nor_can_what_was_sealed_be_put_behind_another_name(records, file) -> None:
    """The name in the clear is bound to what follows."""
    mine = file.read_bytes()
    records.save(OTHER, RECORD)
    (other,) = set(file.parent.glob("*.sealed")) - {file}
    theirs = other.read_bytes()
    start = len(mine) - len(mine[3 + int.from_bytes(mine[1:3], "big") :])
    sealed = theirs[3 + int.from_bytes(theirs[1:3], "big") :]
    unreadable(records, file, mine[:start] + sealed)


def test_another_key_opens_nothing_and_harms_nothing(file, records) -> None:
    content = file.read_bytes()
    with pytest.raises(StorageUnreadable):
        SealedFiles(file.parent, Constant(bytes(32))).load(NAME)
    assert file.read_bytes() == content
    assert records.load(NAME) == RECORD


def test_a_key_that_was_replaced_during_a_save_is_used_for_another(folder) -> None:
    key = Constant()
    keys = iter([b"1" * 32, b"2" * 32, b"2" * 32])
    key.to_seal = lambda: next(keys)
    SealedFiles(folder, key).save(NAME, RECORD)
    assert SealedFiles(folder, Constant(b"2" * 32)).load(NAME) == RECORD


def test_a_damaged_record_can_be_replaced_and_deleted(records, file) -> None:
    file.write_bytes(b"\x01garbage")
    records.save(NAME, RECORD)
    assert records.load(NAME) == RECORD
    file.write_bytes(b"")
    records.delete(NAME)
    assert records.load(NAME) is None


def test_names_are_told_without_the_key_and_without_what_has_none(records, file) -> None:
    records.save(OTHER, RECORD)
    (file.parent / "notes.txt").write_text("no record")
    (file.parent / "0123.sealed").write_bytes(b"\x01\x00")
    (file.parent / "4567.sealed").write_bytes(file.read_bytes())  # a copy under another file name
    (file.parent / "89ab.sealed").write_bytes(b'\x01\x00\x0d["session",1]')
    assert SealedFiles(file.parent, Constant(bytes(32))).names() == [NAME, OTHER]


def test_what_cannot_be_opened_is_unreadable_and_not_absent(records, file) -> None:
    file.unlink()
    file.mkdir()
    with pytest.raises(StorageUnreadable) as caught:
        records.load(NAME)
    assert caught.value.code == "no_access"


def test_a_folder_that_is_a_file_is_unwritable(folder, records) -> None:
    folder.parent.mkdir()
    folder.write_text("in the way")
    for attempt in (lambda: records.save(NAME, RECORD), lambda: records.check_writable(NAME)):
        with pytest.raises(StorageUnwritable):
            attempt()
    with pytest.raises(StorageUnwritable):
        records.lease(NAME, timeout=1)


def test_a_name_longer_than_the_format_allows_is_refused(records) -> None:
    with pytest.raises(ConfigurationError):
        records.save(NAME._replace(profile="p" * 70_000), RECORD)


def test_an_error_keeps_no_secret_in_its_frames(records, file, monkeypatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageUnwritable) as caught:
        records.save(NAME, {"refresh_token": "rt-of-a-failed-save"})
    assert caught.value.__cause__ is None
    trace = caught.tb
    while trace is not None:
        if "oauthclient" in trace.tb_frame.f_code.co_filename:
            assert "rt-of-a-failed-save" not in repr(trace.tb_frame.f_locals), trace.tb_frame
        trace = trace.tb_next
