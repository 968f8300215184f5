"""A refresh that is killed, or that many ask for at once: RFC 9700, section 4.14."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oauthclient.errors import ReauthenticationRequired, Unreachable
from oauthclient.flows.effects import CheckWritable, Lease, Persist, Read, Send, Write
from oauthclient.flows.refresh import renew_session
from oauthclient.secret import Secret
from tests.flows.registering import killed_everywhere
from tests.flows.sessions import KEY, ORDERS, STOCK, Home, a_slot, logged_in_home
from tests.flows.telling import Telling, form, respond

if TYPE_CHECKING:
    from oauthclient.flows.effects import Story
    from oauthclient.protocol.token import Token


# A note that is found


def noted(home: Home, *, age: float) -> None:
    home.put(home.session().noted(home.wall - age))


def test_a_young_note_is_acted_upon_at_once_though_there_is_a_token() -> None:
    """A server with a grace window may still forgive, but not for long."""
    home = logged_in_home(expired=False)
    noted(home, age=30)
    home.renewed()
    assert len(home.refresh_requests()) == 1
    assert home.session().note is None


@pytest.mark.parametrize("age", [61, 10**6, -10])
def test_an_old_note_waits_until_a_token_is_needed(age: float) -> None:
    home = logged_in_home(expired=False)
    noted(home, age=age)
    seen = home.renewed()
    assert home.sent == []
    home.renewed(seen)
    assert home.session().note is None


@pytest.mark.parametrize("answer", [Unreachable("No answer.", code="timeout"), respond(503, b"")], ids=repr)
def test_a_token_that_is_good_survives_what_a_young_note_leads_to(answer: Any) -> None:
    home = logged_in_home(expired=False)
    noted(home, age=1)
    home.answers = [answer]
    assert home.renewed().access_token == home.session().tokens[ORDERS].access_token.reveal()


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
    for home, _, _ in killed_everywhere(lambda: logged_in_home(openid=openid), lambda home: home.renewal()):
        issued = home.server.refresh_tokens.issued[-1].value
        in_flight = Secret(issued) != home.session().refresh_token
        assert lost(home) == in_flight
        counted += in_flight
    # From the server's having heard the request until the answer is stored: the Send, the Jitter, the Persist.
    assert 1 <= counted <= 5


@pytest.mark.parametrize("openid", [False, True])
def test_with_a_grace_window_a_kill_at_any_instant_loses_nothing_at_all(*, openid: bool) -> None:
    points = 0
    for home, _, _ in killed_everywhere(lambda: logged_in_home(openid=openid, grace=60), lambda home: home.renewal()):
        assert not lost(home)
        points += 1
    assert points > 20


def test_a_server_that_does_not_rotate_loses_nothing_at_all() -> None:
    for home, _, _ in killed_everywhere(lambda: logged_in_home(rotation="keep"), lambda home: home.renewal()):
        assert not lost(home)


def test_killed_again_and_again_a_session_lasts() -> None:
    """Killed at every effect of the renewal that follows a kill, too."""
    for first in range(0, 14, 2):

        def prepared(first: int = first) -> Home:
            home = logged_in_home(grace=300)
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
    home = logged_in_home()
    tellings = home.tell_in_turns([home.renewal(), renew_session(home.client(), a_slot(), None)], order)
    assert len({telling.result().access_token for telling in tellings}) == 1
    assert len(home.refresh_requests()) == 1
    assert home.server.refresh_tokens.replays == 0


@pytest.mark.parametrize("order", [*permutations(range(3))], ids=str)
def test_three_processes_for_two_apis_in_any_order_ask_once_for_each(order: tuple[int, ...]) -> None:
    home = logged_in_home()
    first, second = both_slots()
    stories = [renew_session(home.client(), a_slot(**slot), None) for slot in (first, second, first)]
    for telling in home.tell_in_turns(stories, [turn for turn in order for _ in range(40)]):
        telling.result()
    assert sorted(request["resource"][0] for request in home.refresh_requests()) == [ORDERS, STOCK]
    assert home.server.refresh_tokens.replays == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=60), st.lists(st.sampled_from(both_slots()), min_size=3, max_size=3))
def test_three_in_any_interleaving_never_replay_a_token(turns: list[int], slots: list[dict[str, Any]]) -> None:
    home = logged_in_home()
    stories = [renew_session(home.client(), a_slot(**slot), None) for slot in slots]
    for telling in home.tell_in_turns(stories, turns):
        telling.result()
    assert home.server.refresh_tokens.replays == 0
    assert len(home.refresh_requests()) == len({str(slot) for slot in slots})
    assert not home.held


def test_an_effect_of_each_kind_is_told() -> None:
    """What the stories above rest on."""
    home = logged_in_home(openid=True)
    home.renewed()
    assert {type(effect) for effect in home.history} >= {Lease, Read, CheckWritable, Write, Send, Persist}
    assert form(home.sent[0])["grant_type"] == ["refresh_token"]
    assert home.session().jkt == KEY.thumbprint
