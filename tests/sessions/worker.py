"""What one process of an app does that shares a session with others.

Each command is a line with a JSON object, and one line answers it: `{"call": URL}` sends a request there,
`{"token": URL}` has the token for it, `{"refresh": URL}` has another one than that at hand, `{"loop": URL}` does so
again and again and never answers, `{"advance": seconds}` lets time go by for this process.
"""

import json
import time as clock
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import httpx

from oauthclient import NativeApp, OAuthError, Resource, Session, Vault, time

SCOPES = {"orders": "read", "stock": "write", "a": "read", "b": "read"}


def open_app(settings: dict[str, Any]) -> NativeApp:
    """The app, as each of its processes opens it."""
    return NativeApp(
        settings["issuer"],
        name="Fleet",
        client_id=settings["client_id"],
        resources=[Resource(url, scope=SCOPES[url.rpartition("/")[2]]) for url in settings["resources"]],
        vault=Vault.file(Path(settings["folder"]), key=b"k" * 32),
        insecure_loopback=True,
        verify=settings.get("ca"),
        timeout=30,
    )


class Worker:
    """A session that was restored, and an API client."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._passed = 0.0
        wall, steady = time.wall, time.steady
        # The clocks of this process only, or its server's too, which is told the same.
        time.wall = lambda: wall() + (0.0 if settings.get("steady_only") else self._passed)  # type: ignore[misc]
        time.steady = lambda: steady() + self._passed  # type: ignore[misc]
        self._settings = settings
        self._session = self._restored()
        self._api = httpx.Client(
            auth=self._session.auth, verify=settings.get("ca") or False, trust_env=False, timeout=30
        )

    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        """What comes of a command."""
        self._passed += command.get("advance", 0.0)
        begun = clock.perf_counter()
        try:
            if "call" in command:
                status = self._api.get(command["call"]).status_code
                return {"status": status, "seconds": clock.perf_counter() - begun}
            if "token" in command:
                self._session.auth.token(command["token"])
                return {"status": 200, "seconds": clock.perf_counter() - begun}
            if "refresh" in command:
                self._refresh(command["refresh"])
                return {"status": 200, "seconds": clock.perf_counter() - begun}
            while "loop" in command:
                self._refresh(command["loop"])
        except OAuthError as error:
            return {"error": error.code, "message": str(error)}
        return {}

    def _refresh(self, url: str) -> None:
        """Have a token other than the one at hand, as if an API had rejected that."""
        self._session.auth.token(url).retire()
        self._session.auth.token(url)

    def _restored(self) -> Session:
        session = open_app(self._settings).restore()
        assert session is not None
        return session


def main(settings: dict[str, Any], commands: Iterable[str], answers: TextIO) -> None:
    """Serve until there are no more commands."""
    try:
        worker = Worker(settings)
    except OAuthError as error:
        print(json.dumps({"error": error.code, "message": str(error)}), file=answers, flush=True)
        return
    print("{}", file=answers, flush=True)
    for line in commands:
        print(json.dumps(worker.do(json.loads(line))), file=answers, flush=True)
