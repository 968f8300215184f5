"""Processes that share one session, and the expiries they go through together."""

from tests.sessions.fleet import Home, House, Worker

LIFETIME = 300


def through_expiries(house: House, home: Home, *, processes: int, expiries: int) -> None:
    """After each expiry all of them call each API at the same instant."""
    workers = home.workers(processes)
    try:
        for _ in range(expiries):
            house.ask(advance=LIFETIME + 1)
            for worker in workers:
                worker.ask(advance=LIFETIME + 1)
            for url in home.resources:
                all_call(workers, url)
    finally:
        for worker in workers:
            worker.close()


def all_call(workers: list[Worker], url: str) -> None:
    """All of them call an API at the same instant, and are answered."""
    for worker in workers:
        worker.tell(call=url)
    for worker in workers:
        answer = worker.hear()
        assert answer.get("status") == 200, answer
