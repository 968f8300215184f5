"""Flights: each story that somebody waits for runs on one short-lived thread, once however many wait."""

from __future__ import annotations

import contextvars
import copy
import os
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast
from weakref import WeakSet

from oauthclient import time
from oauthclient.engine.waiting import wait, wait_async
from oauthclient.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

LONGEST: Final = 120.0  # seconds; then the flight counts as lost: waiters are told, and a new one may start


class Flight(Generic[T]):
    """A story under way. Whoever waits gets its result, or an error of their own."""

    __slots__ = ("_error", "_future", "_longest", "started")

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._future: Future[T | None] = Future()
        self._error: BaseException | None = None
        self.started = time.steady()

    def run(self, tell: Callable[[], T]) -> None:
        """Run the story here and now, and land."""
        try:
            result = tell()
        except BaseException as error:  # noqa: BLE001  # it belongs to those who wait
            self._error = own(error)  # without the frames, which hold this flight and what the story knew
            self._future.set_result(None)
        else:
            self._future.set_result(result)

    @property
    def under_way(self) -> bool:
        """Whether to join it: it has not landed, nor been gone for so long that nobody should wait for it any more."""
        return not self._future.done() and time.steady() - self.started <= self._longest

    def result(self) -> T:
        """Block until it has landed. Raises what the story raised."""
        wait(self._future, self._longest)
        return self._landed()

    async def result_async(self) -> T:
        """Wait until it has landed, without blocking the event loop. Raises what the story raised."""
        await wait_async(self._future, self._longest)
        return self._landed()

    def _landed(self) -> T:
        if not self._future.done():
            raise Unreachable(
                f"The authorization server did not finish its answer within {self._longest:.0f} s.", code="timeout"
            )
        if self._error is not None:
            raise own(self._error)
        return cast("T", self._future.result())


class Flights:
    """The flights of one engine, by key. The lock is held for a dictionary look-up, never while anything waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[Hashable, Flight[Any]] = {}
        _everywhere.add(self)

    def join(
        self, key: Hashable, tell: Callable[[], T], *, must_land: bool = False, longest: float | None = None
    ) -> Flight[T]:
        """The flight under way for `key`, or a new one that runs `tell` on a thread of its own.

        `must_land`: the program does not end before it has, because what it brings cannot be had again. `longest`:
        seconds after which it counts as lost.
        """
        with self._lock:
            flight = self._by_key.get(key)
            if flight is not None and flight.under_way:  # one that has landed may hold what was rejected since
                return flight
            flight = self._by_key[key] = Flight[T](longest or LONGEST)
        self._start(key, flight, tell, must_land=must_land)
        return flight

    def _start(self, key: Hashable, flight: Flight[T], tell: Callable[[], T], *, must_land: bool) -> None:
        context = contextvars.copy_context()

        def fly() -> None:
            try:
                context.run(flight.run, tell)
            finally:
                with self._lock:
                    if self._by_key.get(key) is flight:
                        del self._by_key[key]

        try:
            threading.Thread(target=fly, name="oauthclient", daemon=not must_land).start()
        except RuntimeError:  # no thread can be had: the interpreter is shutting down, or the system is out of them
            fly()

    def forget(self) -> None:
        """In the child of a fork: the threads of these flights are not here."""
        self._lock = threading.Lock()
        self._by_key = {}


def own(error: E) -> E:
    """A copy of `error` for one waiter: a shared one would gather the frames of all of them, and show their locals."""
    try:
        mine = copy.copy(error)
    except Exception:  # noqa: BLE001  # a foreign exception that cannot be copied
        return error
    mine.__cause__ = error.__cause__
    mine.__traceback__ = None
    return mine


_everywhere: Final[WeakSet[Flights]] = WeakSet()


def _after_fork() -> None:
    for flights in list(_everywhere):
        flights.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
