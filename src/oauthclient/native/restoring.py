"""Going on with what is stored: who the app is at a server, and the session it has there (RFC 7591; RFC 6749, 6).

Apart from logging in, which most runs of an app do not: this imports nothing of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.flows.keep import stored_session
from oauthclient.native.bindings import Bindings
from oauthclient.native.client import NativeClient, Wanted
from oauthclient.native.session import Session, logged_out
from oauthclient.native.steps import step
from oauthclient.protocol.binding import Bearer
from oauthclient.protocol.certificate_authentication import SUBJECTS, CertificateAuthentication
from oauthclient.protocol.record_name import Name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from oauthclient.jose.certificate import Certificate
    from oauthclient.native.session import Goodbye
    from oauthclient.native.setting import Setting
    from oauthclient.native.steps import Script
    from oauthclient.protocol.authentication import ClientAuthentication
    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.registration import Registration
    from oauthclient.protocol.resources import Resource


class Restoring:
    """What an app knows of itself at one server, and the sessions it has there, as scripts. See `NativeApp`."""

    def __init__(
        self,
        setting: Setting,
        *,
        app: str,
        resources: tuple[Resource, ...],
        client_id: str | None,
        authentication: ClientAuthentication | None,
        registration: Mapping[str, Any],
        binding: Binding,
        wanted: Wanted,
    ) -> None:
        self.setting = setting
        self.resources = resources
        self.registers_itself = client_id is None
        self.registration_name = Name("registration", setting.issuer, app, "default")
        """What the registration is filed under: once per app and server, for all of its profiles."""
        self.metadata = registration
        """The app's own members of its registration, or what is known of one that was made by hand."""
        self.bindings = Bindings(setting, binding)
        self.authentication = authentication
        """The program's own way to authenticate, where it is given."""
        self.wanted = wanted
        self._client: NativeClient | None = None
        if client_id is not None:
            self._client = NativeClient.preregistered(client_id, authentication, metadata=registration, wanted=wanted)

    def restore(self, profile: str) -> Script[Session | None]:
        """The stored session, or None where there is none."""
        client = yield from self.client()
        if client is None:
            return None
        client.check_authentication()
        name = self.session_name(client, profile)
        state = yield from step(self.setting.bare.tell(("restore", name), lambda: stored_session(name)))
        if state is None:
            return None
        key = yield from self.bindings.key(state.jkt)
        engine = self.setting.engine(client, self.bindings.of(name, client, key, state.x5t_s256), login=state.login)
        return Session(self.setting, engine, name, self.resources, state)

    def logout(self, profile: str) -> Script[Goodbye | None]:
        """Log out of the stored session, even if nothing of it can be read; None where there is no client."""
        client = yield from self.client()
        if client is None:
            return None
        # A token is revoked without a proof, so the session's key may be gone.
        engine = self.setting.engine(client, Bearer())
        return (yield from logged_out(self.setting, engine, self.session_name(client, profile)))

    def session_name(self, client: NativeClient, profile: str) -> Name:
        """What a session is filed under."""
        return Name("session", self.setting.issuer, client.client_id, profile)

    def client(self) -> Script[NativeClient | None]:
        """Who the app is here; None where it is not registered yet."""
        if self._client is None:
            from oauthclient.flows.register import restored

            registration = yield from step(
                self.setting.bare.tell("registration", lambda: restored(self.registration_name))
            )
            return None if registration is None else self.take(registration)
        return self._client

    def take(self, registration: Registration) -> NativeClient:
        """Be the client of this registration from now on."""
        self._client = NativeClient.registered(
            registration, self.setting.vault.keys, own=self.authentication, wanted=self.wanted
        )
        return self._client

    def certified(self, certificate: Certificate) -> dict[str, Any]:
        """The members of a registration that the server knows `certificate` by; none where that is not how it does.

        A subject among the app's own members is told in the words that stand there: some servers compare them as text.
        """
        own = self.authentication
        if not isinstance(own, CertificateAuthentication):
            return {}
        told = {name: value for name, value in self.metadata.items() if name in SUBJECTS}
        return told or dict(own.registered(certificate))

    def forget(self) -> None:
        """Look for the registration anew when it is next needed: it has changed."""
        if self.registers_itself:
            self._client = None
