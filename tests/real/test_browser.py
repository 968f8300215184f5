"""A whole login in Chromium, on the pages of oidc-provider itself, and what the tests' browser can do."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.browser import Browser
from tests.real.harness import RealServer
from tests.real.identities import DEVICE_CODE
from tests.real.login_by_hand import LoginByHand


@pytest.fixture(scope="module")
def server(start_real: Callable[..., RealServer]) -> RealServer:
    return start_real(login_pages=True)


class Listener(BaseHTTPRequestHandler):
    """What an app has on the loopback interface (RFC 8252, section 7.3)."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(200 if self.path.startswith("/callback?") else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>done</title><p id=done>You are logged in.</p>")

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


@pytest.fixture
def listener() -> Iterator[HTTPServer]:
    Listener.seen = []
    with HTTPServer(("127.0.0.1", 0), Listener) as http:
        thread = Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield http
        http.shutdown()
        thread.join()


def test_a_person_logs_in_with_a_pushed_and_signed_request(
    server: RealServer, browser: Browser, listener: HTTPServer, tmp_path: Path
) -> None:
    here = f"http://127.0.0.1:{listener.server_port}/callback"
    with server.client() as http, browser.page() as page:
        client = LoginByHand(server, "native-jar", http)
        request = client.parameters(redirect_uri=here, resource=server.resource("a"))
        page.open(client.pushed({"request": client.signed(request)}))
        page.fill("input[name=login]", "dora")
        page.fill("input[name=password]", "anything")
        page.screenshot(tmp_path / "login.png")
        page.click("button[type=submit]")
        page.wait_until("document.body.innerText.includes('offline access')")
        page.click("button[type=submit]")
        page.wait_for("#done")
        assert page.text == "You are logged in."
        (callback,) = (path for path in Listener.seen if path.startswith("/callback?"))
        assert page.url.endswith(callback)
        assert page.history[-1] == page.url
        tokens = client.redeem(callback, redirect_uri=here, resource=server.resource("a"))
        seen = client.call(tokens["access_token"], server.resource("a")).json()
    assert seen["token"]["sub"] == "dora"
    assert (tmp_path / "login.png").read_bytes().startswith(b"\x89PNG")


def test_a_person_types_in_the_code_of_a_device(server: RealServer, browser: Browser) -> None:
    with server.client() as http, browser.page() as page:
        client = LoginByHand(server, "native", http)
        answer = client.send(client.metadata["device_authorization_endpoint"], {"scope": "openid"}).json()
        page.open(answer["verification_uri"])
        page.fill("input[name=user_code]", answer["user_code"])
        page.click("button[type=submit]")
        page.wait_until(f"document.body.innerText.includes({answer['user_code']!r})")
        page.click("button[autofocus]")
        page.fill("input[name=login]", "emil")
        page.fill("input[name=password]", "anything")
        page.click("button.login-submit")
        page.wait_for("input[value=consent]")
        page.click("button.login-submit")
        page.wait_until("document.body.innerText.includes('Sign-in Success')")
        tokens = client.token(grant_type=DEVICE_CODE, device_code=answer["device_code"])
        assert client.verified(tokens["id_token"], "ES256")["sub"] == "emil"


def test_each_page_belongs_to_somebody_who_was_never_here(browser: Browser, listener: HTTPServer) -> None:
    url = f"http://127.0.0.1:{listener.server_port}/callback?x"
    with browser.page() as page:
        page.open(url)
        page.evaluate("document.cookie = 'a=1'")
        assert page.evaluate("document.cookie") == "a=1"
    with browser.page() as page:
        page.open(url)
        assert page.evaluate("document.cookie") == ""


def test_the_browser_trusts_only_the_keys_it_was_told(server: RealServer) -> None:
    with Browser("A" * 43 + "=") as chromium, chromium.page() as page, pytest.raises(RuntimeError, match="ERR_CERT"):
        page.open(server.issuer)


def test_what_a_page_lacks_is_said(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.browser.PATIENCE", 0.1)
    with browser.page() as page:
        with pytest.raises(TimeoutError, match=r"waited for .*#nothing.* at about:blank"):
            page.wait_for("#nothing")
        with pytest.raises(RuntimeError, match="ERR_CONNECTION_REFUSED"):
            page.open("http://127.0.0.1:59999/")
        with pytest.raises(RuntimeError, match="ReferenceError"):
            page.evaluate("nonsense")
