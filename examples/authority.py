"""A certificate authority for a demo: it lives in this process, and is trusted nowhere else."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_ORGANIZATION = "Demo"

# Python 3.13 refuses a CA that does not say what its key is for (RFC 5280, section 4.2.1.3).
_SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Issues certificates for a day. `pem`: its own."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Demo CA")
        authority = x509.BasicConstraints(ca=True, path_length=0)
        certificate = _signed(self._name, self._key, self._name, self._key, (authority, True), (_SIGNS, True))
        self.pem = certificate.public_bytes(Encoding.PEM)

    def issue(self, name: str, *, address: str | None = None) -> tuple[bytes, bytes]:
        """A certificate for somebody, or for the server at an IP address, and its new private key, both in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(name)] if address is None else [x509.IPAddress(ip_address(address))]
        extension = (x509.SubjectAlternativeName(names), False)
        certificate = _signed(_named(name), key, self._name, self._key, extension)
        return certificate.public_bytes(Encoding.PEM), key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )


def _named(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _signed(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    *extensions: tuple[x509.ExtensionType, bool],
) -> x509.Certificate:
    now = datetime.now(UTC)
    identified = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(identified, critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())
