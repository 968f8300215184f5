"""What a session does on a disk of 512 KiB that fills up, and then turns read-only: in a mount namespace of its own.

`python -m tests.sessions.full_disk FOLDER` mounts that disk at FOLDER, and prints what happened as one JSON object.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from oauthclient import OAuthError
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI, Response
from tests.sessions.fleet import REDIRECT_URI, browse
from tests.sessions.worker import open_app


class Machine:
    """The disk, the embedded server, and an app that somebody is logged in with."""

    def __init__(self, folder: Path, port: LoopbackPort) -> None:
        self.folder = folder
        self.server = AuthorizationServer(f"{port.url}/as")
        self.server.register("app", redirect_uris=["http://127.0.0.1/callback"])
        self.url = f"{port.url}/orders"
        port.serve(Network(self.server, ProtectedAPI(self.server, self.url, scope="read")))
        settings = {"issuer": self.server.issuer, "client_id": "app", "resources": [self.url]}
        self.app = open_app(settings | {"folder": str(folder / "vault")})

    def log_in(self) -> str:
        """A person logs in by way of a web backend, whose login needs no browser here."""
        url, pending = self.app.begin_login(REDIRECT_URI)
        return str(self.app.finish_login(pending, browse(url)).subject)

    def login_with_a_browser(self) -> str:
        """A person would log in: whether they were asked to."""
        told: list[str] = []
        try:
            self.app.login(open_browser=False, tell=told.append, timeout=1)
        except OAuthError as error:
            return f"{type(error).__name__} {error.code}, asked: {bool(told)}"
        return "logged in"

    def restored(self) -> str:
        """Who is logged in, by what is stored."""
        session = self.app.restore()
        return "nobody" if session is None else str(session.subject)

    def refreshed(self) -> str:
        """Have another token than the one that is stored."""
        session = self.app.restore()
        assert session is not None
        session.auth.token(self.url).retire()
        session.auth.token(self.url)
        return "refreshed"

    def cached(self) -> str:
        """Use the token that is stored."""
        session = self.app.restore()
        assert session is not None
        return session.auth.token(self.url).token_type

    def fill(self) -> None:
        """Leave not one octet."""
        with (self.folder / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))

    def make_room(self) -> None:
        """Throw away what fills the disk."""
        (self.folder / "ballast").unlink()

    def tried(self) -> dict[str, object]:
        """What everything that touches the disk comes to."""
        before = self.server.refresh_tokens.refreshed
        return {
            "refresh": outcome(self.refreshed),
            "restore": outcome(self.restored),
            "cached token": outcome(self.cached),
            "login": self.login_with_a_browser(),
            "refreshes": self.server.refresh_tokens.refreshed - before,
        }


def outcome(call: Callable[[], str]) -> str:
    """What `call` returns, or the class and code of its error."""
    try:
        return call()
    except OAuthError as error:
        return f"{type(error).__name__} {error.code}"


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount it, and leave it writable."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


def main(folder: Path) -> dict[str, object]:
    """See the module."""
    happened: dict[str, object] = {}
    with LoopbackPort() as port, small_disk(folder):
        machine = Machine(folder, port)
        happened["logged in"] = machine.log_in()
        machine.fill()
        happened["full"] = machine.tried()
        machine.make_room()
        happened["room again"] = outcome(machine.refreshed)

        def full_meanwhile(response: Response) -> Response:
            machine.fill()
            return response

        machine.server.amend(full_meanwhile)
        happened["full when the answer came"] = outcome(machine.refreshed)
        happened["read meanwhile"] = [outcome(machine.restored), outcome(machine.cached)]
        machine.make_room()
        time.sleep(1.5)  # it is tried again each second
        happened["stored later"] = outcome(machine.refreshed)
        happened["replays"] = machine.server.refresh_tokens.replays

        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        happened["read-only"] = machine.tried()
        machine.app.close()
    return happened


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout)
