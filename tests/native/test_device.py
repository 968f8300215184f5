"""A login by way of another device (RFC 8628): on request, where the app allowed it, and never unasked."""

import asyncio
import re
import threading
import time

import pytest
import trio

from oauthclient import time as clocks
from oauthclient.errors import ConfigurationError, ErrorResponse, LoginTimeout, NoBrowser
from oauthclient.login.surroundings import Surroundings
from tests.native.house import cancelled_once, eventually, run


@pytest.fixture(autouse=True)
def patience(house, monkeypatch):
    """The codes are polled for every few milliseconds, of which the server is told that they are seconds."""
    house.server.device.codes.interval = 1.0

    def sleep(seconds: float) -> None:
        house.pass_time(seconds)
        time.sleep(0.02)

    monkeypatch.setattr(clocks, "sleep", sleep)


@pytest.fixture
def headless(monkeypatch):
    """A machine that somebody reached by SSH."""
    here = Surroundings({"SSH_CONNECTION": "x"}, "linux", lambda _: False, lambda _: None)
    monkeypatch.setattr(Surroundings, "here", classmethod(lambda _: here))


def confirms(house, *, subject="alice", refuse=False):
    """A person who reads the code, and enters it elsewhere."""

    def tell(text: str) -> None:
        house.person.read.append(text)
        code = re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", text)
        if code is not None:
            device = house.server.device
            decide = (lambda: device.refuse(code[0])) if refuse else (lambda: device.approve(code[0], subject=subject))
            house.person.later(decide)

    return tell


def test_a_person_confirms_on_another_device(house, loop) -> None:
    session = run(loop, house.app(), "login", device="always", tell=confirms(house, subject="bob"))
    assert session.subject == "bob"
    assert house.call(session).json()["subject"] == "bob"
    assert house.call(session, house.stock.url).status_code == 200
    (text,) = house.person.read
    assert "Only go on if you started this login yourself." in text
    assert house.server.device.verification_uri in text
    assert "user_code=" not in text
    assert house.seen("authorization") == []
    assert house.server.device.codes.issued[-1].too_fast == 0
    assert house.app().restore().subject == "bob"


def test_where_no_browser_is_the_login_names_two_ways_out_and_asks_nobody(house, headless) -> None:
    with pytest.raises(NoBrowser) as caught:
        house.app().login(tell=house.person.tell)
    assert "--no-browser" in caught.value.hint
    assert "--device" in caught.value.hint
    assert house.server.requests == []
    assert house.person.read == []
    assert not house.folder.exists()


def test_where_no_browser_is_an_app_may_have_allowed_the_other_device(house, headless) -> None:
    assert house.app().login(device="auto", tell=confirms(house)).subject == "alice"


def test_where_no_browser_is_the_url_can_be_opened_by_hand(house, headless) -> None:
    assert house.login(house.app()).subject == "alice"


def test_a_browser_is_preferred(house, monkeypatch) -> None:
    here = Surroundings({"DISPLAY": ":0", "BROWSER": "true"}, "linux", lambda _: False, lambda _: "/bin/true")
    monkeypatch.setattr(Surroundings, "here", classmethod(lambda _: here))
    assert house.app().login(device="auto", tell=house.person.tell).subject == "alice"
    assert "A browser window opens" in house.person.read[0]
    assert house.seen("device_authorization") == []


def test_another_word_is_a_mistake(house) -> None:
    with pytest.raises(ConfigurationError, match="always"):
        house.app().login(device="perhaps")


def test_the_person_may_say_no(house) -> None:
    with pytest.raises(ErrorResponse) as caught:
        house.app().login(device="always", tell=confirms(house, refuse=True))
    assert caught.value.code == "access_denied"
    eventually(lambda: house.keys() == 1)


def test_codes_run_out(house) -> None:
    house.server.device.codes.lifetime = 3
    with pytest.raises(LoginTimeout) as caught:
        house.app().login(device="always", tell=house.person.read.append)
    assert caught.value.code == "expired_token"
    eventually(lambda: house.keys() == 1)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_login_that_is_cancelled_asks_no_more(house, loop) -> None:
    shown = threading.Event()

    async def log_in() -> None:
        await house.app().login_async(device="always", tell=lambda _: shown.set())

    async def main() -> None:
        await cancelled_once(loop, shown, log_in)

    asyncio.run(main()) if loop == "asyncio" else trio.run(main)
    eventually(lambda: not [each for each in threading.enumerate() if each.name == "oauthclient"])
    polls = house.server.device.codes.issued[-1].polls
    time.sleep(0.2)
    assert house.server.device.codes.issued[-1].polls == polls
    assert house.keys() == 1
