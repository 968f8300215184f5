"""Text from a server, made fit for an error, a log or a terminal."""

from __future__ import annotations

_LONGEST = 300


def shown(text: object) -> str:
    """`text` cut to 300 characters, without control, format or surrogate characters (they could rewrite a terminal)."""
    printable = "".join(c if c.isprintable() else " " for c in str(text)[: 2 * _LONGEST]).strip()
    return printable if len(printable) <= _LONGEST else printable[: _LONGEST - 1] + "…"


def sentence(text: str) -> str:
    """`text` with its first letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]
