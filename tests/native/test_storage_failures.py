"""Where keys and sessions cannot be kept: said before the browser opens, and nothing that was there is lost."""

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, NoKeyringError

from oauthclient import Secret, SigningKey, Vault
from oauthclient.errors import (
    StorageError,
    StorageLocked,
    StorageTooNew,
    StorageUnavailable,
    StorageUnreadable,
    StorageUnwritable,
    WrongStorageKey,
)
from oauthclient.storage.sealed_files import SealedFiles
from tests.native.house import eventually, run


class Backend(KeyringBackend):
    """A keyring in memory. `failure`: what each call raises. `forgets`: it takes a value and keeps nothing."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[tuple[str, str], str] = {}
        self.failure: Exception | None = None
        self.forgets = False

    def _checked(self) -> None:
        if self.failure is not None:
            raise self.failure

    def get_password(self, service: str, username: str) -> str | None:
        self._checked()
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._checked()
        if not self.forgets:
            self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._checked()
        self.items.pop((service, username), None)


@pytest.fixture
def backend():
    return Backend()


@pytest.fixture
def app(house, backend):
    """The app with a keyring, as another process would make it."""
    return lambda: house.app(vault=Vault.keyring("acme", house.folder, backend=backend))


class TestTheKeyring:
    def test_it_holds_the_keys_and_the_files_hold_the_session(self, house, app, backend) -> None:
        house.login(app())
        assert len(backend.items) == 3  # of the session, of the client, and the one that seals the files
        assert house.call(app().restore()).status_code == 200
        app().restore().logout()
        app().registration.delete()
        eventually(lambda: len(backend.items) <= 1)

    @pytest.mark.parametrize(
        ("failure", "raised"),
        [(KeyringLocked("no"), StorageLocked), (NoKeyringError("no"), StorageUnavailable)],
        ids=["locked", "none"],
    )
    def test_one_that_cannot_be_used_is_said_before_anything_is_sent_or_opened(
        self, house, app, backend, failure, raised, loop
    ) -> None:
        backend.failure = failure
        with pytest.raises(raised):
            run(loop, app(), "login", open_browser=False, tell=house.person.tell)
        assert house.server.requests == []
        assert house.person.read == []

    def test_one_that_swallows_what_it_is_given_is_noticed(self, house, app, backend) -> None:
        backend.forgets = True
        with pytest.raises(StorageUnavailable) as caught:
            house.login(app())
        assert "Vault.file" in caught.value.hint
        assert house.person.read == []

    def test_one_that_is_locked_again_does_not_look_like_a_logout(self, house, app, backend) -> None:
        house.login(app())
        backend.failure = KeyringLocked("no")
        with pytest.raises(StorageLocked):
            app().restore()
        backend.failure = None
        assert app().restore().subject == "alice"

    def test_one_that_is_locked_under_a_running_program_leaves_it_running(self, house, app, backend) -> None:
        house.login(app())
        session = app().restore()
        house.call(session, house.stock.url)
        backend.failure = KeyringLocked("no")
        house.pass_time(301)
        assert house.call(session).status_code == 200


class TestTheDisk:
    @pytest.fixture
    def full(self, monkeypatch):
        """Call it, and the disk is full for records of that kind; again with None, and there is room."""
        save, check = SealedFiles.save, SealedFiles.check_writable
        kinds = []

        def refuse(original):
            def refusing(files, name, *rest):
                if name.kind in kinds:
                    raise StorageUnwritable("No space left on device.")
                return original(files, name, *rest)

            return refusing

        monkeypatch.setattr(SealedFiles, "save", refuse(save))
        monkeypatch.setattr(SealedFiles, "check_writable", refuse(check))
        return kinds

    def test_a_full_one_is_said_before_the_browser_opens(self, house, full) -> None:
        house.login()
        full.append("session")
        with pytest.raises(StorageUnwritable):
            house.login()
        assert len(house.person.read) == 1
        full.clear()
        assert house.call(house.app().restore()).status_code == 200
        assert house.keys() == 2

    def test_one_that_fills_up_while_the_person_logs_in_costs_that_login_alone(self, house, full) -> None:
        house.login()

        def open_it(url: str) -> None:
            full.append("session")
            house.person.visit(url)

        house.person.open = open_it
        with pytest.raises(StorageUnwritable):
            house.login()
        house.person.leave()
        assert "storage_unwritable" in house.person.pages[-1][1]
        full.clear()
        assert house.keys() == 2
        assert house.call(house.app().restore(), house.stock.url).status_code == 200

    def test_a_key_that_cannot_be_stored_is_not_used(self, house, full) -> None:
        house.login()
        full.append("key")
        with pytest.raises(StorageUnwritable):
            house.login()
        assert len(house.seen("par")) == 1


class TestFiles:
    def session_file(self, house):
        (name,) = house.records("session")
        return house.vault().records._file(name)

    @pytest.mark.parametrize(
        "content", [b"", b"\x01", b"\x01garbage", None], ids=["empty", "cut", "garbage", "truncated"]
    )
    def test_a_damaged_one_is_said_and_a_new_login_replaces_it(self, house, content) -> None:
        house.login()
        file = self.session_file(house)
        file.write_bytes(file.read_bytes()[:-9] if content is None else content)
        with pytest.raises(StorageUnreadable):
            house.app().restore()
        assert house.login().subject == "alice"
        assert house.app().restore().subject == "alice"

    def test_one_of_a_newer_version_is_said_and_left(self, house) -> None:
        house.login()
        file = self.session_file(house)
        newer = b"\x63" + file.read_bytes()[1:]
        file.write_bytes(newer)
        with pytest.raises(StorageTooNew):
            house.app().restore()
        with pytest.raises(StorageTooNew):
            house.login()
        assert file.read_bytes() == newer
        assert len(house.person.read) == 1

    def test_two_sessions_cannot_be_swapped(self, house) -> None:
        house.login()
        house.person.cookies = {"subject": "bob"}
        house.login(profile="bob")
        one, other = (house.vault().records._file(name) for name in house.records("session"))
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)
        for profile in ("default", "bob"):
            with pytest.raises(StorageUnreadable):
                house.app().restore(profile=profile)

    def test_another_key_is_said_and_nothing_is_overwritten(self, house) -> None:
        house.login()
        with pytest.raises(WrongStorageKey):
            house.app(vault=Vault.file(house.folder, key=b"x" * 32)).restore()
        with pytest.raises(WrongStorageKey):
            house.login(house.app(vault=Vault.file(house.folder, key=b"x" * 32)))
        assert house.app().restore().subject == "alice"

    @pytest.mark.parametrize(
        "left", [None, "rubbish", SigningKey.generate().to_jwk()], ids=["gone", "rubbish", "another"]
    )
    def test_a_key_that_is_not_there_is_said_and_a_new_login_replaces_the_session(self, house, left) -> None:
        house.login()
        thumbprint = house.seen("par")[0].request_object["dpop_jkt"]
        house.vault().keys.delete(thumbprint)
        if left is not None:
            house.vault().keys.save(thumbprint, Secret(left))
        with pytest.raises(StorageUnreadable) as caught:
            house.app().restore()
        assert caught.value.code == "session_key_missing"
        assert house.login().subject == "alice"


def test_in_memory_a_session_lasts_as_long_as_the_process(house) -> None:
    vault = Vault.memory()
    house.login(house.app(vault=vault))
    assert house.app(vault=vault).restore().subject == "alice"
    assert house.app(vault=Vault.memory()).restore() is None
    assert not house.folder.exists()


def test_a_login_that_finds_no_place_at_all_is_a_storage_error(house, tmp_path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    with pytest.raises(StorageError):
        house.login(house.app(vault=Vault.file(blocked / "below", key=b"k" * 32)))
    assert house.server.requests == []
