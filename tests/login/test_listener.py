"""The answers that a browser brings, at a real port (RFC 8252, sections 7.3 and 8.3)."""

import threading
import time
from contextlib import ExitStack

import pytest

from oauthclient.errors import ErrorResponse, LoginError, LoginTimeout
from oauthclient.login import listener
from oauthclient.login.listener import Listener
from oauthclient.login.redirect import RedirectTarget
from tests.login.conftest import OURS, PATH, Login, everything, status


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

    with Listener(RedirectTarget(PATH), app="Acme CLI") as listening:
        login = Login(listening)
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


def test_the_browser_is_sent_on_to_a_url_without_the_answer_before_anything_else(login):
    """What it shows in its history is where it ended, not what redirected it."""
    with login.tab(OURS) as tab:
        answer = everything(tab)
    assert status(answer) == 303
    assert f"\r\nLocation: {PATH}\r\n".encode() in answer
    assert b"\r\nCache-Control: no-store\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
    assert b"You are logged in" in login.get(PATH)
    assert login.end() == "c0de"


def test_a_browser_that_is_slow_to_follow_still_sees_how_it_ended(login, monkeypatch):
    monkeypatch.setattr(listener, "_LONGEST_MOVE", 0.05)
    begun = threading.Event()
    may_end = threading.Event()
    login.finish = lambda _callback: begun.set() or may_end.wait(10)
    with login.tab(OURS) as tab:
        everything(tab)
        assert begun.wait(5)
        with login.tab(PATH) as late:
            may_end.set()
            assert b"You are logged in" in everything(late)
    assert login.end() is True


def test_while_a_login_is_being_finished_the_browser_shows_that(login):
    may_end = threading.Event()
    login.finish = lambda _callback: may_end.wait(10)
    with login.tab(OURS) as first:
        everything(first)
    with login.tab(PATH) as tab:
        begun = b""
        while b"</main>" not in begun:
            begun += tab.recv(65536)
        assert b"is finishing the login" in begun
        assert b"You are logged in" not in begun
        may_end.set()
        assert b"You are logged in" in everything(tab)
    assert login.end() is True


@pytest.mark.parametrize("followed", [False, True])
def test_a_second_tab_that_comes_meanwhile_is_told_that_all_is_done(login, followed):
    may_end = threading.Event()
    login.finish = lambda _callback: may_end.wait(10)
    with ExitStack() as tabs:
        everything(tabs.enter_context(login.tab(OURS)))
        if followed:
            tabs.enter_context(login.tab(PATH)).recv(1)
        second = tabs.enter_context(login.tab(OURS))
        if not followed:
            tabs.enter_context(login.tab(PATH))
        may_end.set()
        assert b"Already done" in everything(second)
    login.end()
    assert len(login.seen) == 1


def test_no_answer_in_time_is_an_error_of_its_own() -> None:
    with Listener(RedirectTarget(PATH), app="Acme CLI") as listening, pytest.raises(LoginTimeout) as late:
        listening.wait(lambda _callback: None, timeout=0.05)
    assert late.value.code == "login_timeout"


def test_stray_requests_do_not_prolong_the_wait() -> None:
    with Listener(RedirectTarget(PATH), app="Acme CLI") as listening:
        login = Login(listening, timeout=0.4)
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
    with Listener(RedirectTarget(PATH), app="Acme CLI") as listening:
        login = Login(listening)
        with login.tab(OURS) as early:
            login.start()
            assert status(everything(early)) == 303
        login.get(PATH)
        assert login.end() == "c0de"
