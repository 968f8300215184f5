"""Text from a server is cut and cleaned before it meets an error, a log or a terminal."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from oauthclient.protocol.text import sentence, shown


@given(st.text(st.characters(), max_size=1000))
def test_what_is_shown_is_short_and_printable(text: str) -> None:
    seen = shown(text)
    assert len(seen) <= 300
    assert seen.isprintable()
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(c) for c in seen}


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=300))
def test_plain_text_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_what_rewrites_a_terminal_does_not_reach_it() -> None:
    assert shown("ok\x1b[2K\r\n\u202edrow\x9b31m") == "ok [2K   drow 31m"


def test_what_was_cut_says_so() -> None:
    assert shown("x" * 301) == "x" * 299 + "…"
    assert shown("x" * 300) == "x" * 300


def test_anything_can_be_shown() -> None:
    assert shown(None) == "None"
    assert shown({"a": 1}) == "{'a': 1}"
    assert shown(10**400).endswith("…")


def test_a_sentence_begins_with_a_capital_and_is_else_left_alone() -> None:
    assert sentence("the token response of https://AS.example") == "The token response of https://AS.example"
    assert sentence("") == ""
