"""RFC 8259 and RFC 7493: what an untrusted body may be, and what it may not."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import InvalidResponse
from oauthclient.protocol.strict_json import flag_member, parse_object, text_member, texts_member

WHAT = "the token response of https://as.example.com"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def refusal(body: bytes) -> str:
    with pytest.raises(InvalidResponse) as caught:
        parse_object(body, what=WHAT)
    assert WHAT in str(caught.value)
    return caught.value.code


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


@given(st.dictionaries(st.text(), json_values))
def test_an_object_comes_back_as_it_was_written(document: dict[str, Any]) -> None:
    assert parse_object(json.dumps(document).encode(), what=WHAT) == document
    assert parse_object(json.dumps(document, ensure_ascii=False).encode(), what=WHAT) == document


@given(st.binary() | st.text().map(str.encode) | st.text('{}[]":,\\0e1ud').map(str.encode))
def test_any_other_body_is_an_error_of_ours(body: bytes) -> None:
    with suppress(InvalidResponse):
        assert isinstance(parse_object(body, what=WHAT), dict)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"<html>", "not_json"),
        (b'{"a": 1', "not_json"),
        (b'{"a": 1} {}', "not_json"),
        (b"{'a': 1}", "not_json"),
        (b'{"a": "\n"}', "not_json"),
        (b'\xef\xbb\xbf{"a": 1}', "not_json"),
        ('{"a": 1}'.encode("utf-16-be"), "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b'{"a": Infinity}', "not_json"),
        (b'{"a": -Infinity}', "not_json"),
        (b'{"a": 1e999}', "not_json"),
        (b'{"a": -1e999}', "not_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not_json"),
        (b'{"a": 0.' + b"9" * 5000 + b"}", "not_json"),
        (b'{"a": "\xff"}', "not_utf8"),
        (b'{"a": "\xed\xa0\x80"}', "not_utf8"),
        (b'{"a": "\\ud800"}', "not_utf8"),
        (b'{"a": ["\\uDFFF"]}', "not_utf8"),
        (b'{"\\ud83d": 1}', "not_utf8"),
        (b"[]", "not_an_object"),
        (b'"token"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"1", "not_an_object"),
        (b'{"a": 1, "a": 1}', "duplicate_member"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_member"),
        (b'{"a": [{"b": {"c": 1, "c": 2}}]}', "duplicate_member"),
        (nested(33), "too_deep"),
        (b'{"a": "\\"", "b": ' + b"[" * 32 + b"]" * 32 + b"}", "too_deep"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a": "' + b"x" * (1 << 20) + b'"}', "too_large"),
    ],
)
def test_a_faulty_body_is_named(body: bytes, code: str) -> None:
    assert refusal(body) == code


def test_a_byte_order_mark_is_named() -> None:
    with pytest.raises(InvalidResponse, match="byte order mark"):
        parse_object(b"\xef\xbb\xbf{}", what=WHAT)


def test_what_is_just_within_the_bounds_is_read() -> None:
    assert parse_object(nested(32), what=WHAT)
    filler = "x" * ((1 << 20) - len('{"a":""}'))
    assert parse_object(f'{{"a":"{filler}"}}'.encode(), what=WHAT) == {"a": filler}
    assert parse_object(b'{"a": "' + b"[" * 100 + b'\\""}', what=WHAT) == {"a": "[" * 100 + '"'}
    assert parse_object(rb'{"a": "\ud83d\ude00 \\ud800"}', what=WHAT) == {"a": "\U0001f600 \\ud800"}


def test_a_duplicate_is_named_without_control_characters() -> None:
    with pytest.raises(InvalidResponse) as caught:
        parse_object(b'{"\\u001b[2J": 1, "\\u001b[2J": 2}', what=WHAT)
    assert "\x1b" not in str(caught.value)


def test_a_long_number_is_refused_even_where_python_would_read_it() -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        assert refusal(b'{"a": ' + b"9" * 5000 + b"}") == "not_json"
    finally:
        sys.set_int_max_str_digits(limit)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"' + b'\\"' * 500_000,
        b'"' + b'\\"' * 500_000,
        b'{"a":[' + b"[]," * 340_000,
        b'{"a":"' + b"\\u" * 500_000,
    ],
)
def test_a_hostile_body_costs_linear_time(body: bytes) -> None:
    started = time.process_time()
    refusal(body)
    assert time.process_time() - started < 5  # quadratic would be minutes


@pytest.mark.parametrize(
    "body", [b'{"access_token": "s3cr3t"', b'{"access_token": "s3cr3t", "access_token": "s3cr3t"}']
)
def test_no_token_stays_reachable_from_the_error(body: bytes) -> None:
    """A crash reporter shows the locals of every frame, and the exceptions that an exception came from."""
    with pytest.raises(InvalidResponse) as caught:
        parse_object(bytes(body), what=WHAT)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert all("s3cr3t" not in repr(entry.frame.f_locals) for entry in caught.traceback[1:])
    assert "s3cr3t" not in repr(caught.value)


def test_a_text_member_is_a_string_or_absent() -> None:
    assert text_member({"scope": "read"}, "scope", what=WHAT) == "read"
    assert text_member({"scope": ""}, "scope", what=WHAT, required=True) == ""
    assert text_member({}, "scope", what=WHAT) is None
    assert text_member({"scope": None}, "scope", what=WHAT) is None


@pytest.mark.parametrize("document", [{}, {"access_token": None}])
def test_a_required_member_that_is_missing_is_named(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidResponse, match="access_token") as caught:
        text_member(document, "access_token", what=WHAT, required=True)
    assert caught.value.code == "missing_member"


def test_an_array_of_strings_becomes_a_tuple() -> None:
    assert texts_member({"a": ["x", "y"]}, "a", what=WHAT) == ("x", "y")
    assert texts_member({"a": []}, "a", what=WHAT) == ()
    assert texts_member({"a": ("x",)}, "a", what=WHAT) == ("x",)
    assert texts_member({}, "a", what=WHAT) is None
    assert texts_member({"a": None}, "a", what=WHAT) is None


def test_a_flag_is_true_false_or_absent() -> None:
    assert flag_member({"a": True}, "a", what=WHAT) is True
    assert flag_member({"a": False}, "a", what=WHAT) is False
    assert flag_member({}, "a", what=WHAT) is None


@pytest.mark.parametrize(
    ("read", "value"),
    [
        *((text_member, value) for value in (1, True, 0.5, [], {}, ["s3cr3t"])),
        *((texts_member, value) for value in ("s3cr3t", 1, {}, [1], ["s3cr3t", None], [["s3cr3t"]])),
        *((flag_member, value) for value in ("true", 1, 0, [], {})),
    ],
)
def test_another_type_is_refused_by_name_and_without_its_value(read: Any, value: object) -> None:
    with pytest.raises(InvalidResponse, match="member_name") as caught:
        read({"member_name": value}, "member_name", what=WHAT)
    assert caught.value.code == "wrong_type"
    assert WHAT in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert "s3cr3t" not in str(caught.traceback[-1].frame.f_locals)
