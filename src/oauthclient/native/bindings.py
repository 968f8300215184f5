"""What each session of an app is bound to: a key of its own, and the client certificate it began with (RFC 8705, 4)."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from oauthclient.errors import InvalidKey, ReauthenticationRequired, StorageUnreadable
from oauthclient.jose.keys import SigningKey
from oauthclient.native.steps import step
from oauthclient.protocol.presented import Pinned

if TYPE_CHECKING:
    from oauthclient.jose.certificate import Certificate
    from oauthclient.native.client import NativeClient
    from oauthclient.native.setting import Setting
    from oauthclient.native.steps import Script
    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.record_name import Name

_NAMED: Final = 5  # of what may be thousands, in a backend
_LOG: Final = logging.getLogger("oauthclient")


class Bindings:
    """Makes the binding of a session of the `kind` that the program chose; see `NativeApp`."""

    def __init__(self, setting: Setting, kind: Binding) -> None:
        self.kind = kind
        self._setting = setting
        self._pinned: WeakKeyDictionary[Pinned, Name] = WeakKeyDictionary()
        self._listens = False
        self._lock = threading.Lock()

    def new(self, key: SigningKey | None) -> Binding:
        """That of a login under way: to its key, and to the certificate there is now."""
        return self.kind.to(key, self.kind.certificate)

    def of(self, name: Name, client: NativeClient, key: SigningKey | None, x5t_s256: str) -> Binding:
        """That of a session whose refresh token was issued to the certificate of that thumbprint, "" for none.

        The refresh token of a public client is bound to it, that of any other to the client (RFC 8705, sections 4 and
        7.1). Raises ReauthenticationRequired (`certificate_changed`).
        """
        if not x5t_s256:
            return self.kind.to(key, None)
        certificate = self.kind.certificate
        if certificate is None:
            raise ReauthenticationRequired(
                "The session is bound to a client certificate, and the program has none.",
                code="certificate_changed",
                hint="Make the app with binding=MutualTLS(certificate), or log in again.",
            )
        if client.authentication.method != "none":
            return self.kind.to(key, certificate)
        if not self._listens:
            self._listens = True
            certificate.on_renewal(self._tell)
        pinned = Pinned(certificate, x5t_s256, teller=self)
        with self._lock:
            self._pinned[pinned] = name
        latest, former = certificate.current(), certificate.generation(x5t_s256)
        if former is not None and former is not latest:  # renewed while the person was logging in
            self._tell(former, latest)
        return self.kind.to(key, pinned)

    def key(self, jkt: str) -> Script[SigningKey | None]:
        """The key of that thumbprint, None for "". Raises StorageUnreadable (`session_key_missing`)."""
        if not jkt:
            return None
        text = yield from step(self._setting.bare.do(("key", jkt), lambda: self._setting.vault.keys.load(jkt)))
        if text is not None:
            with suppress(InvalidKey):
                key = SigningKey.from_jwk(text)
                if key.thumbprint == jkt:
                    return key
        raise StorageUnreadable(
            "The key of the session is not where keys are kept any more.",
            code="session_key_missing",
            hint="Log in again: it then replaces this session.",
        )

    def _tell(self, before: Certificate, certificate: Certificate) -> None:
        """Say what a renewed certificate means for the sessions that are bound to the former one."""
        with self._lock:
            names = {name for pinned, name in self._pinned.items() if pinned.x5t_s256 == before.x5t_s256}
        if names:
            profiles = sorted(name.profile for name in names)
            _LOG.warning(
                "Sessions at %s stay bound to the former client certificate (x5t#S256 %s, now %s): %s. They go on with "
                "that one until this program ends, or %s; then their persons log in again (certificate_changed).",
                self._setting.issuer,
                before.x5t_s256,
                certificate.x5t_s256,
                ", ".join(profiles[:_NAMED])
                + (f" and {len(profiles) - _NAMED} more" if len(profiles) > _NAMED else ""),
                datetime.fromtimestamp(before.not_after, UTC).isoformat(" "),
            )
