"""Many processes that meet one expiry at the same instant: who refreshes, and how long the others wait."""

from typing import NamedTuple

from tests.sessions.expiries import LIFETIME
from tests.sessions.fleet import Home, House


class Contest(NamedTuple):
    """Seconds: `refresh`, the fastest of all, which is who refreshed; `slowest`, the last of those who waited."""

    refresh: float
    slowest: float


def contend(house: House, home: Home, *, processes: int) -> Contest:
    """Let all of them have a token at once, when the one that they share has ended."""
    workers = home.workers(processes)
    try:
        for worker in workers:  # what each learns once, its metadata and modules, is no part of the contest
            assert worker.ask(token=home.resources[0])["status"] == 200
        house.ask(advance=LIFETIME + 1)
        for worker in workers:
            worker.ask(advance=LIFETIME + 1)
        seconds = []
        for worker in workers:
            worker.tell(token=home.resources[0])
        for worker in workers:
            answer = worker.hear()
            assert answer.get("status") == 200, answer
            seconds.append(answer["seconds"])
    finally:
        for worker in workers:
            worker.close()
    return Contest(min(seconds), max(seconds))
