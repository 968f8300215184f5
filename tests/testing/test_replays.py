from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from oauthclient.testing.replays import Replays


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), max_size=40))
def test_nothing_is_used_twice_before_it_is_forgotten(uses):
    replays, remembered, now = Replays(), {}, 0
    for identifier, later in uses:
        now += later
        first = replays.first_use(str(identifier), now=now, until=now + 50)
        assert first == (remembered.get(identifier, -1) < now)
        if first:
            remembered[identifier] = now + 50


def test_what_is_too_old_anyhow_is_forgotten():
    replays = Replays()
    for number in range(1000):
        replays.first_use(str(number), now=number, until=number + 10)
    assert len(replays._until) == 11
