"""RFC 8725 section 3.12: no JWT of one kind verifies as another."""

import itertools
from typing import Any

import pytest

from oauthclient.errors import ConfigurationError, InvalidJWT
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.jwt import VerifiedJWT, VerifiedProof, issue, verify, verify_proof
from oauthclient.jose.kinds import (
    ACCESS_TOKEN,
    AUTHORIZATION_GRANT,
    CLIENT_ASSERTION,
    DPOP_PROOF,
    ID_TOKEN,
    JARM_RESPONSE,
    REFRESHED_ID_TOKEN,
    REQUEST_OBJECT,
    USERINFO,
)
from tests.jose.fixtures import Claims, Forge, KeyFor, Refused

KINDS = {
    kind.name: kind
    for kind in (
        CLIENT_ASSERTION,
        AUTHORIZATION_GRANT,
        DPOP_PROOF,
        ACCESS_TOKEN,
        REQUEST_OBJECT,
        ID_TOKEN,
        JARM_RESPONSE,
        USERINFO,
    )
}
# Neither has a type, nor a claim that the other may not have: their audiences tell them apart (RFC 8725 section 3.12).
ALIKE = {AUTHORIZATION_GRANT.name, USERINFO.name}
PAIRS = [pair for pair in itertools.permutations(KINDS, 2) if set(pair) != ALIKE]
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
        "nbf": int(now),
        "nonce": "n",
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


def test_every_kind_is_in_the_matrix() -> None:
    from oauthclient.jose import kinds

    assert {k for k in vars(kinds).values() if isinstance(k, kinds.Kind)} == {*KINDS.values(), REFRESHED_ID_TOKEN}


def test_a_grant_and_a_userinfo_response_are_told_apart_by_their_audiences(key: KeyFor, refused: Refused) -> None:
    """One server that issues both: a grant is for a server, a UserInfo response for a client."""
    said = {"iss": AS, "sub": "ann", "iat": 1_760_000_000, "exp": 1_760_000_060}
    grant = issue(AUTHORIZATION_GRANT, key(), said | {"aud": "https://other.example.com"})
    userinfo = issue(USERINFO, key(), said | {"aud": "client-1"})
    assert refused(grant, kind=USERINFO, issuer=AS, audience="client-1") == "audience_mismatch"
    expected = {"issuer": AS, "audience": "https://other.example.com"}
    assert refused(userinfo, kind=AUTHORIZATION_GRANT, **expected) == "audience_mismatch"


@pytest.mark.parametrize("issued", [CLIENT_ASSERTION, DPOP_PROOF, ACCESS_TOKEN, REQUEST_OBJECT, JARM_RESPONSE])
def test_even_a_refreshed_id_token_is_none_of_these(key: KeyFor, now: float, issued: Any) -> None:
    """It may lack a nonce; so a UserInfo response could be taken for one, were they not fetched from elsewhere."""
    keys = KeySet.of(key().public_jwk)
    with pytest.raises(InvalidJWT):
        judge(REFRESHED_ID_TOKEN, issue(issued, key(), claims_for(issued, now)), keys, now)
    claims = claims_for(REFRESHED_ID_TOKEN, now)
    del claims["nonce"]
    with pytest.raises(InvalidJWT):
        judge(issued, issue(REFRESHED_ID_TOKEN, key(), claims), keys, now)


def test_an_id_token_of_a_login_has_a_nonce_and_a_refreshed_one_need_not(key: KeyFor, now: float) -> None:
    claims = claims_for(ID_TOKEN, now)
    jwt = issue(REFRESHED_ID_TOKEN, key(), {name: value for name, value in claims.items() if name != "nonce"})
    keys = KeySet.of(key().public_jwk)
    assert judge(REFRESHED_ID_TOKEN, jwt, keys, now).claims["sub"] == "ann"
    with pytest.raises(InvalidJWT) as caught:
        judge(ID_TOKEN, jwt, keys, now)
    assert caught.value.code == "missing_claim"


@pytest.mark.parametrize("name", REQUEST_OBJECT.foreign)
def test_a_request_object_names_no_subject_and_holds_no_request(key: KeyFor, now: float, name: Any) -> None:
    """RFC 9101 sections 4 and 10.8: with the client_id as its subject it could pass for a client assertion."""
    with pytest.raises(ConfigurationError) as caught:
        issue(REQUEST_OBJECT, key(), claims_for(REQUEST_OBJECT, now) | {name: "client-1"})
    assert caught.value.code == "foreign_claim"


def test_a_request_object_is_by_the_client_that_it_names(key: KeyFor, now: float) -> None:
    with pytest.raises(ConfigurationError) as caught:
        issue(REQUEST_OBJECT, key(), claims_for(REQUEST_OBJECT, now) | {"client_id": "client-2"})
    assert caught.value.code == "client_mismatch"


def test_a_request_object_is_always_typed(key: KeyFor, now: float, forge: Forge) -> None:
    jwt = issue(REQUEST_OBJECT, key(), claims_for(REQUEST_OBJECT, now))
    verified = judge(REQUEST_OBJECT, jwt, KeySet.of(key().public_jwk), now)
    assert isinstance(verified, VerifiedJWT)
    assert verified.header["typ"] == "oauth-authz-req+jwt"


@pytest.mark.parametrize("kind", [ID_TOKEN, REFRESHED_ID_TOKEN, USERINFO, JARM_RESPONSE], ids=range(4))
@pytest.mark.parametrize("header", [{}, {"typ": "JWT"}, {"typ": "jwt"}])
def test_what_a_server_signs_may_be_untyped(key: KeyFor, now: float, forge: Forge, kind: Any, header: Any) -> None:
    jwt = forge(key(), {"alg": "ES256"} | header, claims_for(kind, now))
    assert judge(kind, jwt, KeySet.of(key().public_jwk), now)


@pytest.mark.parametrize("name", ["iss", "aud", "sub"])
def test_a_signed_userinfo_response_says_by_whom_for_whom_and_about_whom(
    key: KeyFor, now: float, forge: Forge, refused: Refused, name: Any
) -> None:
    """OpenID Connect Core section 5.3.2."""
    claims = {"iss": AS, "aud": "client-1", "sub": "ann"}
    expected = {"kind": USERINFO, "issuer": AS, "audience": "client-1"}
    del claims[name]
    assert refused(forge(key(), {"alg": "ES256"}, claims), **expected) == "missing_claim"


def test_an_authorization_response_must_end_soon(key: KeyFor, now: float, refused: Refused) -> None:
    claims = {"iss": AS, "aud": "client-1", "exp": int(now) + 7200, "code": "c", "state": "s"}
    jwt = issue(JARM_RESPONSE, key(), claims)
    assert refused(jwt, kind=JARM_RESPONSE, issuer=AS, audience="client-1") == "too_long_lived"


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
