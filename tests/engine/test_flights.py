"""Promise 3: N threads, M tasks, several loops: one story, and its result or an error of their own for all who wait."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import trio

from oauthclient.engine import flights as module
from oauthclient.engine.driver import Driver
from oauthclient.engine.flights import Flight, Flights, own
from oauthclient.errors import ErrorResponse, GrantFailed, Unreachable
from oauthclient.flows.effects import FreshID, Jitter, Load, Now, Once, Save
from oauthclient.storage.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.engine.conftest import Time

Run = Callable[[Callable[[], Awaitable[Any]]], Any]


class Story:
    """Something to tell that waits until it may end; counts how often it is told."""

    def __init__(self, ending: Any = "told") -> None:
        self.ending = ending
        self.told = 0
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> Any:
        self.told += 1
        self.begun.set()
        assert self.may_end.wait(10)
        if isinstance(self.ending, BaseException):
            raise self.ending
        return self.ending


def run_asyncio(main: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(main())  # type: ignore[arg-type]


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    return run_asyncio if request.param == "asyncio" else trio.run


async def nap(seconds: float = 0.01) -> None:
    if trio.lowlevel.in_trio_run():
        await trio.sleep(seconds)
    else:
        await asyncio.sleep(seconds)


async def gather(*functions: Callable[[], Awaitable[Any]]) -> list[Any]:
    """What each returns or raises, in asyncio and trio."""
    results: list[Any] = [None] * len(functions)

    async def note(index: int) -> None:
        try:
            results[index] = await functions[index]()
        except Exception as error:  # noqa: BLE001  # to be looked at
            results[index] = error

    if trio.lowlevel.in_trio_run():
        async with trio.open_nursery() as nursery:
            for index in range(len(functions)):
                nursery.start_soon(note, index)
    else:
        await asyncio.gather(*map(note, range(len(functions))))
    return results


def settle() -> None:
    """Wait for the threads of flights, so that no test leaves one to the next."""
    for thread in threading.enumerate():
        if thread.name == "oauthclient":
            thread.join(5)


def in_threads(number: int, function: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(number) as pool:
        return [future.exception() or future.result() for future in [pool.submit(function) for _ in range(number)]]


def length(error: BaseException) -> int:
    frames, traceback = 0, error.__traceback__
    while traceback is not None:
        frames, traceback = frames + 1, traceback.tb_next
    return frames


def test_fifty_threads_hear_one_story() -> None:
    flights, story = Flights(), Story()
    together = threading.Barrier(51)

    def ask() -> Any:
        flight = flights.join("k", story)
        together.wait()
        return flight.result()

    threading.Thread(target=lambda: (together.wait(), story.may_end.set())).start()
    assert in_threads(50, ask) == ["told"] * 50
    assert story.told == 1


def test_a_hundred_tasks_hear_one_story(run: Run) -> None:
    flights, story = Flights(), Story()

    async def main() -> list[Any]:
        async def end() -> None:
            await nap()
            story.may_end.set()

        return await gather(end, *[lambda: flights.join("k", story).result_async()] * 100)

    assert run(main) == [None] + ["told"] * 100
    assert story.told == 1


def test_threads_and_loops_of_both_kinds_hear_the_same_story() -> None:
    flights, story = Flights(), Story(ending=object())
    joined = threading.Barrier(5)

    def in_a_loop(run: Run) -> Any:
        async def main() -> Any:
            flight = flights.join("k", story)
            joined.wait()
            return await flight.result_async()

        return run(main)

    def in_a_thread() -> Any:
        flight = flights.join("k", story)
        joined.wait()
        return flight.result()

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(in_a_loop, run) for run in (run_asyncio, run_asyncio, trio.run)]
        waiting.append(pool.submit(in_a_thread))
        joined.wait()
        story.may_end.set()
        assert [future.result() for future in waiting] == [story.ending] * 4
    assert story.told == 1


def test_other_keys_fly_at_the_same_time() -> None:
    flights, one, two = Flights(), Story("one"), Story("two")
    first, second = flights.join(1, one), flights.join(2, two)
    assert one.begun.wait(5)
    assert two.begun.wait(5)
    two.may_end.set()
    assert second.result() == "two"
    one.may_end.set()
    assert first.result() == "one"


def test_a_flight_that_has_landed_is_not_joined() -> None:
    flights, told = Flights(), []
    for _ in range(3):
        flights.join("k", lambda: told.append(1)).result()
    assert len(told) == 3


def test_nothing_is_kept_of_flights_that_are_over() -> None:
    flights = Flights()
    for number in range(20):
        flights.join(number, lambda: None).result()
    settle()
    assert flights._by_key == {}


def test_each_thread_gets_an_error_of_its_own() -> None:
    error = ErrorResponse("no", code="invalid_client", hint="look")
    flights, story = Flights(), Story(error)
    story.may_end.set()
    flight = flights.join("k", story)
    errors = in_threads(20, flight.result)
    assert len({id(e) for e in (error, *errors)}) == 21
    assert {(type(e), str(e), e.code) for e in errors} == {(ErrorResponse, "no look", "invalid_client")}


def test_a_thousand_waiters_do_not_make_a_traceback_grow(run: Run) -> None:
    """A shared exception gathers the frames of all who raise it: 4,002 of them, seen in the wild (design 4.4)."""
    flights, story = Flights(), Story(Unreachable("no route"))

    async def main() -> list[Any]:
        flight = flights.join("k", story)

        async def end() -> None:
            await nap()
            story.may_end.set()

        return await gather(end, *[flight.result_async] * 1000)

    _, *errors = run(main)
    assert len(set(map(id, errors))) == 1000
    assert max(map(length, errors)) <= 6
    assert story.told == 1


def test_an_error_keeps_its_cause_but_not_the_frames_it_came_through() -> None:
    def tell() -> None:
        raise GrantFailed("no") from OSError("the vault")

    with pytest.raises(GrantFailed) as failed:
        Flights().join("k", tell).result()
    assert isinstance(failed.value.__cause__, OSError)
    traceback, seen = failed.value.__traceback__, []
    while traceback is not None:
        seen.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    assert "tell" not in seen


def test_what_cannot_be_copied_is_raised_as_it_is() -> None:
    class Foreign(Exception):
        def __init__(self, one: str, *, two: str) -> None:
            super().__init__(one + two)

    foreign = Foreign("a", two="b")
    assert own(foreign) is foreign


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


async def give_up(function: Callable[[], Awaitable[Any]], *, after: float) -> None:
    if trio.lowlevel.in_trio_run():
        with trio.move_on_after(after):
            await function()
    else:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(after):
                await function()


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


def test_the_context_of_who_starts_it_is_copied() -> None:
    """For tracing; what the story sets there stays there."""
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("mine")

    def tell() -> str:
        seen = variable.get()
        variable.set("its")
        return seen

    assert Flights().join("k", tell).result() == "mine"
    assert variable.get() == "mine"


def test_where_no_thread_can_be_had_the_story_is_told_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    flights = Flights()
    assert flights.join("k", threading.get_ident).result() == threading.get_ident()
    assert flights._by_key == {}
    with pytest.raises(Unreachable):
        flights.join("k", _ended(Unreachable("no"))).result()


def _fail() -> None:
    raise Unreachable("no route")


def _ended(ending: Any) -> Story:
    story = Story(ending)
    story.may_end.set()
    return story


def test_a_lost_flight_is_given_up_and_another_may_start(time_: Time) -> None:
    flights, lost = Flights(), Story()
    flights.join("k", lost)
    assert lost.begun.wait(5)
    time_.pass_(121)
    assert flights.join("k", _ended("found")).result() == "found"
    lost.may_end.set()
    settle()
    assert flights._by_key == {}


def test_who_waits_for_a_lost_flight_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST", 0.05)
    flights, story = Flights(), Story()
    with pytest.raises(Unreachable) as told:
        flights.join("k", story).result()
    assert told.value.code == "timeout"

    async def main() -> Any:
        return await flights.join("k", story).result_async()

    with pytest.raises(Unreachable):
        run(main)
    story.may_end.set()
    settle()


def test_a_late_landing_does_not_remove_its_successor(time_: Time) -> None:
    flights, late, next_ = Flights(), Story(), Story()
    flights.join("k", late)
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "oauthclient")
    time_.pass_(121)
    successor = flights.join("k", next_)
    late.may_end.set()
    thread.join(5)
    assert flights.join("k", late) is successor
    next_.may_end.set()
    assert successor.result() == "told"


def test_a_flight_leaves_no_reference_cycle_behind() -> None:
    """Tokens would live on until the collector comes, and errors with their frames."""

    def count() -> int:
        return sum(isinstance(thing, Flight) for thing in gc.get_objects())

    gc.collect()
    before = count()
    gc.disable()
    try:
        flights = Flights()
        for tell in (dict, _fail) * 5:
            with contextlib.suppress(Unreachable):
                flights.join("k", tell).result()
            settle()
        assert count() == before
    finally:
        gc.enable()


def test_a_result_may_be_none_or_an_exception() -> None:
    error = ValueError("a result, not a failure")
    assert Flights().join("k", lambda: None).result() is None
    assert Flights().join("k", lambda: error).result() is error


def test_whatever_a_story_raises_reaches_those_who_wait() -> None:
    for ending in (KeyboardInterrupt(), SystemExit(3), GeneratorExit(), ZeroDivisionError()):
        with pytest.raises(type(ending)):
            Flights().join("k", _ended(ending)).result()


def test_the_driver_answers_every_effect() -> None:
    driver = Driver(None, MemoryStore())  # type: ignore[arg-type]

    def story() -> Generator[Any, Any, Any]:
        now = yield from Now()
        one = yield from FreshID()
        two = yield from FreshID()
        jitter = yield from Jitter()
        empty = yield from Load("slot")  # type: ignore[arg-type]
        yield from Save("slot", "token")  # type: ignore[arg-type]
        stored = yield from Load("slot")  # type: ignore[arg-type]
        return now, one, two, jitter, empty, stored

    now, one, two, jitter, empty, stored = driver.run(story())
    assert abs(now.wall - time.time()) < 5
    assert one != two
    assert len(one) >= 22
    assert 0 <= jitter <= 1
    assert (empty, stored) == (None, "token")
