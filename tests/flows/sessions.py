"""A machine with a disk and one session on it, on which stories of a login and its refreshes are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import ReauthenticationRequired
from oauthclient.flows.authorize import begin
from oauthclient.flows.effects import FreshID, Lease
from oauthclient.flows.keep import keep_session
from oauthclient.flows.login import finish
from oauthclient.flows.refresh import renew_session
from oauthclient.flows.server import Server
from oauthclient.flows.slot import Slot
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.authentication import PublicClient
from oauthclient.protocol.authorization_request import Wish
from oauthclient.protocol.authorization_response import callback_parameters
from oauthclient.protocol.binding import DPoP
from oauthclient.protocol.metadata import ServerMetadata
from oauthclient.protocol.record_name import Name
from oauthclient.protocol.session import Granted, SessionState, from_record, to_record
from oauthclient.testing import ProtectedAPI
from tests.flows.registering import Disk
from tests.flows.telling import ISSUER, Telling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthclient.flows.effects import Story
    from oauthclient.protocol.pending import Pending
    from oauthclient.protocol.token import Token

ORDERS = "https://api.example.com/orders"
STOCK = "https://api.example.com/stock"
REDIRECT_URI = "http://127.0.0.1:49152/callback/as"
NAME = Name("session", ISSUER, "app", "default")
TARGETS = (Granted(ORDERS, "read"), Granted(STOCK, "write"))
KEY = SigningKey.generate()
ANOTHER_KEY = SigningKey.generate()


class Home(Disk):
    """The embedded server with two APIs, a public client, and its session's key; tokens live 300 s."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(*answers)
        self.server.register("app", redirect_uris=[REDIRECT_URI])
        ProtectedAPI(self.server, ORDERS, scope="read more", now=lambda: self.wall)
        ProtectedAPI(self.server, STOCK, scope="write", now=lambda: self.wall)
        self.known = self.client()

    def answer(self, effect: Any) -> Any:
        if isinstance(effect, FreshID):  # as long as they are in earnest: a verifier is made of two
            return f"{int(super().answer(effect)[3:]):032x}"
        return super().answer(effect)

    def client(self, **settings: Any) -> Server:
        """What an engine of the app knows of the server."""
        return Server(
            **(
                {
                    "issuer": ISSUER,
                    "client_id": "app",
                    "authentication": PublicClient(),
                    "binding": DPoP(KEY),
                    "told_by": "resource",
                    "parameters": {},
                    "loopback": False,
                    "metadata": ServerMetadata.from_document(self.server.metadata_document()),
                }
                | settings
            )
        )

    def began(self, wish: Wish | None = None, server: Server | None = None) -> tuple[str, Pending]:
        url, pending = self.tell(
            begin(server or self.known, wish or a_wish(), redirect_uri=REDIRECT_URI, jkt=KEY.thumbprint)
        )
        return url, pending

    def finished(self, pending: Pending, callback_url: str, server: Server | None = None) -> SessionState:
        answer = callback_parameters(callback_url, pending.redirect_uri)
        state: SessionState = self.tell(finish(server or self.known, pending, answer, profile="default"))
        return state

    def logged_in(self, wish: Wish | None = None, **who: str) -> SessionState:
        url, pending = self.began(wish)
        return self.finished(pending, self.server.person.approve(url, **who))

    def keep(self, state: SessionState, *, switch_account: bool = False, server: Server | None = None) -> SessionState:
        kept: SessionState = self.tell(keep_session(server or self.known, NAME, state, switch_account=switch_account))
        return kept

    def log_in(self, wish: Wish | None = None, **who: str) -> SessionState:
        """A login that is stored; what was sent and heard for it is forgotten."""
        state = self.keep(self.logged_in(wish, **who))
        self.sent.clear()
        self.history.clear()
        self.effects.clear()
        return state

    def put(self, state: SessionState) -> None:
        """Store a session by hand."""
        self.records[NAME] = json.dumps(to_record(state))

    def session(self) -> SessionState:
        return from_record(json.loads(self.records[NAME]))

    def renewal(self, seen: Token | None = None, *, server: Server | None = None, **slot: Any) -> Story[Token]:
        return renew_session(server or self.known, a_slot(**slot), seen)

    def renewed(self, seen: Token | None = None, **how: Any) -> Token:
        token: Token = self.tell(self.renewal(seen, **how))
        return token

    def refresh_requests(self) -> list[dict[str, list[str]]]:
        """The forms of the refresh requests that have reached the server."""
        return [seen.form for seen in self.server.requests if seen.grant_type == "refresh_token"]

    def expire(self) -> None:
        """Let the access tokens grow old."""
        self.pass_time(301)

    def kill(self) -> None:
        """What kill -9 leaves, and a process that begins anew."""
        self.reboot()
        self.known = self.client()

    def tell_in_turns(self, stories: Iterable[Story[Any]], turns: Iterable[int]) -> list[Telling]:
        """Tell stories an effect at a time, in the order of `turns`, then each to its end.

        One that waits for a lease which another one holds lets its turn pass.
        """
        tellings = [Telling(self, story) for story in stories]
        for turn in turns:
            self._step(tellings[turn % len(tellings)])
        while waiting := [telling for telling in tellings if not telling.over]:
            for telling in waiting:
                self._step(telling)
        return tellings

    def _step(self, telling: Telling) -> None:
        effect = telling.effect
        blocked = isinstance(effect, Lease) and effect.name in self.held
        if not telling.over and not blocked:
            telling.step()


def a_wish(**changes: Any) -> Wish:
    return Wish(**({"targets": TARGETS, "scope": "openid"} | changes))


def a_slot(**changes: Any) -> Slot[Name]:
    usual: dict[str, Any] = {
        "issuer": ISSUER,
        "client_id": "app",
        "grant": NAME,
        "told_by": "resource",
        "target": ORDERS,
        "scope": "read",
        "thumbprint": KEY.thumbprint,
    }
    return Slot(**(usual | changes))


def logged_in_home(*, openid: bool = False, expired: bool = True, **tokens: Any) -> Home:
    """Somebody is logged in, and, with `expired`, the token has ended. `tokens`: settings of server.refresh_tokens."""
    home = Home()
    for name, value in tokens.items():
        setattr(home.server.refresh_tokens, name, value)
    home.log_in(None if openid else a_wish(scope=""))
    if expired:
        home.expire()
    return home


def why(home: Home, **how: Any) -> str:
    """The reason for which there is no token without a person."""
    with pytest.raises(ReauthenticationRequired) as failed:
        home.renewed(**how)
    return failed.value.reason
