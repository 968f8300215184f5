"""Fixtures: `real`, a running real server, `start_real` for one with other switches, `proxied`, and a `browser`."""

import functools
from collections.abc import Callable, Iterator

import pytest

from tests.browser import Browser, find_chromium
from tests.components import ComponentMissing, missing
from tests.real.harness import Ground, RealServer
from tests.real.node import Node, find_node, install_packages
from tests.real.proxy import Proxy, find_nginx


@functools.cache
def _node() -> Node | ComponentMissing:
    try:
        node = find_node()
        install_packages(node)
    except ComponentMissing as gap:
        return gap
    return node


@functools.cache
def _chromium() -> str | ComponentMissing:
    try:
        return find_chromium()
    except ComponentMissing as gap:
        return gap


@functools.cache
def _nginx() -> str | ComponentMissing:
    try:
        return find_nginx()
    except ComponentMissing as gap:
        return gap


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip here and not in a fixture: so pytest folds the skips of all tests into one line."""
    for fixture, find in (("ground", _node), ("browser", _chromium), ("start_proxied", _nginx)):
        if fixture in getattr(item, "fixturenames", ()) and isinstance(gap := find(), ComponentMissing):
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


@pytest.fixture(scope="session")
def start_proxied(ground: Ground, start_real: Callable[..., RealServer]) -> Iterator[Callable[..., Proxy]]:
    """Starts nginx, with `verify` "on" or "optional_no_ca", before a server with the given switches."""
    started: list[Proxy] = []

    def start(verify: str = "optional_no_ca", **switches: object) -> Proxy:
        started.append(Proxy(ground, start_real, verify, **switches))
        return started[-1]

    yield start
    for proxy in started:
        proxy.stop()


@pytest.fixture(scope="session")
def proxied(start_proxied: Callable[..., Proxy]) -> Proxy:
    """nginx before a real server of its own, which passes on whatever certificate a client has."""
    return start_proxied()


@pytest.fixture(scope="session")
def browser(ground: Ground) -> Iterator[Browser]:
    """Headless Chromium, which trusts the real servers."""
    with Browser(ground.spki) as chromium:
        yield chromium
