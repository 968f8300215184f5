"""The scripts of a login: register if need be, let a person log in, keep the session (RFC 8252; RFC 7591)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from oauthclient import time
from oauthclient.errors import ConfigurationError, StorageUnreadable
from oauthclient.flows.authorize import begin
from oauthclient.flows.conclude import answered_once
from oauthclient.flows.keep import stored_session
from oauthclient.flows.login_key import (
    clear_away,
    finished,
    give_up,
    login_name,
    new_keyless_login,
    new_login_key,
    pending_name,
    remember,
)
from oauthclient.flows.register import register
from oauthclient.login.redirect import RedirectTarget, redirect_path
from oauthclient.native.login import UnderWay, by_browser, by_device, by_device_instead
from oauthclient.native.session import Session
from oauthclient.native.steps import step
from oauthclient.protocol.authorization_request import Wish
from oauthclient.protocol.client_metadata import AUTHORIZATION_CODE, REFRESH_TOKEN, ClientMetadata
from oauthclient.protocol.device import DEVICE_CODE
from oauthclient.protocol.session import USERINFO, Granted
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from oauthclient.engine.engine import Engine
    from oauthclient.jose.decryption_key import DecryptionKey
    from oauthclient.jose.keys import SigningKey
    from oauthclient.native.client import NativeClient
    from oauthclient.native.login import How
    from oauthclient.native.restoring import Restoring
    from oauthclient.native.steps import Script
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.pending import Pending
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.session import SessionState

_CLEARING: Final = 3600.0  # seconds between two looks for logins that nobody finished


class Logins:
    """All that an app does to log people in at one server, as scripts. See `NativeApp` for the settings."""

    def __init__(
        self,
        known: Restoring,
        *,
        app: str,
        initial_access_token: str | Secret | None,
        scope: str,
        offline: bool,
        redirect: tuple[str, int, str | None],
    ) -> None:
        self.setting = known.setting
        self._known = known
        self._app = app
        self._initial_access_token = None if initial_access_token is None else Secret(initial_access_token)
        self._scope = scope
        self._offline = offline
        self._clear_again = 0.0
        host, port, path = redirect
        self._redirect = RedirectTarget(path or redirect_path(self.setting.issuer), host=host, port=port)

    def login(self, how: How, profile: str) -> Script[Session]:
        """Let a person log in. What could fail without them is tried first."""
        device = by_device_instead(how)
        bare, vault = self.setting.bare, self.setting.vault
        yield from step(bare.do("probe", vault.keys.probe))
        client = yield from self.client()
        if not device:
            client.check_redirect_uri(self._redirect.uri(self._redirect.port))
        name = self._known.session_name(client, profile)
        yield from step(bare.do(("writable", name), lambda: vault.records.check_writable(name)))
        before = yield from self._before(name)
        metadata = yield from step(bare.metadata())
        wish = how.wish(self._wish(metadata, before, extend=how.extend))
        login = yield from self._under_way(name)
        engine = self.setting.engine(client, login.binding)
        try:
            state = yield from (
                by_device(engine, how, wish, login) if device else by_browser(engine, how, wish, self._redirect, login)
            )
        except BaseException:
            if not login.concluding:
                self._give_up(login.record)
            raise
        if self._offline and state.refresh_token is None:
            how.tell(
                "The server gave no refresh token: this login ends with its access token. "
                "Some give one only with the consent screen (prompt: consent)."
            )
        return self._session(engine, client, name, login.key, state)

    def begin(self, redirect_uri: str, how: How) -> Script[tuple[str, Pending]]:
        """Where to send the browser of one of many people, and what to remember of it."""
        client = yield from self.client()
        client.check_redirect_uri(redirect_uri)
        bare = self.setting.bare
        metadata = yield from step(bare.metadata())
        wish = how.wish(self._wish(metadata, None, extend=False))
        key = yield from self._new_key(client.client_id, None)
        jkt = "" if key is None else key.thumbprint
        engine = self.setting.engine(client, self._known.bindings.new(key))
        try:
            url, pending = yield from step(
                engine.tell(
                    ("begin", jkt, redirect_uri),
                    lambda: begin(engine.server, wish, redirect_uri=redirect_uri, jkt=jkt),
                    must_land=False,
                )
            )
        except BaseException:
            if key is not None:
                self._give_up(login_name(self.setting.issuer, client.client_id, jkt))
            raise
        if key is None:
            yield from step(
                bare.tell(("remember", pending.state), lambda: remember(pending_name(pending), key="", profile=None))
            )
        return url, pending

    def finish(self, pending: Pending, callback_url: Secret, profile: str, *, switch_account: bool) -> Script[Session]:
        """The session of the person whose browser came back."""
        if pending.issuer != self.setting.issuer:
            raise ConfigurationError(
                f"This login began at {pending.issuer}.", code="another_issuer", hint="Finish it with that app object."
            )
        client = yield from self.client()
        if pending.client_id != client.client_id:
            raise ConfigurationError(
                f"This login began as {pending.client_id}.", code="another_client", hint="Begin another one."
            )
        try:
            key = yield from self._known.bindings.key(pending.jkt)
        except StorageUnreadable as error:
            if error.code != "session_key_missing":
                raise
            raise finished() from None
        engine = self.setting.engine(client, self._known.bindings.new(key))
        name = self._known.session_name(client, profile)
        state = yield from step(
            engine.tell(
                ("finish", pending.state),
                lambda: answered_once(engine.server, name, pending, callback_url, switch_account=switch_account),
            )
        )
        return self._session(engine, client, name, key, state)

    def client(self) -> Script[NativeClient]:
        """Who the app is here; it registers itself if need be."""
        known = yield from self._known.client()
        client = (yield from self._registered()) if known is None else known
        client.check_authentication()
        client.check_binding(self._known.bindings.kind)
        return client

    def _registered(self) -> Script[NativeClient]:
        bare = self.setting.bare
        metadata = yield from step(bare.metadata())
        self._known.bindings.kind.check(metadata)  # before an initial access token is spent
        wanted = self.wanted(metadata)
        registration = yield from step(
            bare.tell(
                "register",
                partial(
                    register,
                    bare.server,
                    self._known.registration_name,
                    wanted,
                    initial_access_token=self._initial_access_token,
                ),
            )
        )
        return self._known.take(registration)

    def wanted(self, metadata: ServerMetadata) -> ClientMetadata:
        """What the app asks to be registered as: all that defends against a downgrade, as it will be used."""
        members = dict(self._known.metadata)
        settings = self._known.wanted
        own = self._known.authentication
        certificate = None if own is None else own.certificate
        certified = {} if certificate is None else self._known.certified(certificate.current())
        keys = [*certified.pop("jwks", {}).get("keys", ())]
        if settings.decryption_key is not None:
            keys.append(_to_encrypt_to(settings.decryption_key))
        grants = [AUTHORIZATION_CODE]
        if self._offline:
            grants.append(REFRESH_TOKEN)
        if metadata.device_authorization_endpoint is not None:
            grants.append(DEVICE_CODE)
        return ClientMetadata(
            redirect_uris=self._redirect.registered(),
            grant_types=tuple(grants),
            token_endpoint_auth_method=None if own is None else own.method,
            dpop_bound_access_tokens=self._known.bindings.kind.key_algorithm is not None,
            tls_client_certificate_bound_access_tokens=self._known.bindings.kind.certificate is not None,
            require_signed_request_object={"always": True, "never": False}.get(settings.jar),
            software_statement=members.pop("software_statement", None),
            public_keys=tuple(keys),
            members={"client_name": self._app, **members, **certified},
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
            targets += [granted for granted in before.granted if granted.target != USERINFO]
        targets = _union(targets)
        scopes = self._scope.split()
        listed = metadata.scopes_supported or ()
        scopes = [word for word in scopes if word != "openid" or not listed or "openid" in listed]
        prompt = None
        if self._offline and "offline_access" in listed:
            scopes.append("offline_access")
            if before is not None and before.refresh_token is None:
                prompt = "consent"  # the last login brought no refresh token without
        return Wish(targets=tuple(targets), scope=" ".join(scopes), prompt=prompt)

    def _under_way(self, name: Name) -> Script[UnderWay]:
        key = yield from self._new_key(name.client, name.profile)
        if key is None:
            story = partial(new_keyless_login, name.issuer, name.client, profile=name.profile)
            record = yield from step(self.setting.bare.tell(("login", object()), story))
        else:
            record = login_name(name.issuer, name.client, key.thumbprint)
        return UnderWay(self._app, name, key, record, self._known.bindings.new(key))

    def _session(
        self, engine: Engine, client: NativeClient, name: Name, key: SigningKey | None, state: SessionState
    ) -> Session:
        """The session of a login, which may be bound to no other certificate than that of its tokens from now on."""
        engine.server.login = state.login
        if state.x5t_s256:
            engine.server.binding = self._known.bindings.of(name, client, key, state.x5t_s256)
        return Session(self.setting, engine, name, self._known.resources, state)

    def _new_key(self, client_id: str, profile: str | None) -> Script[SigningKey | None]:
        """The key of the session to be, stored before anything is bound to it; None where nothing is bound to a key.

        Of logins that nobody finished the keys are deleted here, once in a while.
        """
        yield from self._clear_away()
        algorithm = self._known.bindings.kind.key_algorithm
        if algorithm is None:
            return None
        story = partial(new_login_key, self.setting.issuer, client_id, algorithm=algorithm, profile=profile)
        return (yield from step(self.setting.bare.tell(("key", object()), story)))

    def _clear_away(self) -> Script[None]:
        bare, now = self.setting.bare, time.steady()
        if now < self._clear_again:
            return
        self._clear_again = now + _CLEARING
        names = yield from step(bare.do("names", self.setting.vault.records.names))
        logins = [name for name in names if name.kind == "login" and name.issuer == self.setting.issuer]
        if logins:
            yield from step(bare.tell("clear", lambda: clear_away(logins)))

    def _give_up(self, record: Name) -> None:
        """Delete the key of a login that came to nothing, without waiting for that."""
        self.setting.bare.tell(("give up", record), lambda: give_up(record))


def _to_encrypt_to(key: DecryptionKey) -> dict[str, str]:
    """The public JWK to register (RFC 7517, section 4)."""
    jwk = {**key.public_jwk, "use": "enc", "alg": key.algorithm}
    return jwk if key.kid is None else {**jwk, "kid": key.kid}


def _union(granted: list[Granted]) -> list[Granted]:
    """Each target once, with all of its scopes."""
    scopes: dict[str, list[str]] = {}
    for target, scope in granted:
        scopes.setdefault(target, []).extend((scope or "").split())
    return [Granted(target, " ".join(dict.fromkeys(words)) or None) for target, words in scopes.items()]
