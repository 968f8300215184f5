"""One endpoint of the embedded authorization server, and what the metadata says of it (RFC 8414; RFC 8705, 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oauthclient.protocol.urls import without_query
from oauthclient.testing.host import prefix_length
from oauthclient.testing.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthclient.testing.http import Request
    from oauthclient.testing.refusal import RefusedError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint. A server answers at those in its `endpoints`, whose keys name them for `instead` and `amend`.

    `respond` answers a request, or raises RefusedError, which `refuse` makes an answer of (None: a JSON object with
    `error`, as RFC 6749, section 5.2, has it). `methods`: the others are answered with 405. `metadata`: the members it
    has in the metadata, asked for anew each time. `below`: it owns every URL under its own, too. `alias`: the name of
    its URL in the metadata, where clients call it directly and it may have an alias (RFC 8705, section 5).
    """

    url: str
    respond: Callable[[Request], Response]
    methods: tuple[str, ...] = ("POST",)
    metadata: Callable[[], Mapping[str, Any]] = dict
    refuse: Callable[[Request, RefusedError], Response] | None = None
    below: bool = False
    alias: str | None = None

    def owns(self, url: str) -> bool:
        """Whether a request to `url` is for it."""
        return bool(prefix_length(self.url, url)) if self.below else without_query(url) == self.url

    def answer(self, request: Request) -> Response:
        """What it answers. Raises RefusedError."""
        if request.method not in self.methods:
            return Response(405, (("Allow", ", ".join(self.methods)),))
        return self.respond(request)
