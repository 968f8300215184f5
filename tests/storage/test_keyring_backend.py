"""Which backend is used: named, remembered, or the best that is there; and what is never used unasked."""

import errno
import os
import subprocess
import sys

import keyring
import pytest
from keyring.backends import chainer, fail, null

from oauthclient import Secret
from oauthclient.errors import StorageUnavailable
from oauthclient.storage.keyring_keys import KeyringKeys
from tests.storage.backends import Dictionary, Unrecommended

_VALUE = Secret("value")
_DICTIONARY = "tests.storage.backends.Dictionary"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)


@pytest.fixture
def best(monkeypatch):
    """Say which backend the library finds the best."""
    asked = []

    def set_best(backend):
        monkeypatch.setattr(keyring, "get_keyring", lambda: asked.append(backend) or backend)
        return asked

    return set_best


@pytest.fixture
def pin(tmp_path):
    return tmp_path / "keyring-backend"


def code_of(keys: KeyringKeys) -> str:
    with pytest.raises(StorageUnavailable) as caught:
        keys.probe()
    return caught.value.code


class OneBackend(chainer.ChainerBackend):
    """A chain as the library makes it where there are several."""

    backends = (Dictionary(),)


OneBackend.__module__, OneBackend.__qualname__ = "keyring.backends.chainer", "ChainerBackend"


class NoBackend(OneBackend):
    backends = ()


NoBackend.__module__, NoBackend.__qualname__ = "keyring.backends.chainer", "ChainerBackend"


@pytest.mark.parametrize("unfit", [fail.Keyring, null.Keyring, NoBackend], ids=["fail", "null", "chain"])
def test_a_backend_that_keeps_nothing_is_no_keyring(tmp_path, best, unfit, pin) -> None:
    best(unfit())
    assert code_of(KeyringKeys("app", tmp_path)) == "no_keyring"
    assert not pin.exists()


@pytest.mark.parametrize("unfit", [fail.Keyring, null.Keyring], ids=["fail", "null"])
def test_nor_is_it_where_it_was_named(tmp_path, unfit, monkeypatch) -> None:
    with pytest.raises(StorageUnavailable):
        KeyringKeys("app", tmp_path, backend=unfit())
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"{unfit.__module__}.Keyring")
    assert code_of(KeyringKeys("app", tmp_path)) == "no_keyring"


def test_of_a_chain_the_first_is_used(tmp_path, best, pin) -> None:
    best(OneBackend())
    KeyringKeys("app", tmp_path).save("k", _VALUE)
    assert OneBackend.backends[0].items == {("oauthclient:app:k", "k"): "value"}
    assert pin.read_text().strip() == _DICTIONARY


def test_what_may_be_plain_text_is_used_only_where_it_is_named(tmp_path, best, monkeypatch) -> None:
    best(Unrecommended())
    assert code_of(KeyringKeys("app", tmp_path)) == "no_keyring"
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.storage.backends.Unrecommended")
    KeyringKeys("app", tmp_path).probe()


def test_the_first_that_works_is_remembered_and_nobody_is_asked_again(tmp_path, best, pin) -> None:
    asked = best(Dictionary())
    KeyringKeys("app", tmp_path).save("k", _VALUE)
    assert pin.read_text() == f"{_DICTIONARY}\n"
    KeyringKeys("app", tmp_path).save("k", _VALUE)
    assert len(asked) == 1


def test_one_that_has_not_worked_yet_is_not_remembered(tmp_path, best, pin) -> None:
    best(Dictionary())
    assert KeyringKeys("app", tmp_path).load("k") is None
    assert not pin.exists()


def test_reading_a_value_is_success_too(tmp_path, best, pin) -> None:
    best(Dictionary({("oauthclient:app:k", "k"): "value"}))
    assert KeyringKeys("app", tmp_path).load("k") == _VALUE
    assert pin.exists()


def test_the_variable_wins_over_what_is_remembered_and_is_not_remembered_itself(
    tmp_path, best, pin, monkeypatch
) -> None:
    best(Dictionary())
    pin.write_text("tests.storage.backends.Swallowing")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", _DICTIONARY)
    KeyringKeys("app", tmp_path).probe()
    assert "Swallowing" in pin.read_text()


@pytest.mark.parametrize("name", ["no.such.Backend", "tests.storage.backends.Nothing", "Keyring", "."])
def test_a_variable_that_names_no_backend_is_an_error_of_ours(tmp_path, name, monkeypatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    assert code_of(KeyringKeys("app", tmp_path)) == "no_keyring"


@pytest.mark.parametrize(
    "remembered",
    [
        "no.such.Backend",
        "tests.storage.backends.Nothing",
        "tests.storage.backends.CredentialError",
        "os.system",
        "import os; os.abort()",
        "../../Backend",
        "",
        "\N{SNOWMAN}.x",
    ],
)
def test_one_that_is_gone_is_said_to_be_and_no_other_takes_its_place(tmp_path, best, pin, remembered) -> None:
    """In another keyring the keys would seem to be gone, and a person would be logged out."""
    asked = best(Dictionary())
    pin.write_text(remembered)
    assert code_of(KeyringKeys("app", tmp_path)) == "keyring_backend_gone"
    assert asked == []
    assert pin.read_text() == remembered


def test_a_full_disk_does_not_keep_a_key_from_being_read(tmp_path, best, pin, monkeypatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    best(Dictionary({("oauthclient:app:k", "k"): "value"}))
    monkeypatch.setattr(os, "fsync", full)
    assert KeyringKeys("app", tmp_path).load("k") == _VALUE
    assert not pin.exists()


def test_a_remembered_backend_is_loaded_without_the_others(tmp_path, pin) -> None:
    pin.write_text(_DICTIONARY)
    program = (
        "import sys; from pathlib import Path; from oauthclient.storage.keyring_keys import KeyringKeys;"
        f"KeyringKeys('app', Path({str(tmp_path)!r})).load('k');"
        "print({name for name in sys.modules if name.startswith('keyring.backends.')} - {'keyring.backends.fail'})"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
