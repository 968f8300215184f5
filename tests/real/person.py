"""A person with a browser, as a plain HTTP client: follows redirects, keeps cookies, presses the one button."""

from html.parser import HTMLParser
from typing import Self

import httpx

from tests.real.harness import RealServer

SUBMITS_ITSELF = "document.forms[0].submit()"


class Form(HTMLParser):
    """The form of a page: the URL it goes to, and its fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = attributes["action"]
        elif tag == "input":
            self.fields[attributes["name"]] = attributes.get("value", "")


class Person:
    """Who is at the browser: `user`, or whom the request hints at, or alice; "deny" says no. `refuse`: scopes.

    The server logs people in without a page (server/person.mjs). One object is one browser: a second request finds
    the person logged in.
    """

    def __init__(self, real: RealServer, *, user: str = "", refuse: str = "") -> None:
        self._origin = httpx.URL(real.issuer)
        self._http = real.client(headers={"X-User": user, "X-Refuse": refuse, "Accept": "text/html"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def authorize(self, url: str) -> str:
        """Follow an authorization request. The callback URL, which is not called."""
        return self._leaving(self._walk(self._http.get(url)))

    def authorize_by_form(self, url: str) -> tuple[str, dict[str, str]]:
        """Follow an authorization request with `response_mode=form_post`. The redirect URI, and what it is sent."""
        page = self._walk(self._http.get(url)).text
        assert SUBMITS_ITSELF in page, page
        form = Form(page)
        return form.action, form.fields

    def follow(self, url: str) -> httpx.Response:
        """Follow an authorization request to the answer that leads back to the client: a redirect, or a form."""
        return self._walk(self._http.get(url))

    def approve(self, verification_uri_complete: str) -> str:
        """Confirm the code of a device (RFC 8628, section 3.3). The page that this ends with."""
        return self._press(self._walk(self._http.get(verification_uri_complete))).text

    def sign_out(self, url: str) -> str:
        """Follow a logout request (OpenID Connect RP-Initiated Logout). Where it ends, which is not called."""
        page = self._walk(self._http.get(url))
        return self._leaving(page if page.is_redirect else self._press(page, logout="yes"))

    def _walk(self, answer: httpx.Response) -> httpx.Response:
        """Go on to the first answer that leads away from the server, or that waits for the person."""
        while True:
            if answer.next_request is not None and self._here(answer.next_request.url):
                answer = self._http.send(answer.next_request)
            elif SUBMITS_ITSELF in answer.text and self._here(httpx.URL(Form(answer.text).action)):
                form = Form(answer.text)
                answer = self._http.post(form.action, data=form.fields)
            else:
                return answer

    def _press(self, page: httpx.Response, **fields: str) -> httpx.Response:
        form = Form(page.text)
        assert form.action, page.text
        return self._walk(self._http.post(form.action, data=form.fields | fields))

    def _leaving(self, answer: httpx.Response) -> str:
        assert answer.is_redirect, answer.text
        return answer.headers["Location"]

    def _here(self, url: httpx.URL) -> bool:
        return (url.scheme, url.netloc) == (self._origin.scheme, self._origin.netloc)
