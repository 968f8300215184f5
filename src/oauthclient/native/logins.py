"""The scripts of a login: register if need be, let a person log in, keep the session (RFC 8252; RFC 7591)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from oauthclient.errors import ConfigurationError, StorageUnreadable
from oauthclient.flows.authorize import begin
from oauthclient.flows.keep import keep_session, stored_session
from oauthclient.flows.register import register
from oauthclient.jose.keys import SigningKey
from oauthclient.login.redirect import RedirectTarget, redirect_path
from oauthclient.native.login import answered, by_browser, by_device, by_device_instead
from oauthclient.native.session import Session
from oauthclient.native.steps import step
from oauthclient.protocol.authorization_request import Wish
from oauthclient.protocol.binding import Bearer, DPoP
from oauthclient.protocol.client_metadata import ClientMetadata
from oauthclient.protocol.session import USERINFO, Granted
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.engine.engine import Engine
    from oauthclient.native.client import NativeClient
    from oauthclient.native.login import How
    from oauthclient.native.restoring import Restoring
    from oauthclient.native.steps import Script
    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.pending import Pending
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.session import SessionState


class Logins:
    """All that an app does to log people in at one server, as scripts. See `NativeApp` for the settings."""

    def __init__(
        self,
        known: Restoring,
        *,
        app: str,
        registration: Mapping[str, Any],
        initial_access_token: str | Secret | None,
        scope: str,
        offline: bool,
        bound: bool,
        redirect: tuple[str, int, str | None],
    ) -> None:
        self.setting = known.setting
        self._known = known
        self._app = app
        self._registration = registration
        self._initial_access_token = None if initial_access_token is None else Secret(initial_access_token)
        self._scope = scope
        self._offline = offline
        self._bound = bound
        host, port, path = redirect
        self._redirect = RedirectTarget(path or redirect_path(self.setting.issuer), host=host, port=port)

    def login(self, how: How, profile: str) -> Script[Session]:
        """Let a person log in. What could fail without them is tried first."""
        device = by_device_instead(how)
        bare = self.setting.bare
        yield from step(bare.do("probe", self.setting.vault.keys.probe))
        client = yield from self.client()
        name = self._known.session_name(client, profile)
        before = yield from self._before(name)
        key = yield from self._new_key()
        try:
            metadata = yield from step(bare.metadata())
            engine = self.setting.engine(client, self._bound_to(key))
            wish = how.wish(self._wish(metadata, before, extend=how.extend))
            jkt = "" if key is None else key.thumbprint
            state = yield from (
                by_device(engine, how, wish, app=self._app, jkt=jkt, profile=profile)
                if device
                else by_browser(engine, how, wish, self._redirect, app=self._app, jkt=jkt, profile=profile)
            )
            return (yield from self._kept(engine, name, state, switch_account=how.switch_account, how=how))
        except BaseException:
            self._forget(key)
            raise

    def begin(self, redirect_uri: str, how: How) -> Script[tuple[str, Pending]]:
        """Where to send the browser of one of many people, and what to remember of it."""
        client = yield from self.client()
        metadata = yield from step(self.setting.bare.metadata())
        key = yield from self._new_key()
        engine = self.setting.engine(client, self._bound_to(key))
        wish = how.wish(self._wish(metadata, None, extend=False))
        jkt = "" if key is None else key.thumbprint
        try:
            return (
                yield from step(
                    engine.tell(
                        ("begin", jkt, redirect_uri),
                        lambda: begin(engine.server, wish, redirect_uri=redirect_uri, jkt=jkt),
                    )
                )
            )
        except BaseException:
            self._forget(key)
            raise

    def finish(self, pending: Pending, callback_url: str, profile: str, *, switch_account: bool) -> Script[Session]:
        """The session of the person whose browser came back."""
        if pending.issuer != self.setting.issuer:
            raise ConfigurationError(
                f"This login began at {pending.issuer}.", code="another_issuer", hint="Finish it with that app object."
            )
        client = yield from self.client()
        engine = self.setting.engine(client, (yield from self._known.binding(pending.jkt)))
        name = self._known.session_name(client, profile)
        state = yield from step(
            engine.tell(("finish", pending.state), lambda: answered(engine, pending, callback_url, profile=profile))
        )
        return (yield from self._kept(engine, name, state, switch_account=switch_account, how=None))

    def client(self) -> Script[NativeClient]:
        """Who the app is here; it registers itself if need be."""
        known = yield from self._known.client()
        if known is not None:
            return known
        registration = yield from step(
            self.setting.bare.tell(
                "register",
                partial(
                    register,
                    self.setting.bare.server,
                    self._known.registration_name,
                    self.wanted(),
                    initial_access_token=self._initial_access_token,
                ),
            )
        )
        return self._known.take(registration)

    def wanted(self) -> ClientMetadata:
        """What the app asks to be registered as: all that defends against a downgrade, as it will be used."""
        return ClientMetadata(
            redirect_uris=self._redirect.registered(),
            dpop_bound_access_tokens=self._bound,
            members={"client_name": self._app, **self._registration},
        )

    def _before(self, name: Name) -> Script[SessionState | None]:
        """The session that is to be replaced; one that cannot be read is replaced all the same."""
        try:
            return (yield from step(self.setting.bare.tell(("restore", name), lambda: stored_session(name))))
        except StorageUnreadable:
            return None

    def _wish(self, metadata: ServerMetadata, before: SessionState | None, *, extend: bool) -> Wish:
        """What every login of this app asks for; with `extend`, what the session before holds as well."""
        targets = [Granted(resource.identifier, resource.scope) for resource in self._known.resources]
        if extend and before is not None:
            targets = _union([*targets, *(granted for granted in before.granted if granted.target != USERINFO)])
        scopes = self._scope.split()
        listed = metadata.scopes_supported or ()
        scopes = [word for word in scopes if word != "openid" or not listed or "openid" in listed]
        prompt = None
        if self._offline and "offline_access" in listed:
            scopes.append("offline_access")
            if before is not None and before.refresh_token is None:
                prompt = "consent"  # the last login brought no refresh token without
        return Wish(targets=tuple(targets), scope=" ".join(scopes), prompt=prompt)

    def _kept(
        self, engine: Engine, name: Name, state: SessionState, *, switch_account: bool, how: How | None
    ) -> Script[Session]:
        state = yield from step(
            engine.tell(("keep", name), lambda: keep_session(engine.server, name, state, switch_account=switch_account))
        )
        if how is not None and self._offline and state.refresh_token is None:
            how.tell(
                "The server gave no refresh token: this login ends with its access token. "
                'Some give one only with the consent screen: log in with prompt="consent".'
            )
        return Session(self.setting, engine, name, self._known.resources, state)

    def _new_key(self) -> Script[SigningKey | None]:
        """The key of the session to be, stored before anything is bound to it; None for bearer tokens."""
        if not self._bound:
            return None
        keys = self.setting.vault.keys

        def make() -> SigningKey:
            key = SigningKey.generate("ES256")
            keys.save(key.thumbprint, key.to_jwk())
            return key

        return (yield from step(self.setting.bare.do(("key", object()), make)))

    def _bound_to(self, key: SigningKey | None) -> Binding:
        return Bearer() if key is None else DPoP(key)

    def _forget(self, key: SigningKey | None) -> None:
        """Delete the key of a login that came to nothing, without waiting for that."""
        if key is not None:
            self.setting.bare.do(("forget", key.thumbprint), lambda: self.setting.vault.keys.delete(key.thumbprint))


def _union(granted: list[Granted]) -> list[Granted]:
    """Each target once, with all of its scopes."""
    scopes: dict[str, list[str]] = {}
    for target, scope in granted:
        scopes.setdefault(target, []).extend((scope or "").split())
    return [Granted(target, " ".join(dict.fromkeys(words)) or None) for target, words in scopes.items()]
