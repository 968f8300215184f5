"""A QR code in a terminal: every module where segno has it, in black on white whatever the terminal's colours."""

import re
import sys

import pytest
import segno

from oauthclient.errors import ConfigurationError
from oauthclient.login.qr import terminal_qr

URL = "https://as.example.com/device?user_code=WDJB-MJHT"
BLACK, WHITE = "5;16", "5;231"


def modules(text: str):
    return [list(row) for row in segno.make_qr(text, error="l").matrix_iter(border=4)]


def painted(shown: str, *, halves: bool):
    """The modules that a terminal would show: 1 for black, 0 for white."""
    rows = []
    for line in shown.split("\n"):
        colours = {"38": None, "48": None}
        above, below = [], []
        for escape, character in re.findall(r"(?:\x1b\[([0-9;]*)m)|(.)", line):
            if not character:
                colours |= (
                    dict.fromkeys(("38", "48")) if escape == "0" else dict(re.findall(r"([34]8);(5;\d+)", escape))
                )
                continue
            ink, paper = colours["38"], colours["48"]
            above.append(ink if character in "▀█" else paper)
            below.append(ink if character in "▄█" else paper)
        assert colours == {"38": None, "48": None}, "a line leaves the terminal as it was"
        rows += [above, below] if halves else [above[::2]]
        assert halves or above[::2] == above[1::2]
    return [[{BLACK: 1, WHITE: 0}[colour] for colour in row] for row in rows]


def test_half_blocks_show_every_module_with_its_quiet_zone() -> None:
    expected = modules(URL)
    assert expected[0] == expected[3] == [0] * len(expected)
    shown = painted(terminal_qr(URL, unicode=True), halves=True)
    assert shown == [*expected, [0] * len(expected)]  # the number of rows is odd


def test_without_unicode_it_is_ascii_and_the_same() -> None:
    text = terminal_qr(URL, unicode=False)
    assert text.isascii()
    assert painted(text, halves=False) == modules(URL)


def test_it_fits_a_terminal() -> None:
    lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal_qr(URL, unicode=True)).split("\n")
    assert {len(line) for line in lines} == {37}
    assert len(lines) == 19


def test_too_long_a_text_is_an_error_of_ours() -> None:
    terminal_qr("x" * 2953, unicode=True)
    with pytest.raises(ConfigurationError) as refused:
        terminal_qr("x" * 2954, unicode=True)
    assert refused.value.code == "too_long"


def test_without_segno_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(ConfigurationError, match=r"oauthclient\[cli\]") as refused:
        terminal_qr(URL, unicode=True)
    assert refused.value.code == "extra_missing"
