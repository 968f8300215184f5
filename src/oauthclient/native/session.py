"""One person's login: an auth object, who they are, and the way out."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from oauthclient import time
from oauthclient.errors import ErrorResponse, StorageError
from oauthclient.native.steps import run, run_async, step
from oauthclient.plugin.auth import Auth
from oauthclient.plugin.target import Target
from oauthclient.protocol.end_session import end_session_url
from oauthclient.protocol.resources import Resource, ResourceMap
from oauthclient.protocol.session import USERINFO
from oauthclient.protocol.token import Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.engine.engine import Engine
    from oauthclient.engine.flights import Flight
    from oauthclient.native.setting import Setting
    from oauthclient.native.steps import Script
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.revocation import StillHonoured
    from oauthclient.protocol.session import Granted, SessionState


class Goodbye(NamedTuple):
    """What a logout left behind.

    `still_honoured`: tokens that the server could not be told of, or does not revoke. `end_session_url`: where to send
    the browser so that the person is logged out at the server too, or None; it holds the ID token, so do not log it.
    """

    still_honoured: tuple[StillHonoured, ...]
    end_session_url: str | None

    def __repr__(self) -> str:
        url = None if self.end_session_url is None else "<redacted>"
        return f"Goodbye(still_honoured={self.still_honoured!r}, end_session_url={url})"


class Session:
    """One login, kept alive. Give `auth` to any httpx or httpx2 client.

    `subject` and `claims` are those of the ID token, None and empty without one. `granted`: each target of the login
    and its scope. `refreshable`: whether it outlives its access tokens. `sender_constrained`: whether these are bound
    to its key, or to a client certificate; `x5t_s256`: the thumbprint of that, or None. `expires`: when those end that
    were stored as it was loaded, by target, in seconds since 1970; None where the server did not say.
    """

    def __init__(
        self, setting: Setting, engine: Engine, name: Name, resources: tuple[Resource, ...], state: SessionState
    ) -> None:
        self._setting = setting
        self._engine = engine
        self._name = name
        self.issuer = state.issuer
        self.client_id = state.client_id
        self.profile = state.profile
        self.subject = state.subject
        self.claims: Mapping[str, Any] = dict(state.claims)
        self.granted: tuple[Granted, ...] = tuple(granted for granted in state.granted if granted.target != USERINFO)
        self.refreshable = state.refresh_token is not None
        self.expires: Mapping[str, float | None] = {
            target: kept.expires_at for target, kept in state.tokens.items() if target != USERINFO
        }
        self.sender_constrained = bool(state.jkt or state.x5t_s256)
        self.x5t_s256 = state.x5t_s256 or None
        urgent = state.urgent(time.wall())  # then the refresh that was cut short comes first
        for resource in resources:
            kept = state.tokens.get(resource.identifier)
            if kept is not None and kept.serves(resource.scope) and not urgent:
                engine.remember(name, resource.identifier, resource.scope, kept)
        self.auth = Auth(
            ResourceMap((resource, Target(engine, name, resource)) for resource in resources), outside="raise"
        )

    def userinfo(self) -> Mapping[str, Any]:
        """What the server says about the person (OpenID Connect Core, section 5.3).

        Raises NotOffered, ReauthenticationRequired, or what asking the server failed with.
        """
        return run(self._userinfo())

    async def userinfo_async(self) -> Mapping[str, Any]:
        """As `userinfo`, without blocking the event loop."""
        return await run_async(self._userinfo())

    def logout(self) -> Goodbye:
        """Revoke the tokens (RFC 7009), and forget the session and its key; offline too, and then says what is left."""
        return run(self._logout())

    async def logout_async(self) -> Goodbye:
        """As `logout`, without blocking the event loop."""
        return await run_async(self._logout())

    def __repr__(self) -> str:
        return f"Session({self.issuer!r}, client_id={self.client_id!r}, profile={self.profile!r})"

    def _userinfo(self) -> Script[Mapping[str, Any]]:
        keeper = self._engine.keeper(self._name, USERINFO, None, told_by="scope")
        while True:
            needed = keeper.need()
            token = needed if isinstance(needed, Token) else (yield from step(needed))
            try:
                return (yield from step(self._presented(token)))
            except ErrorResponse as error:
                # As at any API: a rejected token is replaced, unless its successor is rejected as soon as it is there.
                if error.code != "invalid_token" or not keeper.reject(token):
                    raise

    def _presented(self, token: Token) -> Flight[Mapping[str, Any]]:
        from oauthclient.flows.userinfo import userinfo

        server = self._engine.server
        registered = server.policy.userinfo_signed_response_alg
        return self._engine.tell(
            ("userinfo", self._name, token),
            lambda: userinfo(server, token, subject=self.subject or "", registered=registered),
            must_land=False,
        )

    def _logout(self) -> Script[Goodbye]:
        return logged_out(self._setting, self._engine, self._name)


def logged_out(setting: Setting, engine: Engine, name: Name) -> Script[Goodbye]:
    """Log out of the session called `name`, even if nothing of it can be read."""
    from oauthclient.flows.logout import logout

    server = engine.server
    left, state = yield from step(engine.tell(("logout", name), lambda: logout(server, name)))
    engine.forget_tokens()
    with suppress(StorageError):  # the session is gone; an empty vault's key can stay
        yield from step(engine.do(("tidy", name), setting.vault.delete_unused_sealing_key))
    metadata: ServerMetadata | None = server.metadata
    if metadata is None or state is None:
        return Goodbye(left, None)
    url = end_session_url(metadata, client_id=server.client_id, id_token_hint=state.id_token, loopback=setting.loopback)
    return Goodbye(left, url)
