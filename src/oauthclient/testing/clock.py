"""A clock that tests turn: for servers whose clock is wrong, and for tokens that grow old without waiting."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Seconds since the epoch: what `source` says, plus `offset` seconds.

    Give one clock to a server and its APIs, and to the client under test where it should agree with them. A
    fixed source (`Clock(lambda: 1_700_000_000)`) makes a clock that moves only by `advance`.
    """

    __slots__ = ("_source", "offset")

    def __init__(self, source: Callable[[], float] = time.time, *, offset: float = 0.0) -> None:
        self._source = source
        self.offset = offset

    def __call__(self) -> float:
        """The time now."""
        return self._source() + self.offset

    def advance(self, seconds: float) -> None:
        """Turn the clock forward, or back by a negative number."""
        self.offset += seconds
