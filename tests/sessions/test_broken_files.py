"""A file that is damaged, cut short, half-written or newer is told of, and left where it is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oauthclient import NativeApp, OAuthError
from oauthclient.errors import StorageTooNew, StorageUnreadable, WrongStorageKey
from oauthclient.protocol.record_name import Name
from oauthclient.storage.sealed_files import SealedFiles
from oauthclient.storage.vault import Vault
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI
from tests.sessions.fleet import REDIRECT_URI, browse
from tests.sessions.worker import open_app


class Machine:
    """An app on a machine where somebody is logged in; each `app()` is another run of it."""

    def __init__(self, folder: Path, port: LoopbackPort) -> None:
        self.folder = folder
        self.server = AuthorizationServer(f"{port.url}/as")
        self.server.register("app", redirect_uris=["http://127.0.0.1/callback"])
        self.url = f"{port.url}/orders"
        port.serve(Network(self.server, ProtectedAPI(self.server, self.url, scope="read")))
        self.opened: list[NativeApp] = []
        self.log_in()

    def app(self) -> NativeApp:
        settings = {"issuer": self.server.issuer, "client_id": "app", "resources": [self.url]}
        self.opened.append(open_app(settings | {"folder": str(self.folder)}))
        return self.opened[-1]

    def log_in(self, **how: Any) -> None:
        app = self.app()
        url, pending = app.begin_login(REDIRECT_URI)
        app.finish_login(pending, browse(url), **how)

    def name(self, profile: str = "default") -> Name:
        return Name("session", self.server.issuer, "app", profile)

    @property
    def file(self) -> Path:
        """Where the session is."""
        return self.file_of("default")

    def file_of(self, profile: str) -> Path:
        records = Vault.file(self.folder, key=b"k" * 32).records
        assert isinstance(records, SealedFiles)
        return records._file(self.name(profile))

    def works(self) -> bool:
        session = self.app().restore()
        assert session is not None
        session.auth.token(self.url).retire()
        return bool(session.auth.token(self.url))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with LoopbackPort() as port:
        machine = Machine(tmp_path / "vault", port)
        yield machine
        for app in machine.opened:
            app.close()


def flipped(content: bytes) -> bytes:
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "one bit in the record": flipped,
    "one bit in the name": lambda content: content[:10] + bytes([content[10] ^ 1]) + content[11:],
    "cut by one octet": lambda content: content[:-1],
    "half": lambda content: content[: len(content) // 2],
    "the header only": lambda content: content[:3],
    "empty": lambda content: b"",
    "zeros, as after a loss of power": lambda content: bytes(len(content)),
    "longer": lambda content: content + b"x",
    "twice": lambda content: content * 2,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_session_is_told_of_left_where_it_is_and_replaced_by_a_login(
    machine: Machine, damage: Callable[[bytes], bytes]
) -> None:
    whole = machine.file.read_bytes()
    machine.file.write_bytes(damaged := damage(whole))
    for _ in range(2):
        with pytest.raises(StorageUnreadable) as failed:
            machine.app().restore()
        assert failed.value.hint
    assert machine.file.read_bytes() == damaged
    machine.log_in()
    assert machine.works()


def test_a_session_that_is_damaged_while_the_app_runs_is_told_of_at_the_next_refresh(machine: Machine) -> None:
    session = machine.app().restore()
    assert session is not None
    whole = machine.file.read_bytes()
    machine.file.write_bytes(flipped(whole))
    token = session.auth.token(machine.url)
    token.retire()
    with pytest.raises(StorageUnreadable):
        session.auth.token(machine.url)
    machine.file.write_bytes(whole)
    assert machine.works()
    assert machine.server.refresh_tokens.replays == 0


def test_what_a_kill_left_half_written_is_beside_the_session_and_harmless(machine: Machine) -> None:
    beside = machine.file.with_name(f".{machine.file.name}.0123456789abcdef.tmp")
    beside.write_bytes(machine.file.read_bytes()[:20])
    assert machine.works()


def test_a_file_of_a_later_format_is_told_of_and_no_login_replaces_it(machine: Machine) -> None:
    content = machine.file.read_bytes()
    machine.file.write_bytes(newer := b"\x02" + content[1:])
    with pytest.raises(StorageTooNew):
        machine.app().restore()
    with pytest.raises(StorageTooNew):
        machine.app().login(open_browser=False, tell=_nobody_is_asked, timeout=1)
    assert machine.file.read_bytes() == newer


def test_a_session_of_a_later_version_is_told_of_and_no_login_replaces_it(machine: Machine) -> None:
    records = Vault.file(machine.folder, key=b"k" * 32).records
    records.save(machine.name(), {"version": 2, "of": "the future"})
    with pytest.raises(StorageTooNew):
        machine.app().restore()
    with pytest.raises(StorageTooNew):
        machine.app().login(open_browser=False, tell=_nobody_is_asked, timeout=1)
    assert records.load(machine.name()) == {"version": 2, "of": "the future"}


def test_a_file_of_another_profile_is_not_taken_for_this_one(machine: Machine) -> None:
    machine.log_in(profile="work")
    machine.file.write_bytes(machine.file_of("work").read_bytes())
    with pytest.raises(StorageUnreadable):
        machine.app().restore()


def test_another_key_is_told_of_and_harms_nothing(machine: Machine) -> None:
    before = machine.file.read_bytes()
    app = machine.app()
    app._vault = Vault.file(machine.folder, key=b"x" * 32)
    with pytest.raises(WrongStorageKey):
        app.restore()
    assert machine.file.read_bytes() == before
    assert machine.works()


def test_a_session_whose_key_is_gone_is_told_of(machine: Machine) -> None:
    for file in (machine.folder / "keys").glob("*.sealed"):
        file.unlink()
    with pytest.raises(OAuthError) as failed:
        machine.app().restore()
    assert failed.value.code == "session_key_missing"
    machine.log_in()
    assert machine.works()


def _nobody_is_asked(text: str) -> None:
    raise AssertionError(text)
