"""A login as a person meets it: the browser on this machine, or a code for another device (RFC 8252; RFC 8628)."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final, Literal

from oauthclient.errors import ConfigurationError, NoBrowser
from oauthclient.flows.authorize import begin
from oauthclient.flows.conclude import answered, conclude
from oauthclient.flows.login import session_of
from oauthclient.flows.poll import begin_device, poll
from oauthclient.login.browser import open_url, openable, require_browser
from oauthclient.login.device_prompt import device_prompt
from oauthclient.login.listener import Listener
from oauthclient.native.steps import Listening, step
from oauthclient.protocol.authorization_request import LoginParameters, Wish
from oauthclient.protocol.authorization_response import belongs
from oauthclient.protocol.pending import Pending
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.engine.engine import Engine
    from oauthclient.engine.flights import Flight
    from oauthclient.flows.effects import Story
    from oauthclient.jose.keys import SigningKey
    from oauthclient.login.listener import CallbackRequest
    from oauthclient.login.redirect import RedirectTarget
    from oauthclient.native.steps import Script
    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.session import SessionState

_MARGIN: Final = 60.0  # seconds that a story may take beyond what a person is given
Device = Literal["never", "auto", "always"]


def on_stderr(text: str) -> None:
    """Say something to the person without a word on stdout, which belongs to results."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # a login speaks to its person


def _on_terminal() -> bool:
    return sys.stderr.isatty()  # whatever stderr is by then


@dataclass(frozen=True, slots=True, kw_only=True)
class How(LoginParameters):
    """How a person is to log in.

    `open_browser`: False only prints the URL. `device`: "always" logs in by way of another device, "auto" where there
    is no browser here; the device flow can be abused for phishing from afar (RFC 8628, section 5.4), so it is never
    chosen unasked. `timeout`: seconds the person has in the browser; on another device it is the server that says.
    `tell`: shows text to the person. `extend`: ask for what the stored session has beside what is asked for now.
    `switch_account`: another person than before may log in.

    The others are parameters of the request: `prompt`, `max_age` (seconds), `acr_values`, `login_hint`, `ui_locales`,
    `claims`, `authorization_details`, `response_mode`, and in `parameters` further ones.
    """

    open_browser: bool = True
    device: Device = "never"
    timeout: float = 300.0
    tell: Callable[[str], None] = on_stderr
    qr_code: bool = field(default_factory=_on_terminal)
    extend: bool = False
    switch_account: bool = False

    def wish(self, base: Wish) -> Wish:
        """What is asked for: what the app always does, and what this login adds."""
        asked = {each.name: getattr(self, each.name) for each in fields(LoginParameters)}
        return Wish(targets=base.targets, scope=base.scope, **{**asked, "prompt": self.prompt or base.prompt})


def by_device_instead(how: How) -> bool:
    """Whether to log in by way of another device. Raises NoBrowser, with the ways out, where nothing was allowed."""
    if how.device not in ("never", "auto", "always"):
        raise ConfigurationError('device= is "never", "auto" or "always".', code="unknown_setting")
    if how.device == "always" or not how.open_browser:
        return how.device == "always"
    try:
        require_browser()
    except NoBrowser:
        if how.device == "never":
            raise
        return True
    return False


class UnderWay:
    """A login under way: of which app, the session that it is for, its key, if it has one, its record, its binding.

    `concluding`: its end has begun, which stores the session or gives the login up, whoever waits for that.
    """

    __slots__ = ("app", "binding", "concluding", "key", "record", "session")

    def __init__(self, app: str, session: Name, key: SigningKey | None, record: Name, binding: Binding) -> None:
        self.app = app
        self.session = session
        self.key = key
        self.record = record
        self.binding = binding
        self.concluding = False

    @property
    def jkt(self) -> str:
        """What the code is bound to (RFC 9449, section 10)."""
        return "" if self.key is None else self.key.thumbprint

    def conclude(self, engine: Engine, how: How, outcome: Callable[[], Story[SessionState]]) -> Flight[SessionState]:
        """The flight that stores what `outcome` tells of."""
        self.concluding = True
        return engine.tell(
            ("conclude", self.session, object()),
            lambda: conclude(engine.server, self.session, self.record, outcome, switch_account=how.switch_account),
        )


def by_browser(engine: Engine, how: How, wish: Wish, target: RedirectTarget, login: UnderWay) -> Script[SessionState]:
    """Send the browser to the server, and wait on the loopback interface for what it brings back."""
    with Listener(target, app=login.app) as listener:  # before the browser opens: nobody else can take the port
        redirect_uri = listener.redirect_uri
        url, pending = yield from step(
            engine.tell(
                ("begin", redirect_uri),
                lambda: begin(engine.server, wish, redirect_uri=redirect_uri, jkt=login.jkt),
                must_land=False,
            )
        )
        url = openable(url, what="the authorization endpoint")  # a terminal too is to see no more than a URL
        opened = how.open_browser and (yield from step(engine.do(("open", redirect_uri), lambda: open_url(url))))
        how.tell(
            f"A browser window opens to log in. If it does not, open this address:\n\n  {url}\n"
            if opened
            else f"Open this address in a browser on this machine to log in:\n\n  {url}\n"
        )
        profile = login.session.profile

        def accept(request: CallbackRequest) -> Callable[[], SessionState] | None:
            if not belongs(request.url.reveal(), pending.state):
                return None
            return lambda: login.conclude(
                engine, how, lambda: answered(engine.server, pending, request.url, profile=profile)
            ).result()

        return (yield from step(Listening(listener, accept, timeout=how.timeout)))


def by_device(engine: Engine, how: How, wish: Wish, login: UnderWay) -> Script[SessionState]:
    """Show a code, and wait until the person has entered it on another device."""
    server = engine.server
    device = yield from step(engine.tell(("device", login.jkt), lambda: begin_device(server, wish), must_land=False))
    how.tell(
        device_prompt(
            device.user_code,
            app=login.app,
            verification_uri=device.verification_uri,
            verification_uri_complete=device.verification_uri_complete,
            expires_in=device.expires_in,
            qr=how.qr_code,
            unicode=(sys.stderr.encoding or "").lower().startswith("utf"),
        )
    )
    first = wish.targets[0] if wish.targets else None
    told = [] if first is None or server.told_by == "scope" else [(server.told_by, first.target)]
    given_up = threading.Event()
    try:
        response = yield from step(
            engine.tell(
                ("poll", login.jkt),
                lambda: poll(server, device, told, given_up=given_up.is_set),
                must_land=False,
                longest=device.expires_in + _MARGIN,
            )
        )
    except BaseException:
        given_up.set()  # or it would go on asking, for nobody
        raise
    pending = Pending(
        issuer=server.issuer,
        client_id=server.client_id,
        redirect_uri="",
        state=Secret(""),
        nonce=Secret(""),
        verifier=Secret(""),
        jkt=login.jkt,
        targets=wish.targets,
        scope=wish.scopes(),
        max_age=wish.max_age,
        began_at=0.0,
    )
    profile = login.session.profile
    return (
        yield from step(login.conclude(engine, how, lambda: session_of(server, pending, response, profile=profile)))
    )
