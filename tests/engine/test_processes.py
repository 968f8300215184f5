"""Forks, and interpreters that are going down: a token can be had there too, and nothing hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI
from tests.engine.scripted import Handler, Server, replies

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

PROGRAM = """
import atexit, os, sys, threading, time
import httpx
from oauthclient import ClientSecretBasic, OAuthClient, Resource

URL = {url!r}
oauth = OAuthClient(
    URL + "/as", client_id="svc", authentication=ClientSecretBasic("s"), insecure_loopback=True, timeout=5
)
auth = oauth.client_credentials(Resource(URL + "/orders"), Resource(URL + "/stock"))

def call(path):
    with httpx.Client(auth=auth) as api:
        return api.get(URL + path).status_code

def fork(child):
    pid = os.fork()
    if pid == 0:
        try:
            child()
            sys.stdout.flush()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
"""


class House:
    def __init__(self, port: LoopbackPort) -> None:
        self.url = port.url
        self.server = AuthorizationServer(f"{port.url}/as")
        self.server.register("svc", secret="s")
        self.network = Network(
            self.server, *(ProtectedAPI(self.server, f"{port.url}/{n}") for n in ("orders", "stock"))
        )
        port.serve(self.network)

    def run(self, program: str, *, within: float = 20) -> list[str]:
        """The lines that a program of its own process prints; what it writes to stderr is a failure."""
        source = PROGRAM.format(url=self.url) + textwrap.dedent(program)
        # In Python 3.12 and later a fork beside threads warns: these tests are about exactly that.
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", source]
        done = subprocess.run(command, capture_output=True, text=True, timeout=within, check=False)
        assert done.stderr == ""
        assert done.returncode == 0
        return done.stdout.split()

    def asked(self) -> int:
        return sum(exchange.endpoint == "token" for exchange in self.server.requests)


@pytest.fixture
def house() -> Iterator[House]:
    with LoopbackPort() as port:
        yield House(port)


@needs_fork
def test_a_child_uses_the_parents_token_and_can_get_its_own(house: House) -> None:
    printed = house.run("""
        print(call("/orders"))
        fork(lambda: print(call("/orders"), call("/stock")))
        print(call("/stock"))
    """)
    assert printed == ["200"] * 4
    assert house.asked() == 3  # orders before the fork; stock in the child, and in the parent


@needs_fork
def test_a_fork_while_a_flight_is_under_way_does_not_hang_the_child(house: House) -> None:
    delays = iter([0.0, 1.5, 0.0])
    house.server.amend(lambda response: replace(response, delay=next(delays)), times=3)
    printed = house.run("""
        call("/stock")  # so that no module is being imported at the time of the fork, which would hang Python itself
        waiting = threading.Thread(target=lambda: print("parent", call("/orders")))
        waiting.start()
        time.sleep(0.5)
        fork(lambda: print("child", call("/orders"), flush=True))
        waiting.join()
    """)
    assert sorted(printed) == ["200", "200", "child", "parent"]
    assert house.asked() == 3


@needs_fork
def test_a_fork_while_the_map_of_flights_is_locked_does_not_hang_the_child(house: House) -> None:
    printed = house.run("""
        flights = oauth._engine()._driver.flights
        with flights._lock:
            fork(lambda: print(call("/orders")))
        print(call("/stock"))
    """)
    assert printed == ["200", "200"]


@needs_fork
def test_a_child_neither_uses_nor_closes_its_parents_connection() -> None:
    ports = []

    def answer(handler: Handler) -> None:
        ports.append((handler.path, handler.client_address[1]))
        replies()(handler)

    program = """
        from oauthclient.engine.transport import Transport
        from oauthclient.protocol.wire import get

        way = Transport()
        way.send(get(sys.argv[1] + "/before"))
        for closing in (False, True):
            pid = os.fork()
            if pid == 0:
                if closing:
                    way.close()
                else:
                    way.send(get(sys.argv[1] + "/child"))
                os._exit(0)
            os.waitpid(pid, 0)
        way.send(get(sys.argv[1] + "/after"))
    """
    with Server(answer) as server:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c"]
        source = "import os, sys" + textwrap.dedent(program)
        subprocess.run([*command, source, server.url], timeout=20, check=True)
    of = {path.removeprefix("/token/"): port for path, port in ports}
    assert of["before"] == of["after"]
    assert of["child"] != of["before"]


def test_a_request_can_be_made_while_the_interpreter_goes_down(house: House) -> None:
    """Threads cannot be had any more then, in Python 3.12 and later."""
    printed = house.run("""
        atexit.register(lambda: print(call("/orders")))
        print("main")
    """)
    assert printed == ["main", "200"]


def test_a_thread_that_outlives_the_main_one_can_make_requests(house: House) -> None:
    printed = house.run("""
        def late():
            time.sleep(0.3)
            print(call("/orders"))
        threading.Thread(target=late).start()
    """)
    assert printed == ["200"]


def test_a_renewal_under_way_does_not_keep_the_interpreter(house: House) -> None:
    delays = iter([0.0, 5.0])
    house.server.amend(lambda response: replace(response, delay=next(delays)), times=2)
    began = time.monotonic()
    printed = house.run("""
        call("/orders")
        token = auth.token(URL + "/orders")
        token.renew_wall = token.renew_steady = 0.0
        print(auth.token(URL + "/orders") is token)
    """)
    assert printed == ["True"]
    assert time.monotonic() - began < 4
