"""How things look: colours on a terminal that wants them, JSON for programs, columns for people."""

from __future__ import annotations

import json
import sys
from time import strftime
from typing import TYPE_CHECKING, Final, TextIO

import click

from oauthclient.cli.streams import coloured, encodable
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
_MARKS: Final = {"good": ("✓", "+", "green"), "note": ("·", "-", "dim"), "bad": ("✗", "x", "red")}


def styled(text: str, *styles: str, stream: TextIO | None = None) -> str:
    """`text` in these styles, where `stream`, by default stderr, shows them."""
    if not styles or not coloured(stream or sys.stderr):
        return text
    return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def mark(kind: str) -> str:
    """A tick, a dot or a cross, for stdout."""
    sign, plain, colour = _MARKS[kind]
    return styled(sign if encodable(sign, sys.stdout) else plain, colour, stream=sys.stdout)


def say(text: str = "") -> None:
    """Tell the person something: on stderr."""
    click.echo(text, err=True)


def as_json(document: object) -> None:
    """Write a result for a program: one JSON document on stdout."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def facts(pairs: Sequence[tuple[str, object]], *, indent: int = 2) -> None:
    """Names and values in two columns, on stdout; without those that have no value."""
    lines = [(name, shown(value)) for name, value in pairs if value not in (None, "")]
    width = max((len(name) for name, _ in lines), default=0)
    for name, value in lines:
        click.echo(f"{'':{indent}}{name:{width}}  {value}")


def moment(seconds: float | None) -> str:
    """A time, in the time zone of this machine."""
    from time import localtime

    return "at an unknown time" if seconds is None else strftime("%Y-%m-%d %H:%M:%S", localtime(seconds))


def span(seconds: float) -> str:
    """How long, roughly: "4 minutes"."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}s"
    return f"{seconds:.0f} seconds"
