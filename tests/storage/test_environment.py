"""A key or a passphrase from the environment, or from a file that it names (as systemd's credentials are)."""

from base64 import b64encode, urlsafe_b64encode

import pytest

from oauthclient import Secret, Vault
from oauthclient.errors import ConfigurationError, StorageUnavailable
from oauthclient.storage.environment import from_environment

KEY = bytes(range(224, 256))


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        b64encode(KEY).decode(),
        urlsafe_b64encode(KEY).decode(),
        urlsafe_b64encode(KEY).decode().rstrip("="),
        f" {KEY.hex()}\n",
    ],
)
def test_a_key_is_read_in_its_usual_spellings(tmp_path, text) -> None:
    (tmp_path / "key").write_text(text + "\n")
    assert from_environment({"OAUTHCLIENT_STORAGE_KEY": text}).key == KEY
    assert from_environment({"OAUTHCLIENT_STORAGE_KEY_FILE": str(tmp_path / "key")}).key == KEY


@pytest.mark.parametrize("text", ["k", KEY.hex()[:-1], KEY.hex() + "00", "!" * 43, "A" * 42 + "B", "\N{SNOWMAN}" * 43])
def test_what_is_no_key_is_refused_and_not_repeated(text) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_environment({"OAUTHCLIENT_STORAGE_KEY": text})
    assert "OAUTHCLIENT_STORAGE_KEY" in str(caught.value)
    if len(text) > 1:
        assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "read"), [("p", "p"), ("p\n", "p"), ("p\r\n", "p"), (" p \n\n", " p \n"), ("pässword", "pässword")]
)
def test_of_a_file_with_a_passphrase_one_newline_at_its_end_does_not_count(tmp_path, written, read) -> None:
    (tmp_path / "passphrase").write_bytes(written.encode())
    given = from_environment({"OAUTHCLIENT_STORAGE_PASSPHRASE_FILE": str(tmp_path / "passphrase")})
    assert given == (Secret(read), None)


def test_a_passphrase_is_taken_as_it_is() -> None:
    assert from_environment({"OAUTHCLIENT_STORAGE_PASSPHRASE": " p "}) == (Secret(" p "), None)


def test_without_any_the_error_names_them_all() -> None:
    for environment in ({}, {"OAUTHCLIENT_STORAGE_KEY": ""}):
        with pytest.raises(StorageUnavailable) as caught:
            from_environment(environment)
        for name in ("STORAGE_KEY,", "STORAGE_KEY_FILE", "STORAGE_PASSPHRASE,", "STORAGE_PASSPHRASE_FILE"):
            assert f"OAUTHCLIENT_{name}" in str(caught.value)


def test_of_two_none_is_preferred() -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_environment({"OAUTHCLIENT_STORAGE_KEY": KEY.hex(), "OAUTHCLIENT_STORAGE_PASSPHRASE": "p"})
    assert "OAUTHCLIENT_STORAGE_KEY and OAUTHCLIENT_STORAGE_PASSPHRASE" in str(caught.value)
    assert KEY.hex() not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["absent", "no text"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        from_environment({"OAUTHCLIENT_STORAGE_KEY_FILE": str(tmp_path / "key")})
    assert str(tmp_path / "key") in str(caught.value)


def test_an_empty_file_is_no_passphrase(tmp_path, monkeypatch) -> None:
    (tmp_path / "passphrase").write_text("\n")
    monkeypatch.setenv("OAUTHCLIENT_STORAGE_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    with pytest.raises(ConfigurationError):
        Vault.from_environment(tmp_path)


def test_a_vault_is_opened_with_what_was_found(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("OAUTHCLIENT_STORAGE_KEY", KEY.hex())
    Vault.from_environment(tmp_path).keys.save("k", Secret("value"))
    assert Vault.file(tmp_path, key=KEY).keys.load("k") == Secret("value")
