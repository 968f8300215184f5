"""Fixtures: `house`, the same with certificates as `certified`, and each kind of program in turn as `loop`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.native.certified import Certified
from tests.native.house import LOOPS, House, house_on


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
