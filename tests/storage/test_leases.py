"""Leases between real processes: one at a time, and none outlives the process that held it, however that ended."""

import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from oauthclient import ConfigurationError, Vault
from oauthclient.errors import StorageBusy
from oauthclient.protocol.record_name import Name

NAME = Name("session", "https://as.example.com", "app", "default")
KEY = bytes(32)

_BEGIN = """
import sys, time
from oauthclient import Vault
from oauthclient.protocol.record_name import Name
records = Vault.file(sys.argv[1], key=bytes(32)).records
name = Name("session", "https://as.example.com", "app", "default")
"""
_HOLD = f"""{_BEGIN}
lease = records.lease(name, timeout=10)
print("held", flush=True)
time.sleep(60)
"""
_ADD = f"""{_BEGIN}
for _ in range(10):
    lease = records.lease(name, timeout=60)
    record = records.load(name)
    records.save(name, {{"count": record["count"] + 1}})
    lease.release()
"""


def python(program: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def records(tmp_path):
    return Vault.file(tmp_path, key=KEY).records


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lease."""
    with python(_HOLD, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_is_kept_out_in_time(records, holder) -> None:
    started = time.monotonic()
    with pytest.raises(StorageBusy):
        records.lease(NAME, timeout=0.2)
    assert 0.2 <= time.monotonic() - started < 2
    with pytest.raises(StorageBusy):
        records.lease(NAME, timeout=0)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_was_killed_holds_nothing(records, holder, blow) -> None:
    holder.send_signal(blow)
    records.lease(NAME, timeout=5).release()
    assert holder.wait() == -blow


def test_who_waits_gets_it_when_the_holder_is_killed(records, holder) -> None:
    with ExitStack() as later:
        later.callback(holder.wait)
        killer = subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep(0.3); os.kill({holder.pid}, 9)"])
        later.callback(killer.wait)
        records.lease(NAME, timeout=20).release()


def test_processes_take_turns(records, tmp_path) -> None:
    records.save(NAME, {"count": 0})
    adders = [python(_ADD, tmp_path) for _ in range(4)]
    for adder in adders:
        adder.communicate()
        assert adder.returncode == 0
    assert records.load(NAME) == {"count": 40}


def test_a_lease_that_is_forgotten_is_free_again(records) -> None:
    records.lease(NAME, timeout=1)  # not kept
    records.lease(NAME, timeout=1).release()


def test_without_the_library_the_error_says_how_to_get_it(records, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(ConfigurationError) as caught:
        records.lease(NAME, timeout=1)
    assert caught.value.code == "extra_missing"
