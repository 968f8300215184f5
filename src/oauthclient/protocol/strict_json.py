"""JSON objects from a party that is not trusted, read strictly (RFC 8259; RFC 7493, sections 2.1 to 2.3)."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, overload

from oauthclient.errors import InvalidResponse
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST: Final = 1 << 20  # octets
_DEEPEST: Final = 32  # the outermost object counts as one
_LONGEST_NUMBER: Final = 64  # characters; far below the length where Python's int() refuses or slows down
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_STRUCTURE: Final = re.compile(r'\\.|["\[{\]}]', re.DOTALL)
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class _FaultError(Exception):
    """A code and the words that explain it, on their way to `parse_object`."""


def parse_object(body: bytes, *, what: str) -> dict[str, Any]:
    """The JSON object in `body`; `what` names the body in errors: "the token response of https://as.example.com".

    Raises `InvalidResponse` with the code `too_large` (over 1 MiB), `not_utf8` (lone surrogates included),
    `not_json` (a byte order mark, NaN, infinite and overlong numbers included), `too_deep` (over 32 levels),
    `duplicate_member` (at any level) or `not_an_object`.
    """
    try:
        return _read(body)
    except _FaultError as fault:
        code, why = fault.args
    # Raised out here, and without the body, so that no traceback with locals shows the token in it.
    del body
    raise InvalidResponse(f"Cannot read {what}: {why}.", code=code)


def _read(body: bytes) -> dict[str, Any]:
    if len(body) > _LARGEST:
        raise _FaultError("too_large", f"it is larger than {_LARGEST} octets")
    if body.startswith(_BYTE_ORDER_MARK):
        raise _FaultError("not_json", "it starts with a byte order mark (RFC 8259, section 8.1)")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _FaultError("not_utf8", "it is not UTF-8 (RFC 8259, section 8.1)") from None
    _refuse_depth(text)
    try:
        document = _DECODER.decode(text)
    except ValueError:
        raise _FaultError("not_json", "it is not JSON") from None
    if not isinstance(document, dict):
        raise _FaultError("not_an_object", "it is JSON, but no object")
    if _SURROGATE_ESCAPE.search(text):
        _refuse_lone_surrogates(document)
    return document


def _refuse_depth(text: str) -> None:
    """Before the decoder sees it: that one recurses, and fails at a depth of its own."""
    depth = 0
    inside_string = False
    for token in _STRUCTURE.finditer(text):
        if token[0] == '"':
            inside_string = not inside_string
        elif inside_string:
            continue
        elif token[0] in "[{":
            depth += 1
            if depth > _DEEPEST:
                raise _FaultError("too_deep", f"it is nested deeper than {_DEEPEST} levels")
        elif token[0] in "]}":
            depth -= 1


def _refuse_lone_surrogates(document: dict[str, Any]) -> None:
    """RFC 7493, section 2.1: half a surrogate pair is no character, and cannot be sent or stored again."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _FaultError("not_utf8", "a string in it holds half a surrogate pair (RFC 7493, section 2.1)") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 7493, section 2.3: of two members of one name, two readers may see two different ones."""
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise _FaultError("duplicate_member", f'it holds the member "{shown(name)}" twice')
        members[name] = value
    return members


def _integer(literal: str) -> int:
    if len(literal) > _LONGEST_NUMBER:
        raise _FaultError("not_json", "a number in it is too long")
    return int(literal)


def _real(literal: str) -> float:
    number = float(literal) if len(literal) <= _LONGEST_NUMBER else math.inf
    if math.isinf(number):
        raise _FaultError("not_json", "a number in it is too large or too long (RFC 7493, section 2.2)")
    return number


def _constant(name: str) -> NoReturn:
    raise _FaultError("not_json", f"it holds {name}, which is no JSON number")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_real, parse_constant=_constant
)


@overload
def text_member(document: Mapping[str, Any], name: str, *, what: str, required: Literal[True]) -> str: ...
@overload
def text_member(
    document: Mapping[str, Any], name: str, *, what: str, required: Literal[False] = False
) -> str | None: ...
def text_member(document: Mapping[str, Any], name: str, *, what: str, required: bool = False) -> str | None:
    """The string member `name` of `document`, or None where it is absent (a null counts as absent).

    Raises `InvalidResponse` with the code `wrong_type`, or `missing_member` where it is required.
    """
    value = document.get(name)
    del document  # see parse_object
    if isinstance(value, str):
        return value
    if value is not None:
        del value
        raise _wrong_type(name, what, "a string")
    if required:
        raise InvalidResponse(f'The member "{name}" is missing in {what}.', code="missing_member")
    return None


def texts_member(document: Mapping[str, Any], name: str, *, what: str) -> tuple[str, ...] | None:
    """The member `name` of `document`, an array of strings, or None where it is absent or null.

    Raises `InvalidResponse` with the code `wrong_type`.
    """
    value = document.get(name)
    del document  # see parse_object
    if value is None:
        return None
    if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
        return tuple(value)
    del value
    raise _wrong_type(name, what, "an array of strings")


def flag_member(document: Mapping[str, Any], name: str, *, what: str) -> bool | None:
    """The boolean member `name` of `document`, or None where it is absent or null.

    Raises `InvalidResponse` with the code `wrong_type`.
    """
    value = document.get(name)
    del document  # see parse_object
    if value is None or isinstance(value, bool):
        return value
    del value
    raise _wrong_type(name, what, "a boolean")


def _wrong_type(name: str, what: str, expected: str) -> InvalidResponse:
    return InvalidResponse(f'The member "{name}" of {what} is not {expected}.', code="wrong_type")
