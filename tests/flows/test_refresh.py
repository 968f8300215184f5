"""A session's refresh: RFC 6749, section 6; RFC 9700, section 4.14."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import (
    DowngradeRefused,
    ErrorResponse,
    InvalidResponse,
    NotOffered,
    OAuthError,
    ReauthenticationRequired,
    StorageUnreadable,
    StorageUnwritable,
    Unreachable,
)
from oauthclient.flows.effects import Persist, Write
from oauthclient.protocol.metadata import ServerMetadata
from oauthclient.protocol.session import from_record, hashed
from oauthclient.secret import Secret
from oauthclient.testing import NO_ANSWER, misbehaviour
from oauthclient.testing import Response as Answered
from tests.flows.sessions import NAME, ORDERS, STOCK, Home, logged_in_home, why
from tests.flows.telling import error_answer, proof, respond, token_answer

if TYPE_CHECKING:
    from oauthclient.protocol.session import SessionState


def seen_by(home: Home) -> list[str]:
    boring = ("Now", "Jitter", "FreshID", "Ask", "Once")
    return [type(effect).__name__ for effect in home.history if type(effect).__name__ not in boring]


# The order of things


def test_the_lease_comes_first_and_the_note_before_the_token_is_sent() -> None:
    home = logged_in_home()
    home.renewed()
    assert seen_by(home) == ["Lease", "Read", "CheckWritable", "Write", "Send", "Persist"]


def test_the_note_names_the_token_without_being_it() -> None:
    home = logged_in_home()
    before = home.session()
    home.renewed()
    noted = next(from_record(effect.record) for effect in home.history if isinstance(effect, Write))
    assert before.refresh_token is not None
    assert noted.note == (hashed(before.refresh_token), before.generation, home.wall)
    assert noted.refresh_token == before.refresh_token
    assert before.refresh_token.reveal() not in str(noted.note)


def test_the_answer_and_the_cleared_note_are_stored_in_one_replacement() -> None:
    home = logged_in_home()
    before = home.session()
    token = home.renewed()
    (stored,) = [from_record(effect.record) for effect in home.history if isinstance(effect, Persist)]
    assert stored.note is None
    assert stored.refresh_token not in (None, before.refresh_token)
    assert stored.tokens[ORDERS].access_token.reveal() == token.access_token
    assert stored.generation == before.generation + 1


def test_the_lease_is_let_go_whatever_happens() -> None:
    home = logged_in_home()
    home.answers = [Unreachable("No answer.", code="timeout")]
    with pytest.raises(Unreachable):
        home.renewed()
    assert not home.held
    home.renewed()
    assert not home.held


def test_a_token_that_is_good_is_the_answer_and_nothing_is_sent() -> None:
    home = logged_in_home(expired=False)
    token = home.renewed()
    assert token.access_token == home.session().tokens[ORDERS].access_token.reveal()
    assert seen_by(home) == ["Lease", "Read"]


def test_a_token_that_another_process_has_stored_since_is_the_answer() -> None:
    home = logged_in_home()
    old = home.renewed()
    theirs = home.renewed(old)
    sent = len(home.sent)
    assert home.renewed(old).access_token == theirs.access_token
    assert len(home.sent) == sent


def test_a_token_that_was_seen_to_fail_is_not() -> None:
    home = logged_in_home(expired=False)
    seen = home.renewed()
    assert home.renewed(seen).access_token != seen.access_token


def test_nothing_is_sent_where_nothing_could_be_stored() -> None:
    home = logged_in_home()
    home.unwritable = True
    before = home.session()
    with pytest.raises(StorageUnwritable):
        home.renewed()
    assert home.sent == []
    assert home.session() == before
    home.unwritable = False
    home.renewed()


def test_what_the_server_does_not_offer_is_known_before_there_is_a_note() -> None:
    home = logged_in_home()
    document = home.server.metadata_document() | {"dpop_signing_alg_values_supported": None}
    server = home.client(metadata=ServerMetadata.from_document(document))
    with pytest.raises(NotOffered):
        home.renewed(server=server)
    assert home.sent == []
    assert home.session().note is None


def test_a_server_that_cannot_be_discovered_leaves_no_note() -> None:
    home = logged_in_home()
    home.answers = [Unreachable("No answer.", code="timeout")]
    with pytest.raises(Unreachable):
        home.renewed(server=home.client(metadata=None))
    assert home.session().note is None


# What comes back


def test_an_answer_without_a_refresh_token_keeps_the_old_one() -> None:
    home = logged_in_home(rotation="keep")
    before = home.session().refresh_token
    for _ in range(3):
        home.renewed()
        home.expire()
    assert home.session().refresh_token == before
    assert home.session().generation == 3


def test_an_empty_refresh_token_is_none() -> None:
    home = logged_in_home()
    before = home.session().refresh_token
    home.answers = [token_answer(refresh_token="")]
    home.renewed()
    assert home.session().refresh_token == before


UNKNOWN_OUTCOMES = {
    "timeout": Unreachable("No answer.", code="timeout"),
    "too large": InvalidResponse("Too long.", code="too_large"),
    "500": respond(500, b""),
    "429": respond(429, b"", retry_after="5"),
    "HTML": respond(200, b"<html>"),
    "redirect": respond(307, b"", location="https://evil.example"),
    "invalid_client": error_answer("invalid_client", 401),
    "invalid_scope": error_answer("invalid_scope"),
    "invalid_target": error_answer("invalid_target"),
    "503": error_answer("temporarily_unavailable", 503),
    "error in a 200": respond(200, {"error": "server_error"}),
}


@pytest.mark.parametrize("answer", UNKNOWN_OUTCOMES.values(), ids=UNKNOWN_OUTCOMES)
def test_no_error_but_invalid_grant_costs_the_token_or_clears_the_note(answer: Any) -> None:
    home = logged_in_home()
    before = home.session()
    home.answers = [answer]
    with pytest.raises(OAuthError) as failed:
        home.renewed()
    assert not isinstance(failed.value, ReauthenticationRequired)
    after = home.session()
    assert after.refresh_token == before.refresh_token
    assert after.note is not None
    home.renewed()
    assert home.session().note is None


def test_a_nonce_challenge_costs_one_repeat() -> None:
    home = logged_in_home()
    home.server.nonces.mode = "required"
    home.renewed()
    first, second = home.sent
    assert "nonce" in proof(second)
    assert proof(first)["jti"] != proof(second)["jti"]


def test_a_note_keeps_its_time_however_often_the_token_is_tried() -> None:
    home = logged_in_home()
    home.answers = [respond(503, b""), respond(503, b"")]
    for _ in range(2):
        with pytest.raises(OAuthError):
            home.renewed()
        home.pass_time(10)
    note = home.session().note
    assert note is not None
    assert note.written_at == home.wall - 20


def test_invalid_grant_ends_the_session_and_says_so_to_each_who_asks() -> None:
    home = logged_in_home()
    home.server.refresh_tokens.revoke()
    assert why(home) == "refresh_rejected"
    assert home.session().refresh_token is None
    assert home.session().note is None
    sent = len(home.sent)
    assert why(home) == "refresh_rejected"
    assert len(home.sent) == sent


def test_invalid_grant_leaves_the_tokens_that_are_still_good() -> None:
    home = logged_in_home(expired=False)
    home.server.refresh_tokens.revoke()
    assert why(home, target=STOCK, scope="write") == "refresh_rejected"
    home.renewed()


def test_invalid_grant_after_a_refresh_that_was_cut_short_says_that() -> None:
    home = logged_in_home()
    home.server.instead(NO_ANSWER)
    home.answers = [Unreachable("No answer.", code="timeout")]
    with pytest.raises(Unreachable):
        home.renewed()
    home.server.behave()
    home.server.refresh_tokens.revoke()
    assert why(home) == "refresh_outcome_unknown"
    assert why(home) == "refresh_outcome_unknown"


def test_invalid_grant_for_a_token_that_was_replaced_meanwhile_is_tried_with_the_new_one() -> None:
    """A lease that was lost: somebody else has stored another token while this one was under way."""
    home = logged_in_home()
    newer = home.session()

    def replaced_meanwhile(request: Any) -> Answered:
        home.put(replace(newer, refresh_token=Secret(home.server.refresh_tokens.issue(login, home.wall))))
        return misbehaviour.oauth_error("invalid_grant")

    login = home.server.refresh_tokens.issued[-1].login
    home.server.instead(replaced_meanwhile)
    home.renewed()
    assert len(home.refresh_requests()) == 2


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (misbehaviour.members(token_type="Bearer"), DowngradeRefused),
        (misbehaviour.members(access_token="two words"), InvalidResponse),
        (misbehaviour.members(access_token=misbehaviour.OMIT), InvalidResponse),
        (misbehaviour.members(expires_in=[]), InvalidResponse),
    ],
    ids=["downgrade", "malformed", "missing", "lifetime"],
)
def test_a_rejected_access_token_is_not_stored_but_its_refresh_token_is(edit: Any, error: type[OAuthError]) -> None:
    home = logged_in_home()
    before = home.session()
    home.server.amend(edit)
    with pytest.raises(error):
        home.renewed()
    after = home.session()
    assert after.refresh_token == Secret(home.server.refresh_tokens.issued[-1].value)
    assert after.refresh_token != before.refresh_token
    assert after.tokens == before.tokens
    assert after.note is None
    home.renewed()


def test_an_answer_that_cannot_be_stored_is_heard_of_and_the_token_not_used() -> None:
    """The driver keeps the answer and the lease; see tests/engine/test_stored.py."""
    home = logged_in_home()

    def answer(effect: Any) -> Any:
        if isinstance(effect, Persist):
            raise StorageUnwritable("Full.", code="disk_full")
        return Home.answer(home, effect)

    home.answer = answer
    with pytest.raises(StorageUnwritable):
        home.renewed()
    assert not home.held


@pytest.mark.parametrize("lifetime", [0, -5])
def test_a_token_without_a_lifetime_is_for_one_use(lifetime: int) -> None:
    home = logged_in_home()
    home.answers = [token_answer("once", expires_in=lifetime), token_answer("again", expires_in=lifetime)]
    assert home.renewed().access_token == "once"
    assert home.renewed().access_token == "again"


def test_a_token_whose_end_the_server_does_not_name_serves_until_it_is_rejected() -> None:
    home = logged_in_home()
    home.server.amend(misbehaviour.members(expires_in=misbehaviour.OMIT), times=None)
    token = home.renewed()
    home.pass_time(10**7)
    assert home.renewed().access_token == token.access_token
    assert home.renewed(token).access_token != token.access_token


# Sessions that are not there


def test_a_session_that_is_gone_is_told() -> None:
    assert why(Home()) == "no_session"


def test_a_session_that_never_had_a_refresh_token_is_told() -> None:
    home = Home()
    home.put(replace(home.logged_in(), refresh_token=None))
    home.expire()
    assert why(home) == "no_refresh_token"


def test_a_record_that_is_no_session_is_told() -> None:
    home = logged_in_home()
    home.records[NAME] = "{}"
    with pytest.raises(StorageUnreadable):
        home.renewed()
    assert home.sent == []


def test_the_errors_of_a_token_request_carry_no_secret() -> None:
    home = logged_in_home()
    session: SessionState = home.session()
    assert session.refresh_token is not None
    home.answers = [respond(400, {"error": "invalid_client", "error_description": session.refresh_token.reveal()})]
    with pytest.raises(ErrorResponse) as failed:
        home.renewed()
    assert session.refresh_token.reveal() not in str(failed.value)
