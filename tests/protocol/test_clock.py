"""The server's clock is learned from its Date header (RFC 9110, section 6.6.1), within strict bounds."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.protocol.clock import ServerClock, ServerClocks
from oauthclient.protocol.wire import Instant

NOW = 1_800_000_000.0
DAY = 24 * 3600.0


def learn(clock: ServerClock, ahead: float, *, age: str | None = None, took: float = 0.0, at: float = 0.0) -> bool:
    """One exchange whose server is `ahead` of us, asked for `at` seconds after NOW."""
    sent = Instant(NOW + at, 50.0 + at)
    received = Instant(sent.wall + took, sent.steady + took)
    date = formatdate(int(sent.wall + took / 2 + ahead), usegmt=True)
    return clock.learn(date, age, sent=sent, received=received)


@pytest.mark.parametrize("ahead", [3600.0, -3600.0, 3.0, -3.0, DAY, -DAY])
def test_an_offset_is_learned_once(ahead: float) -> None:
    clock = ServerClock()
    assert learn(clock, ahead)
    assert clock.offset == ahead
    assert clock.issued_at(NOW, 50.0) in (NOW + ahead - 1, NOW + ahead - 2)
    assert not learn(clock, ahead, at=1)


@pytest.mark.parametrize("ahead", [0.0, 2.0, -2.0])
def test_below_three_seconds_nothing_is_learned(ahead: float) -> None:
    clock = ServerClock()
    assert not learn(clock, ahead)
    assert clock.offset == 0.0
    assert clock.complaint() == ""


def test_a_small_offset_takes_back_a_large_one() -> None:
    clock = ServerClock()
    learn(clock, 3600)
    assert learn(clock, 1)
    assert clock.offset == 0.0


@pytest.mark.parametrize(("ahead", "direction"), [(DAY + 60, "ahead of"), (-DAY - 60, "behind")])
def test_above_24_hours_it_is_refused_and_named(ahead: float, direction: str) -> None:
    clock = ServerClock()
    assert not learn(clock, ahead)
    assert clock.offset == 0.0
    assert clock.issued_at(NOW, 50.0) == int(NOW) - 1
    complaint = clock.complaint()
    assert f"{abs(ahead):.0f} s {direction} this machine's" in complaint
    assert "set this machine's clock" in complaint


def test_the_complaint_goes_away_with_its_reason() -> None:
    clock = ServerClock()
    learn(clock, 2 * DAY)
    learn(clock, 60)
    assert clock.complaint() == "The server's clock is 60 s ahead of this machine's."
    learn(clock, 0)
    assert clock.complaint() == ""


def test_an_answer_with_an_age_says_nothing() -> None:
    """It comes from a cache (RFC 9110, section 6.6.1; RFC 9111, section 5.1)."""
    for age in ("0", "30", ""):
        clock = ServerClock()
        assert not learn(clock, 3600, age=age)
        assert clock.offset == 0.0


def test_a_slow_exchange_says_nothing() -> None:
    clock = ServerClock()
    assert not learn(clock, 3600, took=5.1)
    assert clock.offset == 0.0
    assert learn(clock, 3600, took=5.0)


def test_the_offset_counts_from_the_middle_of_the_exchange() -> None:
    clock = ServerClock()
    learn(clock, 3600, took=4.0)
    assert clock.offset == 3600


def test_an_exchange_that_ended_before_it_began_says_nothing() -> None:
    clock = ServerClock()
    date = formatdate(NOW + 3600, usegmt=True)
    assert not clock.learn(date, None, sent=Instant(NOW, 50.0), received=Instant(NOW, 49.0))


@pytest.mark.parametrize("our_clock", [-2.1, 2.1, 3600.0])
def test_the_offset_is_dropped_when_our_own_clock_was_set(our_clock: float) -> None:
    clock = ServerClock()
    learn(clock, 3600)
    wall = NOW + 100 + our_clock
    assert clock.issued_at(wall, 150.0) == int(wall) - 1
    assert clock.issued_at(NOW + 100, 150.0) == int(NOW) + 99  # and not taken up again


def test_the_offset_stays_while_our_clocks_agree() -> None:
    clock = ServerClock()
    learn(clock, 3600)
    assert clock.issued_at(NOW + DAY + 1.9, 50.0 + DAY) == int(NOW + DAY + 1.9 + 3600) - 1


@given(
    wall=st.floats(1e9, 4e9),
    ahead=st.integers(-86_000, 86_000),
)
def test_iat_is_back_dated_by_at_most_two_seconds(wall: float, ahead: int) -> None:
    clock = ServerClock()
    sent = Instant(wall, 50.0)
    clock.learn(formatdate(int(wall) + ahead, usegmt=True), None, sent=sent, received=sent)
    back_dated = wall + clock.offset - clock.issued_at(wall, 50.0)
    assert 0 < back_dated <= 2


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "now",
        "1800000000",
        "Sunday, 06-Nov-94 08:49:37 GMT",  # the obsolete forms of RFC 9110, section 5.6.7
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 2094 08:49:37 +0100",
        "Sun, 06 Foo 2094 08:49:37 GMT",
        "Sun, 31 Feb 2094 08:49:37 GMT",
        "Sun, 06 Nov 2094 25:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 2094 08:49 GMT",
        "Sun, +6 Nov 2094 08:49:37 GMT",
        "Sun, 06 Nov 2094 08:49:37 GMT, Sun, 06 Nov 2094 08:49:37 GMT",
        "Sun, ٠٦ Nov ٢٠٩٤ 08:49:37 GMT",  # digits, but not ASCII's
        "Sun, 06 Nov " + "9" * 5000 + " 08:49:37 GMT",
    ],
)
def test_a_malformed_date_is_ignored(date: str | None) -> None:
    clock = ServerClock()
    assert not clock.learn(date, None, sent=Instant(NOW, 50.0), received=Instant(NOW, 50.0))
    assert clock.offset == clock.refused == 0.0


def test_the_date_of_rfc_9110_is_read() -> None:
    clock = ServerClock()
    at = Instant(784_111_777.0 + 10, 50.0)
    assert clock.learn("Sun, 06 Nov 1994 08:49:37 GMT", None, sent=at, received=at)
    assert clock.offset == -10


@given(st.text(), st.none() | st.text())
def test_nothing_a_server_writes_makes_it_raise(date: str, age: str | None) -> None:
    ServerClock().learn(date, age, sent=Instant(NOW, 50.0), received=Instant(NOW, 50.0))


def test_an_answer_that_complains_of_nothing_is_looked_at_once_a_minute() -> None:
    clock = ServerClock()
    assert clock.due(50.0)
    learn(clock, 0)
    assert not clock.due(109.9)
    assert clock.due(110.0)


def test_origins_have_clocks_of_their_own() -> None:
    clocks = ServerClocks()
    learn(clocks.of("https://a.example"), 3600)
    assert clocks.of("https://a.example").offset == 3600
    assert clocks.of("https://b.example").offset == 0
