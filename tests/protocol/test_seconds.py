"""Seconds in a server's answer: numbers, digits in strings, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import InvalidResponse
from oauthclient.protocol.seconds import seconds_member


def read(value: object) -> float | None:
    return seconds_member({"interval": value}, "interval", what="the answer")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(5, 5.0), (0.5, 0.5), ("5", 5.0), ("1800.5", 1800.5), (0, 0.0), (-1, 0.0), ("-7", 0.0), (1e300, 315_360_000.0)],
    ids=repr,
)
def test_a_number_or_digits_are_read_within_bounds(value: object, seconds: float) -> None:
    assert read(value) == seconds
    assert isinstance(read(value), float)


def test_nothing_is_none() -> None:
    assert read(None) is None
    assert seconds_member({}, "interval", what="the answer") is None


@pytest.mark.parametrize("value", [True, False, "", "soon", "1e3", "٣", [5], {"s": 5}, "9" * 13, " 5"])
def test_what_is_no_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidResponse, match="`interval` in the answer") as caught:
        read(value)
    assert caught.value.code == "wrong_type"


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_bounded(value: float) -> None:
    seconds = read(value)
    assert seconds is not None
    assert 0 <= seconds <= 315_360_000
