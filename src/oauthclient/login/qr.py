"""A QR code that a phone reads off a terminal (ISO/IEC 18004)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oauthclient.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUIET_ZONE: Final = 4  # modules; the standard's
_RESET: Final = "\x1b[0m"
# Colours of the fixed part of the 256 palette: "black" and "white" are what a theme makes of them. They are always
# set, so that a dark terminal does not show the negative, which not every reader knows.
_BLACK_ON_WHITE: Final = "\x1b[38;5;16;48;5;231m"
_HALVES: Final = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
_BACKGROUND: Final = {0: "\x1b[48;5;231m", 1: "\x1b[48;5;16m"}


def terminal_qr(text: str, *, unicode: bool) -> str:
    """`text` as a QR code, in lines without a final newline, for a terminal that knows 256 colours.

    With `unicode`, a character shows one module's width and two modules' height; else, in ASCII, two characters show
    one module. Raises ConfigurationError (`extra_missing`) without segno, and (`too_long`) above its 2,953 octets.
    """
    try:
        import segno
    except ImportError:
        raise ConfigurationError(
            "A QR code needs the package segno.", code="extra_missing", hint="pip install 'oauthclient[cli]'"
        ) from None
    try:
        code = segno.make_qr(text, error="l")  # on a screen nothing is smudged, and fewer modules fit more terminals
    except segno.DataOverflowError:
        raise ConfigurationError("The text is too long for a QR code.", code="too_long") from None
    rows = [list(row) for row in code.matrix_iter(border=_QUIET_ZONE)]
    return "\n".join(_halved(rows) if unicode else map(_coloured, rows))


def _halved(rows: Sequence[Sequence[int]]) -> list[str]:
    nothing = [0] * len(rows[0])
    pairs = zip(rows[::2], [*rows[1::2], nothing], strict=False)
    return [
        _BLACK_ON_WHITE + "".join(_HALVES[above, below] for above, below in zip(*pair, strict=True)) + _RESET
        for pair in pairs
    ]


def _coloured(row: Sequence[int]) -> str:
    changes = ["" if index and row[index - 1] == module else _BACKGROUND[module] for index, module in enumerate(row)]
    return "".join(change + "  " for change in changes) + _RESET
