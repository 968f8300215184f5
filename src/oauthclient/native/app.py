"""The front door for an app on somebody's machine: registers itself, logs a person in, restores (RFC 8252)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import ConfigurationError
from oauthclient.protocol.binding import DPoP
from oauthclient.protocol.presented import aliases, one_certificate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from oauthclient.engine.transport import Verify
    from oauthclient.flows.server import Told
    from oauthclient.jose.decryption_key import DecryptionKey
    from oauthclient.native.logins import Logins
    from oauthclient.native.registration import AppRegistration
    from oauthclient.native.restoring import Restoring
    from oauthclient.native.session import Goodbye, Session
    from oauthclient.protocol.authentication import ClientAuthentication
    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.pending import Pending
    from oauthclient.protocol.policy import Jar
    from oauthclient.protocol.resources import Resource
    from oauthclient.secret import Secret
    from oauthclient.storage.vault import Vault
    from oauthclient.tls.client_certificate import ClientCertificate

_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._-]+")


class NativeApp:
    """An app that logs people in at one authorization server, and keeps them logged in.

    `issuer`: the server's identifier. `name`: the app's, as people know it. `resources`: what its tokens are for.
    `client_id` and `authentication`: of an app that was registered by hand; without them it registers itself once
    (RFC 7591), with `initial_access_token` where the server wants one. `registration`: members of its own, such as
    `contacts`; of an app that was registered by hand, what was registered and matters here, such as
    `id_token_signed_response_alg`. `vault`: where keys and sessions are kept, by default the keyring and sealed files.
    `profile`: which of several sessions side by side. `scope`: what is asked for beside the resources' scopes.
    `offline`: stay logged in by a refresh token.

    `jar`: whether requests are signed (RFC 9101). `request_encryption`: `alg` and `enc` to encrypt these with,
    where that was registered. `decryption_key`: for answers and ID tokens that the server encrypts to the app.
    `binding`: what tokens are bound to, by default `DPoP()`, with a key for each session; or `MutualTLS(certificate)`;
    or `Bearer()`, to nothing. An app with `SelfSignedTLSClientAuth` or `TLSClientAuth` as its `authentication` needs no
    `client_id`: it registers itself by its certificate, in the words of a `tls_client_auth_subject_dn` or the like in
    `registration`, if there is one.

    `redirect_host`, `redirect_port`, `redirect_path`: for a server that takes no other redirect URI. `target`,
    `parameters`, `metadata`, `insecure_loopback`, `verify`, `proxy`, `transport`, `timeout`, `certificate`,
    `mtls_endpoint_aliases`: see `OAuthClient`.
    """

    def __init__(
        self,
        issuer: str,
        *,
        name: str,
        resources: tuple[Resource, ...] | list[Resource],
        client_id: str | None = None,
        authentication: ClientAuthentication | None = None,
        registration: Mapping[str, Any] | None = None,
        initial_access_token: str | Secret | None = None,
        vault: Vault | None = None,
        profile: str = "default",
        scope: str = "openid",
        offline: bool = True,
        jar: Jar = "auto",
        request_encryption: tuple[str, str] | None = None,
        decryption_key: DecryptionKey | None = None,
        binding: Binding | None = None,
        redirect_host: str = "127.0.0.1",
        redirect_port: int = 0,
        redirect_path: str | None = None,
        target: Told = "resource",
        parameters: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        insecure_loopback: bool = False,
        verify: Verify = None,
        proxy: str | None = None,
        transport: Any = None,
        timeout: float = 10.0,
        certificate: ClientCertificate | None = None,
        mtls_endpoint_aliases: Mapping[str, str | None] | None = None,
    ) -> None:
        if authentication is not None and client_id is None and authentication.certificate is None:
            raise ConfigurationError(
                "authentication= is that of a client registered by hand: give its client_id too.", code="no_client_id"
            )
        binding = DPoP() if binding is None else binding
        if binding.key is not None:
            raise ConfigurationError(
                "Each session has a key of its own, and DPoP was given one.",
                code="session_keys",
                hint="Leave the key out: DPoP() in binding=.",
            )
        presented = one_certificate(binding.certificate, None if authentication is None else authentication.certificate)
        if not name.strip() or not name.isprintable():
            raise ConfigurationError("name= is the app's name, as people know it.", code="unknown_setting")
        self.issuer = issuer
        self.name = name
        self.profile = profile
        self._vault = vault
        self._server: dict[str, Any] = {
            "told_by": target,
            "parameters": dict(parameters or {}),
            "loopback": insecure_loopback,
            "metadata": metadata,
            "aliases": aliases(mtls_endpoint_aliases, presented, loopback=insecure_loopback),
        }
        self._connection: dict[str, Any] = {
            "verify": verify,
            "proxy": proxy,
            "transport": transport,
            "timeout": timeout,
            "certificate": one_certificate(presented, certificate),
        }
        self._identity: dict[str, Any] = {
            "resources": tuple(resources),
            "client_id": client_id,
            "authentication": authentication,
            "registration": dict(registration or {}),
            "binding": binding,
        }
        self._wanted = (jar, request_encryption, decryption_key)
        self._login: dict[str, Any] = {
            "initial_access_token": initial_access_token,
            "scope": scope,
            "offline": offline,
            "redirect": (redirect_host, redirect_port, redirect_path),
        }
        self._lazy_known: Restoring | None = None
        self._lazy_logins: Logins | None = None

    def restore(self, *, profile: str | None = None) -> Session | None:
        """The stored session, or None where there is none. Nothing is sent.

        Raises StorageError where there is one that cannot be had: locked, unreadable or too new; and, where the program
        brings no client certificate any more, ReauthenticationRequired (`certificate_changed`) for a session that is
        bound to one, ConfigurationError (`registered_otherwise`) for an app that registered itself by one.
        """
        from oauthclient.native.steps import run

        return run(self._known().restore(profile or self.profile))

    async def restore_async(self, *, profile: str | None = None) -> Session | None:
        """As `restore`, without blocking the event loop."""
        from oauthclient.native.steps import run_async

        return await run_async(self._known().restore(profile or self.profile))

    def login(self, *, profile: str | None = None, **how: Any) -> Session:
        """Let a person log in, and keep the session; `how` is what `How` takes, such as `device="auto"`.

        The session before is replaced when this one has succeeded. Raises LoginError, StorageError, ErrorResponse (the
        person, or the server, said no), ConfigurationError (`registered_otherwise`, `binding_not_registered`: the app
        registered itself for something else than it now does), or another OAuthError.
        """
        from oauthclient.native.login import How
        from oauthclient.native.steps import run

        return run(self._logins().login(How(**how), profile or self.profile))

    async def login_async(self, *, profile: str | None = None, **how: Any) -> Session:
        """As `login`, without blocking the event loop; cancelling it closes the port."""
        from oauthclient.native.login import How
        from oauthclient.native.steps import run_async

        return await run_async(self._logins().login(How(**how), profile or self.profile))

    def begin_login(self, redirect_uri: str, **how: Any) -> tuple[str, Pending]:
        """For a web backend: where to send the browser, and what to keep until it comes back to `redirect_uri`."""
        from oauthclient.native.login import How
        from oauthclient.native.steps import run

        return run(self._logins().begin(redirect_uri, How(**how)))

    async def begin_login_async(self, redirect_uri: str, **how: Any) -> tuple[str, Pending]:
        """As `begin_login`, without blocking the event loop."""
        from oauthclient.native.login import How
        from oauthclient.native.steps import run_async

        return await run_async(self._logins().begin(redirect_uri, How(**how)))

    def finish_login(
        self, pending: Pending, callback_url: str, *, profile: str | None = None, switch_account: bool = False
    ) -> Session:
        """For a web backend: the session of the person whose browser came back to `callback_url`, kept as `profile`.

        Good once for each `pending`, in all processes. Where the answer came as a form, `callback_url` is the redirect
        URI with the form in its query.

        Raises InvalidResponse for an answer that is not this login's, LoginError (`login_finished`) the second time,
        ErrorResponse where the person or the server said no.
        """
        from oauthclient.native.steps import run
        from oauthclient.secret import Secret

        answer = Secret(callback_url)
        del callback_url  # it holds the code, and would stand in tracebacks
        return run(self._logins().finish(pending, answer, profile or self.profile, switch_account=switch_account))

    async def finish_login_async(
        self, pending: Pending, callback_url: str, *, profile: str | None = None, switch_account: bool = False
    ) -> Session:
        """As `finish_login`, without blocking the event loop."""
        from oauthclient.native.steps import run_async
        from oauthclient.secret import Secret

        answer = Secret(callback_url)
        del callback_url  # it holds the code, and would stand in tracebacks
        return await run_async(
            self._logins().finish(pending, answer, profile or self.profile, switch_account=switch_account)
        )

    def logout(self, *, profile: str | None = None) -> Goodbye | None:
        """As `Session.logout`, also where the stored session cannot be read; None where the app is not registered."""
        from oauthclient.native.steps import run

        return run(self._known().logout(profile or self.profile))

    async def logout_async(self, *, profile: str | None = None) -> Goodbye | None:
        """As `logout`, without blocking the event loop."""
        from oauthclient.native.steps import run_async

        return await run_async(self._known().logout(profile or self.profile))

    @property
    def registration(self) -> AppRegistration:
        """The app as it registered itself: shown, read again, its key or certificate rotated, deleted (RFC 7592)."""
        from oauthclient.native.registration import AppRegistration

        return AppRegistration(self._known())

    def close(self) -> None:
        """Close the connections to the authorization server."""
        if self._lazy_known is not None:
            self._lazy_known.setting.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"NativeApp({self.issuer!r}, name={self.name!r})"

    def _known(self) -> Restoring:
        if self._lazy_known is None:
            from oauthclient.engine.transport import Transport
            from oauthclient.native.client import Wanted
            from oauthclient.native.restoring import Restoring
            from oauthclient.native.setting import Setting
            from oauthclient.protocol.metadata import checked_issuer
            from oauthclient.storage.vault import Vault

            checked_issuer(self.issuer, loopback=self._server["loopback"])
            vault = self._vault or Vault.keyring(_filed(self.name))
            setting = Setting(self.issuer, transport=Transport(**self._connection), vault=vault, **self._server)
            self._lazy_known = Restoring(setting, app=self.name, wanted=Wanted(*self._wanted), **self._identity)
        return self._lazy_known

    def _logins(self) -> Logins:
        if self._lazy_logins is None:
            from oauthclient.native.logins import Logins

            self._lazy_logins = Logins(self._known(), app=self.name, **self._login)
        return self._lazy_logins


def _filed(name: str) -> str:
    """The name of the app as keyrings and folders may hold it."""
    plain = _UNUSUAL.sub("-", name)[:64].strip("-._")
    if plain:
        return plain
    from hashlib import sha256

    return sha256(name.encode()).hexdigest()[:16]
