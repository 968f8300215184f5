"""Certificates and their keys: RFC 8705, section 3.1; RFC 7517, section 4.7; RFC 4514."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import hashlib
import ipaddress
import json
import pickle
import ssl
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtensionOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import InvalidKey
from oauthclient.jose.certificate import Certificate, x5t_s256
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.keys import SigningKey
from tests.showing import held, told

PEM = serialization.Encoding.PEM
SINCE, UNTIL = 1_700_000_000, 1_800_000_000
PASSPHRASE = "correct horse battery staple"
KEYS: dict[str, Any] = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "RSA": rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}
NAME = x509.Name(
    [x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"), x509.NameAttribute(NameOID.COMMON_NAME, "Stock Sync, East")]
)


def key_pem(key: Any, passphrase: str | None = None, form: Any = serialization.PrivateFormat.PKCS8) -> bytes:
    secret = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    pem: bytes = key.private_bytes(PEM, form, secret)
    return pem


def issued(key: Any, *extensions: Any, name: x509.Name = NAME, signer: Any = None) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(dt.datetime.fromtimestamp(SINCE, dt.UTC))
        .not_valid_after(dt.datetime.fromtimestamp(UNTIL, dt.UTC))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    signer = signer or key
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def cert_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(PEM)


LEAF = issued(KEYS["P-256"])
ABOVE = issued(KEYS["P-384"])
CERT, KEY = cert_pem(LEAF), key_pem(KEYS["P-256"])


def code_of(*arguments: Any, **settings: Any) -> str:
    with pytest.raises(InvalidKey) as caught:
        Certificate.from_pem(*arguments, **settings)
    assert caught.value.__context__ is None
    return caught.value.code


@pytest.mark.parametrize("kind", KEYS)
def test_a_certificate_is_read_with_its_key_of_any_algorithm(kind: str) -> None:
    key = KEYS[kind]
    leaf = issued(key)
    certificate = Certificate.from_pem(cert_pem(leaf), key_pem(key))
    assert certificate.der == leaf.public_bytes(serialization.Encoding.DER)
    if kind != "RSA":  # that one is too weak to sign tokens with, and good enough for TLS
        assert certificate.public_jwk == {
            name: SigningKey.from_pem(key_pem(key)).public_jwk[name] for name in certificate.public_jwk
        }
    assert certificate.public_jwk["kty"] == {"RSA": "RSA", "Ed25519": "OKP"}.get(kind, "EC")


@pytest.mark.parametrize("kind", KEYS)
def test_what_tls_reads_is_the_chain_and_an_encrypted_key(kind: str, tmp_path: Any) -> None:
    pem = cert_pem(issued(KEYS[kind])) + cert_pem(ABOVE)
    written = Certificate.from_pem(pem, key_pem(KEYS[kind])).encrypted_pem(b"for once")
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in written
    assert written.count(b"BEGIN CERTIFICATE") == 2
    (tmp_path / "all.pem").write_bytes(written)
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(tmp_path / "all.pem", password="for once")
    with pytest.raises(ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(tmp_path / "all.pem", password="for ever")


@pytest.mark.parametrize(
    ("pem", "key"),
    [
        (CERT, KEY),
        (CERT.decode(), KEY.decode()),
        (CERT + KEY, None),
        (KEY + CERT, None),
        (KEY + CERT + cert_pem(ABOVE), None),
        (b"Bag Attributes\n  friendlyName: svc\n" + CERT, b"\n" + KEY),
        (CERT, key_pem(KEYS["P-256"], form=serialization.PrivateFormat.TraditionalOpenSSL)),
        (CERT.replace(b"\n", b"\r\n"), KEY.replace(b"\n", b"\r\n")),
    ],
)
def test_certificate_and_key_come_apart_or_together_in_any_order(pem: Any, key: Any) -> None:
    assert Certificate.from_pem(pem, key).x5t_s256 == x5t_s256(LEAF.public_bytes(serialization.Encoding.DER))


def test_the_thumbprint_is_the_sha_256_of_the_certificate_in_base64url() -> None:
    der = LEAF.public_bytes(serialization.Encoding.DER)
    expected = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    assert Certificate.from_der(der).x5t_s256 == x5t_s256(der) == expected
    assert len(expected) == 43


def test_the_subject_is_written_as_rfc_4514_has_it_and_other_names_as_they_are_registered() -> None:
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName("svc.example.com"),
            x509.UniformResourceIdentifier("spiffe://example.com/svc"),
            x509.IPAddress(ipaddress.ip_address("2001:db8::17")),
            x509.IPAddress(ipaddress.ip_address("192.0.2.17")),
            x509.RFC822Name("svc@example.com"),
            x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4")),
        ]
    )
    certificate = Certificate.from_pem(cert_pem(issued(KEYS["P-256"], names)), KEY)
    assert certificate.subject == "CN=Stock Sync\\, East,C=DE"
    assert (certificate.san_dns, certificate.san_uri, certificate.san_ip, certificate.san_email) == (
        ("svc.example.com",),
        ("spiffe://example.com/svc",),
        ("2001:db8::17", "192.0.2.17"),
        ("svc@example.com",),
    )
    assert (certificate.not_before, certificate.not_after) == (SINCE, UNTIL)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(b"rubbish", id="no ASN.1"),
        pytest.param(bytes.fromhex("3002a300"), id="an X.400 address"),
    ],
)
def test_other_names_that_cannot_be_read_are_none(names: bytes) -> None:
    odd = issued(KEYS["P-256"], x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, names))
    assert Certificate.from_pem(cert_pem(odd), KEY).san_dns == ()


def test_its_jwk_holds_the_chain_as_x5c_with_its_own_certificate_first() -> None:
    certificate = Certificate.from_pem(CERT + cert_pem(ABOVE), KEY)
    jwk = json.loads(json.dumps(certificate.jwk))
    ders = [each.public_bytes(serialization.Encoding.DER) for each in (LEAF, ABOVE)]
    assert jwk["x5c"] == [base64.b64encode(der).decode() for der in ders]  # not base64url (RFC 7517, section 4.7)
    assert jwk["x5t#S256"] == certificate.x5t_s256
    assert {"d", "p", "q"}.isdisjoint(jwk)
    assert KeySet.of(jwk)


@pytest.mark.parametrize("times", [(SINCE, None), (UNTIL, None), (SINCE - 1, "not_yet_valid"), (UNTIL + 1, "expired")])
def test_validity_is_checked_against_the_clock_that_is_given(times: tuple[float, str | None]) -> None:
    now, fault = times
    certificate = Certificate.from_pem(CERT, KEY)
    if fault is None:
        certificate.check(now)
        return
    with pytest.raises(InvalidKey) as caught:
        certificate.check(now)
    assert caught.value.code == f"certificate_{fault}"
    day = "2023-11-14 22:13:20 UTC" if fault == "not_yet_valid" else "2027-01-15 08:00:00 UTC"
    assert day in caught.value.message
    assert "Stock Sync" in caught.value.message


def test_a_key_that_is_encrypted_needs_its_passphrase() -> None:
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        locked = key_pem(KEYS["P-256"], PASSPHRASE, form)
        for passphrase in (PASSPHRASE, PASSPHRASE.encode()):
            assert Certificate.from_pem(CERT, locked, passphrase=passphrase)
            assert Certificate.from_pem(locked + CERT, passphrase=passphrase)
        assert code_of(CERT, locked) == "passphrase_needed"
        assert code_of(CERT, locked, passphrase=f"{PASSPHRASE}?") == "wrong_passphrase"
    assert code_of(CERT, KEY, passphrase=PASSPHRASE) == "passphrase_not_needed"


def changed(before: bytes, after: bytes) -> bytes:
    """The certificate, readable as a whole, with some octets exchanged."""
    der = LEAF.public_bytes(serialization.Encoding.DER)
    assert before in der
    return ssl.DER_cert_to_PEM_cert(der.replace(before, after)).encode()


@pytest.mark.parametrize(
    ("pem", "key", "code"),
    [
        (CERT, key_pem(KEYS["P-384"]), "certificate_key_mismatch"),
        (CERT, key_pem(ec.generate_private_key(ec.SECP256R1())), "certificate_key_mismatch"),
        (cert_pem(ABOVE) + CERT, KEY, "certificate_key_mismatch"),  # an intermediate first
        (CERT, CERT, "certificate"),
        (CERT, None, "certificate"),
        (KEY, None, "unreadable_certificate"),
        (KEY, KEY, "unreadable_certificate"),
        (b"", KEY, "unreadable_certificate"),
        ("/etc/ssl/client.pem", KEY, "unreadable_certificate"),
        ("ü\udcff", KEY, "unreadable_certificate"),
        (CERT[:-60], KEY, "unreadable_certificate"),
        (CERT + CERT[:200], KEY, "unreadable_certificate"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", KEY, "unreadable_certificate"),
        (changed(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09"), KEY, "unreadable_certificate"),  # of version 10
        (changed(b"\x0c\x10Stock Sync", b"\x03\x10Stock Sync"), KEY, "unreadable_certificate"),  # its name in bits
        (changed(b"\x0c\x10Stock Sync", b"\x0c\x10\xffStock Syn"), KEY, "unreadable_certificate"),  # and in no UTF-8
        (None, KEY, "unreadable_certificate"),
        (17, KEY, "unreadable_certificate"),
        (CERT, 17, "unreadable_certificate"),
        (CERT, b"", "unreadable_key"),
        (CERT, KEY[:-60], "unreadable_key"),
        (CERT, KEY.replace(b"PRIVATE", b"PUBLIC"), "public_key"),
        (cert_pem(issued(ec.generate_private_key(ec.SECP256K1()))), KEY, "unsupported_algorithm"),
        (cert_pem(issued(dsa.generate_private_key(2048))), KEY, "unsupported_algorithm"),
    ],
)
def test_what_cannot_be_used_is_told_apart(pem: Any, key: Any, code: str) -> None:
    assert code_of(pem, key) == code


@pytest.mark.parametrize("version", [1, 9])
def test_what_the_other_side_of_a_connection_shows_is_judged_in_the_same_way(version: int) -> None:
    pem = changed(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01" + bytes([version]))
    with pytest.raises(InvalidKey) as unreadable:
        Certificate.from_der(ssl.PEM_cert_to_DER_cert(pem.decode()))
    assert unreadable.value.code == "unreadable_certificate"


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200), st.integers(0, 1500).map(lambda cut: CERT[:cut])))
def test_nothing_else_is_raised_for_any_input(junk: bytes | str) -> None:
    if junk.strip() != CERT.strip():
        assert code_of(junk, KEY) == "unreadable_certificate"
    with pytest.raises(InvalidKey):
        Certificate.from_der(junk if isinstance(junk, bytes) else junk.encode("utf-8", "replace"))


def test_a_certificate_alone_cannot_be_presented() -> None:
    with pytest.raises(AssertionError):
        Certificate.from_der(LEAF.public_bytes(serialization.Encoding.DER)).encrypted_pem(b"for once")


def test_a_certificate_shows_who_it_is_and_is_neither_pickled_nor_copied() -> None:
    certificate = Certificate.from_pem(CERT, KEY)
    assert str(certificate) == f"CN=Stock Sync\\, East,C=DE (x5t#S256 {certificate.x5t_s256})"
    nameless = Certificate.from_pem(cert_pem(issued(KEYS["P-256"], name=x509.Name([]))), KEY)
    assert str(nameless).startswith("without a subject (x5t#S256 ")
    for make in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            make(certificate)


BAD: dict[str, Any] = {
    "another key": lambda: Certificate.from_pem(cert_pem(ABOVE), KEY),
    "another key in one text": lambda: Certificate.from_pem((KEY + cert_pem(ABOVE)).decode()),
    "no certificate": lambda: Certificate.from_pem(KEY),
    "a wrong passphrase": lambda: Certificate.from_pem(
        CERT, key_pem(KEYS["P-256"], PASSPHRASE), passphrase=f"{PASSPHRASE}?"
    ),
    "a needless passphrase": lambda: Certificate.from_pem(CERT, KEY, passphrase=PASSPHRASE),
    "an unusable certificate": lambda: Certificate.from_pem(
        cert_pem(issued(ec.generate_private_key(ec.SECP256K1()))), KEY
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_no_error_shows_the_key_or_the_passphrase(kind: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        BAD[kind]()
    shown = "\n".join(told(caught.value))
    assert "_whole" not in shown
    for secret in (PASSPHRASE, KEY.decode().splitlines()[1], repr(KEY)[30:60]):
        assert secret not in shown


def test_nothing_that_a_certificate_holds_shows_its_key() -> None:
    scalar = KEYS["P-256"].private_numbers().private_value
    shown = "\n".join(held(Certificate.from_pem(CERT, KEY)))
    assert KEY.decode().splitlines()[1] not in shown
    assert str(scalar) not in shown
