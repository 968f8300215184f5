"""A login in a task of asyncio or trio: the loop goes on, and a cancelled task leaves no port behind."""

import asyncio
import contextvars
import socket
import threading
import time

import pytest
import trio

from oauthclient.errors import LoginError, LoginTimeout
from oauthclient.login.listener import Listener
from oauthclient.login.redirect import RedirectTarget
from tests.login.conftest import OURS, PATH, Login


def refused(port: int) -> bool:
    """Whether, within a few seconds, nobody listens at `port`."""
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return True
        time.sleep(0.03)
    return False


@pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"])
def test_a_task_gets_what_came_of_the_login(run):
    async def main():
        with Listener(RedirectTarget(PATH), app="Acme CLI") as listener:
            login = Login(listener)
            threading.Thread(target=login.get, args=(OURS,)).start()
            return await listener.wait_async(login.accept, timeout=10)

    assert run(main()) == "c0de"


@pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"])
def test_a_task_hears_of_the_timeout(run):
    async def main():
        with Listener(RedirectTarget(PATH), app="Acme CLI") as listener:
            await listener.wait_async(lambda _callback: None, timeout=0.05)

    with pytest.raises(LoginTimeout):
        run(main())


def test_the_loop_goes_on_while_it_waits() -> None:
    async def main() -> int:
        with Listener(RedirectTarget(PATH), app="Acme CLI") as listener:
            waiting = asyncio.ensure_future(listener.wait_async(lambda _callback: None, timeout=0.3))
            ticks = 0
            while not waiting.done():
                await asyncio.sleep(0.01)
                ticks += 1
            with pytest.raises(LoginTimeout):
                waiting.result()
            return ticks

    assert asyncio.run(main()) > 5


def test_a_cancelled_task_of_asyncio_frees_the_port() -> None:
    async def main() -> int:
        listener = Listener(RedirectTarget(PATH), app="Acme CLI")
        task = asyncio.ensure_future(listener.wait_async(lambda _callback: None, timeout=60))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return Login(listener).port

    assert refused(asyncio.run(main()))


def test_a_cancelled_task_of_trio_frees_the_port() -> None:
    async def main() -> int:
        listener = Listener(RedirectTarget(PATH), app="Acme CLI")
        with trio.move_on_after(0.1) as scope:
            await listener.wait_async(lambda _callback: None, timeout=60)
        assert scope.cancelled_caught
        return Login(listener).port

    assert refused(trio.run(main))


def test_what_finishes_the_login_sees_the_context_of_the_task() -> None:
    user = contextvars.ContextVar("user", default="nobody")

    async def main() -> str:
        user.set("alice")
        with Listener(RedirectTarget(PATH), app="Acme CLI") as listener:
            login = Login(listener)
            login.finish = lambda _callback: user.get()
            threading.Thread(target=login.get, args=(OURS,)).start()
            return await listener.wait_async(login.accept, timeout=10)

    assert asyncio.run(main()) == "alice"


def test_two_cannot_wait_at_once(login):
    login.get("/")  # when this has been answered, the first one waits
    with pytest.raises(LoginError) as refusal:
        login.listener.wait(login.accept, timeout=1)
    assert refusal.value.code == "not_listening"
    login.get(OURS)
    assert login.end() == "c0de"
