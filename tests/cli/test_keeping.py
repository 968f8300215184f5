"""`status`, `logout` and `register`: what is kept, and its end."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oauthclient.cli.place import Place
from oauthclient.testing import NO_ANSWER, misbehaviour
from tests.cli.conftest import Stage


def test_status_sends_nothing_and_says_what_there_is(logged_in: Stage) -> None:
    before = len(logged_in.server.requests)

    code, out, _ = logged_in.here("status")

    assert code == 0
    assert len(logged_in.server.requests) == before
    assert f"✓ {logged_in.issuer}" in out
    assert "alice" in out
    assert "read write; token for another 5 minutes" in out
    assert "stock.write; token fetched when needed" in out


def test_status_without_a_login_asks_for_one_by_its_exit_code(stage: Stage) -> None:
    assert stage.here("status") == (3, "", "There is no login.\n")
    assert stage.here("status", "--json")[:2] == (3, "[]\n")


def test_status_shows_a_login_that_cannot_go_on_without_its_person(stage: Stage) -> None:
    stage.server.amend(misbehaviour.members(refresh_token=misbehaviour.OMIT, expires_in=1))
    stage.keep_login()
    assert stage.here("status")[0] == 0

    time.sleep(1.1)

    code, out, _ = stage.here("status")
    assert code == 3
    assert "✗" in out
    assert "no: it ends with its access tokens" in out


def test_status_shows_what_cannot_be_read(logged_in: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHCLIENT_STORAGE_KEY", "00" * 32)

    code, out, _ = logged_in.here("status", "--json")

    assert code == 6
    [login] = json.loads(out)
    assert (login["usable"], login["code"]) == (False, "wrong_storage_key")


def test_a_logout_offline_forgets_all_the_same_and_says_what_is_left(logged_in: Stage) -> None:
    logged_in.server.instead(NO_ANSWER, endpoint="metadata", times=None)

    code, out, told = logged_in.here("logout")

    assert (code, out) == (0, "")
    assert "may still honour the refresh token and the access token" in told
    assert Place(logged_in.folder).ledger.all() == []
    assert [name.kind for name in logged_in.vault.records.names()] == ["registration"]


def test_a_session_that_cannot_be_read_can_be_logged_out_of(logged_in: Stage) -> None:
    [damaged] = [name for name in logged_in.vault.records.names() if name.kind == "session"]
    for file in (logged_in.folder / "file").glob("*.sealed"):
        if b'"session"' in file.read_bytes():
            file.write_bytes(file.read_bytes()[:-1])
    assert logged_in.here("request", "GET", logged_in.orders.url)[0] == 6

    assert logged_in.here("logout")[0] == 0
    assert damaged not in logged_in.vault.records.names()


def test_of_several_logins_one_has_to_be_named(stage: Stage) -> None:
    stage.keep_login(profile="home")
    stage.keep_login(profile="work")

    code, _, told = stage.here("logout")
    assert (code, "--profile" in told) == (1, True)
    assert stage.here("logout", "--profile", "work")[0] == 0
    assert [login.profile for login in Place(stage.folder).ledger.all()] == ["home"]
    stage.keep_login(profile="work")
    assert stage.here("logout", "--all", "--json")[0] == 0
    assert Place(stage.folder).ledger.all() == []


def test_the_browser_is_logged_out_only_when_asked(
    logged_in: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    logged_in.server.metadata = {"end_session_endpoint": f"{logged_in.issuer}/end"}
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(browser))

    told = logged_in.here("logout")[2]
    assert "--browser" in told
    assert not opened.exists()

    logged_in.keep_login()
    code, _, told = logged_in.here("logout", "--browser")
    assert code == 0
    assert opened.read_text().startswith(f"{logged_in.issuer}/end?")
    assert "id_token_hint" not in told


def test_the_key_is_rotated_and_logins_go_on(logged_in: Stage) -> None:
    before = json.loads(logged_in.here("register", "show", logged_in.issuer, "--json")[1])

    code, out, told = logged_in.here("register", "rotate-key", logged_in.issuer, "--overlap", "0")

    after = json.loads(logged_in.here("register", "show", logged_in.issuer, "--server", "--json")[1])
    assert (code, out) == (0, "")
    assert after["key"] in told
    assert before["key"] != after["key"]
    assert len(after["metadata"]["jwks"]["keys"]) == 1
    assert logged_in.here("request", "GET", logged_in.stock.url)[0] == 0  # which takes a refresh, with the new key


def test_a_registration_is_deleted_when_nothing_needs_it(logged_in: Stage) -> None:
    refused = logged_in.here("register", "delete", logged_in.issuer, "--yes")
    assert refused[0] == 1
    assert f"oauthclient logout {logged_in.issuer} --all" in refused[2]

    logged_in.here("logout")
    assert logged_in.here("register", "delete", *logged_in.server_options, "--yes")[0] == 0
    assert logged_in.server.clients == {}
    assert logged_in.vault.records.names() == []
    assert logged_in.here("register", "show", *logged_in.server_options)[0] == 1


def test_a_registration_is_not_deleted_without_a_yes(stage: Stage) -> None:
    stage.keep_login()
    stage.here("logout")

    asked = stage.run("register", "delete", *stage.server_options, stdin="n\n")
    assert asked.returncode == 130
    assert len(stage.server.clients) == 1
    assert stage.run("register", "delete", *stage.server_options, stdin="y\n").returncode == 0
    assert stage.server.clients == {}


def test_a_registration_can_be_forgotten_where_the_server_knows_it_no_more(logged_in: Stage) -> None:
    logged_in.here("logout")
    logged_in.server.instead(NO_ANSWER, endpoint="registration", times=None)

    code, _, told = logged_in.here("register", "delete", *logged_in.server_options, "--forget", "--yes")

    assert code == 0
    assert "may still know the client" in told
    assert logged_in.vault.records.names() == []


def test_the_installed_command_is_this_one() -> None:
    told = subprocess.run(
        [Path(sys.executable).with_name("oauthclient"), "--version"], capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("oauthclient ")
