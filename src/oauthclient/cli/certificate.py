"""The client certificate that a login was made with, read from its files each time (RFC 8705)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from oauthclient.errors import InvalidKey
from oauthclient.tls.client_certificate import ClientCertificate

if TYPE_CHECKING:
    from oauthclient.cli.ledger import Login
    from oauthclient.protocol.authentication import ClientAuthentication
    from oauthclient.protocol.binding import Binding

_VARIABLE: Final = "OAUTHCLIENT_CERTIFICATE_PASSPHRASE"


def read_certificate(certificate: str, key: str | None) -> ClientCertificate:
    """The certificate in these files. May ask for the passphrase. Raises InvalidKey, ConfigurationError."""
    try:
        return ClientCertificate.from_files(certificate, key)
    except InvalidKey as error:
        if error.code != "passphrase_needed":
            raise
    return ClientCertificate.from_files(certificate, key, passphrase=_passphrase(key or certificate))


def authenticating(method: str, certificate: ClientCertificate) -> ClientAuthentication:
    """What authenticates a client that is registered for that `token_endpoint_auth_method`."""
    from oauthclient.protocol.certificate_authentication import SelfSignedTLSClientAuth, TLSClientAuth

    return (SelfSignedTLSClientAuth if method == SelfSignedTLSClientAuth.method else TLSClientAuth)(certificate)


def binding_of(login: Login, certificate: ClientCertificate) -> Binding:
    """What the tokens of a login are bound to that presents this certificate."""
    from oauthclient.protocol.binding import DPoP, MutualTLS

    return MutualTLS(certificate, dpop=DPoP() if login.dpop else None)


def described(certificate: ClientCertificate) -> dict[str, Any]:
    """What to tell a program, and the administrator who registers it."""
    current = certificate.current()
    names = {name: list(getattr(current, name)) for name in ("san_dns", "san_uri", "san_ip", "san_email")}
    return {
        "subject": current.subject,
        "x5t#S256": current.x5t_s256,
        "not_before": current.not_before,
        "not_after": current.not_after,
        **{name: values for name, values in names.items() if values},
    }


def _passphrase(file: str) -> str:
    told = os.environ.get(_VARIABLE)
    if told:
        return told
    if not sys.stdin.isatty():
        raise InvalidKey(
            f"The private key in {file} is encrypted, and there is nobody to ask for its passphrase.",
            code="no_passphrase",
            hint=f"Set {_VARIABLE}.",
        )
    asked: str = click.prompt(f"Passphrase of {file}", hide_input=True, err=True)
    return asked
