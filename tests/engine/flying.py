"""Stories for flights to tell, and programs of every kind to wait for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trio

from oauthclient.errors import Unreachable

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


async def give_up(function: Callable[[], Awaitable[Any]], *, after: float) -> None:
    if trio.lowlevel.in_trio_run():
        with trio.move_on_after(after):
            await function()
    else:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(after):
                await function()


def fail() -> None:
    raise Unreachable("no route")


def ended(ending: Any) -> Story:
    story = Story(ending)
    story.may_end.set()
    return story
