"""`python -m tests.soak [--minutes 30] [--seed N]`: the tests of sessions and processes, for as long as one likes.

Takes turns, until the time is over: expiries that eight processes go through, kills at random instants with and without
a grace window, 64 processes that contend, a minute in which the client certificate is renewed each second; at the
embedded server and, where there is Node, at the real one. Prints a line for each, and ends with an error at the first
that fails; the seed in that line repeats it. `--certificate`: only the certificate, and all the time.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.components import ComponentMissing
from tests.real.by_hand import authorize
from tests.real.harness import Ground, RealServer
from tests.real.node import find_node, install_packages
from tests.sessions.contention import contend
from tests.sessions.expiries import all_call, through_expiries
from tests.sessions.fleet import Home, House, Launcher, at_the_house, launched
from tests.sessions.kills import kill_at_random
from tests.soak.certificate import rotate

if TYPE_CHECKING:
    from collections.abc import Callable

_KILLS = 100
_EXPIRIES = 500


def expiries(launcher: Launcher, folder: Path, seed: int) -> str:
    """Eight processes and two APIs."""
    with House(delay=random.Random(seed).choice((0, 0.01, 0.05))) as house:
        home = at_the_house(launcher, folder, house, "orders", "stock")
        home.log_in()
        through_expiries(house, home, processes=8, expiries=_EXPIRIES)
        seen = house.stats()
    assert seen == {"asked": 2 * _EXPIRIES, "refreshed": 2 * _EXPIRIES, "replays": 0}, seen
    return f"{_EXPIRIES} expiries, eight processes, two APIs"


def kills(launcher: Launcher, folder: Path, seed: int) -> str:
    """Several processes, killed all at once; every second time by a server that forgives."""
    chance = random.Random(seed)
    forgiving = bool(seed % 2)
    with House(delay=chance.choice((0.0, 0.01, 0.05)), grace=60 if forgiving else 0) as house:
        home = at_the_house(launcher, folder, house)
        home.log_in()
        tally = kill_at_random(
            home,
            lambda: house.stats()["refreshed"],
            kills=_KILLS,
            processes=chance.randint(1, 4),
            within=0.4,
            seed=seed,
            forgiving=forgiving,
        )
    assert not (forgiving and tally.lost), tally
    return f"{tally}, grace window: {forgiving}"


def contention(launcher: Launcher, folder: Path, seed: int) -> str:
    """64 processes, one refresh."""
    with House(delay=random.Random(seed).choice((0.2, 0.5))) as house:
        home = at_the_house(launcher, folder, house)
        home.log_in()
        contest = contend(house, home, processes=64)
        seen = house.stats()
    assert seen == {"asked": 1, "refreshed": 1, "replays": 0}, seen
    return f"64 processes, the slowest after {contest.slowest / contest.refresh:.2f} refreshes"


def certificate(_launcher: Launcher, folder: Path, _seed: int) -> str:
    """Threads and tasks of one process."""
    return rotate(folder, seconds=60)


class Real:
    """The same at the real server."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def expiries(self, launcher: Launcher, folder: Path, seed: int) -> str:
        """Tokens that really end, each second."""
        number = 60
        real = self._ground.start(token_lifetime=1, dpop_nonces=bool(seed % 2))
        try:
            home = self._home(launcher, folder, real)
            workers = home.workers(8)
            for _ in range(number):
                all_call(workers, home.resources[0])
                time.sleep(0.95)
            for worker in workers:
                worker.close()
            seen = real.stats()["as"]
        finally:
            real.stop()
        assert seen["replayed"] == 0, seen
        assert seen["granted"]["refresh_token"] <= number + 2, seen
        return f"real server: {number} expiries, eight processes"

    def kills(self, launcher: Launcher, folder: Path, seed: int) -> str:
        """As at the embedded server."""
        forgiving = bool(seed % 2)
        real = self._ground.start(token_delay=60, refresh_grace=60 if forgiving else 0)
        try:
            tally = kill_at_random(
                self._home(launcher, folder, real),
                lambda: real.stats()["as"]["granted"].get("refresh_token", 0),
                kills=_KILLS // 2,
                processes=3,
                within=0.4,
                seed=seed,
                forgiving=forgiving,
                settle=0.3,
            )
        finally:
            real.stop()
        assert not (forgiving and tally.lost), tally
        return f"real server: {tally}, grace window: {forgiving}"

    def _home(self, launcher: Launcher, folder: Path, real: RealServer) -> Home:
        home = Home(
            launcher,
            folder,
            real.issuer,
            [real.resource("a")],
            browse=partial(authorize, real),
            client_id="native",
            ca=str(real.ca),
            prompt="consent",
        )
        home.log_in()
        return home


def at_the_real_server(folder: Path) -> list[Callable[[Launcher, Path, int], str]]:
    """What can be done there, or nothing where it cannot be started."""
    try:
        node = find_node()
        install_packages(node)
    except ComponentMissing as gap:
        if os.environ.get("CI") == "true":
            raise
        sys.stderr.write(f"Without the real server: {gap}\n")
        return []
    real = Real(Ground(node, folder))
    return [real.expiries, real.kills]


def say(text: str) -> None:
    """Print it at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Sessions and processes, for long.")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (30)")
    parser.add_argument("--seed", type=int, default=1, help="of the first turn (1)")
    parser.add_argument("--certificate", action="store_true", help="renew a client certificate each second, no more")
    arguments = parser.parse_args()
    if arguments.certificate:
        with TemporaryDirectory() as folder:
            say(f"{rotate(Path(folder), seconds=arguments.minutes * 60)}\n")
        return
    end = time.monotonic() + arguments.minutes * 60
    seed = arguments.seed
    with TemporaryDirectory() as ground, launched() as launcher:
        turns = [expiries, kills, kills, contention, certificate, *at_the_real_server(Path(ground))]
        while time.monotonic() < end:
            turn = turns[(seed - arguments.seed) % len(turns)]
            say(f"{seed}: ")
            with TemporaryDirectory() as folder:
                say(f"{turn(launcher, Path(folder), seed)}\n")
            seed += 1


if __name__ == "__main__":
    main()
