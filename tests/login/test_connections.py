"""Visitors that are slow, silent, many, or gone: none of them holds a login up."""

import socket
import struct
import time
from contextlib import ExitStack

from oauthclient.login import connections, listener
from oauthclient.login.request import LONGEST_HEAD
from tests.login.conftest import OURS, PATH, everything, status

RESET = struct.pack("ii", 1, 0)  # a connection that lingers for no time is closed by a reset


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
        assert status(everything(tab)) == 303
    login.get(PATH)
    assert login.end() == "c0de"


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


def test_a_browser_that_does_not_stay_for_the_page_still_logs_in(login, monkeypatch):
    monkeypatch.setattr(listener, "_LONGEST_MOVE", 0.1)
    with login.tab(OURS) as hasty:
        hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        time.sleep(0.1)
    assert login.end() == "c0de"
