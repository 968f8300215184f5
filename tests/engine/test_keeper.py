"""A token is replaced before it expires, once for all who ask, and never in a storm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.engine.flights import Flight
from oauthclient.engine.keeper import Keeper
from oauthclient.errors import ErrorResponse, OAuthError, Unreachable
from oauthclient.protocol.binding import DPoP
from oauthclient.protocol.token import Token, read_token_response
from oauthclient.protocol.wire import Instant, Response

if TYPE_CHECKING:
    from tests.engine.conftest import Time


class Source:
    """Stands for the flights: `flown` is which token each was to replace; `land` and `fail` end the last one."""

    def __init__(self, time_: Time) -> None:
        self.time = time_
        self.flown: list[Token | None] = []
        self.keeper = Keeper(self._fly)

    def _fly(self, keeper: Keeper, seen: Token | None) -> Flight[Token]:
        self.flown.append(seen)
        return Flight()

    def token(self, expires_in: float | None = 1000) -> Token:
        now = Instant(self.time.wall, self.time.steady)
        body = json.dumps({"access_token": "t0k3n", "token_type": "DPoP", "expires_in": expires_in}).encode()
        response = Response(200, {}, body, sent=now, received=now)
        return read_token_response(response, binding=DPoP(), asked=None, what="x", jitter=0.5)

    def land(self, expires_in: float | None = 1000) -> Token:
        token = self.token(expires_in)
        self.keeper.landed(token)
        return token

    def fail(self, retry_after: float | None = None) -> OAuthError:
        error = Unreachable("no route")
        error.retry_after = retry_after
        self.keeper.failed(error)
        return error

    def asks(self) -> Any:
        """What a request meets now: a token, "flight", or the error."""
        try:
            needed = self.keeper.need()
        except OAuthError as error:
            return error
        return "flight" if isinstance(needed, Flight) else needed

    def pause(self) -> float:
        """How long after the failure just told the next flight starts, to a twentieth of a second."""
        seconds = 0.0
        while isinstance(self.asks(), OAuthError):
            self.time.pass_(0.05)
            seconds += 0.05
        return seconds


@pytest.fixture
def source(time_: Time) -> Source:
    return Source(time_)


def test_without_a_token_there_is_a_flight(source: Source) -> None:
    assert source.asks() == "flight"
    assert source.flown == [None]


def test_a_fresh_token_is_presented_and_nothing_flies(source: Source) -> None:
    token = source.land()
    source.time.pass_(849)
    assert source.asks() is token
    assert source.flown == []


def test_past_most_of_its_life_it_is_presented_while_a_flight_replaces_it(source: Source) -> None:
    """A refresh never stalls a request while the old token is still good."""
    token = source.land()
    source.time.pass_(851)
    assert source.asks() is token
    assert source.flown == [token]


def test_past_its_end_it_is_waited_for(source: Source) -> None:
    token = source.land()
    source.time.pass_(991)
    assert source.asks() == "flight"
    assert source.flown == [token]


@pytest.mark.parametrize(("wall", "steady"), [(991, 0), (0, 991), (-5000, 991)])
def test_both_clocks_must_say_that_it_is_good(source: Source, wall: float, steady: float) -> None:
    source.land()
    source.time.wall += wall
    source.time.steady += steady
    assert source.asks() == "flight"


def test_an_early_replacement_that_fails_is_tried_again_after_a_pause(source: Source) -> None:
    """And not on each request; nobody hears of it while the old token is good."""
    token = source.land()
    source.time.pass_(851)
    source.asks()
    source.fail()
    source.time.pass_(0.5)
    assert source.asks() is token
    assert len(source.flown) == 1
    source.time.pass_(1)
    assert source.asks() is token
    assert len(source.flown) == 2


def test_when_it_ends_during_the_pause_the_failure_is_told(source: Source) -> None:
    source.land()
    source.time.pass_(990)
    source.fail(retry_after=60)
    source.time.pass_(1)
    assert isinstance(source.asks(), Unreachable)


def test_a_failure_stands_for_a_second_doubling_to_a_minute(source: Source) -> None:
    pauses = []
    for _ in range(9):
        source.fail()
        pauses.append(source.pause())
    expected = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert all(0.7 * e <= p <= 1.3 * e for p, e in zip(pauses, expected, strict=True)), pauses


def test_the_pause_has_jitter(source: Source) -> None:
    """Or a fleet that failed together comes back together."""
    pauses = set()
    for _ in range(20):
        source.land(expires_in=0)
        source.fail()
        pauses.add(round(source.pause(), 2))
    assert len(pauses) > 3


def test_success_forgets_the_failures(source: Source) -> None:
    for _ in range(5):
        source.fail()
    source.land(expires_in=0)
    assert source.asks() == "flight"
    source.fail()
    assert source.pause() <= 1.3


def test_retry_after_is_obeyed(source: Source) -> None:
    source.fail(retry_after=30)
    assert 29.9 <= source.pause() <= 30.1


def test_retry_after_does_not_lengthen_later_pauses(source: Source) -> None:
    for _ in range(5):
        source.fail(retry_after=2)
        source.pause()
    source.fail()
    assert source.pause() <= 1.3


def test_retry_after_beyond_an_hour_is_a_mistake(source: Source) -> None:
    source.fail(retry_after=999_999_999)
    source.time.pass_(3600)
    assert source.asks() == "flight"


def test_retry_after_zero_is_no_leave_for_a_storm(source: Source) -> None:
    source.fail(retry_after=0)
    assert source.pause() >= 0.7


def test_everybody_hears_the_same_failure_in_an_exception_of_their_own(source: Source) -> None:
    error = ErrorResponse("no", code="invalid_client", hint="look")
    error.description, error.status = "unknown", 401
    source.keeper.failed(error)
    heard = [source.asks() for _ in range(3)]
    assert len({id(e) for e in (*heard, error)}) == 4
    for each in heard:
        assert type(each) is ErrorResponse
        assert (str(each), each.code, each.hint) == (str(error), "invalid_client", "look")
        assert (each.description, each.status) == ("unknown", 401)


def test_what_is_remembered_holds_no_frames(source: Source) -> None:
    with pytest.raises(Unreachable) as failed:
        _fail_deep_down(10)
    source.keeper.failed(failed.value)
    heard = source.asks()
    frames = 0
    traceback = heard.__traceback__
    while traceback is not None:
        frames += 1
        traceback = traceback.tb_next
    assert frames == 3  # asks, need, hold


def test_a_lifetime_of_zero_is_used_by_those_who_waited_and_then_replaced(source: Source) -> None:
    token = source.land(expires_in=0)
    assert source.asks() == "flight"
    assert source.flown == [token]


def test_no_lifetime_lasts_until_a_401(source: Source) -> None:
    token = source.land(expires_in=None)
    source.time.pass_(1e8)
    assert source.asks() is token
    assert source.keeper.reject(token)
    assert source.asks() == "flight"


def test_a_replacement_that_is_rejected_as_soon_as_it_is_issued_is_not_replaced_again(source: Source) -> None:
    assert source.keeper.reject(source.land())
    token = source.land()
    source.time.pass_(9.9)
    assert not source.keeper.reject(token)
    assert source.asks() is token
    source.time.pass_(0.1)
    assert source.keeper.reject(token)
    assert source.asks() == "flight"


def test_replacing_in_vain_takes_longer_each_time_up_to_five_minutes(source: Source) -> None:
    """A broken API that answers 401 for ever."""
    ages = []
    for _ in range(8):
        token = source.land(expires_in=100_000)
        age = 0
        while not source.keeper.reject(token):
            source.time.pass_(1)
            age += 1
        ages.append(age)
    assert ages == [0, 10, 20, 40, 80, 160, 300, 300]


def test_an_accepted_token_ends_that(source: Source) -> None:
    for _ in range(8):
        token = source.land(expires_in=100_000)
        source.time.pass_(300)
        assert source.keeper.reject(token)
    token = source.land()
    source.keeper.accepted()
    source.time.pass_(10)
    assert source.keeper.reject(token)


def test_many_requests_that_meet_one_rejection_all_get_another_token(source: Source) -> None:
    """And they count as one replacement in vain."""
    token = source.land()
    source.time.pass_(15)
    assert all(source.keeper.reject(token) for _ in range(50))
    token = source.land()
    source.time.pass_(20)
    assert source.keeper.reject(token)


def test_a_401_retires_exactly_the_token_it_rejected(source: Source) -> None:
    old = source.land()
    source.time.pass_(100)
    new = source.land()
    assert source.keeper.reject(old)  # a repeat with the new one is worth a try
    assert source.asks() is new


def _fail_deep_down(depth: int) -> None:
    if depth:
        _fail_deep_down(depth - 1)
    raise Unreachable("no route")
