"""A generator that is told step by step, by whoever answers what it asks for: stories, and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

Y = TypeVar("Y")
T = TypeVar("T")


class Play(Generic[Y, T]):
    """One generator under way. Put what `next` asks for into `reply`, or into `failure` what came instead.

    `result`: what the generator returned, once `next` has given None.
    """

    __slots__ = ("_generator", "failure", "reply", "result")

    result: T

    def __init__(self, generator: Generator[Y, Any, T]) -> None:
        self._generator = generator
        self.reply: Any = None
        self.failure: BaseException | None = None

    def next(self) -> Y | None:
        """What the generator waits for; None where it is told. Raises what it raises."""
        reply, failure = self.reply, self.failure
        self.reply = self.failure = None
        try:
            return self._generator.send(reply) if failure is None else self._generator.throw(failure)
        except StopIteration as told:
            self.result = told.value
            return None
