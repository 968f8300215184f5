"""A native app at the real server: a person in Chromium, keys in gnome-keyring, and the pages that the person sees."""

import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from re import search
from typing import Any

import httpx
import pytest

from oauthclient import ErrorResponse, NativeApp, ReauthenticationRequired, Session, Vault, time
from oauthclient.login.surroundings import Surroundings
from tests.browser import Browser, Page
from tests.components import ComponentMissing, missing
from tests.real.harness import RealServer
from tests.real.native_app import app_at, called
from tests.storage.desktop import Desktop

IMAGE = b"\x89PNG"
# Where it is gone, the library `keyring` leaves its connection to the bus to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

ANOTHER_PROCESS = """
import sys, httpx
from oauthclient import NativeApp, Resource
issuer, url, ca = sys.argv[1:]
with NativeApp(issuer, name="Acme CLI", resources=[Resource(url, scope="read")], verify=ca) as app:
    session = app.restore()
    import ssl
    with httpx.Client(auth=session.auth, verify=ssl.create_default_context(cafile=ca)) as api:
        print(session.subject, api.get(url).status_code)
"""


class Login:
    """A login of an app on a thread, while the test is the person."""

    def __init__(self, app: NativeApp, **how: Any) -> None:
        self.told: list[str] = []
        self._outcome: list[Session | BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(app, {"tell": self.told.append} | how))
        self._thread.start()

    def _run(self, app: NativeApp, how: dict[str, Any]) -> None:
        try:
            self._outcome.append(app.login(**how))
        except BaseException as error:  # noqa: BLE001  # the outcome to look at
            self._outcome.append(error)

    def check(self) -> None:
        """Raise what the login has ended with, if that is no session."""
        for outcome in self._outcome:
            if isinstance(outcome, BaseException):
                raise outcome

    def session(self) -> Session:
        """What came of it, or what was raised."""
        self._thread.join(30)
        self.check()
        (outcome,) = self._outcome
        assert isinstance(outcome, Session)
        return outcome


@pytest.fixture(scope="module")
def pages(start_real: Callable[..., RealServer]) -> RealServer:
    """The real server with its own login pages."""
    return start_real(login_pages=True)


@pytest.fixture
def desktop(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    """A desktop session with an unlocked keyring, of which this process and its children are part."""
    try:
        made = Desktop(tmp_path_factory.mktemp("d"))
    except ComponentMissing as gap:
        missing(gap)
    with made as desktop:
        for variable, value in desktop.environment.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.delenv("DISPLAY", raising=False)
        # The library `keyring` would choose among all backends of this process, those of other tests included.
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.SecretService.Keyring")
        desktop.start_keyring("login password")
        yield desktop
        gc.collect()  # while its warnings are ignored


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Login], str]:
    """The URL that the app opened in the system's browser, which is a script here; waits for it."""
    written, told = tmp_path / "url", threading.Event()
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {written}.new && mv {written}.new {written}\n')
    script.chmod(0o700)
    here = Surroundings({"DISPLAY": ":0", "BROWSER": str(script)}, "linux", lambda _: False, lambda name: name)
    monkeypatch.setattr(Surroundings, "here", classmethod(lambda _: here))

    def wait(login: Login) -> str:
        for _ in range(500):
            if written.exists():
                url = written.read_text().strip()
                written.unlink()
                return url
            login.check()
            told.wait(0.02)
        raise AssertionError("The app opened no browser.")

    return wait


def log_in_at(page: Page, user: str) -> None:
    """What a person does on oidc-provider's own pages, up to the consent."""
    page.fill("input[name=login]", user)
    page.fill("input[name=password]", "anything")
    page.click("button[type=submit]")
    page.wait_for("input[value=consent]")


class TestInChromium:
    def test_a_person_logs_in_and_stays_logged_in(
        self,
        pages: RealServer,
        browser: Browser,
        desktop: Desktop,
        opened: Callable[[Login], str],
        tmp_path: Path,
    ) -> None:
        with app_at(pages) as app, browser.page() as page:
            login = Login(app, prompt="consent")
            url = opened(login)
            assert httpx.URL(url).params.keys() == {"client_id", "request_uri"}
            page.open(url)
            log_in_at(page, "dora")
            page.click("button[type=submit]")
            page.wait_for("main.good")
            session = login.session()
            assert "You are logged in" in page.text
            assert "Acme CLI" in page.text
            self._shot(page, tmp_path / "success")
            assert not any("code=" in entry for entry in page.history)
            assert "code=" not in page.url

            assert (session.subject, session.refreshable) == ("dora", True)
            assert called(pages, session).json()["token"]["sub"] == "dora"
            assert called(pages, session, "b").status_code == 200
            assert session.userinfo()["sub"] == "dora"
            pages.distrust()  # every token that the API has seen is worth nothing any more
            assert called(pages, session).status_code == 200

            another = subprocess.run(
                [sys.executable, "-c", ANOTHER_PROCESS, pages.issuer, pages.resource("a"), str(pages.ca)],
                check=False,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert (another.stdout, another.stderr) == ("dora 200\n", "")

            goodbye = session.logout()
            assert {left.token_type for left in goodbye.still_honoured} <= {"access_token"}  # JWTs, the server says
            assert app.restore() is None
            with pytest.raises(ReauthenticationRequired):
                called(pages, session)
            assert goodbye.end_session_url is not None
            page.open(goodbye.end_session_url)
            page.wait_for("button")

    def test_a_person_who_says_no_reads_what_that_means(
        self, pages: RealServer, browser: Browser, opened: Callable[[Login], str], tmp_path: Path
    ) -> None:
        with app_at(pages, vault=Vault.memory()) as app, browser.page() as page:
            login = Login(app)
            page.open(opened(login))
            page.wait_for("input[name=login]")
            page.evaluate("[...document.querySelectorAll('a')].find(a => a.innerText.includes('Cancel')).click()")
            page.wait_for("main.bad")
            with pytest.raises(ErrorResponse) as caught:
                login.session()
            assert caught.value.code == "access_denied"
            assert "access_denied" in page.text
            self._shot(page, tmp_path / "failure")

    def test_a_person_logs_in_by_way_of_another_device(
        self, pages: RealServer, browser: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        faster(monkeypatch)
        with app_at(pages, vault=Vault.memory()) as app, browser.page() as page:
            login = Login(app, device="always", prompt="consent", qr_code=True)
            uri, code = shown(login)
            page.open(uri)
            page.fill("input[name=user_code]", code)
            page.click("button[type=submit]")
            page.wait_until(f"document.body.innerText.includes({code!r})")
            page.click("button[autofocus]")
            page.fill("input[name=login]", "emil")
            page.fill("input[name=password]", "anything")
            page.click("button.login-submit")
            page.wait_for("input[value=consent]")
            page.click("button.login-submit")
            session = login.session()
            assert session.subject == "emil"
            assert called(pages, session).status_code == 200

    def _shot(self, page: Page, path: Path) -> None:
        for dark in (False, True):
            file = path.with_name(f"{path.name}-{'dark' if dark else 'light'}.png")
            page.screenshot(file, dark=dark)
            assert file.read_bytes().startswith(IMAGE)


def faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server names no interval, so we keep to five seconds; it does not mind more speed."""
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.2)))


def shown(login: Login) -> tuple[str, str]:
    """The page and the code that the app told its person."""
    for _ in range(500):
        text = "".join(login.told)
        page, code = search(r"https://\S+", text), search(r"\b[A-Z]{4}-[A-Z]{4}\b", text)
        if page is not None and code is not None:
            return page[0], code[0]
        threading.Event().wait(0.02)
    raise AssertionError(f"The app showed no code: {login.told} {login._outcome}")
