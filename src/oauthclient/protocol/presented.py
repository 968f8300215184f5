"""The client certificate as messages and stories know it: who reads it, and when, is not their concern (RFC 8705)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from oauthclient.errors import ConfigurationError, ReauthenticationRequired
from oauthclient.protocol.metadata import ALIASED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthclient.jose.certificate import Certificate


class Presented(Protocol):
    """A certificate that is presented on connections, and may be renewed."""

    def current(self) -> Certificate:
        """The one to present now."""

    def generation(self, x5t_s256: str) -> Certificate | None:
        """The one with that thumbprint, if it can still be presented."""

    def on_renewal(self, tell: Callable[[Certificate, Certificate], None]) -> None:
        """Have `tell` called, with the former certificate and the new one, when it has been renewed."""


def check_presented(certificate: object) -> None:
    """Raise ConfigurationError for what is no client certificate, such as the path of one."""
    if not callable(getattr(certificate, "current", None)):
        raise ConfigurationError(
            f"A {type(certificate).__name__} cannot be presented as a client certificate.",
            code="unknown_setting",
            hint="Give a ClientCertificate: ClientCertificate.from_files(certificate, key).",
        )


def one_certificate(*certificates: Presented | None) -> Presented | None:
    """The one of several that is given. Raises ConfigurationError (`two_certificates`): a connection presents one."""
    given = [certificate for certificate in certificates if certificate is not None]
    if any(other is not given[0] for other in given):
        raise ConfigurationError(
            "Two client certificates were given for one authorization server.",
            code="two_certificates",
            hint="A TLS connection presents one: give the same ClientCertificate object everywhere.",
        )
    return given[0] if given else None


def aliases(overrides: Mapping[str, str | None] | None) -> dict[str, str | None]:
    """What the program says of single endpoints. Raises ConfigurationError (`unknown_setting`)."""
    unknown = sorted(set(overrides or ()).difference(ALIASED))
    if unknown:
        raise ConfigurationError(
            f"mtls_endpoint_aliases= does not know {', '.join(unknown)}.",
            code="unknown_setting",
            hint=f"A client calls these directly: {', '.join(ALIASED)}.",
        )
    return dict(overrides or {})


class Pinned:
    """One generation of a certificate: that which the refresh token of a public client is bound to (RFC 8705, 4).

    `teller`: what lives as long as this, because it tells of renewals.
    """

    __slots__ = ("__weakref__", "_presented", "_teller", "_x5t_s256")

    def __init__(self, presented: Presented, x5t_s256: str, *, teller: object = None) -> None:
        self._presented = presented
        self._x5t_s256 = x5t_s256
        self._teller = teller

    @property
    def x5t_s256(self) -> str:
        """Its thumbprint."""
        return self._x5t_s256

    def current(self) -> Certificate:
        """That one. Raises ReauthenticationRequired (`certificate_changed`) where it cannot be presented any more."""
        latest = self._presented.current()  # also has the files looked at
        found = latest if latest.x5t_s256 == self._x5t_s256 else self._presented.generation(self._x5t_s256)
        if found is None:
            raise ReauthenticationRequired(
                "The session is bound to a client certificate that is not in use any more.",
                code="certificate_changed",
                hint="Log in again: the new session is bound to the certificate there is now.",
            )
        return found

    def generation(self, x5t_s256: str) -> Certificate | None:
        """Any other, as well."""
        return self._presented.generation(x5t_s256)

    def on_renewal(self, tell: Callable[[Certificate, Certificate], None]) -> None:
        """Of the certificate itself: this one stays."""
        self._presented.on_renewal(tell)

    def __repr__(self) -> str:
        return f"Pinned({self._presented!r})"
