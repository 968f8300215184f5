"""Fixtures: `real`, a running real server, and `start_real`, which starts one with other switches."""

import functools
from collections.abc import Callable, Iterator

import pytest

from tests.components import ComponentMissing, missing
from tests.real.harness import Ground, RealServer
from tests.real.node import Node, find_node, install_packages


@functools.cache
def _node() -> Node | ComponentMissing:
    try:
        node = find_node()
        install_packages(node)
    except ComponentMissing as gap:
        return gap
    return node


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip here and not in a fixture: so pytest folds the skips of all tests into one line."""
    if "ground" in getattr(item, "fixturenames", ()) and isinstance(gap := _node(), ComponentMissing):
        missing(gap)


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    node = _node()
    assert isinstance(node, Node)
    return Ground(node, tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="session")
def start_real(ground: Ground) -> Iterator[Callable[..., RealServer]]:
    """Starts a server with the given switches (server/settings.mjs). All are stopped at the end."""
    started: list[RealServer] = []

    def start(**switches: object) -> RealServer:
        started.append(ground.start(**switches))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def real(start_real: Callable[..., RealServer]) -> RealServer:
    """The real server as it is by default: DPoP with nonces, tokens that live ten minutes."""
    return start_real()
