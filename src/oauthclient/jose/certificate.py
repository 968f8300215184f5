"""X.509 certificates: their thumbprint, what they say, and the key that belongs to one (RFC 8705; RFC 7517, 4.7)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final, final

from oauthclient.errors import InvalidKey
from oauthclient.jose.encoding import base64url

# cryptography is imported inside: `ClientCertificate` is on the front door, for which no start should pay.
if TYPE_CHECKING:
    from cryptography import x509

    from oauthclient.jose.private_key import PrivateKey

_BEGIN: Final = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----")


def x5t_s256(der: bytes) -> str:
    """The SHA-256 thumbprint of a certificate in DER, base64url (RFC 8705, section 3.1)."""
    return base64url(hashlib.sha256(der).digest()).decode("ascii")


@final
class Certificate:
    """One certificate, never changing, perhaps with its key and the certificates that lead from it to a CA.

    `der`: the certificate. `x5t_s256`: its thumbprint. `subject`: its distinguished name as RFC 4514 writes it.
    `san_dns`, `san_uri`, `san_ip`, `san_email`: its other names. `not_before`, `not_after`: seconds since 1970.
    `public_jwk`: the required members of its public key (RFC 7638). `x5c`: it and its intermediates (RFC 7517, 4.7).
    `chain_s256`: the thumbprint of all of these together, for one certificate may come with other intermediates.
    """

    __slots__ = (
        "_chain",
        "_key",
        "chain_s256",
        "der",
        "not_after",
        "not_before",
        "public_jwk",
        "san_dns",
        "san_email",
        "san_ip",
        "san_uri",
        "subject",
        "x5t_s256",
    )

    def __init__(self, chain: tuple[x509.Certificate, ...], key: PrivateKey | None) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding

        leaf = chain[0]
        names = _other_names(leaf)
        self.der = leaf.public_bytes(Encoding.DER)
        self.x5t_s256 = x5t_s256(self.der)
        self.chain_s256 = x5t_s256(b"".join(each.public_bytes(Encoding.DER) for each in chain))
        self.subject = leaf.subject.rfc4514_string()
        self.not_before = leaf.not_valid_before_utc.timestamp()
        self.not_after = leaf.not_valid_after_utc.timestamp()
        self.san_dns = _named(names, x509.DNSName)
        self.san_uri = _named(names, x509.UniformResourceIdentifier)
        self.san_ip = _named(names, x509.IPAddress)
        self.san_email = _named(names, x509.RFC822Name)
        self.public_jwk = _public_jwk(leaf)
        self._chain = chain
        self._key = key

    @classmethod
    def from_der(cls, der: bytes) -> Certificate:
        """A certificate alone, as TLS shows that of the other side. Raises InvalidKey (`unreadable_certificate`)."""
        from cryptography import x509

        try:
            return cls((x509.load_der_x509_certificate(der),), None)
        except _malformed():
            pass
        raise _unreadable()

    @classmethod
    def from_pem(
        cls, pem: bytes | str, key: bytes | str | None = None, *, passphrase: bytes | str | None = None
    ) -> Certificate:
        """A certificate with its private key: first in `pem`, its intermediates behind it.

        `key`: the PEM of the private key, where it does not stand in `pem` as well. `passphrase`: where it is
        encrypted. Raises InvalidKey: `unreadable_certificate`, `certificate_key_mismatch`, and what
        `SigningKey.from_pem` raises for the key.
        """
        found = read_certificate(pem, key, passphrase)
        del pem, key, passphrase  # no traceback is to show them
        if isinstance(found, InvalidKey):
            raise found
        return found

    @property
    def x5c(self) -> tuple[str, ...]:
        """The chain in base64, its own certificate first (RFC 7517, section 4.7)."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return tuple(b64encode(each.public_bytes(Encoding.DER)).decode("ascii") for each in self._chain)

    @property
    def jwk(self) -> dict[str, Any]:
        """The JWK to register a self-signed certificate by (RFC 8705, section 2.2.2)."""
        return {**self.public_jwk, "use": "sig", "x5t#S256": self.x5t_s256, "x5c": list(self.x5c)}

    def check(self, now: float) -> None:
        """Raise InvalidKey outside of its validity: `certificate_expired`, `certificate_not_yet_valid`."""
        if now > self.not_after:
            raise InvalidKey(
                f"The client certificate {self} expired on {_day(self.not_after)}.",
                code="certificate_expired",
                hint="Have it renewed.",
            )
        if now < self.not_before:
            raise InvalidKey(
                f"The client certificate {self} is not valid before {_day(self.not_before)}.",
                code="certificate_not_yet_valid",
                hint="Check the clock of this machine.",
            )

    def encrypted_pem(self, passphrase: bytes) -> bytes:
        """The chain, and the private key under `passphrase` (PKCS #8), for who can read only files."""
        from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

        if self._key is None:
            raise AssertionError("A certificate without its key cannot be presented.")
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
        return key + b"".join(each.public_bytes(Encoding.PEM) for each in self._chain)

    def __str__(self) -> str:
        return f"{self.subject or 'without a subject'} (x5t#S256 {self.x5t_s256})"

    def __repr__(self) -> str:
        return f"<Certificate {self}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("A certificate with its key cannot be pickled.")


def read_certificate(pem: object, key: object, passphrase: bytes | str | None) -> Certificate | InvalidKey:
    """As `Certificate.from_pem`, but a fault is returned: a traceback would hold the key and the passphrase."""
    from oauthclient.jose.private_key import public_jwk, read_pem

    if not isinstance(pem, bytes | str) or not isinstance(key, bytes | str | None):
        return _unreadable()
    try:
        chain = _chain(pem)
        private = read_pem(pem if key is None else key, passphrase)
        if isinstance(private, InvalidKey):
            return private
        certificate = _made(chain, private)
    except InvalidKey as fault:
        return fault.with_traceback(None)
    if public_jwk(private) != certificate.public_jwk:
        return InvalidKey(
            "The certificate and the private key do not belong together.",
            code="certificate_key_mismatch",
            hint="The client's own certificate comes first in its file, those of intermediate CAs after it.",
        )
    return certificate


def _made(chain: tuple[x509.Certificate, ...], private: PrivateKey) -> Certificate:
    try:
        return Certificate(chain, private)
    except _malformed():
        pass
    raise _unreadable()


def _malformed() -> tuple[type[Exception], ...]:
    """What cryptography raises for DER that breaks the rules; for names in it, not before they are asked for."""
    from cryptography.x509 import InvalidVersion

    return ValueError, TypeError, InvalidVersion


def _chain(pem: bytes | str) -> tuple[x509.Certificate, ...]:
    from cryptography import x509

    text = pem.encode("utf-8", "replace") if isinstance(pem, str) else pem
    try:
        chain = tuple(x509.load_pem_x509_certificates(text))
    except _malformed():
        chain = ()
    if not chain or len(chain) < len(_BEGIN.findall(text)):  # a last one of which only a part is written is passed over
        raise _unreadable()
    return chain


def _public_jwk(leaf: x509.Certificate) -> dict[str, str]:
    from cryptography.exceptions import UnsupportedAlgorithm

    from oauthclient.jose.private_key import jwk_of_public_key

    try:
        members = jwk_of_public_key(leaf.public_key())
    except (ValueError, UnsupportedAlgorithm):
        members = None
    if members is None:
        raise InvalidKey(
            "The certificate's key is of a type or on a curve that is of no use here.",
            code="unsupported_algorithm",
            hint="Use a certificate for a key of EC P-256, P-384 or P-521, Ed25519, or RSA.",
        )
    return members


def _other_names(leaf: x509.Certificate) -> Any:
    from cryptography import x509

    try:
        return leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError, TypeError):
        return None


def _named(names: Any, kind: type) -> tuple[str, ...]:
    return () if names is None else tuple(str(name) for name in names.get_values_for_type(kind))


def _day(seconds: float) -> str:
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _unreadable() -> InvalidKey:
    return InvalidKey(
        "There is no certificate in the PEM, or one that cannot be read.",
        code="unreadable_certificate",
        hint="Give the client's certificate in PEM, the client's own first.",
    )
