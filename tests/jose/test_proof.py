import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import import_key

from oauthclient.errors import InvalidJWT, InvalidKey, InvalidResponse
from oauthclient.jose.algorithms import SIGNING
from oauthclient.jose.jwt import verify_proof
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.proof import Prover, ath
from oauthclient.jose.signers import SharedSecret
from oauthclient.secret import Secret
from tests.jose.fixtures import Claims, Forge, KeyFor, Refused

HTU = "https://api.example.com/orders/17"
HEADER = {"typ": "dpop+jwt", "alg": "ES256"}


@pytest.fixture
def claims(now: float) -> Claims:
    return {"jti": "1", "htm": "GET", "htu": HTU, "iat": int(now)}


@pytest.fixture
def refused(now: float) -> Refused:
    def refused(jwt: Any, algorithms: Any = ("ES256",)) -> str:
        with pytest.raises(InvalidJWT) as caught:
            verify_proof(jwt, algorithms=algorithms, now=now)
        return caught.value.code

    return refused


@pytest.mark.parametrize("algorithm", SIGNING)
def test_joserfc_verifies_our_proofs(key: KeyFor, now: float, algorithm: str) -> None:
    signer = key(algorithm)
    proof = Prover(signer).proof("GET", HTU, int(now), "jti-1", ath("token"), "nonce-1")
    registry = jws.JWSRegistry(algorithms=[algorithm])
    registry.max_header_length = 8192  # joserfc reads 512 octets, less than a header with an RSA key
    verified = jws.deserialize_compact(proof, import_key(signer.public_jwk), registry=registry)
    assert verified.headers() == {"typ": "dpop+jwt", "alg": algorithm, "jwk": signer.public_jwk}
    assert json.loads(verified.payload) == {
        "jti": "jti-1",
        "htm": "GET",
        "htu": HTU,
        "iat": int(now),
        "ath": ath("token"),
        "nonce": "nonce-1",
    }


@pytest.mark.parametrize("algorithm", SIGNING)
def test_we_verify_our_proofs(key: KeyFor, now: float, algorithm: str) -> None:
    """Those of RSA keys have headers beyond 512 octets."""
    proof = Prover(key(algorithm)).proof("POST", HTU, int(now), "jti-1")
    verified = verify_proof(proof, algorithms=SIGNING, now=now)
    assert verified.thumbprint == key(algorithm).thumbprint
    assert verified.claims == {"jti": "jti-1", "htm": "POST", "htu": HTU, "iat": int(now)}
    if algorithm.startswith("PS"):
        assert len(proof.split(".")[0]) > 512


@given(st.text(), st.text(), st.text(), st.none() | st.text(), st.none() | st.text())
def test_no_value_breaks_out_of_its_claim(
    key: KeyFor, htm: Any, htu: Any, jti: Any, token_hash: Any, nonce: Any
) -> None:
    """The payload is put together as text, so a quote in a nonce must stay in the nonce."""
    payload = Prover(key("Ed25519")).proof(htm, htu, 1, jti, token_hash, nonce).split(".")[1]
    read = json.loads(urlsafe_b64decode(payload + "=="))
    expected = {"jti": jti, "htm": htm, "htu": htu, "iat": 1, "ath": token_hash, "nonce": nonce}
    assert read == {name: value for name, value in expected.items() if value is not None}


def test_ath_is_the_hash_of_the_token() -> None:
    expected = urlsafe_b64encode(hashlib.sha256(b"abc").digest()).rstrip(b"=").decode()
    assert ath("abc") == expected


def test_rfc_9449_7_1_ath() -> None:
    """The example of RFC 9449, section 7.1."""
    assert ath("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU") == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_a_token_that_is_not_ascii_has_no_ath() -> None:
    with pytest.raises(InvalidResponse) as caught:
        ath("tök")
    assert caught.value.code == "access_token_not_ascii"
    assert caught.value.__context__ is None


def test_a_shared_secret_makes_no_proofs() -> None:
    secret = SharedSecret(Secret("s" * 32))
    secretive = type("Signer", (), {"algorithm": "HS256", "kid": None, "thumbprint": "", "sign": secret.sign})
    with pytest.raises(InvalidKey):
        Prover(secretive())


def test_a_prover_shows_no_key(key: KeyFor) -> None:
    assert repr(Prover(key())) == f"Prover(algorithm='ES256', thumbprint='{key().thumbprint}')"


@pytest.mark.parametrize("name", ["jti", "htm", "htu", "iat"])
def test_every_required_claim_is_required(
    key: KeyFor, forge: Forge, claims: Claims, refused: Refused, name: Any
) -> None:
    del claims[name]
    assert refused(forge(key(), HEADER | {"jwk": key().public_jwk}, claims)) == "missing_claim"


@pytest.mark.parametrize(("name", "value"), [("nonce", 7), ("ath", None), ("htm", ["GET"]), ("iat", "now")])
def test_a_claim_of_the_wrong_type_is_refused(
    key: KeyFor, forge: Forge, claims: Claims, refused: Refused, name: Any, value: Any
) -> None:
    assert refused(forge(key(), HEADER | {"jwk": key().public_jwk}, claims | {name: value})) == "claim_type"


@pytest.mark.parametrize(("age", "code"), [(-11, "issued_in_future"), (71, "too_old")])
def test_a_proof_is_recent(key: KeyFor, now: float, refused: Refused, age: Any, code: str) -> None:
    """RFC 9449 sections 4.3 (check 11) and 11.1."""
    assert refused(Prover(key()).proof("GET", HTU, int(now) - age, "1")) == code
    assert verify_proof(Prover(key()).proof("GET", HTU, int(now) - 70, "1"), algorithms=["ES256"], now=now)
    assert verify_proof(Prover(key()).proof("GET", HTU, int(now) + 10, "1"), algorithms=["ES256"], now=now)


def test_a_private_key_in_a_proof_is_refused(key: KeyFor, forge: Forge, claims: Claims, refused: Refused) -> None:
    """RFC 9449 section 4.3, check 7."""
    for name in ("d", "k", "p"):
        assert refused(forge(key(), HEADER | {"jwk": key().public_jwk | {name: "AA"}}, claims)) == "embedded_key"


@pytest.mark.parametrize(
    "jwk", [None, [], "key", {}, {"kty": "oct", "k": "AA"}, {"kty": "EC", "crv": "P-256"}, {"kty": []}]
)
def test_a_proof_without_a_usable_key_is_refused(
    key: KeyFor, forge: Forge, claims: Claims, refused: Refused, jwk: Any
) -> None:
    assert refused(forge(key(), HEADER | {"jwk": jwk}, claims)) == "embedded_key"


def test_a_proof_without_a_key_is_refused(key: KeyFor, forge: Forge, claims: Claims, refused: Refused) -> None:
    assert refused(forge(key(), HEADER, claims)) == "embedded_key"


def test_a_point_off_its_curve_in_a_proof_is_refused(
    key: KeyFor, forge: Forge, claims: Claims, refused: Refused
) -> None:
    jwk = key().public_jwk
    assert refused(forge(key(), HEADER | {"jwk": jwk | {"x": jwk["y"]}}, claims)) == "embedded_key"


def test_a_proof_by_another_key_than_its_own_is_refused(
    forge: Forge, key: KeyFor, claims: Claims, refused: Refused
) -> None:
    jwk = SigningKey.generate().public_jwk
    assert refused(forge(key(), HEADER | {"jwk": jwk}, claims)) == "bad_signature"


@pytest.mark.parametrize("alg", ["HS256", "none", "ES384"])
def test_a_proof_by_a_secret_or_nothing_is_refused(
    forge: Forge, key: KeyFor, claims: Claims, refused: Refused, alg: Any
) -> None:
    """RFC 9449 section 4.3, check 5. The list of the caller is no help to the attacker."""
    secret = SharedSecret(Secret("s" * 32))
    proof = forge(secret, HEADER | {"alg": alg, "jwk": key().public_jwk}, claims)
    assert refused(proof) == "algorithm_not_allowed"
    assert refused(proof, algorithms=["ES256", "HS256", "none", "ES384"]) in {
        "algorithm_not_allowed",
        "bad_signature",
    }


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", None, ""])
def test_a_proof_is_typed_as_one(forge: Forge, key: KeyFor, claims: Claims, refused: Refused, typ: Any) -> None:
    header = HEADER | {"typ": typ, "jwk": key().public_jwk}
    assert refused(forge(key(), header, claims)) == "typ_mismatch"
    del header["typ"]
    assert refused(forge(key(), header, claims)) == "typ_mismatch"
