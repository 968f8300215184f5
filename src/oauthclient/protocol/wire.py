"""What goes to an authorization server and what comes back: plain values that show no secret (RFC 6749, appendix B)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from oauthclient.errors import ConfigurationError
from oauthclient.protocol.urls import without_query
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

Parameters = Iterable[tuple[str, str | Secret]]
"""Names and values, in order; a name may stand several times (RFC 8707, section 2)."""

_SEVERAL = ("resource", "audience")
_RECOGNISABLE = 8  # octets; a shorter secret could be any word
_FORM = "application/x-www-form-urlencoded"


class Instant(NamedTuple):
    """One moment on two clocks: the wall clock, and one that never jumps and counts sleep (both in seconds)."""

    wall: float
    steady: float


class Form:
    """The parameters of a request; one without a value is left out (RFC 6749, section 3.2).

    None stands twice, as that section wants; but RFC 8707, section 2, lets several resources be named.
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Parameters = ()) -> None:
        self._pairs = [(name, value) for name, value in pairs if value]

    def add(self, pairs: Parameters) -> None:
        """Append `pairs`."""
        self._pairs.extend((name, value) for name, value in pairs if value)

    def __contains__(self, pair: tuple[str, str | Secret]) -> bool:
        return pair in self._pairs

    def censor(self, body: bytes, other: Secret | None = None) -> bytes:
        """`body` without the secrets of this form, and the `other`: no server repeats them into our errors."""
        for value in (*(value for _, value in self._pairs), other):
            secret = value.reveal().encode() if isinstance(value, Secret) else b""
            if len(secret) >= _RECOGNISABLE:
                body = body.replace(secret, b"<redacted>")
        return body

    def encode(self) -> bytes:
        """The body, UTF-8 and form-encoded.

        Raises ConfigurationError: `repeated_parameter`, or `not_unicode` for half a surrogate pair, which is no text.
        """
        names = [name for name, _ in self._pairs if name not in _SEVERAL]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigurationError(
                f"The request would hold {', '.join(twice)} twice (RFC 6749, section 3.2).",
                code="repeated_parameter",
                hint="Leave to the library what it says itself.",
            )
        try:
            return urlencode(
                [(name, value.reveal() if isinstance(value, Secret) else value) for name, value in self._pairs]
            ).encode("ascii")
        except UnicodeEncodeError:
            pass
        raise ConfigurationError(
            f"One of the parameters {', '.join(name for name, _ in self._pairs)} is not Unicode text.",
            code="not_unicode",
            hint="Read it as UTF-8.",
        )

    def __repr__(self) -> str:
        return f"Form({', '.join(name for name, _ in self._pairs)})"


class Request:
    """One request to an authorization server. Its repr shows the method and the URL without query.

    `certificate`: the `x5t#S256` of the client certificate that it must go with, None where that does not matter.
    """

    __slots__ = ("body", "certificate", "headers", "method", "url")

    def __init__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        certificate: str | None = None,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.certificate = certificate

    def __repr__(self) -> str:
        return f"<Request {self.method} {without_query(self.url)}>"


class Response:
    """One answer: the status, headers by lower-cased name, the body, and when it was asked for and came.

    `certificate`: the `x5t#S256` of the client certificate that was ready on its connection, if one was.
    """

    __slots__ = ("body", "certificate", "headers", "received", "sent", "status")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        sent: Instant,
        received: Instant,
        certificate: str | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.sent = sent
        self.received = received
        self.certificate = certificate

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


def get(url: str) -> Request:
    """A request for a JSON document."""
    return Request("GET", url, {"Accept": "application/json"})


def post(url: str, form: Form, headers: Mapping[str, str], *, certificate: str | None = None) -> Request:
    """A form sent to an endpoint, with `headers` beside the two that every such request carries."""
    told = {"Accept": "application/json", "Content-Type": _FORM, **headers}
    return Request("POST", url, told, form.encode(), certificate=certificate)
