"""RFC 7009: the server is told, and what is kept here goes in any case."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from oauthclient.errors import StorageLocked, StorageTooNew, StorageUnwritable, Unreachable
from oauthclient.flows.effects import DeleteKey
from oauthclient.flows.logout import logout
from oauthclient.secret import Secret
from tests.flows.registering import killed_everywhere
from tests.flows.sessions import KEY, NAME, STOCK, Home
from tests.flows.telling import form, respond

if TYPE_CHECKING:
    from typing import Any

    from oauthclient.protocol.revocation import StillHonoured
    from oauthclient.protocol.session import SessionState


def a_home() -> Home:
    home = Home()
    home.log_in()
    home.renewed(target=STOCK, scope="write")
    home.keys = {KEY.thumbprint: Secret("key")}
    home.sent.clear()
    return home


def logged_out(home: Home) -> tuple[tuple[StillHonoured, ...], SessionState | None]:
    result: tuple[tuple[StillHonoured, ...], SessionState | None] = home.tell(logout(home.known, NAME))
    return result


def test_all_tokens_are_revoked_the_refresh_token_first_and_then_all_is_gone() -> None:
    home = a_home()
    before = home.session()
    assert before.refresh_token is not None
    left, state = logged_out(home)
    assert (left, state) == ((), before)
    told = [(form(sent)["token_type_hint"][0], form(sent)["token"][0]) for sent in home.sent]
    assert told[0] == ("refresh_token", before.refresh_token.reveal())
    assert {token for _, token in told[1:]} == {kept.access_token.reveal() for kept in before.tokens.values()}
    assert (home.records, home.keys) == ({}, {})
    assert not home.held


def test_offline_all_is_gone_all_the_same_and_what_is_left_is_said() -> None:
    home = a_home()
    home.answers = [Unreachable("No answer.", code="connection_failed")]
    left, _ = logged_out(home)
    assert [(each.token_type, each.code) for each in left] == [
        ("refresh_token", "connection_failed"),
        ("access_token", "connection_failed"),
        ("access_token", "connection_failed"),
    ]
    assert len(home.sent) == 1, "the others would wait as long"
    assert (home.records, home.keys) == ({}, {})


def test_a_server_in_trouble_does_not_keep_anybody_logged_in() -> None:
    home = a_home()
    home.answers = [respond(503, b"")] * 3
    left, _ = logged_out(home)
    assert len(left) == 3
    assert home.records == {}


def test_without_a_session_nothing_is_sent() -> None:
    home = Home()
    assert logged_out(home) == ((), None)
    assert home.sent == []


def test_a_session_that_cannot_be_read_is_deleted() -> None:
    home = a_home()
    home.records[NAME] = json.dumps({"version": 1})
    assert logged_out(home) == ((), None)
    assert home.records == {}


def test_a_session_of_a_later_version_is_left_to_its_program() -> None:
    home = a_home()
    home.records[NAME] = later = json.dumps({"version": 2})
    with pytest.raises(StorageTooNew):
        logged_out(home)
    assert home.records[NAME] == later


def test_a_keyring_that_is_locked_does_not_keep_the_session_here() -> None:
    home = a_home()

    def answer(effect: Any) -> Any:
        if isinstance(effect, DeleteKey):
            raise StorageLocked("Locked.")
        return Home.answer(home, effect)

    home.answer = answer
    with pytest.raises(StorageLocked):
        logged_out(home)
    assert home.records == {}


def test_what_cannot_be_deleted_is_told_and_its_key_is_still_there() -> None:
    home = a_home()

    def answer(effect: Any) -> Any:
        if type(effect).__name__ == "Erase":
            raise StorageUnwritable("Read-only.", code="read_only")
        return Home.answer(home, effect)

    home.answer = answer
    with pytest.raises(StorageUnwritable):
        logged_out(home)
    assert KEY.thumbprint in home.keys


def test_a_refresh_under_way_ends_before_and_none_comes_after() -> None:
    for turns in range(2**8):
        home = a_home()
        home.expire()
        stories = [home.renewal(), logout(home.client(), NAME)]
        for telling in home.tell_in_turns(stories, [turns >> bit & 1 for bit in range(8)]):
            assert telling.over
        assert home.records == {}
        assert all(token.login.ended or token.revoked for token in home.server.refresh_tokens.issued)


def test_a_logout_that_is_killed_can_be_repeated() -> None:
    for home, _, _ in killed_everywhere(a_home, lambda home: logout(home.known, NAME)):
        home.kill()
        logged_out(home)
        assert home.records == {}
