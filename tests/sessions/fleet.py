"""Processes: servers and workers, started and killed; and the session that the workers share."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Self

import httpx

from oauthclient.protocol.record_name import Name
from oauthclient.protocol.session import SessionState, from_record
from oauthclient.storage.vault import Vault
from tests.sessions.worker import open_app

ROOT = Path(__file__).parents[2]
REDIRECT_URI = "http://127.0.0.1:49152/callback"
PATIENCE = 60.0  # seconds until something that does not answer counts as hung


class Speaker:
    """Somebody who answers each line with one, both JSON objects."""

    def __init__(self, lines: IO[str], answers: IO[str]) -> None:
        self._lines = lines
        self._answers = answers
        self._heard = b""

    def tell(self, **command: Any) -> None:
        """Send a command, without waiting for its answer."""
        self._lines.write(json.dumps(command) + "\n")
        self._lines.flush()

    def hear(self) -> dict[str, Any]:
        """The next answer."""
        # Read here and not by the file object: what that has read ahead, no select knows of.
        while b"\n" not in self._heard:
            assert select.select([self._answers], [], [], PATIENCE)[0], "the process hangs"
            more = os.read(self._answers.fileno(), 65_536)
            assert more, "the process has ended"
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, **command: Any) -> dict[str, Any]:
        """The answer to a command."""
        self.tell(**command)
        return self.hear()

    def close(self) -> None:
        """Have nothing more to say, upon which it ends."""
        for pipe in (self._lines, self._answers):
            with suppress(BrokenPipeError):  # what it was to read, it will not
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class Program(Speaker):
    """A program of this folder."""

    def __init__(self, module: str, argument: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.sessions.{module}", argument],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        super().__init__(self._process.stdin, self._process.stdout)

    def close(self) -> None:
        """As for every speaker, and wait for its end."""
        super().close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Worker(Speaker):
    """A process that shares a session; its first answer is empty, or the error that restoring it brought."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        super().__init__(self._socket.makefile("w"), self._socket.makefile("r"))
        self.pid: int = self.ask(**settings)["pid"]

    def kill(self) -> None:
        """Kill -9."""
        os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """As for every speaker."""
        super().close()
        self._socket.close()


class Launcher(Program):
    """What workers are started by."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "launcher"
        super().__init__("launcher", str(self.path))
        assert self.hear() == {}


class House(Program):
    """The embedded server in its own process. `issuer`, `api`: its URLs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__("house", json.dumps(settings))
        ready = self.hear()
        self.issuer: str = ready["issuer"]
        self.api: str = ready["api"]

    def resource(self, name: str) -> str:
        """The URL of an API."""
        return f"{self.api}/{name}"

    def stats(self) -> dict[str, int]:
        """How often a refresh was asked for and honoured, and how often a token came that had been used."""
        return self.ask()


@contextmanager
def launched() -> Iterator[Launcher]:
    """A launcher, until the block is left."""
    # Not pytest's own folder: the path of a Unix socket has at most 107 octets.
    with TemporaryDirectory() as folder, Launcher(Path(folder)) as launcher:
        yield launcher


class Home:
    """A folder with one session in it, and the settings that each process needs to share it.

    `browse`: goes to the URL of an authorization request as a person, and returns the callback URL.
    """

    def __init__(
        self,
        launcher: Launcher,
        folder: Path,
        issuer: str,
        resources: list[str],
        *,
        browse: Callable[[str], str],
        client_id: str = "app",
        prompt: str | None = None,
        **more: Any,
    ) -> None:
        self.settings = {
            "folder": str(folder),
            "issuer": issuer,
            "client_id": client_id,
            "resources": resources,
            **more,
        }
        self.folder = folder
        self._launcher = launcher
        self.resources = resources
        self._browse = browse
        self._prompt = prompt
        self._name = Name("session", issuer, client_id, "default")

    def log_in(self) -> None:
        """A person logs in; the session before, if there is one, is replaced."""
        app = open_app(self.settings)
        try:
            url, pending = app.begin_login(REDIRECT_URI, prompt=self._prompt)
            app.finish_login(pending, self._browse(url))
        finally:
            app.close()

    def worker(self) -> Worker:
        """A process that shares the session; its first answer says whether it could be restored."""
        return Worker(self._launcher.path, self.settings)

    def workers(self, number: int) -> list[Worker]:
        """Several of them, all ready."""
        workers = [self.worker() for _ in range(number)]
        for worker in workers:
            assert worker.hear() == {}
        return workers

    def session(self) -> SessionState:
        """What is stored."""
        record = Vault.file(self.folder, key=b"k" * 32).records.load(self._name)
        assert record is not None
        return from_record(record)


def at_the_house(launcher: Launcher, folder: Path, house: House, *names: str) -> Home:
    """A session at the embedded server, for its APIs of these names."""
    return Home(launcher, folder, house.issuer, [house.resource(name) for name in names or ("orders",)], browse=browse)


def browse(url: str) -> str:
    """The embedded server's person agrees at once."""
    return httpx.get(url, trust_env=False).headers["Location"]
