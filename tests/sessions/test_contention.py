"""Rules 8, and the speed that is promised: 64 processes that meet one expiry."""

from pathlib import Path

from tests.sessions.contention import contend
from tests.sessions.fleet import House, Launcher, at_the_house


def test_sixty_four_processes_contending_for_one_refresh_ask_once(launcher: Launcher, tmp_path: Path) -> None:
    with House(delay=0.5) as house:
        home = at_the_house(launcher, tmp_path, house)
        home.log_in()
        contest = contend(house, home, processes=64)
        assert house.stats() == {"asked": 1, "refreshed": 1, "replays": 0}
        assert contest.slowest <= 2 * contest.refresh
