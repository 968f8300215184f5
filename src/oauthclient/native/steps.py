"""Scripts: what an app does one after the other, written once for programs that block and for those that await."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from oauthclient.engine.play import Play

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.login.listener import CallbackRequest, Listener

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class Step(Protocol[R_co]):
    """Something to wait for, in the way of the program: a flight, or a person with a browser."""

    def result(self) -> R_co:
        """Block until it is there."""

    async def result_async(self) -> R_co:
        """Wait until it is there, without blocking the event loop."""


Script = Generator[Step[Any], Any, T]


def step(waited_for: Step[T]) -> Script[T]:
    """The result of one step; its type is kept by `yield from`."""
    result: T = yield waited_for
    return result


def run(script: Script[T]) -> T:
    """Play a script, and block at each step."""
    play = Play(script)
    while (waited_for := play.next()) is not None:
        try:
            play.reply = waited_for.result()
        except BaseException as error:  # noqa: BLE001  # Ctrl-C too is the script's to clean up after
            play.failure = error
    return play.result


async def run_async(script: Script[T]) -> T:
    """Play a script, and await each step. A cancelled task ends it; what was sent to the server lands all the same."""
    play = Play(script)
    while (waited_for := play.next()) is not None:
        try:
            play.reply = await waited_for.result_async()
        except BaseException as error:  # noqa: BLE001  # a cancellation too is the script's to clean up after
            play.failure = error
    return play.result


class Listening(Generic[T]):
    """The wait for the browser to bring an answer that `accept` takes; `timeout` in seconds."""

    __slots__ = ("_accept", "_listener", "_timeout")

    def __init__(
        self, listener: Listener, accept: Callable[[CallbackRequest], Callable[[], T] | None], *, timeout: float
    ) -> None:
        self._listener = listener
        self._accept = accept
        self._timeout = timeout

    def result(self) -> T:
        """Block until the answer has come and was made use of."""
        return self._listener.wait(self._accept, timeout=self._timeout)

    async def result_async(self) -> T:
        """The same, without blocking the event loop."""
        return await self._listener.wait_async(self._accept, timeout=self._timeout)
