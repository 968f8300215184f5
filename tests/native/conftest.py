"""Fixtures: `house`, `certified` with certificates, each kind of program in turn as `loop`, the log as `notes`."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.native.certified import Certified
from tests.native.house import LOOPS, House, house_on
from tests.showing import Notes


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_on(tmp_path / "acme", monkeypatch) as house:
        yield house


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def certified(house: House) -> Certified:
    return Certified(house)


@pytest.fixture
def notes() -> Iterator[Notes]:
    """All that is logged, but for httpx's own lines, which show the person's browser at work in this process."""
    quiet = [logging.getLogger(name) for name in ("httpx", "httpcore")]
    for logger in quiet:
        logger.setLevel(logging.CRITICAL)
    with Notes.of() as notes:
        yield notes
    for logger in quiet:
        logger.setLevel(logging.NOTSET)
