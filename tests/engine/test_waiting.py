"""Design 3: whoever waits for a flight may be cancelled, closed or gone; the flight goes on, and the loop too."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from oauthclient.engine.flights import Flights
from tests.engine.flying import Run, Story, gather, give_up, nap, settle


def test_a_cancelled_task_hurts_nobody(run: Run) -> None:
    """Nor does the one that started the flight, when it goes."""
    flights, story = Flights(), Story()

    async def main() -> list[Any]:
        async def leader() -> Any:
            await give_up(flights.join("k", story).result_async, after=0.02)
            story.may_end.set()
            return "gone"

        async def other() -> Any:
            return await flights.join("k", story).result_async()

        return await gather(leader, other, other)

    assert run(main) == ["gone", "told", "told"]
    assert story.told == 1


def test_a_loop_that_is_gone_does_not_stop_the_flight(run: Run) -> None:
    flights, story = Flights(), Story()

    async def main() -> None:
        await give_up(flights.join("k", story).result_async, after=0.01)

    run(main)
    flight = flights.join("k", story)
    story.may_end.set()
    assert flight.result() == "told"
    assert story.told == 1


def test_a_cancelled_task_is_cancelled_and_not_timed_out() -> None:
    flights, story = Flights(), Story()

    async def main() -> None:
        task = asyncio.ensure_future(flights.join("k", story).result_async())
        await asyncio.sleep(0.01)
        task.cancel("by the user")
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    story.may_end.set()
    settle()


def test_the_loop_is_not_blocked(run: Run) -> None:
    flights, story = Flights(), Story()

    async def main() -> int:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            for _ in range(10):
                await nap(0.001)
                ticks += 1
            story.may_end.set()

        await gather(lambda: flights.join("k", story).result_async(), tick)
        return ticks

    assert run(main) == 10


def test_a_waiter_is_not_a_worker_of_the_pool() -> None:
    """More waiters than the loop's pool has threads, of whom the story needs one: waiting there would deadlock."""
    flights = Flights()

    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))

        def tell() -> Any:
            return asyncio.run_coroutine_threadsafe(asyncio.to_thread(lambda: "by the pool"), loop).result(5)

        return await asyncio.gather(*[flights.join("k", tell).result_async() for _ in range(50)])

    assert asyncio.run(main()) == ["by the pool"] * 50
