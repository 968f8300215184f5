"""Fixtures: `stage`, an authorization server and two APIs behind a port; `logged_in`, with a login already kept."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oauthclient import Resource, Vault
from oauthclient.cli.ledger import Login
from oauthclient.cli.main import run as run_here
from oauthclient.cli.place import Place
from oauthclient.login.redirect import RedirectTarget, redirect_path
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI
from tests.cli import programs


class Stage:
    """The servers, and the command on a machine that keeps its logins in `folder`."""

    def __init__(self, port: LoopbackPort, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.server = AuthorizationServer(f"{port.url}/as")
        self.issuer = self.server.issuer
        self.orders = ProtectedAPI(self.server, f"{port.url}/orders", scope="read write")
        self.stock = ProtectedAPI(self.server, f"{port.url}/stock", scope="stock.write")
        self.scopes = {self.orders.url: "read write", self.stock.url: "stock.write"}
        port.serve(Network(self.server, self.orders, self.stock))
        self.environ = programs.environment(folder)
        self._capfd = capfd

    @property
    def server_options(self) -> list[str]:
        return [self.issuer, "--insecure-loopback"]

    @property
    def for_orders(self) -> list[str]:
        return [*self.server_options, "--resource", self.orders.url, "--scope", "read"]

    def here(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command in this process: its exit code, stdout and stderr."""
        self._capfd.readouterr()
        code = run_here(arguments)
        told = self._capfd.readouterr()
        return code, told.out, told.err

    def run(self, *arguments: str, stdin: str | bytes | None = None, **changes: str) -> Any:
        """Run the command in a process of its own."""
        return programs.run(*arguments, environ=self.environ | changes, stdin=stdin)

    def log_in(self, *arguments: str, **changes: str) -> Any:
        """Log in, with a browser that does as it is told."""
        return programs.log_in(*arguments, environ=self.environ | changes)

    def keep_login(self, *apis: ProtectedAPI, profile: str = "default", **settings: Any) -> Login:
        """A login, made quickly and without the command. `settings`: further members of a `Login`."""
        login = Login(
            self.issuer,
            profile,
            resources=tuple(Resource(api.url, scope=self.scopes[api.url]) for api in apis or (self.orders, self.stock)),
            store="file",
            insecure_loopback=True,
            **settings,
        )
        place = Place(self.folder)
        app = place.app(login)
        url, pending = app.begin_login(RedirectTarget(login.path or redirect_path(self.issuer)).uri(8400))
        session = app.finish_login(pending, self.server.person.approve(url))
        app.close()
        made = login._replace(client_id=session.client_id)
        place.ledger.put(made)
        return made

    @property
    def vault(self) -> Vault:
        """Where its logins are."""
        return Vault.file(self.folder / "file", key=b"k" * 32)

    @property
    def secrets(self) -> list[str]:
        """All tokens and keys that there are."""
        issued = [token.access_token for token in self.server.tokens.issued]
        stored = [self.vault.records.load(name) or {} for name in self.vault.records.names()]
        kept = [record.get(name) for record in stored for name in ("refresh_token", "registration_access_token")]
        found = [*issued, *(secret for secret in kept if secret)]
        assert len(found) > 1
        return found


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Stage]:
    with LoopbackPort() as port:
        made = Stage(port, tmp_path / "logins", capfd)
        for name in list(os.environ):
            if name not in made.environ:
                monkeypatch.delenv(name)
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def logged_in(stage: Stage) -> Stage:
    stage.keep_login()
    return stage
