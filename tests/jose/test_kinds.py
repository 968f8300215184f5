"""RFC 8725 section 3.12: no JWT of one kind verifies as another."""

import itertools
from typing import Any

import pytest

from oauthclient.errors import ConfigurationError, InvalidJWT
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.jwt import VerifiedJWT, VerifiedProof, issue, verify, verify_proof
from oauthclient.jose.kinds import ACCESS_TOKEN, AUTHORIZATION_GRANT, CLIENT_ASSERTION, DPOP_PROOF
from tests.jose.fixtures import Claims, Forge, KeyFor

KINDS = {kind.name: kind for kind in (CLIENT_ASSERTION, AUTHORIZATION_GRANT, DPOP_PROOF, ACCESS_TOKEN)}
PAIRS = list(itertools.permutations(KINDS, 2))
AS = "https://as.example.com"


def claims_for(kind: Any, now: float) -> Claims:
    """As alike as the kinds allow: one issuer, one audience, every claim that any requires and this one allows."""
    claims = {
        "iss": "client-1",
        "sub": "client-1" if kind is CLIENT_ASSERTION else "ann",
        "aud": AS,
        "iat": int(now),
        "exp": int(now) + 30,
        "jti": "1",
        "client_id": "client-1",
        "htm": "POST",
        "htu": AS,
    }
    return {name: value for name, value in claims.items() if name not in kind.foreign}


def judge(kind: Any, jwt: Any, keys: Any, now: float) -> VerifiedJWT | VerifiedProof:
    if kind is DPOP_PROOF:
        return verify_proof(jwt, algorithms=["ES256"], now=now)
    return verify(kind, jwt, keys, algorithms=["ES256"], issuer="client-1", audience=AS, now=now)


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_verifies_as_itself(key: KeyFor, now: float, name: Any) -> None:
    jwt = issue(KINDS[name], key(), claims_for(KINDS[name], now))
    assert judge(KINDS[name], jwt, KeySet.of(key().public_jwk), now).claims["jti"] == "1"


@pytest.mark.parametrize(("issued", "expected"), PAIRS)
def test_no_kind_verifies_as_another(key: KeyFor, now: float, issued: Any, expected: Any) -> None:
    """Same key, same issuer, same audience, every claim there."""
    for typ in KINDS[issued].typ:
        jwt = issue(KINDS[issued], key(), claims_for(KINDS[issued], now), typ=typ or None)
        with pytest.raises(InvalidJWT):
            judge(KINDS[expected], jwt, KeySet.of(key().public_jwk), now)


@pytest.mark.parametrize("typ", ["JWT", "application/jwt", None])
@pytest.mark.parametrize(("issued", "expected"), PAIRS)
def test_no_kind_verifies_as_another_even_where_its_type_is_jwt(
    key: KeyFor, now: float, forge: Forge, issued: Any, expected: Any, typ: Any
) -> None:
    """An issuer that types nothing, or everything as JWT: claims and keys alone tell the kinds apart."""
    header = {"alg": "ES256"} | ({} if typ is None else {"typ": typ})
    if KINDS[issued].embedded_key:
        header["jwk"] = key().public_jwk
    jwt = forge(key(), header, claims_for(KINDS[issued], now))
    with pytest.raises(InvalidJWT):
        judge(KINDS[expected], jwt, KeySet.of(key().public_jwk), now)


def test_whoever_speaks_for_itself_issues_no_grant(key: KeyFor, now: float) -> None:
    """It would be a client assertion to a server that accepts untyped ones."""
    with pytest.raises(ConfigurationError) as caught:
        issue(AUTHORIZATION_GRANT, key(), claims_for(AUTHORIZATION_GRANT, now) | {"sub": "client-1"})
    assert caught.value.code == "subject_mismatch"


@pytest.mark.parametrize("name", AUTHORIZATION_GRANT.foreign)
def test_a_grant_has_no_claim_that_makes_it_another_kind(key: KeyFor, now: float, name: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        issue(AUTHORIZATION_GRANT, key(), claims_for(AUTHORIZATION_GRANT, now) | {name: "x"})
    assert caught.value.code == "foreign_claim"
