"""A kill at any instant loses no session, except an answer in flight from a server without a grace window."""

from pathlib import Path

import pytest

from tests.sessions.fleet import House, Launcher, at_the_house
from tests.sessions.kills import kill_at_random


@pytest.mark.parametrize("processes", [1, 3])
def test_kills_at_random_instants_lose_no_session_but_answers_in_flight(
    launcher: Launcher, tmp_path: Path, processes: int
) -> None:
    """That case is counted apart: no client can save it."""
    with House(delay=0.03) as house:
        home = at_the_house(launcher, tmp_path, house)
        home.log_in()
        tally = kill_at_random(
            home, lambda: house.stats()["refreshed"], kills=10, processes=processes, within=0.3, seed=processes
        )
        assert tally.kills == 10
        assert tally.lost <= tally.in_flight
        assert tally.in_flight, "the kills were to hit answers in flight too"


def test_with_a_grace_window_none_is_lost(launcher: Launcher, tmp_path: Path) -> None:
    with House(delay=0.03, grace=60) as house:
        home = at_the_house(launcher, tmp_path, house)
        home.log_in()
        tally = kill_at_random(
            home, lambda: house.stats()["refreshed"], kills=12, processes=2, within=0.3, seed=7, forgiving=True
        )
        assert tally.lost == 0
