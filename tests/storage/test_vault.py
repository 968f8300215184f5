"""The vaults: what each is made of, and that making one touches nothing."""

import subprocess
import sys

import platformdirs
import pytest

from oauthclient import ConfigurationError, Secret, Vault
from oauthclient.protocol.record_name import Name
from tests.storage.backends import Dictionary, Failing

NAME = Name("session", "https://as.example.com", "app", "default")


def test_making_one_touches_neither_the_disk_nor_the_keyring(tmp_path) -> None:
    Vault.keyring("app", tmp_path / "k", backend=Failing(AssertionError("asked")))
    Vault.file(tmp_path / "f", passphrase=lambda: pytest.fail("asked"))
    Vault.memory()
    assert list(tmp_path.iterdir()) == []


def test_a_keyring_vault_keeps_few_items_and_no_record_in_the_keyring(tmp_path) -> None:
    backend = Dictionary()
    vault = Vault.keyring("app", tmp_path, backend=backend)
    vault.keys.save("dpop-1", Secret("key"))
    for profile in "abcdef":
        vault.records.save(NAME._replace(profile=profile), {"refresh_token": "rt" * 1000})
    assert sorted(backend.items) == [("oauthclient:app:dpop-1", "dpop-1"), ("oauthclient:app:seal", "seal")]


def test_apps_do_not_see_one_another(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name, **_: tmp_path / name)
    backend = Dictionary()
    one, other = (Vault.keyring(app, backend=backend) for app in ("one", "other"))
    one.keys.save("k", Secret("value"))
    one.records.save(NAME, {})
    assert other.keys.load("k") is None
    assert other.records.load(NAME) is None
    assert {path.parent for path in tmp_path.rglob("*.sealed")} == {tmp_path / "oauthclient" / "one"}


@pytest.mark.parametrize("app", ["", ".", "..", "a/b", "a\\b", "a b", "a:b", "-a", "a.", "a" * 65, "ä", "a\n"])
def test_a_name_that_is_no_name_for_a_folder_is_refused(tmp_path, app) -> None:
    with pytest.raises(ConfigurationError):
        Vault.keyring(app, tmp_path)


@pytest.mark.parametrize("app", ["a", "my-app", "com.example.My_App2", "a" * 64])
def test_usual_names_are_taken(tmp_path, app) -> None:
    Vault.keyring(app, tmp_path, backend=Dictionary()).keys.probe()


def test_without_platformdirs_the_error_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    with pytest.raises(ConfigurationError) as caught:
        Vault.keyring("app")
    assert caught.value.code == "extra_missing"


def test_memory_ends_with_the_object() -> None:
    vault = Vault.memory()
    vault.keys.save("k", Secret("value"))
    vault.records.save(NAME, {})
    vault.delete_unused_sealing_key()
    assert Vault.memory().keys.load("k") is None
    assert Vault.memory().records.names() == []


def test_a_damaged_key_file_is_no_key(tmp_path) -> None:
    """A record that was sealed as something else."""
    vault = Vault.file(tmp_path, key=bytes(32))
    vault.keys.save("k", Secret("value"))
    (file,) = (tmp_path / "keys").glob("*.sealed")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(Exception, match="damaged"):
        vault.keys.load("k")


def test_naming_it_imports_nothing_that_httpx_has_not_imported() -> None:
    program = (
        "import sys, httpx; before = set(sys.modules); from oauthclient import Vault; print(set(sys.modules) - before)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {name for name in eval(ran.stdout) if not name.startswith("oauthclient")} == set()


def test_a_cached_session_is_read_without_the_heavy_libraries(tmp_path) -> None:
    """Each costs a start some ten milliseconds or more; the request has its own use for cryptography."""
    Vault.file(tmp_path, key=bytes(32)).records.save(NAME, {})
    program = (
        "import sys; from oauthclient import Vault; from oauthclient.protocol.record_name import Name;"
        f"Vault.file({str(tmp_path)!r}, key=bytes(32)).records.load(Name{tuple(NAME)!r});"
        "print({'keyring', 'filelock', 'platformdirs', 'joserfc'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
