"""A client that the TLS connection proves, by its certificate (RFC 8705, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from oauthclient.errors import ConfigurationError
from oauthclient.protocol.authentication import ClientAuthentication, Credentials
from oauthclient.protocol.presented import check_presented

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.certificate import Certificate
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.presented import Presented

NamedBy = Literal["subject_dn", "san_dns", "san_uri", "san_ip", "san_email"]
NAMES: Final[tuple[NamedBy, ...]] = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
SUBJECTS: Final[Mapping[str, NamedBy]] = {f"tls_client_auth_{name}": name for name in NAMES}
"""The members of a registration of which one tells the subject (RFC 8705, section 2.1.2), and which name that is."""


class CertificateAuthentication(ClientAuthentication):
    """What both ways have in common: the certificate says who it is, the request only `client_id` (section 2)."""

    __slots__ = ("certificate",)

    certificate: Presented

    def __init__(self, certificate: Presented) -> None:
        check_presented(certificate)
        self.certificate = certificate

    def credentials(self, occasion: Occasion) -> Credentials:
        """The `client_id` alone: the server needs it to find what it compares the certificate with."""
        return Credentials(form=(("client_id", occasion.client_id),))

    def registered(self, certificate: Certificate) -> Mapping[str, Any]:
        """The members of a registration (RFC 7591) that the server knows `certificate` by."""
        raise NotImplementedError


class TLSClientAuth(CertificateAuthentication):
    """`tls_client_auth`: a certificate that a CA issued, known by a name in it (RFC 8705, section 2.1).

    `certificate`: a ClientCertificate. `named_by`: which name a registration tells, for clients that register
    themselves (section 2.1.2).
    """

    __slots__ = ("_named_by",)

    method = "tls_client_auth"

    def __init__(self, certificate: Presented, *, named_by: NamedBy = "subject_dn") -> None:
        super().__init__(certificate)
        if named_by not in NAMES:
            raise ConfigurationError(
                'named_by= is "subject_dn", "san_dns", "san_uri", "san_ip" or "san_email".', code="unknown_setting"
            )
        self._named_by = named_by

    def registered(self, certificate: Certificate) -> Mapping[str, Any]:
        """The one subject member (section 2.1.2). Raises ConfigurationError (`certificate_without_name`)."""
        return subject(certificate, self._named_by)


class SelfSignedTLSClientAuth(CertificateAuthentication):
    """`self_signed_tls_client_auth`: a certificate that the server knows itself (RFC 8705, section 2.2).

    `certificate`: a ClientCertificate.
    """

    __slots__ = ()

    method = "self_signed_tls_client_auth"

    def registered(self, certificate: Certificate) -> Mapping[str, Any]:
        """The key with its certificate as `x5c` (section 2.2.2)."""
        return {"jwks": {"keys": [certificate.jwk]}}


def subject(certificate: Certificate, named_by: NamedBy) -> Mapping[str, str]:
    """The member of a registration that tells this name. Raises ConfigurationError (`certificate_without_name`)."""
    names = (certificate.subject,) if named_by == "subject_dn" else getattr(certificate, named_by)
    if not names or not names[0]:
        raise ConfigurationError(
            f"The client certificate {certificate} has no {named_by}.",
            code="certificate_without_name",
            hint="TLSClientAuth(named_by=...) says which of its names the registration tells.",
        )
    return {f"tls_client_auth_{named_by}": names[0]}
