"""The clients with certificates (RFC 8705), and further certificates for the same subjects."""

import ipaddress
import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cryptography import x509

from tests.real.certificates import DAY, HOUR, Authority, Issued, Subject, self_signed
from tests.real.identities import GRANTS, LOGIN_GRANTS, NATIVE, SELF_SIGNED, WEB, Client

TLS = "tls_client_auth"
SPIFFE_ID = "spiffe://example.com/service, one"
# Beside the distinguished name, one name of each kind that can be registered (RFC 8705, section 2.1.2).
NAMES = (
    x509.DNSName("service.example.com"),
    x509.UniformResourceIdentifier(SPIFFE_ID),
    x509.IPAddress(ipaddress.ip_address("2001:db8::17")),
    x509.IPAddress(ipaddress.ip_address("192.0.2.17")),
    x509.RFC822Name("service@example.com"),
)
SUBJECTS: Mapping[str, Subject] = {
    "tls": Subject.called("Backend & Co"),
    "tls-san": Subject.called("Service", *NAMES),
    "tls-only": Subject.called("Service with DPoP"),
    "self-signed": Subject.called("Self-made service"),
    "key-bound": Subject.called("Service with two keys"),
    "native-tls": Subject.called("An app"),
}
SELF_MADE = "self-signed", "native-tls"


class Issuer:
    """Gives the clients their certificates, as often as they want, and files in a folder to keep them in."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority()
        self._folder = folder
        self._numbers = itertools.count()

    def certify(self, name: str, *, starts: float = -HOUR, lifetime: float = DAY) -> tuple[bytes, bytes]:
        """A new chain and key, PEM, for the subject of a client. `starts`, `lifetime`: seconds, counted from now."""
        make = self_signed if name in SELF_MADE else self.authority.certify
        return make(SUBJECTS[name], starts=starts, lifetime=lifetime)

    def issue(self, name: str, *, starts: float = -HOUR, lifetime: float = DAY) -> Issued:
        """The same, in files."""
        chain, key = self.certify(name, starts=starts, lifetime=lifetime)
        stem = f"{name}-{next(self._numbers)}"
        chain_file, key_file = self._folder / f"{stem}.pem", self._folder / f"{stem}-key.pem"
        chain_file.write_bytes(chain)
        key_file.write_bytes(key)
        key_file.chmod(0o600)
        return Issued(SUBJECTS[name], chain, key, chain_file, key_file)

    def clients(self, signing_pem: bytes) -> dict[str, Client]:
        """Clients by name. All but "tls-only", which uses DPoP, have tokens that are bound to the certificate.

        "tls", which also logs people in as a backend, and "tls-san" are known by the name in the certificate,
        "self-signed" by the certificate itself, "key-bound" by assertions that are signed with another key
        (`signing_pem`), and "native-tls", an app on somebody's machine, by nothing.
        """
        bound = {"tls_client_certificate_bound_access_tokens": True}
        by_name = {"tls_client_auth_subject_dn": SUBJECTS["tls"].name.rfc4514_string()}
        by_dpop = {"tls_client_auth_subject_dn": SUBJECTS["tls-only"].name.rfc4514_string()}
        by_san = {"tls_client_auth_san_dns": "service.example.com"}
        both = (*GRANTS, *LOGIN_GRANTS)
        clients = {
            "tls": Client("service-tls", TLS, bound=False, grants=both, more={**WEB, **bound, **by_name}),
            "tls-san": Client("service-tls-san", TLS, bound=False, more={**bound, **by_san}),
            "tls-only": Client("service-tls-only", TLS, more=by_dpop),
            "self-signed": Client("service-self-signed", SELF_SIGNED, bound=False, more=bound),
            "key-bound": Client(
                "service-key-bound", "private_key_jwt", algorithm="ES256", pem=signing_pem, bound=False, more=bound
            ),
            "native-tls": Client("native-tls", "none", bound=False, grants=LOGIN_GRANTS, more={**NATIVE, **bound}),
        }
        return {name: replace(client, issued=self.issue(name)) for name, client in clients.items()}
