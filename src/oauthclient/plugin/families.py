"""One auth class for two HTTP families: its bases are those of the families that are installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

R = TypeVar("R")

if TYPE_CHECKING:

    class AuthBase(httpx.Auth):
        """What a checker sees: an httpx.Auth that httpx2, too, takes, as it takes any callable."""

        def __call__(self, request: R, /) -> R:
            """Exists for checkers only; at run time httpx2 knows its own base."""
            return request

else:

    def _bases() -> tuple[type, ...]:
        # httpx2.alias_httpx() makes both names one module: each base may stand only once.
        bases: list[type] = [httpx.Auth]
        if find_spec("httpx2") is not None:
            import httpx2

            if httpx2.Auth is not httpx.Auth:
                bases.append(httpx2.Auth)
        return tuple(bases)

    AuthBase = type("AuthBase", _bases(), {"__slots__": ()})


def replayable(request: Any) -> bool:
    """Whether the body of a request of either family can be sent a second time, whole.

    Bytes, and multipart forms of bytes and seekable files, can. A generator is used up, and a file is sent from where
    the first sending left it: empty, under the old Content-Length.
    """
    if hasattr(request, "_content"):  # read into memory when the request was made
        return True
    stream = request.stream
    fields = getattr(stream, "fields", None)  # multipart: httpx rewinds files that can be
    if isinstance(fields, list):
        return all(_rewindable(getattr(field, "file", b"")) for field in fields)
    # Bytes stand here where httpx made the request of another one, to follow a redirect.
    return isinstance(getattr(stream, "_stream", None), bytes | list | tuple)


def _rewindable(file: Any) -> bool:
    return isinstance(file, bytes | str) or (hasattr(file, "seekable") and bool(file.seekable()))


def presents_none(client: Any, url: str) -> bool:
    """Whether a client goes to `url` by its library's own transport, mounted or not.

    That one presents what the program's SSLContext does, or none; of any other it is not known.
    """
    find = getattr(client, "_transport_for_url", None)
    transport = type(None if find is None else find(type(client.base_url)(url)))
    return transport.__module__.partition(".")[0] in ("httpx", "httpx2") and transport.__name__ in (
        "HTTPTransport",
        "AsyncHTTPTransport",
    )
