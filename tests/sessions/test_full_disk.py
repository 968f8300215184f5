"""A full disk and a read-only one: a clear error before anything is spent, and the session still there."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.components import ComponentMissing, missing
from tests.sessions.fleet import ROOT


@pytest.fixture(scope="module")
def happened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What tests/sessions/full_disk.py says."""
    alone = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        missing(ComponentMissing("A mount namespace", "run the tests as root, or where user namespaces are allowed."))
    folder = tmp_path_factory.mktemp("disk")
    program = [*alone, sys.executable, "-m", "tests.sessions.full_disk", str(folder)]
    ran = subprocess.run(program, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=60)
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


@pytest.mark.parametrize(("disk", "code"), [("full", "disk_full"), ("read-only", "read_only")])
def test_nothing_is_sent_that_could_not_be_stored(happened: dict[str, Any], disk: str, code: str) -> None:
    assert happened[disk]["refresh"] == f"StorageUnwritable {code}"
    assert happened[disk]["refreshes"] == 0


@pytest.mark.parametrize("disk", ["full", "read-only"])
def test_the_session_and_its_token_are_still_there(happened: dict[str, Any], disk: str) -> None:
    assert happened[disk]["restore"] == "alice"
    assert happened[disk]["cached token"] == "DPoP"


@pytest.mark.parametrize(("disk", "code"), [("full", "disk_full"), ("read-only", "read_only")])
def test_nobody_is_sent_to_a_browser_for_nothing(happened: dict[str, Any], disk: str, code: str) -> None:
    assert happened[disk]["login"] == f"StorageUnwritable {code}, asked: False"


def test_with_room_all_goes_on(happened: dict[str, Any]) -> None:
    assert happened["room again"] == "refreshed"


def test_an_answer_that_could_not_be_stored_is_heard_of_used_and_stored_later(happened: dict[str, Any]) -> None:
    assert happened["full when the answer came"] == "StorageUnwritable disk_full"
    assert happened["read meanwhile"] == ["alice", "DPoP"]
    assert happened["stored later"] == "refreshed"
    assert happened["replays"] == 0
