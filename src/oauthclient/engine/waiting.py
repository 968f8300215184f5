"""Waiting for a flight in each kind of program: a thread, an asyncio task, a trio task."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

_SLICE: Final = 1.0  # seconds; Windows hears Ctrl-C only between two waits


def wait(future: Future[Any], seconds: float) -> bool:
    """Block this thread until `future` is done, at most for `seconds`; whether it is done."""
    while not future.done() and seconds > 0:
        try:
            future.exception(min(_SLICE, seconds))
        except TimeoutError:
            seconds -= _SLICE
    return future.done()


async def wait_async(future: Future[Any], seconds: float) -> bool:
    """Suspend this task until `future` is done, at most for `seconds`; whether it is done.

    The loop is woken by its own thread-safe call: waiting on worker threads deadlocks when their pool is full of
    waiters. A cancelled task leaves the future alone.
    """
    trio: Any = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        event = trio.Event()
        token = trio.lowlevel.current_trio_token()
        _when_done(future, lambda: token.run_sync_soon(event.set), trio.RunFinishedError)
        with trio.move_on_after(seconds):
            await event.wait()
    else:
        import asyncio

        loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        _when_done(future, lambda: loop.call_soon_threadsafe(woken.set), RuntimeError)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await woken.wait()
    return future.done()


def _when_done(future: Future[Any], wake: Callable[[], object], loop_is_gone: type[Exception]) -> None:
    def done(_: Future[Any]) -> None:
        with suppress(loop_is_gone):  # then nobody is left to be woken
            wake()

    future.add_done_callback(done)
