"""64 processes that meet one expiry: the slowest of them over the one that refreshes: at most 2.0; one token request.

The server is a process of its own, which takes a fifth of a second for each answer, as over a long line. Each process
has restored the session before, and asks for a token at the same time as the others.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.sessions.contention import contend
from tests.sessions.fleet import House, Launcher, at_the_house, launched

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROCESSES = 64


def figures(*, quick: bool) -> Iterator[tuple[str, float]]:
    with launched() as launcher:
        rounds = [_round(launcher) for _ in range(1 if quick else 7)]
    yield "contention_64_over_one_refresh", median(ratio for ratio, _ in rounds)
    yield "contention_64_token_requests", max(asked for _, asked in rounds)


def _round(launcher: Launcher) -> tuple[float, int]:
    with TemporaryDirectory() as folder, House(delay=0.2) as house:
        home = at_the_house(launcher, Path(folder), house)
        home.log_in()
        contest = contend(house, home, processes=_PROCESSES)
        return contest.slowest / contest.refresh, house.stats()["asked"]
