"""Kill -9 at random instants: is the session still there, and if not, could any client have saved it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.sessions.fleet import Home


@dataclass
class Tally:
    """How many kills there were, how many hit an answer in flight, and how many cost the session."""

    kills: int = 0
    in_flight: int = 0
    lost: int = 0


def kill_at_random(
    home: Home,
    granted: Callable[[], int],
    *,
    kills: int,
    processes: int,
    within: float,
    seed: int,
    forgiving: bool = False,
    settle: float = 0.1,
) -> Tally:
    """Let processes refresh again and again, and kill all of them at once, `kills` times.

    `granted`: how many refreshes the server has honoured since it was started. `within`: seconds from the beginning to
    the latest kill. `forgiving`: the server has a grace window. `settle`: seconds in which it has finished whatever it
    had begun. An answer was in flight where the server has honoured one more than are stored; a session that is lost
    without that fails the test.
    """
    chance = random.Random(seed)
    tally = Tally()
    before = granted() - home.session().generation
    for _ in range(kills):
        workers = home.workers(processes)
        for worker in workers:
            worker.tell(loop=home.resources[0])
        time.sleep(chance.uniform(0, within))
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.close()
        time.sleep(settle)  # the server finishes what it has begun
        in_flight = granted() - before - home.session().generation
        # Each of them may have tried it again in a grace window, before it was killed as well.
        most = processes if forgiving else 1
        assert 0 <= in_flight <= most, "a refresh token was sent before the answer to the last one was stored"
        tally.kills += 1
        tally.in_flight += bool(in_flight)
        if not goes_on(home):
            tally.lost += 1
            assert in_flight, "a session is lost though no answer was in flight"
            home.log_in()
        before = granted() - home.session().generation
    return tally


def goes_on(home: Home) -> bool:
    """Whether the next process can use the session; if not, it has to say why."""
    with home.worker() as worker:
        answer = worker.hear() or worker.ask(refresh=home.resources[0])
    assert answer.get("status") == 200 or answer["error"] == "refresh_outcome_unknown", answer
    return "error" not in answer
