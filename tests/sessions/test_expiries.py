"""Processes that share a session ask once for each expiry, and never replay a refresh token."""

from pathlib import Path

from tests.sessions.expiries import through_expiries
from tests.sessions.fleet import House, Launcher, at_the_house


def test_eight_processes_share_a_session_over_a_hundred_expiries(launcher: Launcher, tmp_path: Path) -> None:
    with House() as house:
        home = at_the_house(launcher, tmp_path, house)
        home.log_in()
        through_expiries(house, home, processes=8, expiries=100)
        assert house.stats() == {"asked": 100, "refreshed": 100, "replays": 0}


def test_with_two_apis_and_a_slow_server_there_is_one_request_for_each(launcher: Launcher, tmp_path: Path) -> None:
    with House(delay=0.05) as house:
        home = at_the_house(launcher, tmp_path, house, "orders", "stock")
        home.log_in()
        through_expiries(house, home, processes=8, expiries=10)
        assert house.stats() == {"asked": 20, "refreshed": 20, "replays": 0}
