"""Answers and edits for `instead` and `amend`: what servers do wrong, each in one line.

An answer (`instead`) is a `Response`; an edit (`amend`) a function that makes another of the server's own.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from oauthclient.testing.http import Cut, Pause, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Edit = Callable[[Response], Response]

_JSON: Final = (("Content-Type", "application/json"),)


class _Omit:
    def __repr__(self) -> str:
        return "OMIT"


OMIT: Final = _Omit()


class _Endless:
    def __iter__(self) -> Iterator[bytes]:
        return repeat(b" " * 65_536)


def oauth_error(error: str, *, status: int = 400, description: str | None = None) -> Response:
    """An error answer of an authorization server (RFC 6749, section 5.2)."""
    document = {"error": error} | ({"error_description": description} if description is not None else {})
    return json_response(status, document)


def challenge(*values: str, status: int = 401) -> Response:
    """An answer of an API with one `WWW-Authenticate` header per value (RFC 9110, section 11.6.1)."""
    return Response(status, tuple(("WWW-Authenticate", value) for value in values))


def too_many_requests(retry_after: int | str = 1) -> Response:
    """429 with `Retry-After`: seconds or a date (RFC 9110, section 10.2.3)."""
    return Response(429, (("Retry-After", str(retry_after)),))


def html(status: int = 500) -> Response:
    """The page of a gateway, where JSON was expected."""
    page = b"<!doctype html><title>Error</title><p>Something went wrong.</p>"
    return Response(status, (("Content-Type", "text/html; charset=utf-8"),), page)


def redirect(location: str, status: int = 307) -> Response:
    """A redirect, where none belongs."""
    return Response(status, (("Location", location),))


def raw(body: bytes, *, status: int = 200) -> Response:
    """A body that says it is JSON."""
    return Response(status, _JSON, body)


def not_utf8() -> Response:
    """JSON in Latin-1 (RFC 8259, section 8.1)."""
    return raw('{"access_token": "é", "token_type": "DPoP"}'.encode("latin-1"))


def duplicate_members() -> Response:
    """An object with a member twice (RFC 8259, section 4)."""
    return raw(b'{"access_token": "one", "access_token": "two", "token_type": "DPoP"}')


def deep(levels: int = 100_000) -> Response:
    """JSON nested so deep that a recursive parser fails."""
    return raw(b'{"a": ' + b"[" * levels + b"]" * levels + b"}")


def huge(size: int = 16 * 1024 * 1024) -> Response:
    """A JSON object of `size` octets and some."""
    return raw(b'{"access_token": "' + b"a" * size + b'", "token_type": "DPoP"}')


def endless() -> Response:
    """A body that never ends."""
    return Response(200, _JSON, _Endless())


def dripping(seconds: float, count: int = 1_000) -> Response:
    """A body of `count` octets, each `seconds` after the one before."""
    return Response(200, _JSON, (Pause(seconds), b" ") * count)


def members(**changes: object) -> Edit:
    """An edit of a JSON object's members: `members(token_type="Bearer", expires_in=OMIT)`."""

    def edit(response: Response) -> Response:
        if not isinstance(response.body, bytes):
            raise TypeError("Only an answer with a JSON object can be edited.")
        document: dict[str, Any] = json.loads(response.body) | changes
        kept = {name: value for name, value in document.items() if value is not OMIT}
        return replace(response, body=json.dumps(kept).encode())

    return edit


def header(name: str, value: str | None) -> Edit:
    """An edit that sets a header field, or removes it (None)."""
    return lambda response: response.with_header(name, value)


def slow(seconds: float) -> Edit:
    """An edit that keeps the answer back for `seconds`: what was asked for has happened by then."""
    return lambda response: replace(response, delay=seconds)


def lost(response: Response) -> Response:
    """An edit that loses the answer after the server did what was asked for: the connection breaks."""
    return replace(response, status=0)


def cut(after: int) -> Edit:
    """An edit that breaks the connection after `after` octets of the body."""

    def edit(response: Response) -> Response:
        if not isinstance(response.body, bytes):
            raise TypeError("Only an answer with a plain body can be cut.")
        return replace(response, body=(response.body[:after], Cut()))

    return edit
