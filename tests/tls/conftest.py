"""The place, and time that passes when a test says so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from oauthclient import time
from tests.showing import Notes
from tests.tls.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.put()
    return place


class Passing:
    """What is added to both clocks of the library."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Passing:
    passing = Passing()
    wall, steady = time.wall, time.steady
    monkeypatch.setattr(time, "wall", lambda: wall() + passing.seconds)
    monkeypatch.setattr(time, "steady", lambda: steady() + passing.seconds)
    return passing


@pytest.fixture
def notes() -> Iterator[Notes]:
    with Notes.of("oauthclient", level=logging.INFO) as kept:
        yield kept
