"""The client certificate as messages and stories know it: who reads it, and when, is not their concern (RFC 8705)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from oauthclient.errors import ConfigurationError, ReauthenticationRequired
from oauthclient.protocol.metadata import ALIASED
from oauthclient.protocol.urls import secure_url

if TYPE_CHECKING:
    from collections.abc import Callable

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


def aliases(
    overrides: Mapping[str, str | None] | None, presented: Presented | None, *, loopback: bool
) -> dict[str, str | None] | None:
    """What the program says of single endpoints; None for a client that goes to the conventional ones.

    Raises ConfigurationError: `unknown_setting`, `insecure_url`.
    """
    given = {} if overrides is None else overrides
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            f"mtls_endpoint_aliases= cannot be a {type(given).__name__}.",
            code="unknown_setting",
            hint='Give a mapping: {"token_endpoint": "https://mtls.as.example.com/token"}.',
        )
    unknown = sorted(str(name) for name in given if name not in ALIASED)
    if unknown:
        raise ConfigurationError(
            f"mtls_endpoint_aliases= does not know {', '.join(unknown)}.",
            code="unknown_setting",
            hint=f"A client calls these directly: {', '.join(ALIASED)}.",
        )
    if given and presented is None:
        raise ConfigurationError(
            "mtls_endpoint_aliases= is for a certificate that authenticates the client or binds its tokens.",
            code="unknown_setting",
            hint="Leave it out, or give MutualTLS(certificate) as binding=: without, and with certificate= alone, "
            "requests go to the conventional endpoints.",
        )
    for name, url in given.items():
        if url is not None:
            secure_url(url, what=f"the {name} in mtls_endpoint_aliases=", loopback=loopback)
    return None if presented is None else dict(given)


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
