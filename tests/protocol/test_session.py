"""What is kept of a login: RFC 9700, section 4.14."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import StorageTooNew, StorageUnreadable
from oauthclient.protocol.session import (
    Granted,
    KeptToken,
    Note,
    SessionState,
    from_record,
    hashed,
    to_record,
)
from oauthclient.secret import Secret

TEXT = st.text(max_size=12)
TIME = st.floats(0, 1e11)
SECRET = st.builds(Secret, TEXT)
MAYBE_TEXT = st.none() | TEXT
JSON = st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=2))
SESSIONS = st.builds(
    SessionState,
    issuer=TEXT,
    client_id=TEXT,
    profile=TEXT,
    jkt=TEXT,
    x5t_s256=TEXT,
    granted=st.lists(st.builds(Granted, TEXT, MAYBE_TEXT), max_size=3).map(tuple),
    refresh_token=st.none() | SECRET,
    generation=st.integers(0, 10**6),
    note=st.none() | st.builds(Note, TEXT, st.integers(0), TIME),
    tokens=st.dictionaries(
        TEXT, st.builds(KeptToken, SECRET, TEXT, MAYBE_TEXT, MAYBE_TEXT, TIME, st.none() | TIME, MAYBE_TEXT), max_size=3
    ),
    subject=MAYBE_TEXT,
    claims=st.dictionaries(TEXT, JSON, max_size=3),
    id_token=st.none() | SECRET,
    over=MAYBE_TEXT,
)


def a_session(**changes: Any) -> SessionState:
    usual: dict[str, Any] = {
        "issuer": "https://as.example.com",
        "client_id": "app",
        "profile": "default",
        "jkt": "thumb",
        "granted": (Granted("urn:a", "read write"), Granted("urn:b", None)),
        "refresh_token": Secret("r1"),
    }
    return SessionState(**(usual | changes))


def a_token(**changes: Any) -> KeptToken:
    return KeptToken(Secret("t"), "DPoP", "read", "read write", 1000.0, 1300.0)._replace(**changes)


@given(SESSIONS)
def test_what_is_stored_comes_back(session: SessionState) -> None:
    assert from_record(json.loads(json.dumps(to_record(session)))) == session


@given(SESSIONS, st.data())
def test_a_record_that_lacks_something_is_no_session(session: SessionState, data: st.DataObject) -> None:
    record = to_record(session)
    del record[data.draw(st.sampled_from(sorted(record.keys() - {"version"})))]
    with pytest.raises(StorageUnreadable):
        from_record(record)


@pytest.mark.parametrize(
    "changes",
    [
        {"granted": 7},
        {"granted": [["a", "b", "c"]]},
        {"refresh_token": 7},
        {"tokens": {"a": "b"}},
        {"tokens": {"a": [7, "DPoP", None, None, 0, 0]}},
        {"tokens": [1]},
        {"note": [1]},
        {"id_token": []},
    ],
    ids=repr,
)
def test_a_record_of_another_shape_is_no_session(changes: dict[str, Any]) -> None:
    with pytest.raises(StorageUnreadable):
        from_record(to_record(a_session()) | changes)


def test_a_record_of_a_later_version_is_left_alone() -> None:
    with pytest.raises(StorageTooNew):
        from_record({"version": 2, "anything": "else"})


def test_a_session_shows_no_secret() -> None:
    session = a_session(tokens={"urn:a": a_token(access_token=Secret("t0k3n"))}, id_token=Secret("1dt0k3n"))
    shown = repr(session)
    assert "r1" not in shown.replace("'urn:", "")
    assert "t0k3n" not in shown


# Notes


def test_a_note_is_written_before_a_token_is_sent() -> None:
    session = a_session(generation=4)
    assert session.noted(100.0).note == Note(hashed(Secret("r1")), 4, 100.0)
    assert session.noted(100.0).refresh_token == Secret("r1")


def test_a_note_that_is_there_stays() -> None:
    assert a_session().noted(100.0).noted(200.0).note == a_session().noted(100.0).note


def test_without_a_refresh_token_there_is_nothing_to_note() -> None:
    assert a_session(refresh_token=None).noted(100.0).note is None


def test_an_answer_clears_the_note_and_brings_the_next_generation() -> None:
    after = a_session().noted(100.0).refreshed(Secret("r2"))
    assert (after.refresh_token, after.note, after.generation) == (Secret("r2"), None, 1)


def test_an_answer_without_a_refresh_token_keeps_the_old_one() -> None:
    after = a_session().noted(100.0).refreshed(None)
    assert (after.refresh_token, after.note, after.generation) == (Secret("r1"), None, 1)


@pytest.mark.parametrize(("age", "urgent"), [(0, True), (59.9, True), (60, False), (1e9, False), (-1, False)])
def test_a_note_is_urgent_for_a_minute(age: float, urgent: bool) -> None:  # noqa: FBT001
    assert a_session().noted(1000.0).urgent(1000.0 + age) is urgent


def test_without_a_note_nothing_is_urgent() -> None:
    assert not a_session().urgent(0.0)


# Tokens and what was granted


@pytest.mark.parametrize(
    ("asked", "scope", "serves"),
    [
        ("read write", "read", True),
        ("read write", "write read", True),
        ("read", "read write", False),
        ("read", None, False),
        (None, "read", True),
        (None, None, True),
    ],
)
def test_a_token_serves_for_what_it_was_asked_for_and_less(asked: Any, scope: Any, serves: bool) -> None:  # noqa: FBT001
    assert a_token(asked=asked).serves(scope) is serves


def test_each_target_has_one_token() -> None:
    session = a_session().with_token("urn:a", a_token()).with_token("urn:b", a_token())
    session = session.with_token("urn:a", a_token(scope="newer"))
    assert {target: token.scope for target, token in session.tokens.items()} == {"urn:a": "newer", "urn:b": "read"}
    assert session.without_tokens().tokens == {}


def test_what_was_granted_for_a_target() -> None:
    session = a_session()
    assert (session.scope_of("urn:a"), session.scope_of("urn:b")) == ("read write", None)
    assert session.holds("urn:a")
    assert not session.holds("urn:c")


def test_a_session_that_is_over_says_why_and_keeps_what_is_good_still() -> None:
    session = a_session().with_token("urn:a", a_token()).noted(1.0).ended("refresh_rejected")
    assert (session.refresh_token, session.note, session.over) == (None, None, "refresh_rejected")
    assert session.tokens


def test_a_session_does_not_change() -> None:
    session = a_session()
    session.with_token("urn:a", a_token())
    session.noted(1.0)
    assert session == a_session()
    assert replace(session) is not session
