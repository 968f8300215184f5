"""The port that is listened to: ours alone, free again at once (RFC 8252, sections 7.3 and 8.3)."""

import gc
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from oauthclient.errors import PortTaken
from oauthclient.login.listener import Listener
from oauthclient.login.redirect import RedirectTarget
from tests.login.conftest import OURS, PATH, Login, status


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no [::1]")


def test_a_port_that_somebody_has_is_an_error_of_its_own(login):
    with pytest.raises(PortTaken) as taken:
        Listener(RedirectTarget(PATH, port=login.port), app="Acme CLI")
    assert taken.value.code == "port_taken"
    assert str(login.port) in str(taken.value)
    gc.collect()  # no socket is left behind to be warned of


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="this system has no SO_REUSEPORT")
def test_nobody_shares_the_port_with_us(login):
    with socket.socket() as intruder:
        intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            intruder.bind(("127.0.0.1", login.port))


def test_a_fixed_port_can_be_used_again_at_once() -> None:
    target = RedirectTarget(PATH, port=free_port())
    for _ in range(3):
        with Listener(target, app="Acme CLI") as listening:
            login = Login(listening)
            login.start()
            assert listening.redirect_uri == target.uri(target.port)
            login.get(OURS)
            assert login.end() == "c0de"


@needs_ipv6
def test_the_address_may_be_that_of_ipv6() -> None:
    with Listener(RedirectTarget(PATH, host="[::1]"), app="Acme CLI") as listening:
        login = Login(listening)
        login.start()
        login.get(OURS, host="[::1]:PORT", address="::1")
        assert login.end() == "c0de"
        with pytest.raises(ConnectionRefusedError):
            login.connect("127.0.0.1")


@needs_ipv6
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_localhost_is_listened_to_at_both_addresses(address):
    with Listener(RedirectTarget(PATH, host="localhost"), app="Acme CLI") as listening:
        login = Login(listening)
        login.start()
        assert status(login.get(OURS, host="127.0.0.1:PORT", address=address)) == 404
        login.get(OURS, host="localhost:PORT", address=address)
        assert login.end() == "c0de"


@needs_ipv6
def test_localhost_is_not_had_while_somebody_has_one_of_its_addresses() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as somebody:
        target = RedirectTarget(PATH, host="localhost", port=somebody.getsockname()[1])
        with pytest.raises(PortTaken):
            Listener(target, app="Acme CLI")
    gc.collect()  # the socket of the other address has been closed


@pytest.mark.skipif(os.name != "posix", reason="a signal is sent")
def test_ctrl_c_ends_the_wait_at_once_and_frees_the_port() -> None:
    program = f"""
from oauthclient.login.listener import Listener
from oauthclient.login.redirect import RedirectTarget
try:
    with Listener(RedirectTarget({PATH!r}), app="Acme CLI") as listening:
        print(listening.redirect_uri, flush=True)
        listening.wait(lambda callback: None, timeout=60)
except KeyboardInterrupt:
    raise SystemExit(130)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline().startswith(b"http://127.0.0.1:")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, noise = process.communicate(timeout=10)
    assert process.returncode == 130
    assert noise == b""
