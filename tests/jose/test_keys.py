import copy
import hashlib
import json
import pickle
import threading
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, utils, x25519
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk as joserfc_jwk

from oauthclient.errors import InvalidKey
from oauthclient.jose.algorithms import SIGNING
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.verifying_key import VerifyingKey
from oauthclient.secret import Secret
from tests.jose.fixtures import Claims, KeyFor

PKCS8 = serialization.PrivateFormat.PKCS8
OPENSSL = serialization.PrivateFormat.TraditionalOpenSSL


def pem(private: Any, passphrase: Any = None, form: Any = PKCS8) -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, form, encryption)


def public_pem(private: Any) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def private_jwk(private: Any, kty: Any) -> Claims:
    return joserfc_jwk.import_key(pem(private), kty).as_dict(private=True)


P256 = ec.generate_private_key(ec.SECP256R1())
WEAK_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
ED25519 = ed25519.Ed25519PrivateKey.generate()
EC_JWK = private_jwk(P256, "EC")
OKP_JWK = private_jwk(ED25519, "OKP")


def code_of(make: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(InvalidKey) as caught:
        make(*args, **kwargs)
    return caught.value.code


@pytest.mark.parametrize("algorithm", SIGNING)
def test_a_key_signs_with_its_one_algorithm(key: KeyFor, algorithm: str) -> None:
    signer = key(algorithm)
    assert signer.algorithm == algorithm
    assert VerifyingKey(signer.public_jwk).verify(algorithm, b"message", signer.sign(b"message"))
    assert not VerifyingKey(signer.public_jwk).verify(algorithm, b"massage", signer.sign(b"message"))


def test_a_generated_key_is_for_es256_unless_another_algorithm_is_named() -> None:
    assert SigningKey.generate().algorithm == "ES256"
    assert SigningKey.generate("RS256").algorithm == "RS256"


@pytest.mark.parametrize("algorithm", ["none", "NONE", "HS256", "RS384", "RS512", "EdDSA", "ES256K", "", None, 7])
def test_no_key_is_generated_for_other_algorithms(algorithm: Any) -> None:
    assert code_of(SigningKey.generate, algorithm) == "unsupported_algorithm"


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512"])
def test_ecdsa_signatures_are_deterministic(key: KeyFor, algorithm: str) -> None:
    assert key(algorithm).sign(b"message") == key(algorithm).sign(b"message")


def test_rfc_6979_a_2_5_signature_of_sample() -> None:
    """The test vector of RFC 6979, appendix A.2.5: P-256, SHA-256, message "sample"."""
    private = ec.derive_private_key(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1())
    assert SigningKey.from_pem(pem(private)).sign(b"sample").hex().upper() == (
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    )


@settings(max_examples=50)
@given(st.binary(max_size=40), st.sampled_from(["ES256", "ES384", "ES512"]))
def test_ecdsa_signatures_are_r_and_s_at_full_length(key: KeyFor, message: bytes, algorithm: str) -> None:
    """Many messages, so that short integers and those with a leading zero in DER occur."""
    octets = {"ES256": 32, "ES384": 48, "ES512": 66}[algorithm]
    raw = key(algorithm).sign(message)
    assert len(raw) == 2 * octets
    assert VerifyingKey(key(algorithm).public_jwk).verify(algorithm, message, raw)


@pytest.mark.parametrize(("r", "s"), [(1, 2), (0x80, 0x7F), (2**256 - 1, 1), (2**255, 2**248), (2**520, 3)])
def test_integers_of_any_length_are_cut_out_of_der(r: Any, s: Any) -> None:
    from oauthclient.jose.private_key import _ecdsa

    octets = 66 if r >= 2**256 else 32
    scheme = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
    raw = _ecdsa(lambda digest, scheme: utils.encode_dss_signature(r, s), scheme, octets, hashlib.sha256)
    assert raw(b"") == r.to_bytes(octets) + s.to_bytes(octets)


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (P256, "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ec.generate_private_key(ec.SECP521R1()), "ES512"),
        (ED25519, "Ed25519"),
    ],
)
def test_a_pem_says_its_algorithm(private: Any, algorithm: str) -> None:
    assert SigningKey.from_pem(pem(private)).algorithm == algorithm
    assert SigningKey.from_pem(pem(private).decode(), algorithm=algorithm).algorithm == algorithm


def test_rsa_signs_with_ps256_and_with_rs256_only_by_name(rsa_pem: str) -> None:
    assert SigningKey.from_pem(rsa_pem).algorithm == "PS256"
    assert SigningKey.from_pem(rsa_pem, algorithm="RS256").algorithm == "RS256"


@pytest.mark.parametrize("as_given", [str, str.encode, Secret])
def test_an_encrypted_pem_opens_with_its_passphrase(as_given: Any) -> None:
    signer = SigningKey.from_pem(pem(P256, b"open sesame"), passphrase=as_given("open sesame"))
    assert signer.thumbprint == SigningKey.from_pem(pem(P256)).thumbprint


def test_the_older_forms_of_openssl_are_read() -> None:
    assert SigningKey.from_pem(pem(P256, form=OPENSSL)).algorithm == "ES256"
    old = pem(P256, b"open sesame", OPENSSL)
    assert b"Proc-Type: 4,ENCRYPTED" in old
    assert SigningKey.from_pem(old, passphrase="open sesame").algorithm == "ES256"
    assert code_of(SigningKey.from_pem, old) == "passphrase_needed"


def test_the_key_is_found_among_other_blocks_and_a_byte_order_mark() -> None:
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    bundle = "\ufeff" + parameters + public_pem(P256).decode() + pem(P256, form=OPENSSL).decode()
    assert SigningKey.from_pem(bundle).thumbprint == SigningKey.from_pem(pem(P256)).thumbprint


CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


UNUSABLE_PEMS = {
    "a public key": (public_pem(P256), None, "public_key"),
    "a certificate": (CERTIFICATE, None, "certificate"),
    "an encrypted key": (pem(P256, b"open sesame"), None, "passphrase_needed"),
    "an empty passphrase": (pem(P256, b"open sesame"), "", "passphrase_needed"),
    "a wrong passphrase": (pem(P256, b"open sesame"), "wrong", "wrong_passphrase"),
    "a passphrase without UTF-8": (pem(P256, b"open sesame"), "\ud800", "wrong_passphrase"),
    "an endless passphrase": (pem(P256, b"open sesame"), "x" * 5000, "wrong_passphrase"),
    "a needless passphrase": (pem(P256), "open sesame", "passphrase_not_needed"),
    "nothing": (b"", None, "unreadable_key"),
    "no text": (b"\xff\xfe\x00", None, "unreadable_key"),
    "half a block": (b"-----BEGIN PRIVATE KEY-----", None, "unreadable_key"),
    "broken DER": (
        b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
        None,
        "unreadable_key",
    ),
    "a false label": (pem(P256).replace(b"PRIVATE", b"OPENSSH PRIVATE"), None, "unreadable_key"),
    "UTF-16": (pem(P256).decode().encode("utf-16"), None, "unreadable_key"),
    "X25519": (pem(x25519.X25519PrivateKey.generate()), None, "unsupported_algorithm"),
    "Ed448": (pem(ed448.Ed448PrivateKey.generate()), None, "unsupported_algorithm"),
    "secp256k1": (pem(ec.generate_private_key(ec.SECP256K1())), None, "unsupported_algorithm"),
    "DSA": (pem(dsa.generate_private_key(1024)), None, "unsupported_algorithm"),
    "RSA of 1,024 bits": (pem(WEAK_RSA), None, "weak_key"),
}


@pytest.mark.parametrize("what", UNUSABLE_PEMS)
def test_each_unusable_pem_has_an_error_of_its_own(what: str) -> None:
    text, passphrase, code = UNUSABLE_PEMS[what]
    assert code_of(SigningKey.from_pem, text, passphrase=passphrase) == code


@pytest.mark.parametrize(
    ("algorithm", "code"),
    [
        ("ES384", "algorithm_mismatch"),
        ("PS256", "algorithm_mismatch"),
        ("Ed25519", "algorithm_mismatch"),
        ("HS256", "unsupported_algorithm"),
        ("none", "unsupported_algorithm"),
        (["ES256"], "unsupported_algorithm"),
    ],
)
def test_a_key_cannot_be_imported_for_an_algorithm_it_does_not_fit(algorithm: Any, code: str) -> None:
    assert code_of(SigningKey.from_pem, pem(P256), algorithm=algorithm) == code


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_pem_is_a_clear_error_or_a_key(data: st.DataObject) -> None:
    text = bytearray(pem(P256))
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    with suppress(InvalidKey):
        SigningKey.from_pem(bytes(text)).sign(b"message")


def test_a_jwk_is_read_from_members_or_json() -> None:
    for jwk in (EC_JWK, json.dumps(EC_JWK), MappingProxyType(EC_JWK)):
        assert SigningKey.from_jwk(jwk).thumbprint == SigningKey.from_pem(pem(P256)).thumbprint


@pytest.mark.parametrize(
    ("jwk", "named", "algorithm"),
    [
        (EC_JWK, None, "ES256"),
        (OKP_JWK, None, "Ed25519"),
        (OKP_JWK | {"alg": "EdDSA"}, None, "Ed25519"),
        (OKP_JWK | {"alg": "EdDSA"}, "Ed25519", "Ed25519"),
        (OKP_JWK | {"alg": "Ed25519"}, "EdDSA", "Ed25519"),
        (EC_JWK | {"alg": "ES256", "use": "sig", "key_ops": ["sign", "verify"]}, "ES256", "ES256"),
    ],
)
def test_a_jwk_says_its_algorithm(jwk: Any, named: Any, algorithm: str) -> None:
    assert SigningKey.from_jwk(jwk, algorithm=named).algorithm == algorithm


def test_an_rsa_jwk_signs_with_what_it_declares(rsa_pem: str) -> None:
    jwk = joserfc_jwk.import_key(rsa_pem, "RSA").as_dict(private=True)
    assert SigningKey.from_jwk(jwk).algorithm == "PS256"
    assert SigningKey.from_jwk(jwk | {"alg": "RS256"}).algorithm == "RS256"
    assert code_of(SigningKey.from_jwk, jwk | {"alg": "RS256"}, algorithm="PS256") == "algorithm_mismatch"


def test_an_rsa_jwk_may_lack_its_primes_but_not_some_of_them(rsa_pem: str) -> None:
    jwk = joserfc_jwk.import_key(rsa_pem, "RSA").as_dict(private=True)
    short = {name: jwk[name] for name in ("kty", "n", "e", "d")}
    assert SigningKey.from_jwk(short).thumbprint == SigningKey.from_pem(rsa_pem).thumbprint
    assert code_of(SigningKey.from_jwk, short | {"p": jwk["p"]}) == "unreadable_key"


def without(jwk: Any, *names: str) -> Claims:
    return {name: value for name, value in jwk.items() if name not in names}


OTHER_EC = private_jwk(ec.generate_private_key(ec.SECP256R1()), "EC")
OTHER_OKP = private_jwk(ed25519.Ed25519PrivateKey.generate(), "OKP")


@pytest.mark.parametrize(
    ("jwk", "code"),
    [
        (without(EC_JWK, "d"), "public_key"),
        (without(EC_JWK, "d") | {"key_ops": ["verify"]}, "public_key"),
        (EC_JWK | {"use": "enc"}, "not_for_signing"),
        (EC_JWK | {"key_ops": ["verify"]}, "not_for_signing"),
        (EC_JWK | {"key_ops": "sign"}, "not_for_signing"),
        (EC_JWK | {"alg": "ES384"}, "algorithm_mismatch"),
        (EC_JWK | {"alg": "none"}, "unsupported_algorithm"),
        (EC_JWK | {"alg": "ECDH-ES"}, "unsupported_algorithm"),
        (EC_JWK | {"alg": 7}, "unsupported_algorithm"),
        (EC_JWK | {"kid": 7}, "unreadable_key"),
        (EC_JWK | {"crv": "P-384"}, "unreadable_key"),
        (EC_JWK | {"crv": "secp256k1"}, "unsupported_algorithm"),
        (EC_JWK | {"crv": ["P-256"]}, "unsupported_algorithm"),
        (EC_JWK | {"y": OTHER_EC["y"]}, "unreadable_key"),
        (EC_JWK | {"d": OTHER_EC["d"]}, "unreadable_key"),
        (EC_JWK | {"d": ""}, "unreadable_key"),
        (EC_JWK | {"d": "AA"}, "unreadable_key"),
        (EC_JWK | {"d": 7}, "unreadable_key"),
        (EC_JWK | {"d": EC_JWK["d"] + "="}, "unreadable_key"),
        (EC_JWK | {"x": "A"}, "unreadable_key"),
        (without(EC_JWK, "x"), "unreadable_key"),
        (OKP_JWK | {"x": OTHER_OKP["x"]}, "unreadable_key"),
        (OKP_JWK | {"crv": "X25519"}, "unsupported_algorithm"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "unsupported_algorithm"),
        ({"kty": "AKP"}, "unsupported_algorithm"),
        ({"kty": 7}, "unreadable_key"),
        ({"keys": [EC_JWK]}, "unreadable_key"),
        ({}, "unreadable_key"),
        ("{}", "unreadable_key"),
        ("[]", "unreadable_key"),
        ("not json", "unreadable_key"),
        ("\ud800", "unreadable_key"),
        ('{"kty":"EC","kty":"EC"}', "unreadable_key"),
        (None, "unreadable_key"),
        (b"{ }", "unreadable_key"),
    ],
)
def test_each_unusable_jwk_has_an_error_of_its_own(jwk: Any, code: str) -> None:
    assert code_of(SigningKey.from_jwk, jwk) == code


def test_an_rsa_jwk_below_2048_bits_is_weak() -> None:
    with pytest.warns(Warning, match="2048"):
        jwk = private_jwk(WEAK_RSA, "RSA")
    assert code_of(SigningKey.from_jwk, jwk) == "weak_key"


def test_the_key_id_is_only_what_was_given() -> None:
    assert SigningKey.from_jwk(EC_JWK).kid is None
    assert SigningKey.from_jwk(EC_JWK | {"kid": "2026"}).kid == "2026"
    assert SigningKey.from_pem(pem(P256), kid="2026").kid == "2026"
    assert SigningKey.generate("Ed25519", kid="2026").kid == "2026"


@pytest.mark.parametrize("algorithm", ["ES256", "ES512", "Ed25519", "PS256"])
def test_the_public_jwk_and_its_thumbprint_are_those_of_joserfc(key: KeyFor, algorithm: str) -> None:
    signer = key(algorithm)
    theirs = joserfc_jwk.import_key(signer.public_jwk)
    assert set(signer.public_jwk) <= {"kty", "crv", "x", "y", "n", "e"}
    assert signer.thumbprint == theirs.thumbprint()


def test_rfc_7638_3_1_thumbprint() -> None:
    """The example of RFC 7638, section 3.1; its other members do not count."""
    from oauthclient.jose.jwk import thumbprint

    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi"
        "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb"
        "9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls"
        "1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    jwk = {"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_public_jwk_is_a_copy(key: KeyFor) -> None:
    key().public_jwk["x"] = "changed"
    assert key().public_jwk["x"] != "changed"


def test_a_key_is_never_pickled_and_copies_are_itself(key: KeyFor) -> None:
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(key())
    assert copy.copy(key()) is key()
    assert copy.deepcopy(key()) is key()


def test_a_key_is_made_by_its_constructors_only() -> None:
    with pytest.raises(TypeError, match="generate"):
        SigningKey()


def test_repr_shows_what_is_public(key: KeyFor) -> None:
    assert repr(key()) == f"SigningKey(algorithm='ES256', kid=None, thumbprint='{key().thumbprint}')"


def test_threads_sign_with_one_key(key: KeyFor) -> None:
    digests = []
    threads = [
        threading.Thread(target=lambda: digests.append(hashlib.sha256(key().sign(b"m")).hexdigest())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 8
    assert len(set(digests)) == 1


@pytest.mark.parametrize("algorithm", SIGNING)
def test_a_key_is_stored_with_its_algorithm_and_id_and_read_again(algorithm: str, key: KeyFor) -> None:
    signer = SigningKey.from_jwk(json.loads(key(algorithm).to_jwk().reveal()) | {"kid": "2026-1"})
    stored = signer.to_jwk()
    assert repr(stored) == "<redacted>"
    again = SigningKey.from_jwk(stored)
    assert (again.algorithm, again.kid, again.thumbprint) == (algorithm, "2026-1", signer.thumbprint)
    assert VerifyingKey(signer.public_jwk).verify(algorithm, b"m", again.sign(b"m"))
    assert "kid" not in json.loads(key(algorithm).to_jwk().reveal())


@pytest.mark.parametrize("algorithm", SIGNING)
def test_joserfc_reads_a_stored_key(algorithm: str, key: KeyFor) -> None:
    imported = joserfc_jwk.import_key(json.loads(key(algorithm).to_jwk().reveal()))
    assert imported.is_private
    assert imported.thumbprint() == key(algorithm).thumbprint


def test_a_stored_private_number_keeps_its_leading_zeros() -> None:
    """RFC 7518 section 6.2.2.1."""
    signer = SigningKey.from_pem(pem(ec.derive_private_key(7, ec.SECP256R1())))
    assert json.loads(signer.to_jwk().reveal())["d"] == "A" * 42 + "c"
