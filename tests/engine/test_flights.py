"""N threads, M tasks, several loops: one story, and its result or an error of their own for all who wait."""

from __future__ import annotations

import contextlib
import contextvars
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import trio

from oauthclient.engine import flights as module
from oauthclient.engine.flights import Flight, Flights, own
from oauthclient.errors import ErrorResponse, GrantFailed, Unreachable
from tests.engine.flying import Run, Story, ended, fail, gather, in_threads, length, nap, run_asyncio, settle

if TYPE_CHECKING:
    from tests.engine.conftest import Time


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
        flights.join("k", ended(Unreachable("no"))).result()


def test_a_lost_flight_is_given_up_and_another_may_start(time_: Time) -> None:
    flights, lost = Flights(), Story()
    flights.join("k", lost)
    assert lost.begun.wait(5)
    time_.pass_(121)
    assert flights.join("k", ended("found")).result() == "found"
    lost.may_end.set()
    settle()
    assert flights._by_key == {}


def test_who_waits_for_a_lost_flight_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 0.05)
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
        for tell in (dict, fail) * 5:
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
            Flights().join("k", ended(ending)).result()
