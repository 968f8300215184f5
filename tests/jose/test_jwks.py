from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from oauthclient.errors import InvalidKey, InvalidResponse
from oauthclient.jose.encoding import base64url_octets
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.private_key import public_jwk
from oauthclient.jose.verifying_key import VerifyingKey
from tests.jose.fixtures import Encode, KeyFor


def found(keys: Any, alg: Any, kid: Any = None) -> list[str]:
    return [key.thumbprint for key in keys.candidates(alg, kid)]


def test_a_key_is_picked_by_its_id(key: KeyFor) -> None:
    ours, other = key("ES256").public_jwk, SigningKey.generate().public_jwk
    keys = KeySet.from_jwks({"keys": [other | {"kid": "a"}, ours | {"kid": "b"}]})
    assert found(keys, "ES256", "b") == [key("ES256").thumbprint]
    assert found(keys, "ES256", "c") == []


def test_keys_that_share_an_id_are_told_apart_by_what_they_are_for(key: KeyFor) -> None:
    jwks = [
        key("PS256").public_jwk | {"use": "enc"},
        key("ES384").public_jwk,
        key("ES256").public_jwk | {"key_ops": ["encrypt"]},
        key("Ed25519").public_jwk | {"alg": "EdDSA"},
        key("PS256").public_jwk | {"alg": "RS256", "use": "sig"},
        key("PS256").public_jwk | {"alg": "PS256", "key_ops": ["verify"]},
        key("ES256").public_jwk,
    ]
    keys = KeySet.from_jwks({"keys": [jwk | {"kid": "1"} for jwk in jwks]})
    assert len(keys) == 7
    for alg in ("ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256"):
        assert len(found(keys, alg, "1")) == 1, alg
    assert found(keys, "PS384", "1") == []


def test_two_keys_with_one_id_that_both_fit_are_both_tried(key: KeyFor) -> None:
    other = SigningKey.generate()
    keys = KeySet.from_jwks({"keys": [other.public_jwk | {"kid": "1"}, key().public_jwk | {"kid": "1"}]})
    assert found(keys, "ES256", "1") == [other.thumbprint, key().thumbprint]


def test_without_an_id_every_fitting_key_is_tried(key: KeyFor) -> None:
    keys = KeySet.of(key("ES256").public_jwk | {"kid": "1"}, key("ES384").public_jwk)
    assert found(keys, "ES256") == [key("ES256").thumbprint]


def test_an_unknown_id_is_looked_for_among_keys_without_one(key: KeyFor) -> None:
    keys = KeySet.of(key("ES256").public_jwk, SigningKey.generate().public_jwk | {"kid": "1"})
    assert found(keys, "ES256", "2") == [key("ES256").thumbprint]


def test_never_more_than_five_keys_are_tried() -> None:
    jwks = [SigningKey.generate("Ed25519").public_jwk | {"kid": "1"} for _ in range(9)]
    assert len(found(KeySet.from_jwks({"keys": jwks}), "Ed25519", "1")) == 5


BROKEN = {
    "an unknown type": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
    "no type": {},
    "an unknown curve": {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
    "a curve that is a list": {"kty": "EC", "crv": ["P-256"], "x": "AA", "y": "AA"},
    "a symmetric key": {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U"},
    "a short coordinate": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    "a missing member": {"kty": "OKP", "crv": "Ed25519"},
    "a small modulus": {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    "a huge modulus": {"kty": "RSA", "n": "_" * 20000, "e": "AQAB"},
    "a huge exponent": {"kty": "RSA", "n": "_" * 342, "e": "_" * 342},
    "an even exponent": {"kty": "RSA", "n": "_" * 342, "e": "AQAA"},
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_key_stops_neither_the_others_nor_hides(key: KeyFor, what: str) -> None:
    """Ignored where a server published it (RFC 7517 section 5), refused where the program named it."""
    keys = KeySet.from_jwks({"keys": [BROKEN[what], 7, None, key().public_jwk]})
    assert found(keys, "ES256") == [key().thumbprint]
    with pytest.raises(InvalidKey):
        KeySet.of(BROKEN[what])


@pytest.mark.parametrize("name", ["d", "p", "k", "oth"])
def test_a_private_key_in_a_published_set_is_not_trusted(key: KeyFor, name: Any) -> None:
    jwk = key().public_jwk | {name: "AA"}
    assert len(KeySet.from_jwks({"keys": [jwk]})) == 0
    with pytest.raises(InvalidKey) as caught:
        KeySet.of(jwk)
    assert caught.value.code == "private_key"


@pytest.mark.parametrize(("name", "value"), [("use", ["sig"]), ("alg", {}), ("key_ops", "verify"), ("use", "")])
def test_members_of_wrong_types_fit_nothing(key: KeyFor, name: Any, value: Any) -> None:
    assert found(KeySet.of(key().public_jwk | {name: value}), "ES256") == []


@pytest.mark.parametrize("crv", ["P-256", "P-384", "P-521"])
def test_a_point_off_its_curve_is_refused(key: KeyFor, crv: str, b64: Encode) -> None:
    """RFC 8725 section 3.4."""
    signer = key({"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[crv])
    jwk = signer.public_jwk
    zero = b64(bytes({"P-256": 32, "P-384": 48, "P-521": 66}[crv]))
    for bad in ({"x": jwk["y"]}, {"y": jwk["x"]}, {"x": zero, "y": zero}):
        with pytest.raises(InvalidKey) as caught:
            VerifyingKey(jwk | bad)
        assert caught.value.code == "unreadable_key"


@pytest.mark.parametrize("document", [{}, {"keys": {}}, {"keys": None}, {"keys": "x"}])
def test_what_is_no_jwk_set_is_said_to_be_none(document: Any) -> None:
    with pytest.raises(InvalidResponse) as caught:
        KeySet.from_jwks(document)
    assert caught.value.code == "not_a_jwk_set"


def test_a_jwk_set_is_bounded(key: KeyFor) -> None:
    with pytest.raises(InvalidResponse) as caught:
        KeySet.from_jwks({"keys": [key().public_jwk] * 101})
    assert caught.value.code == "too_many_keys"


def test_a_key_verifies_nothing_it_does_not_fit(key: KeyFor) -> None:
    signature = key("PS256").sign(b"m")
    assert VerifyingKey(key("PS256").public_jwk).verify("PS256", b"m", signature)
    assert not VerifyingKey(key("PS256").public_jwk | {"alg": "RS256"}).verify("PS256", b"m", signature)
    assert not VerifyingKey(key("ES256").public_jwk).verify("PS256", b"m", signature)


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_coordinate_keeps_its_leading_zeros(name: str, b64: Encode) -> None:
    """RFC 7518 section 6.2.1.2; a thumbprint of the shorter form would be another."""
    for number in range(1, 5000):
        jwk = public_jwk(ec.derive_private_key(number, ec.SECP256R1()))
        octets = base64url_octets(jwk[name])
        if octets[0] == 0:
            break
    assert VerifyingKey(jwk)
    with pytest.raises(InvalidKey, match="length"):
        VerifyingKey(jwk | {name: b64(octets[1:])})
