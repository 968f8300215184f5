"""One HTTP request as a browser sends it, read from bytes (RFC 9112, sections 2 to 6)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LONGEST_HEAD: Final = 32 * 1024  # octets; the answer, an encrypted JWT perhaps, may stand in the request line
LONGEST_BODY: Final = 64 * 1024
_END: Final = b"\r\n\r\n"
_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,16}) ([\x21-\x7e]+) HTTP/1\.[01]")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\x00-\x08\x0a-\x1f\x7f]*)")


class Request(NamedTuple):
    """A whole request. `target` as it was sent; `fields` by their names in lower case, in the order they came."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def __repr__(self) -> str:
        return f"<{self.method} request>"  # the rest may hold an authorization code

    def field(self, name: str) -> str | None:
        """The value of the one field of that name; None if there is none, or more than one."""
        values = [value for each, value in self.fields if each == name]
        return values[0] if len(values) == 1 else None


def read(received: bytes | bytearray) -> Request | int | None:
    """The request that `received` begins with; None while it is incomplete; or the status that refuses it."""
    end = received.find(_END, 0, LONGEST_HEAD + len(_END))
    if end < 0:
        return 431 if len(received) >= LONGEST_HEAD + len(_END) else None
    first, *lines = bytes(received[:end]).split(b"\r\n")
    request_line = _REQUEST_LINE.fullmatch(first)
    fields = [_FIELD.fullmatch(line) for line in lines]
    if request_line is None:
        return 400
    read_fields = tuple(
        (field[1].decode().lower(), field[2].decode("latin-1").strip(" \t")) for field in fields if field
    )
    if len(read_fields) != len(lines):
        return 400
    names = [name for name, _ in read_fields]
    if "transfer-encoding" in names:
        return 411  # no browser sends a form in chunks
    lengths = [value for name, value in read_fields if name == "content-length"] or ["0"]
    if len(lengths) > 1 or not re.fullmatch("[0-9]{1,9}", lengths[0]):
        return 400
    if int(lengths[0]) > LONGEST_BODY:
        return 413
    body = bytes(received[end + len(_END) :][: int(lengths[0])])
    if len(body) < int(lengths[0]):
        return None
    return Request(request_line[1].decode(), request_line[2].decode(), read_fields, body)
