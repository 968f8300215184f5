"""Runs the command as a person would: in a process of its own, with a browser that goes wherever it is told."""

import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

# The variables that a terminal, a desktop or a test runner around us may have set, and that decide something.
_FOREIGN = re.compile(
    "NO_COLOR|COLUMNS|TERM|BROWSER|DISPLAY|WAYLAND_DISPLAY|DBUS_.*|SSH_.*|OAUTHCLIENT_.*|PYTHON_KEYRING.*"
)
_PATIENCE = 60  # seconds
COMMAND = [sys.executable, "-c", "from oauthclient.cli.main import main; main()"]


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """That of a person whose logins are in sealed files in `folder`."""
    ours = {name: value for name, value in os.environ.items() if not _FOREIGN.fullmatch(name)}
    usual = {
        "OAUTHCLIENT_FOLDER": str(folder),
        "OAUTHCLIENT_STORE": "file",
        "OAUTHCLIENT_STORAGE_KEY": "6b" * 32,
        "PYTHONIOENCODING": "utf-8",
        "PYTHONWARNINGS": "error",
        "TERM": "xterm",
    }
    return ours | usual | changes


def run(
    *arguments: str, environ: Mapping[str, str], stdin: str | bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """What the command did."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=dict(environ),
        input=stdin.encode() if isinstance(stdin, str) else stdin or b"",
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def browse(url: str) -> None:
    """What a browser does with it: follow each redirect, to the command's own page at last."""
    with suppress(httpx.HTTPError):  # then the command says what was wrong
        httpx.get(url, follow_redirects=True, timeout=_PATIENCE)


def log_in(*arguments: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`oauthclient login --no-browser`, and the browser that opens the address it shows."""
    command = [*COMMAND, "login", *arguments, "--no-browser"]
    told = ""
    browsers: list[threading.Thread] = []
    with subprocess.Popen(
        command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            told += line
            address = re.fullmatch(r"  (http\S+/authorize\S+)\n", line)
            if address:
                browsers.append(threading.Thread(target=browse, args=(address[1],)))
                browsers[-1].start()
        printed = process.stdout.read()
        process.wait(_PATIENCE)
    for browser in browsers:
        browser.join()
    return subprocess.CompletedProcess(command, process.returncode, printed, told)


def on_a_terminal(*arguments: str, environ: Mapping[str, str], answers: Sequence[str] = ()) -> tuple[int, str]:
    """The exit code, and all that a person sees who types an answer at each colon that waits for one."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *arguments], env=dict(environ), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen, left = b"", list(answers)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if not select.select([ours], [], [], 0.5)[0]:
            if process.poll() is not None:
                break
            continue
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end has closed
            break
        if not piece:
            break
        seen += piece
        if left and seen.endswith(b": "):
            os.write(ours, f"{left.pop(0)}\n".encode())
    os.close(ours)
    return process.wait(_PATIENCE), seen.decode()
