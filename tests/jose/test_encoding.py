import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.jose.encoding import base64url, base64url_octets, json_object, json_text


@given(st.binary())
def test_base64url_is_that_of_the_standard_library_without_padding(octets: bytes) -> None:
    assert base64url(octets) == base64.urlsafe_b64encode(octets).rstrip(b"=")
    assert base64url_octets(base64url(octets).decode()) == octets


@given(st.text(alphabet="AQgw-_+/=\n é09"))
def test_every_octet_string_has_exactly_one_encoding(text: Any) -> None:
    try:
        octets = base64url_octets(text)
    except ValueError:
        return
    assert base64url(octets).decode() == text


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "Q+", "Q/", "QUJ", "QQ\n", " QQ", "QQé", "QQ.", "\ud800"])
def test_sloppy_base64url_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r"base64url|ascii"):
        base64url_octets(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"a":1,"a":2}', "has a member twice"),
        (b'{"x":[{"a":1,"a":1}]}', "has a member twice"),
        (b'{"a":NaN}', "has a number that is not JSON"),
        (b'{"a":-Infinity}', "has a number that is not JSON"),
        (b'{"a":1e999}', "has a number out of range"),
        (b'{"a":"\\ud800"}', "has a lone surrogate"),
        (b'{"\\udfff":1}', "has a lone surrogate"),
        (b'{"a":"\xff"}', "is not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "is not UTF-8"),
        ('{"a":1}'.encode("utf-16-le"), "is not JSON"),
        (b'\xef\xbb\xbf{"a":1}', "is not JSON"),
        (b"{", "is not JSON"),
        (b"", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"null", "is not a JSON object"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "is nested too deeply"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is nested too deeply"),
        (b'{"a":' + b"9" * 5000 + b"}", "has a number out of range"),
    ],
)
def test_what_is_not_one_well_formed_object_is_refused(text: Any, fault: Any) -> None:
    with pytest.raises(ValueError, match=f"^{fault}$"):
        json_object(text)


def test_objects_are_read_whole() -> None:
    text = b'{"a":{"b":[1,2.5,null,true,"\xc3\xa9"]},"c":"\\ud83d\\ude00"}'
    assert json_object(text) == json.loads(text)


def test_json_is_written_in_utf_8() -> None:
    assert json_text({"sub": "é"}) == b'{"sub":"\xc3\xa9"}'
