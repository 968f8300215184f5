"""HTTP requests and answers as plain values, the same over every transport (RFC 9110)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from oauthclient.protocol.urls import without_query

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """A piece of a body that is no bytes but `seconds` of silence."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The piece of a body at which the connection breaks."""


Body = bytes | Iterable[bytes | Pause | Cut]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came over the wire. `url` is absolute; its repr shows no query, headers or body.

    `client_certificate`: the certificate in DER that the connection presented, empty without one.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    client_certificate: bytes = b""

    def __repr__(self) -> str:
        return f"Request({self.method!r}, {_bare(self.url)!r})"

    def values(self, name: str) -> list[str]:
        """The values of each header field of this name, in their order."""
        return _values(self.headers, name)

    def header(self, name: str) -> str | None:
        """The value, or None. Several fields of one name are joined by a comma (RFC 9110, 5.3)."""
        return _joined(self.headers, name)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer.

    `body`: bytes, or an iterable of bytes, `Pause` and `Cut` that is streamed, and iterated anew for each
    use. `delay`: seconds until its first byte. `status` 0 is no answer at all: the connection breaks
    (`NO_ANSWER`). Its repr shows no body, and where a redirect goes without the query.
    """

    status: int
    headers: Headers = ()
    body: Body = b""
    delay: float = 0.0

    def __repr__(self) -> str:
        headers = tuple((name, _bare(value) if name.lower() == "location" else value) for name, value in self.headers)
        return f"Response({self.status}, {headers!r})"

    def values(self, name: str) -> list[str]:
        """The values of each header field of this name, in their order."""
        return _values(self.headers, name)

    def header(self, name: str) -> str | None:
        """The value, or None. Several fields of one name are joined by a comma (RFC 9110, 5.3)."""
        return _joined(self.headers, name)

    def with_header(self, name: str, value: str | None) -> Response:
        """The same answer with exactly one field of this name, or with none if `value` is None."""
        others = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=others if value is None else (*others, (name, value)))


NO_ANSWER = Response(0)


def json_response(status: int, document: Mapping[str, Any], headers: Headers = ()) -> Response:
    """An answer whose body is a JSON object."""
    return Response(status, (("Content-Type", "application/json"), *headers), json.dumps(document).encode())


def _bare(url: str) -> str:
    """A URL without its query, which may hold a code."""
    bare = without_query(url)
    return bare if bare == url else f"{bare}?..."


def _values(headers: Headers, name: str) -> list[str]:
    return [value for key, value in headers if key.lower() == name.lower()]


def _joined(headers: Headers, name: str) -> str | None:
    values = _values(headers, name)
    return ", ".join(values) if values else None
