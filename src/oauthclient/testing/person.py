"""The person at the keyboard, played by the test: who logs in, and what they decide (RFC 6749, section 4.1)."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urlencode, urlsplit

from oauthclient.testing.http import Request
from oauthclient.testing.pages import read_form
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from oauthclient.testing.authorization_request import AuthorizationRequest
    from oauthclient.testing.host import Host
    from oauthclient.testing.http import Response

_REDIRECTS = frozenset({302, 303})


class NoWayBackError(Exception):
    """The browser stays at the authorization server: nothing goes back to the client. Its message says why."""


class Decision(NamedTuple):
    """What a person says to a request. `auth_time`: when they logged in, in seconds since the epoch."""

    subject: str
    auth_time: int


class Person:
    """Who sits at the browser. Says yes to everything, at once, unless told otherwise.

    `subject`: who logs in, where neither the test nor the request's `login_hint` names somebody. `refusal`: the error
    that each request ends with, such as `access_denied`. `logged_in_at`: since when they have a session at the server,
    in seconds since the epoch; None: they log in anew each time, and `prompt=none` is refused. `asked`: a page with two
    buttons is shown first, which a browser has to press.
    """

    def __init__(self, server: Host) -> None:
        self.subject = "alice"
        self.refusal: str | None = None
        self.logged_in_at: float | None = None
        self.asked = False
        self._server = server

    def approve(self, url: str, *, subject: str | None = None) -> str:
        """Open an authorization request and say yes; the URL that the browser is sent to, which is not opened.

        Raises NoWayBackError where the server shows an error instead, or the answer is no URL but a form (`answer`).
        """
        return _url(self.answer(url, subject=subject))

    def refuse(self, url: str, error: str = "access_denied") -> str:
        """Open an authorization request and end it with this error; the URL as `approve` has it."""
        return _url(self.answer(url, refusal=error))

    def answer(self, url: str, *, subject: str | None = None, refusal: str | None = None) -> Request:
        """The request that the browser makes to the client's `redirect_uri`: a GET, or a POST with `form_post`."""
        if not self._server.claim(url):
            raise NoWayBackError("The URL is not this authorization server's.")
        said = {"subject": subject, "refusal": refusal}
        cookie = "; ".join(f"{name}={quote(value, safe='')}" for name, value in said.items() if value is not None)
        headers = (("Cookie", cookie),) if cookie else ()
        response = self._server.handle(Request("GET", url, headers))
        form = read_form(response)
        if form is not None and self._server.claim(form.action):
            pressed = [*form.fields, ("decision", "allow")]
            response = self._server.handle(_post(form.action, pressed, headers))
            form = read_form(response)
        location = response.header("Location")
        if response.status in _REDIRECTS and location:
            return Request("GET", location)
        if form is not None:
            return _post(form.action, form.fields, ())
        raise NoWayBackError(_why(response))

    def decide(self, asked: AuthorizationRequest, request: Request, now: float) -> Decision:
        """What the person says to a request that came by `request`. Raises RefusedError for a no."""
        said = _cookies(request)
        refusal = said.get("refusal") or self.refusal
        if refusal is not None:
            raise RefusedError(refusal, "The person at the keyboard, or a policy, said no.")
        since = self.logged_in_at
        stale = since is None or "login" in asked.prompt or (asked.max_age is not None and now - since > asked.max_age)
        if stale and "none" in asked.prompt:
            raise RefusedError("login_required", "Nobody is logged in who could be asked nothing.")
        if stale and since is not None:
            self.logged_in_at = now
        subject = said.get("subject") or asked.login_hint or self.subject
        return Decision(subject, int(now if stale or since is None else since))


def _post(url: str, fields: list[tuple[str, str]], headers: tuple[tuple[str, str], ...]) -> Request:
    typed = (("Content-Type", "application/x-www-form-urlencoded"), *headers)
    return Request("POST", url, typed, urlencode(fields).encode())


def _url(request: Request) -> str:
    if request.method != "GET":
        raise NoWayBackError(f"The answer is a form for {urlsplit(request.url).path}: use person.answer.")
    return request.url


def _why(response: Response) -> str:
    said = response.body.decode("utf-8", "replace") if isinstance(response.body, bytes) else ""
    return f"HTTP status {response.status}. {said.rpartition('<p>')[2].partition('</p>')[0]}"


def _cookies(request: Request) -> dict[str, str]:
    try:
        cookies = SimpleCookie(request.header("Cookie") or "")
    except CookieError:
        return {}
    return {name: unquote(morsel.value) for name, morsel in cookies.items()}
