"""A certificate whose files are renewed while the program runs, in whatever way they are (RFC 8705, section 6.3)."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from oauthclient import ClientCertificate, ConfigurationError
from oauthclient.tls.files import PEMFiles
from tests.tls.place import renewed, replace, settled, soon

if TYPE_CHECKING:
    from pathlib import Path

    from tests.showing import Notes
    from tests.tls.conftest import Passing
    from tests.tls.place import Issued, Place


def put_locked(place: Place) -> Issued:
    """Write a new certificate, and its key under the passphrase "passphrase"."""
    issued = place.issue()
    key: Any = load_pem_private_key(issued.key, None)
    secret = BestAvailableEncryption(b"passphrase")
    issued.key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
    return place.put(issued)


def test_files_that_are_replaced_in_one_step_each_are_read_again(place: Place, notes: Notes) -> None:
    certificate = place.certificate()
    before = certificate.current()
    new = place.put()
    assert renewed(certificate, new)
    assert certificate.problem is None
    assert [line for line in notes.lines if "was renewed" in line and before.x5t_s256 in line]
    assert new.x5t_s256 in notes.lines[-1]
    assert certificate.generation(before.x5t_s256) is before
    assert certificate.generation("unheard of") is None


def test_a_folder_that_is_exchanged_behind_a_link_is_noticed(place: Place) -> None:
    """As Kubernetes does it: client.pem -> ..data/client.pem, ..data -> ..2024_1, and only the latter link changes."""
    mount = place.folder / "mount"
    mount.mkdir()

    def publish(name: str, issued: Issued) -> None:
        version = mount / f"..{name}"
        version.mkdir()
        (version / "client.pem").write_bytes(issued.chain)
        (version / "key.pem").write_bytes(issued.key)
        for path in version.iterdir():
            os.utime(path, (1_700_000_000, 1_700_000_000))
        link = mount / "..data_tmp"
        link.symlink_to(version.name)
        link.replace(mount / "..data")

    publish("1", place.issue())
    for name in ("client.pem", "key.pem"):
        (mount / name).symlink_to(f"..data/{name}")
    certificate = ClientCertificate.from_files(mount / "client.pem", mount / "key.pem", check_every=0)
    for version in ("2", "3"):
        new = place.issue()
        publish(version, new)
        assert renewed(certificate, new)


def test_a_certificate_that_comes_before_its_key_waits_for_it(place: Place, notes: Notes) -> None:
    certificate = place.certificate()
    before, new = certificate.current(), place.issue()
    replace(place.cert, new.chain)
    assert soon(lambda: certificate.current() is before and certificate.problem)
    assert "do not belong together" in str(certificate.problem)
    replace(place.key, new.key)
    assert renewed(certificate, new)
    assert soon(lambda: certificate.problem is None)
    assert len([line for line in notes.lines if "stays in use" in line]) == 1


def test_files_written_piece_by_piece_are_taken_when_they_are_whole(place: Place) -> None:
    """The chain's own certificate may be there before the intermediate: without that, servers would refuse it."""
    certificate = place.certificate()
    before, new = certificate.current(), place.issue()
    place.key.write_bytes(b"")
    pieces = [new.chain[:length] for length in (0, 300, new.chain.index(b"-----BEGIN", 9), len(new.chain) - 40)]
    for piece in (*pieces, new.chain):
        place.cert.write_bytes(piece)
        assert settled(certificate)
        assert certificate.current() is before
        assert certificate.problem
    for piece in (new.key[:100], new.key):
        place.key.write_bytes(piece)
        assert settled(certificate)
    assert renewed(certificate, new)
    assert len(certificate.current().x5c) == 2


def test_an_intermediate_that_comes_later_is_presented_as_well(place: Place) -> None:
    certificate = place.certificate()
    new = place.issue()
    leaf_alone = new.chain[: new.chain.index(b"-----BEGIN", 9)]
    replace(place.key, new.key)
    replace(place.cert, leaf_alone)
    told: list[object] = []
    certificate.on_renewal(lambda before, after: told.append((before, after)))
    assert renewed(certificate, new)
    assert len(certificate.current().x5c) == 1
    replace(place.cert, new.chain)
    assert soon(lambda: len(certificate.current().x5c) == 2)
    assert len(told) == 1  # tokens are bound to the certificate, whatever comes with it


def test_half_an_intermediate_is_waited_for(place: Place) -> None:
    certificate = place.certificate()
    new = place.issue()
    replace(place.key, new.key)
    replace(place.cert, new.chain[:-50])
    assert soon(lambda: certificate.current() and "cannot be read" in str(certificate.problem))
    replace(place.cert, new.chain)
    assert renewed(certificate, new)
    assert len(certificate.current().x5c) == 2


def test_files_that_are_gone_do_not_end_the_use_of_what_they_held(place: Place, notes: Notes) -> None:
    certificate = place.certificate()
    before = certificate.current()
    place.key.rename(place.folder / "away.pem")
    for _ in range(3):
        assert certificate.current() is before
    assert str(place.key) in str(certificate.problem)
    assert "No such file" in str(certificate.problem)
    assert len([line for line in notes.lines if "stays in use" in line]) == 1
    (place.folder / "away.pem").rename(place.key)
    assert soon(lambda: certificate.current() is before and certificate.problem is None)


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"\xff\xfe\x00", b"-----BEGIN CERTIFICATE-----\n"])
def test_garbage_is_not_taken(place: Place, garbage: bytes) -> None:
    certificate = place.certificate()
    before = certificate.current()
    replace(place.cert, garbage)
    assert settled(certificate)
    assert certificate.problem == "There is no certificate in the PEM, or one that cannot be read"
    assert certificate.current() is before
    assert renewed(certificate, place.put())


def test_one_that_is_not_valid_yet_is_taken_when_it_is(place: Place, pass_time: Passing) -> None:
    certificate = place.certificate()
    before = certificate.current()
    new = place.put(place.issue(starts=40))
    assert settled(certificate)
    assert "is not valid before" in str(certificate.problem)
    pass_time(20)
    assert settled(certificate)
    assert certificate.current() is before
    pass_time(21)
    assert renewed(certificate, new)
    assert certificate.problem is None


def test_one_that_has_expired_is_not_taken(place: Place) -> None:
    certificate = place.certificate()
    before = certificate.current()
    place.put(place.issue(starts=-7200, lifetime=-3600))
    assert settled(certificate)
    assert "expired on" in str(certificate.problem)
    assert certificate.current() is before


def test_that_the_present_one_has_expired_is_said_when_it_happens(
    place: Place, pass_time: Passing, notes: Notes
) -> None:
    certificate = place.certificate()
    before = certificate.current()
    pass_time(86_401)
    assert certificate.current() is before
    assert certificate.problem == "it has expired, and its files hold no other"
    assert certificate.generation(before.x5t_s256) is None
    certificate.current()
    assert len(notes.lines) == 1
    assert renewed(certificate, place.put(place.issue(lifetime=200_000)))
    assert certificate.problem is None


def test_what_failed_for_no_fault_of_the_files_is_tried_again_after_a_while(place: Place, pass_time: Passing) -> None:
    """Such as the vault that the passphrase comes from: at first each second, then more seldom."""
    fetched: list[bool] = []
    sealed = False

    def vault() -> str:
        fetched.append(sealed)
        if sealed:
            raise ConnectionError("the vault is sealed")
        return "passphrase"

    put_locked(place)
    certificate = place.certificate(passphrase=vault)
    sealed, new = True, put_locked(place)
    assert settled(certificate)
    fetched.clear()
    for _ in range(50):
        pass_time(1)
        assert settled(certificate)
    assert certificate.problem == "ConnectionError while reading it"
    assert 3 <= len(fetched) <= 6
    sealed = False
    pass_time(60)
    assert renewed(certificate, new)


def test_files_that_are_only_touched_are_no_renewal(place: Place, notes: Notes) -> None:
    certificate = place.certificate()
    before = certificate.current()
    for path in (place.cert, place.key):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert settled(certificate)
    assert certificate.current() is before
    assert notes.lines == []


def test_a_file_of_the_same_size_and_time_is_another_one(place: Place, tmp_path: Path) -> None:
    """A copy that keeps the time of what it copies."""
    files = PEMFiles(place.cert, None, None)
    before, stat = files.state(), place.cert.stat()
    with place.cert.open("r+b") as file:
        file.write(b"#")
    os.utime(place.cert, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert place.cert.stat().st_mtime_ns == stat.st_mtime_ns
    assert files.state() != before


def test_who_asks_while_it_is_read_does_not_wait_and_nobody_reads_it_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = place.certificate()
    before = certificate.current()
    go_on, readers = threading.Event(), []
    read = PEMFiles.read

    def slowly(files: PEMFiles) -> Any:
        readers.append(threading.current_thread().name)
        assert go_on.wait(10)
        return read(files)

    monkeypatch.setattr(PEMFiles, "read", slowly)
    new = place.put()
    callers = [threading.Thread(target=certificate.current) for _ in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(5)
    assert certificate.current() is before
    assert readers == ["oauthclient-certificate"]
    go_on.set()
    assert renewed(certificate, new)
    assert len(readers) == 1


def test_a_renewal_that_is_written_while_another_is_read_is_not_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = place.certificate()
    reading, go_on = threading.Event(), threading.Event()
    read = PEMFiles.read

    def slowly(files: PEMFiles) -> Any:
        found = read(files)
        reading.set()
        assert go_on.wait(10)
        return found

    monkeypatch.setattr(PEMFiles, "read", slowly)
    first = place.put()
    certificate.current()
    assert reading.wait(10)
    second = place.put()
    go_on.set()
    assert soon(lambda: certificate.current().x5t_s256 != first.x5t_s256 and renewed(certificate, second))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_of_a_fork_reads_for_itself_even_if_its_parent_was_reading(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = place.certificate()
    reading, go_on = threading.Event(), threading.Event()
    read, parent = PEMFiles.read, os.getpid()

    def slowly(files: PEMFiles) -> Any:
        if os.getpid() == parent:
            reading.set()
            assert go_on.wait(10)
        return read(files)

    monkeypatch.setattr(PEMFiles, "read", slowly)
    new = place.put()
    certificate.current()
    assert reading.wait(10)
    child = os.fork()
    if child == 0:
        os._exit(0 if renewed(certificate, new) else 1)
    _, status = os.waitpid(child, 0)
    go_on.set()
    assert os.waitstatus_to_exitcode(status) == 0
    assert renewed(certificate, new)


def test_no_thread_to_be_had_is_no_failure(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = place.certificate()
    before, new = certificate.current(), place.put()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert certificate.current() is before
    assert renewed(certificate, new)


def test_a_pipe_or_a_huge_file_is_no_certificate_and_hangs_nobody(place: Place) -> None:
    certificate = place.certificate()
    file = place.folder / "client.pem"
    file.unlink()
    os.mkfifo(file)
    assert soon(lambda: certificate.current() and certificate.problem)
    assert "it is no file" in str(certificate.problem)
    with pytest.raises(ConfigurationError) as caught:
        place.certificate()
    assert caught.value.code == "unreadable_file"
    file.unlink()
    with file.open("wb") as huge:
        huge.truncate(2 * 1024 * 1024)
    assert soon(lambda: certificate.current() and "larger than" in str(certificate.problem))
    assert renewed(certificate, place.put())


def test_a_reading_that_hangs_is_told_of(place: Place, pass_time: Passing, notes: Notes) -> None:
    released = threading.Event()
    asked: list[bool] = []

    def vault() -> str:
        asked.append(True)
        if len(asked) > 1:
            released.wait(10)
        return "passphrase"

    put_locked(place)
    certificate = place.certificate(passphrase=vault)
    new = put_locked(place)
    assert soon(lambda: certificate.current() and len(asked) == 2)
    pass_time(31)
    assert soon(lambda: certificate.current() and certificate.problem)
    assert "does not come to an end" in notes.lines[-1]
    released.set()
    assert renewed(certificate, new)
    assert certificate.problem is None


def test_a_passphrase_function_that_exits_is_asked_again(place: Place, pass_time: Passing) -> None:
    exits = False

    def vault() -> str:
        if exits:
            raise SystemExit
        return "passphrase"

    put_locked(place)
    certificate = place.certificate(passphrase=vault)
    exits, new = True, put_locked(place)
    assert soon(lambda: certificate.current() and certificate.problem)
    assert "SystemExit" in str(certificate.problem)
    exits = False
    pass_time(2)
    assert renewed(certificate, new)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "1"])
def test_the_pace_of_looking_is_a_number_of_seconds(place: Place, seconds: Any) -> None:
    place.put()
    with pytest.raises(ConfigurationError) as caught:
        place.certificate(check_every=seconds)
    assert caught.value.code == "unknown_setting"
