"""Looks into everything that a program could show: logs, reprs, exceptions, the locals of tracebacks."""

from __future__ import annotations

import gc
import logging
import traceback
from contextlib import contextmanager
from pathlib import Path
from types import BuiltinMethodType, FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import TYPE_CHECKING

from oauthclient import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = str(Path(__file__).parent)


class Notes(logging.Handler):
    """All that is logged, by whomever."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @classmethod
    @contextmanager
    def of(cls, logger: str | None = None, *, level: int = logging.DEBUG) -> Iterator[Notes]:
        """What is logged in the meantime, to that logger or any."""
        kept, heard = cls(), logging.getLogger(logger)
        before = heard.level
        heard.addHandler(kept)
        heard.setLevel(level)
        yield kept
        heard.removeHandler(kept)
        heard.setLevel(before)


def told(error: BaseException) -> Iterator[str]:
    """All that an exception could show: itself, what it holds, and the locals of each frame that is not a test's."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield str(each)
        yield repr(each)
        yield repr(vars(each))
        for frame in traceback.TracebackException.from_exception(each, capture_locals=True).stack:
            if not frame.filename.startswith(TESTS):
                yield f"{frame.filename}:{frame.lineno} {frame.locals}"
        waiting += [each.__cause__, each.__context__]


def held(*things: object) -> Iterator[str]:
    """The repr of everything that can be reached from `things`, short of what a `Secret` holds."""
    seen: set[int] = set()
    waiting = list(things)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type | ModuleType | FrameType | TracebackType | BuiltinMethodType):
            continue
        seen.add(id(thing))
        if isinstance(thing, FunctionType):
            waiting += [cell.cell_contents for cell in thing.__closure__ or ()]
            continue
        if isinstance(thing, MethodType):
            waiting.append(thing.__self__)
            continue
        yield f"{type(thing).__qualname__}: {thing!r}"
        if not isinstance(thing, Secret):
            waiting += gc.get_referents(thing)
