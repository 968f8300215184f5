"""The encodings inside a JWT, read strictly: base64url (RFC 7515 section 2), JSON (RFC 8725 section 3.7)."""

from __future__ import annotations

import json
import math
from binascii import a2b_base64, b2a_base64
from typing import Any, Final, NoReturn

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_DEEPEST: Final = 32
_MOST_DIGITS: Final = 400  # more than any finite float has, fewer than Python refuses to read


def base64url(octets: bytes) -> bytes:
    """`octets` in base64url without padding (RFC 7515 section 2), as ASCII bytes."""
    return b2a_base64(octets, newline=False).translate(_TO_URL, b"=")


def base64url_octets(text: str) -> bytes:
    """The octets that `text` encodes in base64url.

    Raises ValueError for padding, a character outside the alphabet, an impossible length, or trailing bits
    that are not zero: every octet string has exactly one encoding, so that a signed text cannot be changed
    unnoticed.
    """
    encoded = text.encode("ascii")
    if encoded.translate(None, _ALPHABET) or len(encoded) % 4 == 1:
        raise ValueError("is not base64url")
    octets = a2b_base64(encoded.translate(_FROM_URL) + b"=" * (-len(encoded) % 4))
    if base64url(octets) != encoded:
        raise ValueError("is not base64url")
    return octets


def json_object(text: bytes) -> dict[str, Any]:
    """The JSON object in `text`.

    Raises ValueError, its message a phrase such as "has a member twice", for anything but one well-formed
    object: another encoding than UTF-8 or a byte order mark, a member that stands twice (RFC 7515 section 4
    and RFC 7519 section 4), a number that is not finite, a lone surrogate, or more than 32 levels.
    """
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    try:
        value = json.loads(
            decoded,
            object_pairs_hook=_members,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_not_json,
        )
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except json.JSONDecodeError:
        raise ValueError("is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 - one class for whatever is wrong with the text
    _check_depth_and_text(value)
    return value


def json_text(members: dict[str, Any]) -> bytes:
    """`members` as compact JSON in UTF-8. Raises TypeError, ValueError, RecursionError for other values."""
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("has a member twice")
    return members


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("has a number out of range")
    return value


def _integer(number: str) -> int:
    if len(number) > _MOST_DIGITS:
        raise ValueError("has a number out of range")
    return int(number)


def _not_json(_constant: str) -> NoReturn:
    raise ValueError("has a number that is not JSON")


def _check_depth_and_text(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and not _encodable(value):
                raise ValueError("has a lone surrogate")
        if not below:
            return
        level = below
    raise ValueError("is nested too deeply")


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
