"""What is added to one request, in raw ES256 signatures: with DPoP at most 2.5, with a cached bearer token at most 0.3.

The same request over the same library's mock transport, with our auth and with a static Authorization header; the
difference is what we add. Both libraries, sync and async. The API is a bare function, so that no server's checks are
timed.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import httpx2

from benchmarks.auth import auth_with_token
from benchmarks.raw_signature import raw_signature
from benchmarks.timing import interleaved, side, side_async
from oauthclient import Bearer, DPoP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_API = "https://api.example.com/orders"
_URL = f"{_API}/17"
_HEADERS = {"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Content-Type": "application/json", "Server": "api"}


def figures(*, quick: bool) -> Iterator[tuple[str, float]]:
    dpop = auth_with_token(_API, DPoP())
    bearer = auth_with_token(_API, Bearer())
    static = {"Authorization": f"Bearer {bearer.token(_URL).access_token}"}
    for family in (httpx, httpx2):
        for manner, made in (("sync", _sync), ("async", _async)):
            with ExitStack() as stack:
                ways = (
                    made(family, stack, auth=dpop),
                    made(family, stack, auth=bearer),
                    made(family, stack, headers=static),
                    side(raw_signature()),
                )
                for name, ours in (("dpop", 0), ("bearer", 1)):
                    yield (
                        f"{name}_added_over_raw_signature_{family.__name__}_{manner}",
                        interleaved(
                            lambda ours, header, raw: (ours - header) / raw,
                            (ways[ours], *ways[2:]),
                            rounds=5 if quick else 101,
                            calls=100,
                        ),
                    )


def _sync(family: Any, stack: ExitStack, **settings: Any) -> Callable[[int], float]:
    client = stack.enter_context(family.Client(transport=_api(family), **settings))
    return side(lambda: client.get(_URL))


def _async(family: Any, stack: ExitStack, **settings: Any) -> Callable[[int], float]:
    return side_async(stack, family.AsyncClient(transport=_api(family), **settings), _URL)


def _api(family: Any) -> Any:
    return family.MockTransport(lambda _: family.Response(200, headers=_HEADERS, content=b"{}"))
