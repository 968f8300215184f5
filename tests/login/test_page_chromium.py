"""Our pages in a real browser: what a person sees, and what is left of the answer."""

import struct
import threading
import time
from pathlib import Path

import pytest

from oauthclient.errors import ErrorResponse
from tests.browser import Browser
from tests.login.conftest import OURS, PATH


@pytest.fixture(scope="module")
def chromium():
    with Browser() as browser:
        yield browser


@pytest.fixture
def page(chromium):
    with chromium.page() as page:
        yield page


def url(login, target):
    return f"http://127.0.0.1:{login.port}{target}"


def deny(_callback):
    error = ErrorResponse("The server says no.", code="access_denied")
    error.description = "<script>document.title = 'run'</script> Ask your administrator " + "for access " * 30
    raise error


def size(picture: Path):
    """The width and height in the header of a PNG."""
    return struct.unpack(">II", picture.read_bytes()[16:24])


def test_a_person_sees_that_the_login_is_done_and_the_code_is_gone(login, page):
    page.open(url(login, OURS))
    page.wait_for("main.good h1")
    assert page.text == "You are logged in\n\nGo back to Acme CLI to continue.\n\nYou can close this window."
    assert page.evaluate("document.title") == "Acme CLI: login"
    assert page.url == url(login, PATH)
    assert [entry for entry in page.history if "c0de" in entry] == []
    assert "c0de" not in page.evaluate("document.documentElement.outerHTML")
    assert page.evaluate("performance.getEntriesByType('navigation')[0].redirectCount") == 1
    assert login.end() == "c0de"


def test_while_the_login_is_being_finished_the_page_says_so(login, page):
    may_end = threading.Event()
    login.finish = lambda _callback: may_end.wait(10)
    page.open(url(login, OURS))
    page.wait_until("document.querySelector('main.wait')")
    assert "is finishing the login" in page.text
    assert page.url == url(login, PATH)
    may_end.set()
    page.wait_for("main.good")
    assert "is finishing the login" not in page.text
    assert "You are logged in" in page.text


def test_a_person_reads_why_the_login_did_not_work_and_nothing_of_it_runs(login, page):
    login.finish = deny
    page.open(url(login, f"{PATH}?error=access_denied&state=ours"))
    page.wait_for("main.bad dl")
    assert "access_denied\n<script>document.title = 'run'</script> Ask your administrator" in page.text
    assert page.evaluate("document.title") == "Acme CLI: login"
    assert page.evaluate("document.scripts.length") == 1


def test_where_has_is_unknown_the_card_that_waits_is_covered(login, page):
    page.open(url(login, OURS))
    page.wait_for("main.good")
    boxes = page.evaluate(
        "(document.querySelector('main.wait').style.display = 'block', [...document.querySelectorAll('main')].map("
        "main => main.getBoundingClientRect()).map(box => [box.left, box.top, box.right, box.bottom]))"
    )
    waiting, done = boxes
    assert done[0] <= waiting[0]
    assert done[1] <= waiting[1]
    assert done[2] >= waiting[2]
    assert done[3] >= waiting[3]


def test_no_other_script_or_style_could_run_on_the_page(login, page):
    page.open(url(login, f"{PATH}?state=theirs"))
    page.wait_for("main.calm")
    page.evaluate(
        "for (const [kind, text] of [['script', 'document.title = 1'], ['style', 'h1 { display: none }']])"
        " { const made = document.createElement(kind); made.textContent = text; document.head.append(made) }"
    )
    assert page.evaluate("document.title") == "Acme CLI: login"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).display") == "block"
    assert page.evaluate("fetch('/').then(() => 'loaded', () => 'blocked')") == "blocked"


def test_going_to_another_page_tells_it_nothing(login, page):
    page.open(url(login, f"{PATH}?state=theirs&code=c0de"))
    page.wait_for("main.calm")
    page.evaluate(f"void (location.href = '{url(login, f'{PATH}?state=again')}')")
    page.wait_until("document.readyState === 'complete' && performance.getEntriesByType('navigation').length")
    assert page.evaluate("document.referrer") == ""


def test_after_a_foreign_answer_the_person_still_logs_in(login, page):
    page.open(url(login, f"{PATH}?code=evil&state=theirs"))
    page.wait_for("main.calm")
    assert "Not part of this login" in page.text
    page.open(url(login, OURS))
    page.wait_for("main.good")
    assert login.end() == "c0de"


def test_a_form_that_the_server_lets_the_browser_post_arrives(login, page):
    """OAuth 2.0 Form Post Response Mode: the page that posts is the server's."""
    page.open("about:blank")
    page.evaluate(
        f"document.body.innerHTML = `<form method=post action='{url(login, PATH)}'><input name=state value=ours>"
        "<input name=code value='c0de &amp; ü'></form>`, void document.forms[0].submit()"
    )
    page.wait_for("main.good")
    assert login.end() == "c0de & ü"
    assert login.seen[0].method == "POST"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 900])
@pytest.mark.parametrize("outcome", ["good", "bad", "calm", "wait"])
def test_every_page_fits_its_window_in_both_schemes(login, page, tmp_path, outcome, width, dark):
    may_end = threading.Event()
    if outcome == "bad":
        login.finish = deny
    if outcome == "wait":
        login.finish = lambda _callback: may_end.wait(10)
    page.open(url(login, PATH if outcome == "calm" else OURS))
    page.wait_until(f"document.querySelector('main.{outcome} h1')")
    if outcome == "wait":
        time.sleep(0.7)  # it only appears when the wait is worth a word
    picture = tmp_path / f"{outcome}-{width}-{'dark' if dark else 'light'}.png"
    page.screenshot(picture, width=width, height=720, dark=dark)
    assert size(picture) == (width, 720)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate("[...document.querySelectorAll('main')].at(-1).checkVisibility({opacityProperty: true})")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(15, 17, 23)" if dark else "rgb(243, 244, 248)")
    may_end.set()
