"""The story of a login, told message by message against a server inside this process."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import parse_qsl, urlsplit

import httpx

from oauthclient.cli.narration import words
from oauthclient.cli.narration.anatomy import Line, challenge, form_of, json_of, redacted
from oauthclient.cli.narration.recorder import Log, Recorder
from oauthclient.errors import ReauthenticationRequired
from oauthclient.login.redirect import RedirectTarget, redirect_path
from oauthclient.native.app import NativeApp
from oauthclient.protocol.resources import Resource
from oauthclient.storage.vault import Vault
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI

if TYPE_CHECKING:
    from types import TracebackType

    from oauthclient.cli.narration.recorder import Exchange
    from oauthclient.cli.narration.terminal import Terminal
    from oauthclient.native.session import Session

_PORT: Final = 8400  # of the redirect URI; nobody listens there, for no browser is opened
_REFUSED: Final = (400, 401, 403)
_HEADINGS: Final = {
    "metadata": "What the server says of itself",
    "registration": "The app registers itself",
    "pushed": "What the person is to be asked",
    "token": "The code becomes tokens",
    "keys": "Whose signature an ID token bears",
}
_PROVES: Final = {
    "registration": words.REGISTRATION,
    "pushed": words.PUSHED,
    "keys": words.SIGNED,
    "call": words.CALL,
}


class Story:
    """A server, two APIs, an app, and a person who says yes; told to `out`. `faults`: what was not as told."""

    def __init__(self, out: Terminal) -> None:
        self.faults = 0
        self._out = out
        self._log = Log()
        self._told: set[str] = set()
        self._earlier: dict[str, httpx.Request] = {}
        self._number = 0
        self._stack = ExitStack()
        port = self._stack.enter_context(LoopbackPort())
        self._server = AuthorizationServer(f"{port.url}/as")
        self._server.dpop = "required"
        self._server.nonces.mode = "required"
        self._orders = Resource(f"{port.url}/orders", scope="read")
        self._stock = Resource(f"{port.url}/stock", scope="write")
        apis = [ProtectedAPI(self._server, api.url, scope=api.scope or ()) for api in (self._orders, self._stock)]
        self._network = Network(self._server, *apis)
        port.serve(self._network)
        self._recorder = Recorder(self._log, httpx.Client(trust_env=False))
        self._app = NativeApp(
            self._server.issuer,
            name="Acme CLI",
            resources=[self._orders, self._stock],
            vault=Vault.memory(),
            insecure_loopback=True,
            transport=self._recorder,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._app.close()
        self._stack.close()

    def tell(self) -> None:
        """All of it, from the beginning."""
        out = self._out
        out.title("An app logs a person in, and calls two APIs with tokens that are worth nothing to a thief")
        out.facts(
            (
                Line("authorization server", self._server.issuer, "in this process, on a loopback port"),
                Line("first API", self._orders.url),
                Line("second API", self._stock.url),
            )
        )
        session = self._login()
        with httpx.Client(auth=session.auth, transport=self._recorder) as api:
            self._step("A call, with its proof")
            self._call(api, f"{self._orders.url}/17")
            self._step("The second API: another token of the same login")
            self._call(api, f"{self._stock.url}/9", then=words.REFRESH)
            self._step("A thief")
            self._theft()
            self._step("Logged out")
            self._logout(session, api)

    def _login(self) -> Session:
        target = RedirectTarget(redirect_path(self._server.issuer))
        url, pending = self._app.begin_login(target.uri(_PORT))
        self._messages()
        self._step("The person, in the browser")
        came = self._server.person.approve(url)
        self._out.say("The app opens the browser:")
        self._out.facts(_query(url))
        self._out.say("The person logs in and says yes; the server sends the browser back:")
        self._out.facts(_query(came))
        self._out.proves(words.BROWSER)
        session = self._app.finish_login(pending, came)
        self._messages()
        self._out.say(f"Logged in as {session.subject}.")
        return session

    def _call(self, api: httpx.Client, url: str, *, then: str = "") -> None:
        self._out.code(f'api.get("{url}")')
        response = api.get(url)
        self._messages()
        if not response.is_success:
            self._check(False, "The API should have answered.")
        if then:
            self._out.proves(then)

    def _theft(self) -> None:
        """The token as it is, and the whole request once more (RFC 9449, section 11)."""
        stolen = self._log.exchanges[-1].request
        token = stolen.headers["Authorization"].partition(" ")[2]
        attempts = {
            "The token alone, as a bearer token": {"Authorization": f"Bearer {token}"},
            "The whole request once more": {name: stolen.headers[name] for name in ("Authorization", "DPoP")},
        }
        self._out.say(words.STOLEN)
        with httpx.Client(trust_env=False) as thief:
            for what, headers in attempts.items():
                response = thief.get(stolen.url, headers=headers)
                self._out.say(what)
                reason = ": ".join(challenge(response).values())
                self._check(response.status_code in _REFUSED, f"{response.status_code} {reason}")
        self._out.proves(words.USELESS)

    def _logout(self, session: Session, api: httpx.Client) -> None:
        self._out.code("session.logout()")
        session.logout()
        self._messages()
        self._out.proves(words.LOGOUT)
        self._out.code(f'api.get("{self._orders.url}")')
        try:
            api.get(self._orders.url)
        except ReauthenticationRequired as error:
            self._check(True, f"ReauthenticationRequired: {error.message}")
        else:
            self._check(False, "The call went through.")

    def _messages(self) -> None:
        """What was sent since the last time, and what came back."""
        for exchange in self._log.new():
            request, response = exchange
            kind = self._kind(exchange)
            if kind in _HEADINGS and kind not in self._told:
                self._step(_HEADINGS[kind])
            self._out.request(request, self._earlier.get(kind))
            self._earlier[kind] = request
            if kind == "token":
                self._proves(words.CODE)
            self._out.response(response, brief=kind == "keys" or (kind == "metadata" and not response.is_success))
            if json_of(response).get("error") == "use_dpop_nonce":
                self._proves(words.NONCE)
            elif kind in _PROVES:
                self._proves(_PROVES[kind])
            self._told.add(kind)

    def _proves(self, text: str) -> None:
        """Say it once."""
        if text not in self._told:
            self._told.add(text)
            self._out.proves(text)

    def _step(self, heading: str) -> None:
        self._number += 1
        self._out.step(f"{self._number}  {heading}")

    def _check(self, good: bool, text: str) -> None:  # noqa: FBT001  # a verdict and its words
        self._out.outcome(text, good=good)
        self.faults += not good

    def _kind(self, exchange: Exchange) -> str:
        request = exchange.request
        if "Authorization" in request.headers and request.method == "GET":
            return "call"
        form = form_of(request)
        if "grant_type" in form:
            return "token"
        if "token" in form:
            return "revocation"
        if request.method == "POST":
            return "pushed" if form else "registration"
        return "keys" if str(request.url) == self._server.jwks_uri else "metadata"


def _query(url: str) -> list[Line]:
    """Where a browser is sent, with its parameters; of the code the beginning."""
    notes = {"state": "of this login", "iss": "who answers", "code": "good once, and not for everybody"}
    parts = urlsplit(url)
    shown = [
        Line(name, redacted(value) if name == "code" else value, notes.get(name, ""))
        for name, value in parse_qsl(parts.query)
    ]
    return [Line("to", f"{parts.scheme}://{parts.netloc}{parts.path}"), *shown]
