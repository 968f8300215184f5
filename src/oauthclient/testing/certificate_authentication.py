"""How a client's certificate authenticates it (RFC 8705, sections 2.1 and 2.2)."""

from __future__ import annotations

import re
from base64 import b64decode
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, TypedDict

from oauthclient.errors import ConfigurationError, InvalidKey
from oauthclient.jose.certificate import Certificate
from oauthclient.jose.jwk import public_members
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oauthclient.testing.clients import Client

TLS_CLIENT_AUTH: Final = "tls_client_auth"
SELF_SIGNED_TLS_CLIENT_AUTH: Final = "self_signed_tls_client_auth"
CERTIFICATE_METHODS: Final = (TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH)


class CertificateSubject(TypedDict, total=False):
    """What the certificate of a `tls_client_auth` client must say, in exactly one of these (RFC 8705, 2.1.2)."""

    tls_client_auth_subject_dn: str
    tls_client_auth_san_dns: str
    tls_client_auth_san_uri: str
    tls_client_auth_san_ip: str
    tls_client_auth_san_email: str


SUBJECT_MEMBERS: Final = tuple(CertificateSubject.__annotations__)


def check_certificate(client: Client, der: bytes, now: float) -> None:
    """Raise `invalid_client` unless the connection's certificate is this client's.

    For `tls_client_auth` the certificate must be valid at `now`; who issued it is the business of the TLS below.
    """
    if not der:
        raise _invalid_client("The connection presented no certificate (RFC 8705, 2).")
    try:
        certificate = Certificate.from_der(der)
        if client.method == TLS_CLIENT_AUTH:
            certificate.check(now)
    except InvalidKey as error:
        raise _invalid_client(str(error)) from None
    if client.method == TLS_CLIENT_AUTH:
        if not _is_named(client, certificate):
            raise _invalid_client("The certificate does not say the subject that is registered (RFC 8705, 2.1).")
    elif certificate.x5t_s256 not in {registered.x5t_s256 for registered in client.certificates}:
        raise _invalid_client("The certificate is none of those that are registered (RFC 8705, 2.2).")


def check_subject(metadata: Mapping[str, object]) -> None:
    """Raise ConfigurationError (`certificate_subject`) unless exactly one is there; an IP address must be one."""
    found = [name for name in SUBJECT_MEMBERS if metadata.get(name)]
    if len(found) != 1:
        raise ConfigurationError(
            f"tls_client_auth needs exactly one subject, here are {len(found)} (RFC 8705, 2.1.2).",
            code="certificate_subject",
            hint=f"Give one of {', '.join(SUBJECT_MEMBERS)}.",
        )
    if found == ["tls_client_auth_san_ip"] and _address(str(metadata[found[0]])) is None:
        raise ConfigurationError(
            "tls_client_auth_san_ip is no IP address (RFC 8705, 2.1.2).", code="certificate_subject"
        )


def certificates_in(jwks: Iterable[Mapping[str, object]]) -> tuple[Certificate, ...]:
    """The certificate of each JWK that has an `x5c`: the first in it.

    Raises InvalidKey, also where its key is not that of the JWK (RFC 7517, section 4.7).
    """
    return tuple(_certificate(jwk) for jwk in jwks if "x5c" in jwk)


def _certificate(jwk: Mapping[str, object]) -> Certificate:
    x5c = jwk["x5c"]
    if not isinstance(x5c, list) or not x5c or not all(isinstance(item, str) for item in x5c):
        raise _bad_x5c("is no array of strings")
    try:
        certificate = Certificate.from_der(b64decode(x5c[0], validate=True))
    except (ValueError, InvalidKey):
        raise _bad_x5c("does not begin with a certificate in base64") from None
    if certificate.public_jwk != public_members(jwk):
        raise _bad_x5c("begins with a certificate for another key")
    return certificate


def _is_named(client: Client, certificate: Certificate) -> bool:
    if client.tls_client_auth_subject_dn is not None:
        return _distinguished(client.tls_client_auth_subject_dn) == _distinguished(certificate.subject)
    if client.tls_client_auth_san_dns is not None:
        # Never as a pattern (RFC 8705, section 7.5).
        return client.tls_client_auth_san_dns.lower() in {name.lower() for name in certificate.san_dns}
    if client.tls_client_auth_san_uri is not None:
        return client.tls_client_auth_san_uri in certificate.san_uri
    if client.tls_client_auth_san_ip is not None:
        # In binary (RFC 8705, section 2.1.2): IPv6 has several spellings.
        expected = _address(client.tls_client_auth_san_ip)
        return expected is not None and expected in {_address(name) for name in certificate.san_ip}
    return client.tls_client_auth_san_email in certificate.san_email


def _distinguished(name: str) -> list[frozenset[tuple[str, str]]]:
    """A distinguished name to compare: case and repeated spaces do not count (RFC 4517, sections 4.2.11 and 4.2.15)."""
    return [frozenset(_attribute(part) for part in _split("+", each)) for each in _split(",", name)]


def _split(separator: str, text: str) -> list[str]:
    """At each separator that no backslash stands before (RFC 4514, section 2.4)."""
    return re.findall(rf"(?:\\.|[^{separator}])+", text)


def _attribute(text: str) -> tuple[str, str]:
    kind, _, value = text.partition("=")
    return kind.strip().upper(), " ".join(value.split()).casefold()


def _address(text: str) -> object:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _bad_x5c(what: str) -> InvalidKey:
    return InvalidKey(f"An x5c {what} (RFC 7517, 4.7).", code="unreadable_certificate")


def _invalid_client(description: str) -> RefusedError:
    return RefusedError("invalid_client", description, status=401)
