"""64 processes that meet one expiry. How long the slowest waits is a figure of `benchmarks/contention.py`."""

from pathlib import Path

from tests.sessions.contention import contend
from tests.sessions.fleet import House, Launcher, at_the_house


def test_sixty_four_processes_contending_for_one_refresh_ask_once(launcher: Launcher, tmp_path: Path) -> None:
    with House(delay=0.5) as house:
        home = at_the_house(launcher, tmp_path, house)
        home.log_in()
        contend(house, home, processes=64)
        assert house.stats() == {"asked": 1, "refreshed": 1, "replays": 0}
