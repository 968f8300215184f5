"""A session's refresh: RFC 6749, section 6; RFC 9700, section 4.14; OpenID Connect Core, section 12.2; rules 8."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oauthclient.errors import (
    DowngradeRefused,
    ErrorResponse,
    InvalidJWT,
    InvalidResponse,
    NotOffered,
    OAuthError,
    ReauthenticationRequired,
    StorageUnreadable,
    StorageUnwritable,
    Unreachable,
)
from oauthclient.flows.effects import CheckWritable, Lease, Persist, Read, Send, Write
from oauthclient.flows.refresh import renew_session
from oauthclient.flows.server_keys import verified
from oauthclient.protocol.binding import Bearer, DPoP
from oauthclient.protocol.metadata import ServerMetadata
from oauthclient.protocol.session import USERINFO, Granted, from_record, hashed
from oauthclient.secret import Secret
from oauthclient.testing import NO_ANSWER, misbehaviour
from oauthclient.testing import Response as Answered
from tests.flows.registering import killed_everywhere
from tests.flows.sessions import ANOTHER_KEY, KEY, NAME, ORDERS, STOCK, Home, a_slot, a_wish
from tests.flows.telling import Telling, error_answer, form, proof, respond, token_answer

if TYPE_CHECKING:
    from oauthclient.flows.effects import Story
    from oauthclient.protocol.session import SessionState
    from oauthclient.protocol.token import Token

WITHOUT_OPENID = a_wish(scope="")


def a_home(*, openid: bool = False, expired: bool = True, **tokens: Any) -> Home:
    """Somebody is logged in, and, with `expired`, the token has ended. `tokens`: settings of server.refresh_tokens."""
    home = Home()
    for name, value in tokens.items():
        setattr(home.server.refresh_tokens, name, value)
    home.log_in(None if openid else WITHOUT_OPENID)
    if expired:
        home.expire()
    return home


def seen_by(home: Home) -> list[str]:
    boring = ("Now", "Jitter", "FreshID", "Ask", "Once")
    return [type(effect).__name__ for effect in home.history if type(effect).__name__ not in boring]


def why(home: Home, **how: Any) -> str:
    with pytest.raises(ReauthenticationRequired) as failed:
        home.renewed(**how)
    return failed.value.reason


# The order of things


def test_the_lease_comes_first_and_the_note_before_the_token_is_sent() -> None:
    home = a_home()
    home.renewed()
    assert seen_by(home) == ["Lease", "Read", "CheckWritable", "Write", "Send", "Persist"]


def test_the_note_names_the_token_without_being_it() -> None:
    home = a_home()
    before = home.session()
    home.renewed()
    noted = next(from_record(effect.record) for effect in home.history if isinstance(effect, Write))
    assert before.refresh_token is not None
    assert noted.note == (hashed(before.refresh_token), before.generation, home.wall)
    assert noted.refresh_token == before.refresh_token
    assert before.refresh_token.reveal() not in str(noted.note)


def test_the_answer_and_the_cleared_note_are_stored_in_one_replacement() -> None:
    home = a_home()
    before = home.session()
    token = home.renewed()
    (stored,) = [from_record(effect.record) for effect in home.history if isinstance(effect, Persist)]
    assert stored.note is None
    assert stored.refresh_token not in (None, before.refresh_token)
    assert stored.tokens[ORDERS].access_token.reveal() == token.access_token
    assert stored.generation == before.generation + 1


def test_the_lease_is_let_go_whatever_happens() -> None:
    home = a_home()
    home.answers = [Unreachable("No answer.", code="timeout")]
    with pytest.raises(Unreachable):
        home.renewed()
    assert not home.held
    home.renewed()
    assert not home.held


def test_a_token_that_is_good_is_the_answer_and_nothing_is_sent() -> None:
    home = a_home(expired=False)
    token = home.renewed()
    assert token.access_token == home.session().tokens[ORDERS].access_token.reveal()
    assert seen_by(home) == ["Lease", "Read"]


def test_a_token_that_another_process_has_stored_since_is_the_answer() -> None:
    home = a_home()
    old = home.renewed()
    theirs = home.renewed(old)
    sent = len(home.sent)
    assert home.renewed(old).access_token == theirs.access_token
    assert len(home.sent) == sent


def test_a_token_that_was_seen_to_fail_is_not() -> None:
    home = a_home(expired=False)
    seen = home.renewed()
    assert home.renewed(seen).access_token != seen.access_token


def test_nothing_is_sent_where_nothing_could_be_stored() -> None:
    home = a_home()
    home.unwritable = True
    before = home.session()
    with pytest.raises(StorageUnwritable):
        home.renewed()
    assert home.sent == []
    assert home.session() == before
    home.unwritable = False
    home.renewed()


def test_what_the_server_does_not_offer_is_known_before_there_is_a_note() -> None:
    home = a_home()
    document = home.server.metadata_document() | {"dpop_signing_alg_values_supported": None}
    server = home.client(metadata=ServerMetadata.from_document(document))
    with pytest.raises(NotOffered):
        home.renewed(server=server)
    assert home.sent == []
    assert home.session().note is None


def test_a_server_that_cannot_be_discovered_leaves_no_note() -> None:
    home = a_home()
    home.answers = [Unreachable("No answer.", code="timeout")]
    with pytest.raises(Unreachable):
        home.renewed(server=home.client(metadata=None))
    assert home.session().note is None


# What is asked for


def test_the_target_is_told_at_every_refresh_as_it_was_at_login() -> None:
    home = a_home()
    for target, scope in ((ORDERS, "read"), (STOCK, "write"), (ORDERS, "read")):
        home.renewed(target=target, scope=scope)
        home.expire()
    asked = [(request["resource"], request["scope"]) for request in home.refresh_requests()]
    assert asked == [([ORDERS], ["read"]), ([STOCK], ["write"]), ([ORDERS], ["read"])]


def test_where_targets_are_told_by_scope_none_is_named() -> None:
    home = a_home(openid=True)
    home.renewed(target=USERINFO, scope=None, told_by="scope")
    (request,) = home.refresh_requests()
    assert "resource" not in request
    assert request["scope"] == ["openid"]


def test_the_scope_is_cut_to_what_was_granted() -> None:
    """Rules 8: some servers consume the token before they look at the scope."""
    home = a_home()
    token = home.renewed(scope="more read everything")
    assert home.refresh_requests()[0]["scope"] == ["read"]
    assert token.scope == "read"


def test_what_was_cut_is_not_said_to_be_granted_where_the_answer_names_no_scope() -> None:
    """RFC 6749, section 5.1: without `scope` it is the scope that was asked for."""
    home = a_home()
    home.answers = [token_answer()]
    assert home.renewed(scope="read more").scope == "read"


@pytest.mark.parametrize("slot", [{"target": "https://api.example.com/bills"}, {"scope": "more"}], ids=repr)
def test_what_was_not_granted_is_refused_without_a_request(slot: dict[str, Any]) -> None:
    home = a_home(expired=False)
    assert why(home, **slot) == "not_granted"
    assert home.sent == []
    assert home.session().note is None


def test_a_token_for_less_than_is_asked_for_now_does_not_serve() -> None:
    """Rules 1: a token's scope is part of its name, in the file too."""
    home = Home()
    home.log_in(a_wish(scope="", targets=(Granted(ORDERS, "read more"),)))
    home.expire()
    less = home.renewed(scope="read")
    both = home.renewed(scope="read more")
    assert both.access_token != less.access_token
    assert home.renewed(scope="read").access_token == both.access_token
    assert len(home.sent) == 2


def test_a_server_that_grants_less_than_asked_is_not_asked_again_and_again() -> None:
    home = a_home()
    home.answers = [token_answer("less", scope="other")]
    assert home.renewed().access_token == "less"
    assert home.renewed().access_token == "less"
    assert len(home.sent) == 1


def test_the_refresh_carries_a_proof_by_the_sessions_key_and_no_ath() -> None:
    home = a_home()
    home.renewed()
    (request,) = home.sent
    assert "ath" not in proof(request)
    assert home.server.requests[-1].status == 200


def test_a_session_of_another_login_is_left_alone() -> None:
    """Its tokens are bound to its own key: a proof by ours would cost them."""
    home = a_home()
    before = home.session()
    other = home.client(binding=DPoP(ANOTHER_KEY))
    assert why(home, server=other, thumbprint=ANOTHER_KEY.thumbprint) == "no_session"
    assert home.sent == []
    assert home.session() == before


def test_a_session_without_a_key_is_refreshed_without_proof() -> None:
    home = Home()
    home.put(replace(home.logged_in(WITHOUT_OPENID), jkt="", tokens={}))
    home.server.refresh_tokens.issued[-1].login.jkt = None
    home.renewed(server=home.client(binding=Bearer()), thumbprint="")
    assert "DPoP" not in home.sent[-1].headers


# What comes back


def test_an_answer_without_a_refresh_token_keeps_the_old_one() -> None:
    home = a_home(rotation="keep")
    before = home.session().refresh_token
    for _ in range(3):
        home.renewed()
        home.expire()
    assert home.session().refresh_token == before
    assert home.session().generation == 3


def test_an_empty_refresh_token_is_none() -> None:
    home = a_home()
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
    home = a_home()
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
    home = a_home()
    home.server.nonces.mode = "required"
    home.renewed()
    first, second = home.sent
    assert "nonce" in proof(second)
    assert proof(first)["jti"] != proof(second)["jti"]


def test_a_note_keeps_its_time_however_often_the_token_is_tried() -> None:
    home = a_home()
    home.answers = [respond(503, b""), respond(503, b"")]
    for _ in range(2):
        with pytest.raises(OAuthError):
            home.renewed()
        home.pass_time(10)
    note = home.session().note
    assert note is not None
    assert note.written_at == home.wall - 20


def test_invalid_grant_ends_the_session_and_says_so_to_each_who_asks() -> None:
    home = a_home()
    home.server.refresh_tokens.revoke()
    assert why(home) == "refresh_rejected"
    assert home.session().refresh_token is None
    assert home.session().note is None
    sent = len(home.sent)
    assert why(home) == "refresh_rejected"
    assert len(home.sent) == sent


def test_invalid_grant_leaves_the_tokens_that_are_still_good() -> None:
    home = a_home(expired=False)
    home.server.refresh_tokens.revoke()
    assert why(home, target=STOCK, scope="write") == "refresh_rejected"
    home.renewed()


def test_invalid_grant_after_a_refresh_that_was_cut_short_says_that() -> None:
    home = a_home()
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
    home = a_home()
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
    home = a_home()
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
    home = a_home()

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
    home = a_home()
    home.answers = [token_answer("once", expires_in=lifetime), token_answer("again", expires_in=lifetime)]
    assert home.renewed().access_token == "once"
    assert home.renewed().access_token == "again"


def test_a_token_whose_end_the_server_does_not_name_serves_until_it_is_rejected() -> None:
    home = a_home()
    home.server.amend(misbehaviour.members(expires_in=misbehaviour.OMIT), times=None)
    token = home.renewed()
    home.pass_time(10**7)
    assert home.renewed().access_token == token.access_token
    assert home.renewed(token).access_token != token.access_token


# The ID token of a refresh


def test_the_id_token_of_a_refresh_is_kept_with_what_the_first_one_said() -> None:
    home = a_home(openid=True)
    first = home.session()
    home.renewed()
    after = home.session()
    assert after.id_token not in (None, first.id_token)
    assert after.subject == "alice"
    assert after.claims["nonce"] == first.claims["nonce"]
    assert after.claims["iat"] > first.claims["iat"]


@pytest.mark.parametrize("claims", [{"sub": "mallory"}, {"iss": "https://evil.example"}], ids=repr)
def test_the_id_token_of_another_person_ends_the_session_and_is_revoked(claims: dict[str, Any]) -> None:
    home = a_home(openid=True)
    home.server.amend(misbehaviour.id_token(home.server, **claims))
    assert why(home) == "identity_changed"
    after = home.session()
    assert after.refresh_token is None
    assert after.tokens == {}, "no token of either person is used"
    assert after.subject == "alice"
    newest = home.server.refresh_tokens.issued[-1]
    assert newest.login.ended or newest.revoked
    assert why(home) == "identity_changed"


@pytest.mark.parametrize(
    "claims",
    [{"auth_time": 12}, {"azp": "another"}, {"aud": "another"}, {"exp": 1}, {"at_hash": "x" * 22}],
    ids=repr,
)
def test_an_id_token_that_is_wrong_costs_the_answer_but_not_the_session(claims: dict[str, Any]) -> None:
    home = a_home(openid=True)
    before = home.session()
    home.server.amend(misbehaviour.id_token(home.server, **claims))
    with pytest.raises(InvalidJWT):
        home.renewed()
    after = home.session()
    assert after.tokens == before.tokens
    assert after.claims == before.claims
    assert after.refresh_token == Secret(home.server.refresh_tokens.issued[-1].value)
    home.renewed()


def test_a_refresh_need_bring_no_id_token_and_its_nonce_need_not_come_back() -> None:
    home = a_home(openid=True)
    home.server.amend(misbehaviour.id_token(home.server, nonce=misbehaviour.OMIT))
    home.renewed()
    home.expire()
    home.server.amend(misbehaviour.members(id_token=misbehaviour.OMIT))
    home.renewed()
    assert home.session().subject == "alice"


def test_keys_that_cannot_be_had_cost_the_answer_but_not_the_session() -> None:
    home = a_home(openid=True)
    home.server.instead(misbehaviour.html(500), endpoint="jwks")
    home.known.keys = None
    with pytest.raises(InvalidResponse):
        home.renewed()
    home.renewed()
    assert home.server.refresh_tokens.replays == 0


# A note that is found


def noted(home: Home, *, age: float) -> None:
    home.put(home.session().noted(home.wall - age))


def test_a_young_note_is_acted_upon_at_once_though_there_is_a_token() -> None:
    """Rules 8: a server with a grace window may still forgive, but not for long."""
    home = a_home(expired=False)
    noted(home, age=30)
    home.renewed()
    assert len(home.refresh_requests()) == 1
    assert home.session().note is None


@pytest.mark.parametrize("age", [61, 10**6, -10])
def test_an_old_note_waits_until_a_token_is_needed(age: float) -> None:
    home = a_home(expired=False)
    noted(home, age=age)
    seen = home.renewed()
    assert home.sent == []
    home.renewed(seen)
    assert home.session().note is None


@pytest.mark.parametrize("answer", [Unreachable("No answer.", code="timeout"), respond(503, b"")], ids=repr)
def test_a_token_that_is_good_survives_what_a_young_note_leads_to(answer: Any) -> None:
    home = a_home(expired=False)
    noted(home, age=1)
    home.answers = [answer]
    assert home.renewed().access_token == home.session().tokens[ORDERS].access_token.reveal()


# Sessions that are not there


def test_a_session_that_is_gone_is_told() -> None:
    assert why(Home()) == "no_session"


def test_a_session_that_never_had_a_refresh_token_is_told() -> None:
    home = Home()
    home.put(replace(home.logged_in(), refresh_token=None))
    home.expire()
    assert why(home) == "no_refresh_token"


def test_a_record_that_is_no_session_is_told() -> None:
    home = a_home()
    home.records[NAME] = "{}"
    with pytest.raises(StorageUnreadable):
        home.renewed()
    assert home.sent == []


# kill -9


def lost(home: Home) -> bool:
    """Whether the session is over, after a kill; it has to say why."""
    home.kill()
    try:
        home.renewed()
    except ReauthenticationRequired as error:
        over = error.reason
    else:
        return False
    assert over == "refresh_outcome_unknown"
    return True


@pytest.mark.parametrize("openid", [False, True])
def test_a_kill_at_any_instant_loses_nothing_but_an_answer_in_flight(*, openid: bool) -> None:
    """From a server that rotates strictly no client can save it: that case is counted apart."""
    counted = 0
    for home, _, _ in killed_everywhere(lambda: a_home(openid=openid), lambda home: home.renewal()):
        issued = home.server.refresh_tokens.issued[-1].value
        in_flight = Secret(issued) != home.session().refresh_token
        assert lost(home) == in_flight
        counted += in_flight
    # From the server's having heard the request until the answer is stored: the Send, the Jitter, the Persist.
    assert 1 <= counted <= 5


@pytest.mark.parametrize("openid", [False, True])
def test_with_a_grace_window_a_kill_at_any_instant_loses_nothing_at_all(*, openid: bool) -> None:
    points = 0
    for home, _, _ in killed_everywhere(lambda: a_home(openid=openid, grace=60), lambda home: home.renewal()):
        assert not lost(home)
        points += 1
    assert points > 20


def test_a_server_that_does_not_rotate_loses_nothing_at_all() -> None:
    for home, _, _ in killed_everywhere(lambda: a_home(rotation="keep"), lambda home: home.renewal()):
        assert not lost(home)


def test_killed_again_and_again_a_session_lasts() -> None:
    """Killed at every effect of the renewal that follows a kill, too."""
    for first in range(0, 14, 2):

        def prepared(first: int = first) -> Home:
            home = a_home(grace=300)
            story = home.renewal()
            _tell(home, story, first)
            home.kill()
            return home

        for home, _, _ in killed_everywhere(prepared, lambda home: home.renewal()):
            assert not lost(home)


def _tell(home: Home, story: Story[Token], effects: int) -> None:
    telling = Telling(home, story)
    for _ in range(effects):
        if not telling.over:
            telling.step()


# Several at once


def both_slots() -> list[dict[str, Any]]:
    return [{}, {"target": STOCK, "scope": "write"}]


@pytest.mark.parametrize("order", [*product(range(2), repeat=6)], ids=lambda order: "".join(map(str, order)))
def test_two_processes_in_any_order_ask_once(order: tuple[int, ...]) -> None:
    home = a_home()
    tellings = home.tell_in_turns([home.renewal(), renew_session(home.client(), a_slot(), None)], order)
    assert len({telling.result().access_token for telling in tellings}) == 1
    assert len(home.refresh_requests()) == 1
    assert home.server.refresh_tokens.replays == 0


@pytest.mark.parametrize("order", [*permutations(range(3))], ids=str)
def test_three_processes_for_two_apis_in_any_order_ask_once_for_each(order: tuple[int, ...]) -> None:
    home = a_home()
    first, second = both_slots()
    stories = [renew_session(home.client(), a_slot(**slot), None) for slot in (first, second, first)]
    for telling in home.tell_in_turns(stories, [turn for turn in order for _ in range(40)]):
        telling.result()
    assert sorted(request["resource"][0] for request in home.refresh_requests()) == [ORDERS, STOCK]
    assert home.server.refresh_tokens.replays == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=60), st.lists(st.sampled_from(both_slots()), min_size=3, max_size=3))
def test_three_in_any_interleaving_never_replay_a_token(turns: list[int], slots: list[dict[str, Any]]) -> None:
    home = a_home()
    stories = [renew_session(home.client(), a_slot(**slot), None) for slot in slots]
    for telling in home.tell_in_turns(stories, turns):
        telling.result()
    assert home.server.refresh_tokens.replays == 0
    assert len(home.refresh_requests()) == len({str(slot) for slot in slots})
    assert not home.held


def test_an_effect_of_each_kind_is_told() -> None:
    """What the stories above rest on."""
    home = a_home(openid=True)
    home.renewed()
    assert {type(effect) for effect in home.history} >= {Lease, Read, CheckWritable, Write, Send, Persist}
    assert form(home.sent[0])["grant_type"] == ["refresh_token"]
    assert home.session().jkt == KEY.thumbprint


# The server's keys


def test_keys_are_read_again_a_few_times_at_once_and_then_once_a_minute() -> None:
    """Rules 3: a forged `kid` must not make us a flood."""
    home = Home()
    home.tell(verified(home.known, home.known.metadata, lambda keys: keys))

    def unknown(keys: Any) -> Any:
        raise InvalidJWT("No key.", code="unknown_key")

    def reads() -> int:
        before = len(home.sent)
        for _ in range(10):
            with pytest.raises(InvalidJWT):
                home.tell(verified(home.known, home.known.metadata, unknown))
        return len(home.sent) - before

    assert reads() == 2  # and the one before
    for _ in range(3):
        home.pass_time(60)
        assert reads() == 1


def test_a_rotated_key_is_found_at_once() -> None:
    home = a_home(openid=True)
    home.server.rotate_keys(forget=True)
    home.renewed()
    assert home.session().generation == 1


def test_the_errors_of_a_token_request_carry_no_secret() -> None:
    home = a_home()
    session: SessionState = home.session()
    assert session.refresh_token is not None
    home.answers = [respond(400, {"error": "invalid_client", "error_description": session.refresh_token.reveal()})]
    with pytest.raises(ErrorResponse) as failed:
        home.renewed()
    assert session.refresh_token.reveal() not in str(failed.value)
