"""The examples of docs/testing.md work, exactly as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import oauthclient.testing
from oauthclient.testing import misbehaviour

DOCUMENT = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()


def test_the_examples_pass(tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 8
    (tmp_path / "test_examples.py").write_text("\n".join(blocks))
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "--rootdir", str(tmp_path), "test_examples.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "12 passed" in run.stdout


def test_every_public_name_is_documented_and_every_answer_exists():
    code = set(re.findall(r"`(\w+)", DOCUMENT)) | set(re.findall(r"\b[A-Z]\w+", DOCUMENT))
    shown = {"AuthorizationServer", "ProtectedAPI", "Bystander", "Network", "LoopbackPort", "Clock", "misbehaviour"}
    assert shown <= set(oauthclient.testing.__all__)
    assert shown - {"misbehaviour"} <= code
    ready_made = {"oauth_error", "challenge", "too_many_requests", "html", "redirect", "raw", "not_utf8"}
    ready_made |= {
        "duplicate_members",
        "deep",
        "huge",
        "endless",
        "dripping",
        "members",
        "header",
        "slow",
        "lost",
        "cut",
        "aliases",
        "parameters",
        "doubled",
        "id_token",
        "signed_response",
        "unsigned_id_token",
        "unsigned_response",
    }
    assert ready_made <= code
    assert all(callable(getattr(misbehaviour, name)) for name in ready_made)
