"""Writes the story where it is read: as wide as the terminal, in colour on one, in ASCII where that is all there is."""

from __future__ import annotations

import shutil
import textwrap
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TextIO

from oauthclient.cli.narration import anatomy
from oauthclient.cli.streams import coloured, encodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

    from oauthclient.cli.narration.anatomy import Line, Part

_NARROWEST, _WIDEST, _USUAL = 60, 110, 100
_NAME: Final = 21  # columns for a name at most
_SECTION: Final = 11  # columns for "header", "claims", "signature"
_INDENT: Final = 4
_COLOURS: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_ASCII: Final = str.maketrans({"━": "=", "→": ">", "←": "<", "▸": "*", "✓": "+", "✗": "x", "…": "...", "·": "-"})


class Terminal:
    """Writes to `stream`, whose encoding and kind decide about characters and colours; `environ` may forbid colours."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self._width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((_USUAL, 24)).columns))
        self._coloured = coloured(stream, environ)
        self._unicode = encodable("━→←▸✓✗…·", stream)

    def title(self, text: str) -> None:
        """The first line."""
        self._paragraph(text, styles=("bold",), indent=0)

    def step(self, heading: str) -> None:
        """The heading of a step, ruled off to the right margin."""
        ruled = f"━━ {heading} "
        self._write()
        self._write(self._styled(ruled.ljust(self._width, "━"), "bold", "blue"))

    def say(self, text: str) -> None:
        """A paragraph."""
        self._write()
        self._paragraph(text)

    def code(self, *lines: str) -> None:
        """What the program does next, in its own words."""
        self._write()
        for line in lines:
            self._paragraph(line.lstrip(), indent=_INDENT + len(line) - len(line.lstrip()), styles=("cyan",))

    def proves(self, text: str) -> None:
        """What the message above proves."""
        self._write()
        self._paragraph(text, mark="▸ ", styles=("green",))

    def fails(self, text: str) -> None:
        """What went otherwise than it should have."""
        self._write()
        self._paragraph(text, mark="✗ ", styles=("bold", "red"))

    def request(self, request: httpx.Request, earlier: httpx.Request | None = None) -> None:
        """A request, or what in it is not as in an `earlier` one."""
        self._write()
        self._paragraph(f"{request.method} {anatomy.shortened(str(request.url))}", mark="→ ", styles=("bold",))
        self._parts(anatomy.request_parts(request, earlier))
        if earlier is not None:
            self._write(self._styled(" " * _INDENT + "all else as before", "dim"))

    def response(self, response: httpx.Response, *, brief: bool = False) -> None:
        """An answer, or only its status and its error."""
        self._write()
        good = response.is_success
        phrase = HTTPStatus(response.status_code).phrase if response.status_code in set(HTTPStatus) else ""
        styles = ("bold", "green" if good else "yellow")
        self._paragraph(f"{response.status_code} {phrase}".strip(), mark="← ", styles=styles)
        if not brief:
            self._parts(anatomy.response_parts(response))

    def outcome(self, text: str, *, good: bool) -> None:
        """What came of what stands above."""
        mark, colour = ("✓ ", "green") if good else ("✗ ", "red")
        self._paragraph(text, mark=mark, styles=(colour,), indent=_INDENT)

    def facts(self, lines: Iterable[Line]) -> None:
        """Names and their values."""
        self._write()
        self._lines(lines, indent=2)

    def _parts(self, parts: Iterable[Part]) -> None:
        above = ""
        for part in parts:
            if part.title != above:
                self._paragraph(part.title, indent=_INDENT)
                above = part.title
            self._lines(part.lines, indent=_INDENT + (2 if part.title else 0), section=part.section)

    def _lines(self, lines: Iterable[Line], *, indent: int, section: str = "") -> None:
        lines = list(lines)
        margin = indent + (_SECTION if section else 0)
        # A column for the names; a name that is too long for it has a line of its own.
        column = max((len(line.name) + 2 for line in lines if 0 < len(line.name) <= _NAME), default=0)
        head = " " * indent + self._styled(section.ljust(margin - indent), "dim")
        for line in lines:
            name = self._styled(line.name).ljust(column)
            if len(name) > column:
                self._write(head + name)
                head, name = " " * margin, " " * column
            for piece in self._value(line, self._width - margin - column):
                self._write(head + name + piece)
                head, name = " " * margin, " " * column

    def _value(self, line: Line, room: int) -> list[str]:
        pieces = self._wrapped(line.value, room)
        notes = [f"# {piece}" for piece in self._wrapped(line.note, room - 2)] if line.note else []
        if len(notes) == 1 and len(pieces[-1]) + 2 + len(notes[0]) <= room:
            pieces[-1] += "  " + self._styled(notes.pop(), "dim")
        return [*pieces, *(self._styled(note, "dim") for note in notes)]

    def _paragraph(self, text: str, *, mark: str = "", styles: tuple[str, ...] = (), indent: int = 2) -> None:
        first = " " * indent + mark
        for piece in self._wrapped(text, self._width - len(first)):
            self._write(self._styled(first + piece, *styles))
            first = " " * len(first)

    def _wrapped(self, text: str, room: int) -> list[str]:
        return textwrap.wrap(self._plain(text), room, break_on_hyphens=False) or [""]

    def _plain(self, text: str) -> str:
        # What comes from a server could hold characters that rewrite a terminal.
        clean = "".join(character if character.isprintable() else " " for character in text)
        return clean if self._unicode else clean.translate(_ASCII)

    def _styled(self, text: str, *styles: str) -> str:
        plain = self._plain(text)
        if not self._coloured or not styles:
            return plain
        return f"\x1b[{';'.join(_COLOURS[style] for style in styles)}m{plain}\x1b[0m"

    def _write(self, line: str = "") -> None:
        encoding = self._stream.encoding
        self._stream.write(line.rstrip().encode(encoding, "replace").decode(encoding) + "\n")
