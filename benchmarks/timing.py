"""Ratios that hold on a noisy machine: the sides take turns, each round gives its own ratio, the median counts."""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack


def side(call: Callable[[], object]) -> Callable[[int], float]:
    """What makes `call` as often as it is told, and returns the seconds that one took on average."""

    def run(calls: int) -> float:
        start = perf_counter()
        for _ in range(calls):
            call()
        return (perf_counter() - start) / calls

    return run


def side_async(stack: ExitStack, client: Any, url: str) -> Callable[[int], float]:
    """The same of GET requests by an async client; it is closed, with the loop it lives in, at the end of `stack`."""
    runner = stack.enter_context(asyncio.Runner())
    stack.callback(lambda: runner.run(client.aclose()))

    async def requests(calls: int) -> float:
        start = perf_counter()
        for _ in range(calls):
            await client.get(url)
        return (perf_counter() - start) / calls

    return lambda calls: runner.run(requests(calls))


def interleaved(
    ratio: Callable[..., float], sides: Sequence[Callable[[int], float]], *, rounds: int, calls: int
) -> float:
    """The median over `rounds` of `ratio`, which is given the seconds per call of each of `sides` in that round.

    A virtual machine's speed drifts by half for minutes; within one round of some hundredths of a second it does not.
    Every round starts with another side, and a first one, to warm up, is thrown away. The garbage collector stays on:
    what a side leaves behind is part of its price.
    """
    order = range(len(sides))
    ratios: list[float] = []
    for turn in range(rounds + 1):
        seconds = [0.0] * len(sides)
        for index in (*order[turn % len(sides) :], *order[: turn % len(sides)]):
            seconds[index] = sides[index](calls)
        ratios.append(ratio(*seconds))
    return median(ratios[1:])
