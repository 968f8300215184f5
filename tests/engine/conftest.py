"""Time that passes when a test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from oauthclient import time
from tests.engine.flying import run_asyncio

if TYPE_CHECKING:
    from tests.engine.flying import Run


class Time:
    """Both clocks of the engine: `pass_` moves them together."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_800_000_000.0, 1_000.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def time_(monkeypatch: pytest.MonkeyPatch) -> Time:
    passing = Time()
    monkeypatch.setattr(time, "wall", lambda: passing.wall)
    monkeypatch.setattr(time, "steady", lambda: passing.steady)
    return passing


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    return run_asyncio if request.param == "asyncio" else trio.run
