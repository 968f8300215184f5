import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, import_key

from oauthclient.errors import ConfigurationError, InvalidKey
from oauthclient.jose.algorithms import HMAC, SIGNING
from oauthclient.jose.jwt import issue
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.kinds import ACCESS_TOKEN, AUTHORIZATION_GRANT, CLIENT_ASSERTION, DPOP_PROOF
from oauthclient.jose.signers import SharedSecret
from oauthclient.secret import Secret
from tests.jose.fixtures import Claims, KeyFor


def header_of(jwt: Any) -> Claims:
    return jws.extract_compact(jwt.encode()).headers()


@pytest.mark.parametrize("algorithm", SIGNING)
def test_joserfc_verifies_what_we_sign(key: KeyFor, algorithm: str, assertion: Claims) -> None:
    jwt = issue(CLIENT_ASSERTION, key(algorithm), assertion)
    verified = jws.deserialize_compact(jwt, import_key(key(algorithm).public_jwk), algorithms=[algorithm])
    assert json.loads(verified.payload) == assertion
    assert verified.headers() == {"typ": "client-authentication+jwt", "alg": algorithm}


@pytest.mark.parametrize("algorithm", HMAC)
def test_joserfc_verifies_what_a_shared_secret_signs(algorithm: str, assertion: Claims) -> None:
    jwt = issue(CLIENT_ASSERTION, SharedSecret(Secret("s" * 64), algorithm), assertion)
    assert jws.deserialize_compact(jwt, OctKey.import_key("s" * 64), algorithms=[algorithm])


def test_a_key_id_is_sent_when_the_key_has_one(assertion: Claims) -> None:
    assert header_of(issue(CLIENT_ASSERTION, SigningKey.generate(kid="k1"), assertion))["kid"] == "k1"
    assert "kid" not in header_of(issue(CLIENT_ASSERTION, SigningKey.generate(), assertion))


def test_the_type_may_be_the_one_old_servers_know(key: KeyFor, assertion: Claims) -> None:
    assert header_of(issue(CLIENT_ASSERTION, key(), assertion, typ="JWT"))["typ"] == "JWT"


def test_a_grant_assertion_is_typed_jwt(key: KeyFor, assertion: Claims) -> None:
    assert header_of(issue(AUTHORIZATION_GRANT, key(), assertion | {"sub": "ann"}))["typ"] == "JWT"


def test_an_ed25519_key_may_write_the_older_name(key: KeyFor, assertion: Claims) -> None:
    jwt = issue(CLIENT_ASSERTION, key("Ed25519"), assertion, alg="EdDSA")
    assert header_of(jwt)["alg"] == "EdDSA"
    with pytest.warns(Warning, match="EdDSA"):
        assert jws.deserialize_compact(jwt, import_key(key("Ed25519").public_jwk), algorithms=["EdDSA"])


@pytest.mark.parametrize(
    ("algorithm", "alg"), [("ES256", "ES384"), ("ES256", "EdDSA"), ("PS256", "RS256"), ("ES256", "none")]
)
def test_a_key_never_writes_another_algorithm_than_its_own(
    key: KeyFor, assertion: Claims, algorithm: str, alg: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        issue(CLIENT_ASSERTION, key(algorithm), assertion, alg=alg)
    assert caught.value.code == "algorithm_mismatch"


def test_header_parameters_can_be_added(key: KeyFor, assertion: Claims) -> None:
    header = header_of(issue(CLIENT_ASSERTION, key(), assertion, header={"x5t#S256": "abc", "kid": "k2"}))
    assert (header["x5t#S256"], header["kid"]) == ("abc", "k2")


@pytest.mark.parametrize("name", ["alg", "typ", "crit", "jwk", "b64"])
def test_header_parameters_that_decide_how_a_jwt_is_read_cannot_be_set(
    key: KeyFor, assertion: Claims, name: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        issue(CLIENT_ASSERTION, key(), assertion, header={name: "x"})
    assert caught.value.code == "header_parameter"


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "jti"])
def test_a_client_assertion_is_not_issued_without_its_claims(key: KeyFor, assertion: Claims, name: Any) -> None:
    del assertion[name]
    with pytest.raises(ConfigurationError) as caught:
        issue(CLIENT_ASSERTION, key(), assertion)
    assert caught.value.code == "missing_claim"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sub": "somebody-else"}, "subject_mismatch"),
        ({"aud": ["https://a.example", "https://b.example"]}, "audience_mismatch"),
        ({"aud": []}, "claim_type"),
        ({"exp": "soon"}, "claim_type"),
        ({"iat": True}, "claim_type"),
        ({"nbf": float("nan")}, "claim_type"),
        ({"jti": ""}, "claim_type"),
        ({"x": object()}, "claims_not_json"),
        ({"x": float("inf")}, "claims_not_json"),
        ({"x": "\ud800"}, "claims_not_json"),
    ],
)
def test_a_client_assertion_is_not_issued_with_wrong_claims(
    key: KeyFor, assertion: Claims, change: Any, code: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        issue(CLIENT_ASSERTION, key(), assertion | change)
    assert caught.value.code == code


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "", "application/", "logout+jwt"])
def test_a_kind_is_not_issued_under_the_type_of_another(key: KeyFor, assertion: Claims, typ: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        issue(CLIENT_ASSERTION, key(), assertion, typ=typ)
    assert caught.value.code == "typ_mismatch"


@pytest.mark.parametrize("kind", [AUTHORIZATION_GRANT, DPOP_PROOF, ACCESS_TOKEN])
def test_a_shared_secret_signs_client_assertions_only(kind: Any, assertion: Claims) -> None:
    claims = assertion | {"sub": "ann", "client_id": "c", "htm": "GET", "htu": "https://a.example"}
    allowed = {name: value for name, value in claims.items() if name not in kind.foreign}
    with pytest.raises(InvalidKey) as caught:
        issue(kind, SharedSecret(Secret("s" * 32)), allowed)
    assert caught.value.code == "unsupported_algorithm"


class ByHand:
    """A signer as a program could write one for a key service, badly."""

    kid = None
    thumbprint = "x"

    def __init__(self, algorithm: str, public_jwk: Any = None) -> None:
        self.algorithm = algorithm
        if public_jwk is not None:
            self.public_jwk = public_jwk

    def sign(self, message: bytes) -> bytes:
        return b"signature"


@pytest.mark.parametrize("algorithm", ["none", "RS384", "EdDSA", "ES256K", ""])
def test_a_signer_with_an_algorithm_we_do_not_sign_with_is_refused(assertion: Claims, algorithm: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        issue(CLIENT_ASSERTION, ByHand(algorithm), assertion)
    assert caught.value.code == "unsupported_algorithm"


def test_a_proof_shows_no_private_member_whatever_the_signer_says(key: KeyFor) -> None:
    """RFC 9449 section 4.2; joserfc signs a private key in the header without complaint."""
    claims = {"jti": "1", "htm": "GET", "htu": "https://a.example", "iat": 1}
    leaky = ByHand("ES256", key().public_jwk | {"d": "secret", "kid": "1"})
    assert header_of(issue(DPOP_PROOF, leaky, claims))["jwk"] == key().public_jwk
    with pytest.raises(InvalidKey):
        issue(DPOP_PROOF, ByHand("ES256"), claims)
