"""Fixture: what starts processes, once for all tests of a worker of pytest's."""

import os
from collections.abc import Iterator

import pytest

from tests.sessions.fleet import Launcher, launched


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    with launched() as started:
        yield started
