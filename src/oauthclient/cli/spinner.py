"""Something that moves while a person is waited for; on a terminal only."""

from __future__ import annotations

import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING, Final, Self

from oauthclient.cli.look import say
from oauthclient.cli.streams import coloured, encodable

if TYPE_CHECKING:
    from types import TracebackType

_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN: Final = "|/-\\"
_EACH: Final = 0.12  # seconds
_ERASE: Final = "\r\x1b[2K"
_MINUTE: Final = 60


class Spinner:
    """A line on stderr that says what is waited for, from the first `tell` on, and how long that may take."""

    def __init__(self, text: str, *, seconds: float | None = None) -> None:
        self._text = text
        self._seconds = seconds
        self._moves = coloured(sys.stderr)
        self._frames = _FRAMES if encodable(_FRAMES, sys.stderr) else _PLAIN
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def tell(self, text: str) -> None:
        """Show `text`, and begin to move, or go on below it."""
        with self._lock:
            say(f"{_ERASE if self._thread is not None else ''}{text}")
        if self._moves and self._thread is None:
            self._thread = threading.Thread(target=self._move, name="oauthclient-spinner", daemon=True)
            self._thread.start()

    def _move(self) -> None:
        end = None if self._seconds is None else monotonic() + self._seconds
        turn = 0
        while not self._over.wait(_EACH):
            left = "" if end is None else "{}:{:02}; ".format(*divmod(max(round(end - monotonic()), 0), _MINUTE))
            frame = self._frames[turn % len(self._frames)]
            turn += 1
            with self._lock:
                sys.stderr.write(f"{_ERASE}{frame} {self._text} ({left}Ctrl-C to stop)")
                sys.stderr.flush()
        with self._lock:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
