"""A new session takes the place of the one before, and only when it has succeeded."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from oauthclient.errors import ReauthenticationRequired, StorageError, StorageTooNew, StorageUnwritable, Unreachable
from oauthclient.flows.keep import keep_session, stored_session
from oauthclient.secret import Secret
from tests.flows.registering import killed_everywhere
from tests.flows.sessions import ANOTHER_KEY, KEY, NAME, Home, a_wish
from tests.flows.telling import Telling, form

if TYPE_CHECKING:
    from oauthclient.protocol.session import SessionState

OLD_KEY = "the key of the session before"


def a_home(subject: str | None = "alice") -> Home:
    """Somebody is logged in, with a key of that session."""
    home = Home()
    home.put(replace(home.logged_in(), subject=subject, jkt=OLD_KEY))
    home.keys = {OLD_KEY: Secret("old"), KEY.thumbprint: Secret("new")}
    return home


def revoked(home: Home) -> list[str]:
    """The refresh tokens that the server was told to forget."""
    return [form(sent)["token"][0] for sent in home.sent if sent.url.endswith("/revoke")]


def new_login(home: Home, subject: str = "alice") -> SessionState:
    state = home.logged_in(subject=subject)
    home.sent.clear()
    return state


def test_a_first_session_is_stored_under_the_lease() -> None:
    home = Home()
    state = home.keep(home.logged_in())
    assert home.session() == state
    assert home.tell(stored_session(NAME)) == state
    assert not home.held


def test_a_second_one_replaces_it_and_the_key_of_the_first_is_deleted() -> None:
    home = a_home()
    state = home.keep(new_login(home))
    assert home.session() == state
    assert home.keys.keys() == {KEY.thumbprint}


def test_the_session_before_is_not_revoked_where_it_was_the_same_persons() -> None:
    """RFC 7009, section 2.1: it may take the whole grant with it, which servers share between logins."""
    home = a_home()
    home.keep(new_login(home))
    assert revoked(home) == []
    home.pass_time(301)
    assert home.renewed()


@pytest.mark.parametrize("key", [KEY.thumbprint, ""], ids=["the same", "none"])
def test_a_key_that_is_still_in_use_stays(key: str) -> None:
    home = a_home()
    home.put(replace(home.session(), jkt=key))
    home.keep(replace(new_login(home), jkt=key))
    assert KEY.thumbprint in home.keys


def test_another_person_is_refused_and_the_new_session_revoked() -> None:
    home = a_home()
    before = home.session()
    bob = new_login(home, "bob")
    with pytest.raises(ReauthenticationRequired) as failed:
        home.keep(bob)
    assert failed.value.reason == "identity_changed"
    assert home.session() == before
    assert bob.refresh_token is not None
    assert revoked(home) == [bob.refresh_token.reveal()]
    assert OLD_KEY in home.keys


def test_another_person_may_be_allowed_and_then_the_old_session_is_revoked() -> None:
    home = a_home()
    before = home.session()
    home.keep(new_login(home, "bob"), switch_account=True)
    assert home.session().subject == "bob"
    assert before.refresh_token is not None
    assert revoked(home) == [before.refresh_token.reveal()]


def test_a_revocation_that_fails_changes_nothing() -> None:
    home = a_home()
    state = new_login(home, "bob")
    home.answers = [Unreachable("No answer.", code="timeout")]
    home.keep(state, switch_account=True)
    assert home.session() == state


def test_where_nobody_was_named_anybody_may_log_in() -> None:
    home = a_home(subject=None)
    home.keep(new_login(home, "bob"))
    assert home.session().subject == "bob"
    assert revoked(home) == []


def test_a_session_that_cannot_be_read_is_replaced() -> None:
    home = a_home()
    home.records[NAME] = json.dumps({"version": 1})
    state = home.keep(new_login(home))
    assert home.session() == state


def test_a_session_of_a_later_version_is_not() -> None:
    home = a_home()
    home.records[NAME] = later = json.dumps({"version": 2})
    with pytest.raises(StorageTooNew):
        home.keep(new_login(home))
    assert home.records[NAME] == later


def test_what_cannot_be_stored_leaves_the_session_before_as_it_was() -> None:
    home = a_home()
    before = home.session()
    state = new_login(home)
    home.unwritable = True
    with pytest.raises(StorageUnwritable):
        home.keep(state)
    assert home.session() == before
    assert OLD_KEY in home.keys
    assert revoked(home) == [], "it may be one grant for both"
    assert not home.held


def test_a_first_session_that_cannot_be_stored_is_revoked() -> None:
    home = Home()
    state = new_login(home)
    home.unwritable = True
    with pytest.raises(StorageError):
        home.keep(state)
    assert state.refresh_token is not None
    assert revoked(home) == [state.refresh_token.reveal()]


def test_a_kill_at_any_instant_leaves_one_of_both_sessions_with_its_key() -> None:
    states: list[SessionState] = []

    def prepare() -> Home:
        home = a_home()
        states.append(new_login(home, "bob"))
        return home

    for home, _, _ in killed_everywhere(
        prepare, lambda home: keep_session(home.known, NAME, states[-1], switch_account=True)
    ):
        assert home.session().jkt in home.keys


def test_a_refresh_and_a_new_login_at_once_leave_the_new_session() -> None:
    """In every order: the lease is one for both, and a refresh with the old key touches no session of the new one."""
    for turns in range(2**8):
        home = Home()
        home.log_in(a_wish(scope=""))
        home.expire()
        state = replace(home.logged_in(a_wish(scope="")), jkt=ANOTHER_KEY.thumbprint)
        stories = [home.renewal(), keep_session(home.client(), NAME, state, switch_account=False)]
        tellings: list[Telling] = home.tell_in_turns(stories, [turns >> bit & 1 for bit in range(8)])
        assert home.session() == state
        tellings[1].result()
        assert home.server.refresh_tokens.replays == 0
