"""One session shared by many processes, at a server that nobody here wrote and that rotates every time."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.real.by_hand import authorize
from tests.real.harness import RealServer
from tests.real.person import Person
from tests.sessions.expiries import all_call
from tests.sessions.fleet import Home, Launcher, launched
from tests.sessions.kills import kill_at_random


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with launched() as started:
        yield started


def home_at(
    launcher: Launcher, folder: Path, real: RealServer, *names: str, browse: Callable[[str], str] | None = None
) -> Home:
    """A session for APIs of the real server, logged in."""
    home = Home(
        launcher,
        folder,
        real.issuer,
        [real.resource(name) for name in names],
        browse=browse or partial(authorize, real),
        client_id="native",
        ca=str(real.ca),
        prompt="consent",
        steady_only=True,
    )
    home.log_in()
    return home


def refreshes(real: RealServer) -> int:
    """How many the server has granted since it was started."""
    granted: int = real.stats()["as"]["granted"].get("refresh_token", 0)
    return granted


def test_eight_processes_share_a_session_over_a_hundred_expiries(
    launcher: Launcher, start_real: Callable[..., RealServer], tmp_path: Path
) -> None:
    """The tokens end by the clock of the processes that counts their sleep: the server's cannot be set."""
    real = start_real()
    home = home_at(launcher, tmp_path, real, "a")
    workers = home.workers(8)
    try:
        for _ in range(100):
            for worker in workers:
                worker.ask(advance=700)
            all_call(workers, real.resource("a"))
    finally:
        for worker in workers:
            worker.close()
    seen = real.stats()["as"]
    assert seen["granted"]["refresh_token"] == 100
    assert seen["replayed"] == 0
    assert seen["refused"].keys() <= {"use_dpop_nonce"}


def test_tokens_that_really_end_are_replaced_once_for_each_api(
    launcher: Launcher, start_real: Callable[..., RealServer], tmp_path: Path
) -> None:
    real = start_real(token_lifetime=1)
    home = home_at(launcher, tmp_path, real, "a", "b")
    workers = home.workers(4)
    try:
        before = refreshes(real)
        for _ in range(3):
            time.sleep(0.95)
            for name in ("a", "b"):
                all_call(workers, real.resource(name))
    finally:
        for worker in workers:
            worker.close()
    assert before + 6 <= refreshes(real) <= before + 8  # one that is about to end may be replaced early
    assert real.stats()["as"]["replayed"] == 0


def test_processes_whose_token_is_rejected_at_once_replace_it_once(
    launcher: Launcher, start_real: Callable[..., RealServer], tmp_path: Path
) -> None:
    real = start_real()
    home = home_at(launcher, tmp_path, real, "a")
    workers = home.workers(8)
    try:
        all_call(workers, real.resource("a"))
        for _ in range(2):
            before = refreshes(real)
            real.distrust()
            for worker in workers:
                worker.ask(advance=20)
            all_call(workers, real.resource("a"))
            assert refreshes(real) == before + 1
    finally:
        for worker in workers:
            worker.close()
    assert real.stats()["as"]["replayed"] == 0


def test_a_second_login_in_the_same_browser_does_not_end_itself(
    launcher: Launcher, real: RealServer, tmp_path: Path
) -> None:
    """This server keeps one grant for both, and revoking the first login's refresh token would take both."""
    with Person(real) as person:
        home = home_at(launcher, tmp_path, real, "a", browse=person.authorize)
        home.log_in()
    with home.worker() as worker:
        assert worker.hear() == {}
        assert worker.ask(refresh=home.resources[0])["status"] == 200


@pytest.mark.parametrize("grace", [0, 60])
def test_kills_at_random_instants_lose_no_session_but_answers_in_flight(
    launcher: Launcher, start_real: Callable[..., RealServer], tmp_path: Path, grace: int
) -> None:
    real = start_real(token_delay=60, refresh_grace=grace)
    home = home_at(launcher, tmp_path, real, "a")
    tally = kill_at_random(
        home,
        partial(refreshes, real),
        kills=8,
        processes=2,
        within=0.4,
        seed=grace,
        forgiving=bool(grace),
        settle=0.3,
    )
    assert tally.kills == 8
    assert tally.lost <= (0 if grace else tally.in_flight)
