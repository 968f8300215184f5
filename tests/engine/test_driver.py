"""The driver answers every effect; a story may wait for another one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from oauthclient.engine.driver import Driver
from oauthclient.errors import Unreachable
from oauthclient.flows.effects import FreshID, Jitter, Load, Now, Once, Save
from oauthclient.storage.memory import MemoryStore
from tests.flows.telling import make_slot

if TYPE_CHECKING:
    from collections.abc import Generator


def test_a_flight_may_start_a_flight() -> None:
    """As when a renewal needs the metadata first; several renewals share that one."""
    driver = Driver(None, MemoryStore())  # type: ignore[arg-type]
    told = []

    def inner() -> Generator[Any, Any, str]:
        told.append("inner")
        yield from Now()
        time.sleep(0.05)
        return "metadata"

    def outer(number: int) -> Generator[Any, Any, str]:
        found = yield from Once("inner", inner)
        return f"{found} for {number}"

    flights = [driver.flights.join(n, lambda n=n: driver.run(outer(n))) for n in range(5)]
    assert [flight.result() for flight in flights] == [f"metadata for {n}" for n in range(5)]
    assert told == ["inner"]


def test_the_failure_of_an_inner_flight_reaches_the_stories_that_wait() -> None:
    driver = Driver(None, MemoryStore())  # type: ignore[arg-type]

    def inner() -> Generator[Any, Any, str]:
        yield from Now()
        raise Unreachable("no route")

    def outer() -> Generator[Any, Any, str]:
        try:
            return (yield from Once("inner", inner))
        except Unreachable:
            return "met"

    assert driver.run(outer()) == "met"


def test_the_driver_answers_every_effect() -> None:
    driver = Driver(None, MemoryStore())  # type: ignore[arg-type]
    slot = make_slot()

    def story() -> Generator[Any, Any, Any]:
        now = yield from Now()
        one = yield from FreshID()
        two = yield from FreshID()
        jitter = yield from Jitter()
        empty = yield from Load(slot)
        yield from Save(slot, "token")  # type: ignore[arg-type]
        stored = yield from Load(slot)
        return now, one, two, jitter, empty, stored

    now, one, two, jitter, empty, stored = driver.run(story())
    assert abs(now.wall - time.time()) < 5
    assert one != two
    assert len(one) >= 22
    assert 0 <= jitter <= 1
    assert (empty, stored) == (None, "token")
