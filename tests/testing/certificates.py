"""Self-signed client certificates for tests, with all kinds of names, for any time."""

from __future__ import annotations

import datetime as dt
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oauthclient.jose.certificate import Certificate

NAMES = (
    x509.DNSName("svc.example.com"),
    x509.UniformResourceIdentifier("spiffe://example.com/svc"),
    x509.IPAddress(ip_address("2001:db8::17")),
    x509.RFC822Name("svc@example.com"),
)
_MADE: dict[str, Certificate] = {}

SUBJECT = "CN=Stock Sync\\, East,OU=Stock,O=Acme"


def self_signed_pem(subject: str = SUBJECT, *, since: float = 1_500_000_000, until: float = 4_000_000_000) -> bytes:
    """A certificate with all kinds of names, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(subject)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(dt.datetime.fromtimestamp(since, dt.UTC))
        .not_valid_after(dt.datetime.fromtimestamp(until, dt.UTC))
        .add_extension(x509.SubjectAlternativeName(NAMES), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def certificate(which: str = "mine") -> Certificate:
    """One for each word, all of them saying the same."""
    return _MADE.setdefault(which, Certificate.from_pem(self_signed_pem()))
