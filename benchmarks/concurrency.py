"""Fifty requests at once to an API that takes 20 ms, with DPoP over a static header: at most 1.3.

An auth object that holds a lock while its request is under way sends them one after the other: that would show here as
fifteen and more. The connections are open beforehand, as in a service at work.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx
import httpx2

from benchmarks.api import slow_api
from benchmarks.auth import auth_with_token
from benchmarks.timing import interleaved
from oauthclient import DPoP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_AT_ONCE = 50


def figures(*, quick: bool) -> Iterator[tuple[str, float]]:
    with slow_api() as url:
        auth = auth_with_token(url, DPoP())
        static = {"Authorization": f"Bearer {auth.token(url).access_token}"}
        for family in (httpx, httpx2):
            with ExitStack() as stack:
                yield (
                    f"concurrent_50_over_static_header_{family.__name__}",
                    interleaved(
                        lambda ours, header: ours / header,
                        (_crowd(family, stack, url, auth=auth), _crowd(family, stack, url, headers=static)),
                        rounds=5 if quick else 61,
                        calls=1,
                    ),
                )


def _crowd(family: Any, stack: ExitStack, url: str, **settings: Any) -> Callable[[int], float]:
    """The side that sends so many requests at once that each call stands for fifty."""
    runner = stack.enter_context(asyncio.Runner())
    limits = family.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)
    client = family.AsyncClient(limits=limits, trust_env=False, **settings)
    stack.callback(lambda: runner.run(client.aclose()))

    async def crowds(calls: int) -> float:
        start = perf_counter()
        for _ in range(calls):
            await asyncio.gather(*(client.get(url) for _ in range(_AT_ONCE)))
        return (perf_counter() - start) / calls

    return lambda calls: runner.run(crowds(calls))
