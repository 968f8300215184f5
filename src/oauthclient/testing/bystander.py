"""A site that is no part of the trust: it must never see a credential."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from oauthclient.testing.host import Host, prefix_length
from oauthclient.testing.http import json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.testing.http import Request, Response
    from oauthclient.testing.records import Exchange

_CREDENTIALS = ("Authorization", "DPoP", "Cookie")


class Bystander(Host):
    """A site that owns all URLs under `url` and answers with their method and URL, or as `instead` says."""

    main_endpoint: ClassVar[str] = "site"

    def __init__(self, url: str, *, now: Callable[[], float] = time.time) -> None:
        super().__init__(now=now)
        self._base = url.rstrip("/")

    @property
    def credentials_seen(self) -> list[Exchange]:
        """The requests that brought a token or a proof here."""
        return [seen for seen in self.requests if any(seen.request.values(name) for name in _CREDENTIALS)]

    def claim(self, url: str) -> int:
        """As `Host.claim`: all URLs under its own."""
        return prefix_length(self._base, url)

    def respond(self, request: Request) -> Response:
        """Let everybody in."""
        return json_response(200, {"method": request.method, "url": request.url})
