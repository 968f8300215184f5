"""Certificates of clients (RFC 8705): their authority with one below it, and those that vouch for themselves."""

import base64
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import ECKey

HOUR = 3600.0
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a certificate is about: the distinguished name, and the other names."""

    name: x509.Name
    names: tuple[x509.GeneralName, ...] = ()

    @classmethod
    def called(cls, common_name: str, *names: x509.GeneralName) -> Self:
        """A name whose RFC 4514 form is not just its attributes with commas between them."""
        attributes = (
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Müller + Söhne, Ltd."),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "#1 of the tests"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        )
        return cls(x509.Name(attributes), names)


@dataclass(frozen=True, slots=True)
class Issued:
    """A client's certificate: the PEM chain, its own first, the PEM key, and the files that hold them."""

    subject: Subject
    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    chain_file: Path
    key_file: Path

    @property
    def leaf(self) -> x509.Certificate:
        """The client's own certificate."""
        return x509.load_pem_x509_certificate(self.chain_pem)

    @property
    def x5t_s256(self) -> str:
        """Its thumbprint (RFC 8705, section 3.1)."""
        return base64.urlsafe_b64encode(self.leaf.fingerprint(hashes.SHA256())).rstrip(b"=").decode()

    @property
    def escaped(self) -> str:
        """As proxies write it into a header: $ssl_client_escaped_cert of nginx."""
        return quote(self.leaf.public_bytes(Encoding.PEM), safe="")

    @property
    def jwk(self) -> dict[str, object]:
        """Its public key with the certificate, as a JWK (RFC 8705, section 2.2.2)."""
        public_key = self.leaf.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        x5c = [base64.b64encode(self.leaf.public_bytes(Encoding.DER)).decode()]
        return {**ECKey.import_key(public_key).as_dict(private=False), "x5c": x5c}


class Authority:
    """Issues certificates to clients, by way of an authority below it that the servers do not know."""

    def __init__(self) -> None:
        self._root = _Pair.make(Subject.called("Root of the tests"), None, authority=True)
        self._below = _Pair.make(Subject.called("Issuer of the tests"), self._root, authority=True)
        self.pem = _pem(self._root.certificate)

    def certify(self, subject: Subject, *, starts: float = -HOUR, lifetime: float = DAY) -> tuple[bytes, bytes]:
        """A chain of two and its new key, PEM. `starts`, `lifetime`: seconds, counted from now."""
        pair = _Pair.make(subject, self._below, starts=starts, lifetime=lifetime)
        return _pem(pair.certificate, self._below.certificate), pair.key_pem


def self_signed(subject: Subject, *, starts: float = -HOUR, lifetime: float = DAY) -> tuple[bytes, bytes]:
    """A certificate that nobody else vouches for, and its new key, PEM. `starts`, `lifetime`: seconds from now."""
    pair = _Pair.make(subject, None, starts=starts, lifetime=lifetime)
    return _pem(pair.certificate), pair.key_pem


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @classmethod
    def make(
        cls,
        subject: Subject,
        issuer: "_Pair | None",
        *,
        authority: bool = False,
        starts: float = -HOUR,
        lifetime: float = DAY,
    ) -> Self:
        now = dt.datetime.now(dt.UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        signer = issuer.key if issuer else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject.name)
            .issuer_name(issuer.certificate.subject if issuer else subject.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(seconds=starts))
            .not_valid_after(now + dt.timedelta(seconds=lifetime))
        )
        for extension, critical in _extensions(subject.names, key, signer, authority=authority):
            builder = builder.add_extension(extension, critical=critical)
        return cls(builder.sign(signer, hashes.SHA256()), key)


def _extensions(
    names: Sequence[x509.GeneralName],
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> list[tuple[x509.ExtensionType, bool]]:
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"),
        False,
    )  # fmt: skip
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=authority, path_length=None), True),
        (x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **usage), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
    ]
    if not authority:
        extensions.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False))
    if names:
        extensions.append((x509.SubjectAlternativeName(names), False))
    return extensions


def _pem(*chain: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
