"""A login that is cut short: Ctrl-C, a cancelled task, kill -9 — at each moment the session before is still there."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest
import trio

from oauthclient.flows.login_key import _GIVEN_UP
from oauthclient.testing import misbehaviour
from tests.native.house import STORAGE_KEY, cancelled_once, eventually

PROGRAM = """
import signal, sys
from oauthclient import NativeApp, Resource, Vault
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started us without, in the background
issuer, orders, folder, how = sys.argv[1:]
with NativeApp(
    issuer, name="Acme CLI", resources=[Resource(orders, scope="read")], client_id="acme", insecure_loopback=True,
    vault=Vault.file(folder, key=%r),
) as app:
    app.login(**({"device": "always"} if how == "device" else {"open_browser": False}))
"""

INTERPRETER = (sys.executable, "-W", "error", "-c")
posix = pytest.mark.skipif(os.name != "posix", reason="signals as a terminal sends them")


@pytest.fixture
def program(house):
    """Starts the app in a process of its own, and returns it and the first thing it told its person."""
    house.known()
    started = []

    def start(how: str = "browser") -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [*INTERPRETER, PROGRAM % STORAGE_KEY, house.issuer, house.orders.url, str(house.folder), how],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        text = ""
        while "http" not in text:
            line = process.stderr.readline()
            assert line, text
            text += line
        return process, re.search(r"http\S+", text)[0]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def before(house):
    """A session that was there."""
    house.known()
    house.login(house.app(client_id="acme"))
    return house.app(client_id="acme")


@posix
@pytest.mark.parametrize("how", ["browser", "device"])
def test_ctrl_c_ends_the_wait_at_once_and_leaves_nothing(house, program, how) -> None:
    app = before(house)
    process, _ = program(how)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert time.monotonic() - began < 3
    assert process.returncode == -signal.SIGINT
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert out == ""
    assert house.keys() == 1
    assert house.records("login") == []
    assert app.restore().subject == "alice"


@posix
def test_ctrl_c_while_the_code_is_redeemed_does_not_lose_what_comes_of_it(house, program) -> None:
    """The code is spent by then: the program ends after the session is stored."""
    house.server.amend(misbehaviour.slow(1.0))
    process, url = program()
    house.person.later(lambda: house.person.visit(url))
    eventually(lambda: bool(house.seen("token")))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGINT
    assert house.call(house.app(client_id="acme").restore()).status_code == 200
    assert house.records("login") == []


@posix
def test_after_a_kill_the_key_that_nobody_needs_is_deleted_by_a_later_login(house, program) -> None:
    app = before(house)
    process, _ = program()
    process.kill()
    process.wait()
    assert house.keys() == 2
    assert app.restore().subject == "alice"
    house.pass_time(_GIVEN_UP + 1)
    house.login(house.app(client_id="acme"))
    assert house.keys() == 1


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_cancelled_task_closes_the_port(house, loop) -> None:
    app, shown = before(house), threading.Event()

    async def log_in() -> None:
        await app.login_async(open_browser=False, tell=lambda _: shown.set())

    async def main() -> None:
        await cancelled_once(loop, shown, log_in)

    asyncio.run(main()) if loop == "asyncio" else trio.run(main)
    redirect_uri = house.seen("par")[-1].form["redirect_uri"][0]

    def refused() -> bool:
        try:
            httpx.get(redirect_uri)
        except httpx.TransportError:
            return True
        return False

    eventually(refused)
    eventually(lambda: house.keys() == 1)
    assert app.restore().subject == "alice"


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_task_that_is_cancelled_while_the_code_is_redeemed_loses_nothing(house, loop) -> None:
    app, sent = before(house), threading.Event()
    house.server.amend(lambda response: sent.set() or misbehaviour.slow(0.5)(response))

    async def log_in() -> None:
        await app.login_async(open_browser=False, tell=house.person.tell)

    async def main() -> None:
        await cancelled_once(loop, sent, log_in)

    first = app.restore().auth.token(house.orders.url)
    asyncio.run(main()) if loop == "asyncio" else trio.run(main)
    eventually(lambda: house.records("login") == [])
    again = house.app(client_id="acme").restore()
    assert house.call(again).status_code == 200
    assert again.auth.token(house.orders.url).access_token != first.access_token
    assert house.keys() == 1
