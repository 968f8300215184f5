"""Calls that may never return, waited for with patience that ends."""

from __future__ import annotations

from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Bounded:
    """Runs functions one at a time, each on a daemon thread, since one that hangs cannot be ended.

    While one hangs the next ones wait for it, so that a program that tries again and again gathers no threads.
    """

    __slots__ = ("_free",)

    def __init__(self) -> None:
        self._free: Final = Lock()

    def call(self, function: Callable[[], T], seconds: float) -> T:
        """What `function` returns; it must not raise. Raises TimeoutError after `seconds`."""
        deadline = monotonic() + seconds
        if not self._free.acquire(timeout=seconds):
            raise TimeoutError
        returned: list[T] = []

        def run() -> None:
            try:
                returned.append(function())
            finally:
                self._free.release()  # by whichever thread: a Lock belongs to none

        thread = Thread(target=run, name="oauthclient-keyring", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads can be had, or the interpreter is ending
            self._free.release()
            raise TimeoutError from None
        thread.join(max(deadline - monotonic(), 0))
        if not returned:
            raise TimeoutError
        return returned[0]
