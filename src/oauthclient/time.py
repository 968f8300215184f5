"""The two clocks: the wall clock, and one that never jumps and goes on while the machine sleeps."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from oauthclient.protocol.wire import Instant

if TYPE_CHECKING:
    from collections.abc import Callable

wall: Final = time.time
sleep: Final = time.sleep


def _find_steady() -> Callable[[], float]:
    # Linux's CLOCK_MONOTONIC stands still while the machine sleeps; that of macOS goes on, unlike time.monotonic there.
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        if hasattr(time, name):
            return partial(time.clock_gettime, getattr(time, name))
    return time.monotonic


steady: Final = _find_steady()


def now() -> Instant:
    """The present moment, on both clocks."""
    return Instant(wall(), steady())
