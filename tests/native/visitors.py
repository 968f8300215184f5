"""The programs of `examples/` that log people in, run as a reader would, with a person at the browser."""

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.examples.programs import command, environment

STORAGE = {"OAUTHCLIENT_STORAGE_KEY": "a2" * 32}


def run_native(*options: str, visit: Callable[[str], object]) -> subprocess.CompletedProcess[str]:
    """Run `native.py` to its end; a URL that it tells is visited."""
    process = subprocess.Popen(
        command("native", *options),
        env=environment(**STORAGE),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    said = ""
    try:
        for line in process.stderr:
            said += line
            url = re.search(r"http\S+", line)
            if url is not None and line.startswith(" "):
                visit(url[0])
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    return subprocess.CompletedProcess(process.args, process.returncode, out, said)


@contextmanager
def running_backend(*options: str) -> Iterator[str]:
    """Run `web_backend.py`; the URL of its home page."""
    with subprocess.Popen(
        command("web_backend", *options), env=environment(**STORAGE), stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number
