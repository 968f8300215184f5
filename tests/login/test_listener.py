"""The answer of the browser, at a real port (RFC 8252, sections 7.3 and 8.3)."""

import gc
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest

from oauthclient.errors import ErrorResponse, LoginError, LoginTimeout, PortTaken
from oauthclient.login import connections
from oauthclient.login.listener import Listener
from oauthclient.login.redirect import RedirectTarget
from oauthclient.login.request import LONGEST_HEAD
from tests.login.conftest import PATH, Login, everything, status

OURS = f"{PATH}?code=c0de&state=ours"
RESET = struct.pack("ii", 1, 0)  # a connection that lingers for no time is closed by a reset


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


def test_the_answer_ends_the_login_and_the_browser_is_told(login):
    answer = login.get(OURS)
    assert status(answer) == 200
    assert b"You are logged in" in answer
    assert login.end() == "c0de"


def test_the_answer_is_passed_on_as_it_came_twice_named_parameters_too(login):
    target = f"{PATH}?state=ours&code=c0de&code=other&x=%C3%BC+%26"
    login.get(target)
    assert login.end() == "c0de"
    assert [callback.url.reveal() for callback in login.seen] == [f"http://127.0.0.1:{login.port}{target}"]


def test_a_form_is_an_answer_too(login):
    body = b"state=ours&code=c0de&code=other"
    login.ask(
        b"POST %b HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8"
        b"\r\nContent-Length: %d\r\n\r\n%b" % (PATH.encode(), len(body), body)
    )
    assert login.end() == "c0de"
    assert login.seen[0].method == "POST"
    assert login.seen[0].url.reveal() == f"{login.listener.redirect_uri}?{body.decode()}"


def test_no_secret_is_in_the_repr_of_an_answer(login):
    login.get(OURS)
    login.end()
    assert repr(login.seen[0]) == "CallbackRequest('GET', <redacted>)"


def test_a_page_says_nothing_of_the_answer(login):
    assert b"c0de" not in login.get(OURS)


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("/", "127.0.0.1:PORT"),
        ("/favicon.ico", "127.0.0.1:PORT"),
        ("/callback/another-one?code=c0de&state=ours", "127.0.0.1:PORT"),
        (f"{PATH}/?code=c0de&state=ours", "127.0.0.1:PORT"),
        (f"http://127.0.0.1:PORT{OURS}", "127.0.0.1:PORT"),
        (f"/x/..{OURS}", "127.0.0.1:PORT"),
        (OURS, "localhost:PORT"),
        (OURS, "rebound.example:PORT"),
        (OURS, "127.0.0.1"),
        (OURS, "127.0.0.1:1"),
        (OURS, "127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT"),
        (OURS, ""),
    ],
)
def test_anything_but_our_path_at_our_address_is_not_found_and_the_wait_goes_on(login, target, host):
    answer = login.get(target, host=host)
    assert status(answer) == 404
    assert b"Acme" not in answer
    login.get(OURS)
    assert login.end() == "c0de"
    assert len(login.seen) == 1


@pytest.mark.parametrize(
    ("method", "target", "content_type"),
    [
        ("HEAD", OURS, "text/plain"),
        ("OPTIONS", OURS, "text/plain"),
        ("PUT", OURS, "application/x-www-form-urlencoded"),
        ("POST", PATH, "application/json"),
        ("POST", PATH, "text/plain"),
        ("POST", OURS, "application/x-www-form-urlencoded"),
    ],
)
def test_any_other_method_or_form_is_not_found(login, method, target, content_type):
    request = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: {content_type}\r\n"
    assert status(login.ask(request.encode() + b"Content-Length: 10\r\n\r\nstate=ours")) == 404
    assert login.seen == []


def test_an_answer_with_another_state_is_told_so_and_the_login_goes_on(login):
    answer = login.get(f"{PATH}?code=evil&state=theirs")
    assert status(answer) == 400
    assert b"Not part of this login" in answer
    assert status(login.get(PATH)) == 400
    login.get(OURS)
    assert login.end() == "c0de"


def test_an_error_ends_the_login_and_the_page_shows_it(login):
    def denied(_callback):
        error = ErrorResponse("The server says access_denied.", code="access_denied")
        error.description = "Ask <your> administrator."
        raise error

    login.finish = denied
    answer = login.get(f"{PATH}?error=access_denied&state=ours")
    assert b"The login did not work" in answer
    assert b"access_denied" in answer
    assert b"Ask &lt;your&gt; administrator." in answer
    assert isinstance(login.end(), ErrorResponse)


def test_an_error_of_accept_itself_ends_the_login_too() -> None:
    def accept(_callback):
        raise ErrorResponse("Twice.", code="duplicate_parameter")

    with Listener(RedirectTarget(PATH), app="Acme CLI") as listener:
        login = Login(listener)
        login.accept = accept
        login.start()
        answer = login.get(OURS)
        assert isinstance(login.end(), ErrorResponse)
    assert status(answer) == 200
    assert b"duplicate_parameter" in answer


@pytest.mark.parametrize("error", [ValueError("c0de"), KeyboardInterrupt("c0de")])
def test_a_foreign_error_is_raised_but_not_shown(login, error):
    def stumble(_callback):
        raise error

    login.finish = stumble
    answer = login.get(OURS)
    assert b"The login did not work" in answer
    assert b"c0de" not in answer
    assert login.end() is error


def test_while_a_login_is_being_finished_the_browser_shows_that(login):
    may_end = threading.Event()
    login.finish = lambda _callback: may_end.wait(10)
    with login.connect() as tab:
        tab.sendall(f"GET {OURS} HTTP/1.1\r\nHost: 127.0.0.1:{login.port}\r\n\r\n".encode())
        begun = b""
        while b"</main>" not in begun:
            begun += tab.recv(65536)
        assert b"is finishing the login" in begun
        assert b"You are logged in" not in begun
        may_end.set()
        assert b"You are logged in" in everything(tab)
    assert login.end() is True


def test_a_second_tab_that_comes_meanwhile_is_told_that_all_is_done(login):
    may_end = threading.Event()
    login.finish = lambda _callback: may_end.wait(10)
    request = f"GET {OURS} HTTP/1.1\r\nHost: 127.0.0.1:{login.port}\r\n\r\n".encode()
    with login.connect() as first, login.connect() as second:
        first.sendall(request)
        first.recv(1)
        second.sendall(request)
        may_end.set()
        assert b"Already done" in everything(second)
    login.end()
    assert len(login.seen) == 1


def test_connections_that_say_nothing_or_little_hold_nobody_up(login):
    with ExitStack() as open_ones:
        for _ in range(5):
            open_ones.enter_context(login.connect())
        slow = open_ones.enter_context(login.connect())
        slow.sendall(b"GET /")
        started = time.monotonic()
        login.get(OURS)
        assert login.end() == "c0de"
        assert time.monotonic() - started < 2


def test_an_answer_may_come_in_small_pieces(login):
    with login.connect() as tab:
        for octet in f"GET {OURS} HTTP/1.1\r\nHost: 127.0.0.1:{login.port}\r\n\r\n".encode():
            tab.sendall(bytes([octet]))
        assert b"You are logged in" in everything(tab)


def test_a_connection_that_takes_too_long_is_closed_however_busy_it_is(login, monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE", 0.3)
    with login.connect() as slow:
        started = time.monotonic()
        try:
            while time.monotonic() - started < 5:
                slow.sendall(b"x")
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - started < 3
    assert login.seen == []


def test_of_too_many_connections_the_oldest_go(login):
    with ExitStack() as open_ones:
        first = open_ones.enter_context(login.connect())
        for _ in range(connections.MOST):
            open_ones.enter_context(login.connect())
        assert everything(first) == b""
        login.get(OURS)
        assert login.end() == "c0de"


def test_a_request_without_end_is_refused(login):
    with login.connect() as endless:
        endless.sendall(b"GET /" + b"x" * (LONGEST_HEAD + 10))
        assert status(everything(endless)) == 431


def test_visitors_that_break_off_do_not_matter(login):
    for request in (b"", b"GET /", f"GET {OURS} HTTP/1.1".encode()):
        with login.connect() as visitor:
            visitor.sendall(request)
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    login.get(OURS)
    assert login.end() == "c0de"


def test_a_browser_that_does_not_stay_for_the_page_still_logs_in(login):
    with login.connect() as hasty:
        hasty.sendall(f"GET {OURS} HTTP/1.1\r\nHost: 127.0.0.1:{login.port}\r\n\r\n".encode())
        hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        time.sleep(0.1)
    assert login.end() == "c0de"


def test_no_answer_in_time_is_an_error_of_its_own() -> None:
    with Listener(RedirectTarget(PATH), app="Acme CLI") as listener, pytest.raises(LoginTimeout) as late:
        listener.wait(lambda _callback: None, timeout=0.05)
    assert late.value.code == "login_timeout"


def test_stray_requests_do_not_prolong_the_wait() -> None:
    with Listener(RedirectTarget(PATH), app="Acme CLI") as listener:
        login = Login(listener, timeout=0.4)
        login.start()
        started = time.monotonic()
        while login.outcome is None and time.monotonic() - started < 5:
            try:
                login.get("/favicon.ico")
            except OSError:
                break
            time.sleep(0.02)
        assert isinstance(login.end(), LoginTimeout)


def test_a_listener_that_is_closed_ends_the_wait_and_frees_the_port(login):
    login.listener.close()
    outcome = login.end()
    assert isinstance(outcome, LoginError)
    assert outcome.code == "login_abandoned"
    with pytest.raises(ConnectionRefusedError):
        login.connect()
    login.listener.close()
    with pytest.raises(LoginError) as closed:
        login.listener.wait(login.accept, timeout=1)
    assert closed.value.code == "not_listening"


def test_the_port_is_listened_to_before_anybody_waits() -> None:
    """The browser may be faster than we are."""
    with Listener(RedirectTarget(PATH), app="Acme CLI") as listener:
        login = Login(listener)
        with login.connect() as early:
            early.sendall(f"GET {OURS} HTTP/1.1\r\nHost: 127.0.0.1:{login.port}\r\n\r\n".encode())
            login.start()
            assert b"You are logged in" in everything(early)
        assert login.end() == "c0de"


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
        with Listener(target, app="Acme CLI") as listener:
            login = Login(listener)
            login.start()
            assert listener.redirect_uri == target.uri(target.port)
            login.get(OURS)
            assert login.end() == "c0de"


@needs_ipv6
def test_the_address_may_be_that_of_ipv6() -> None:
    with Listener(RedirectTarget(PATH, host="[::1]"), app="Acme CLI") as listener:
        login = Login(listener)
        login.start()
        login.get(OURS, host="[::1]:PORT", address="::1")
        assert login.end() == "c0de"
        with pytest.raises(ConnectionRefusedError):
            login.connect("127.0.0.1")


@needs_ipv6
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_localhost_is_listened_to_at_both_addresses(address):
    with Listener(RedirectTarget(PATH, host="localhost"), app="Acme CLI") as listener:
        login = Login(listener)
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
    with Listener(RedirectTarget({PATH!r}), app="Acme CLI") as listener:
        print(listener.redirect_uri, flush=True)
        listener.wait(lambda callback: None, timeout=60)
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
