"""OpenID Connect Core, sections 3.1.3.7 and 12.2: who logged in, and what is not believed."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from oauthclient.errors import InvalidJWT
from oauthclient.jose.encoding import base64url
from oauthclient.jose.id_token_hash import at_hash
from oauthclient.jose.jwks import KeySet
from oauthclient.protocol.id_token import acceptable_algorithms, check_refreshed, verify_id_token
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

ISSUER, CLIENT, NOW = "https://as.example.com", "app", 1_800_000_000
KEY = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256", "use": "sig"})
OTHER = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"})
RSA = RSAKey.generate_key(2048, {"kid": "r1", "use": "sig"})
KEYS = KeySet.from_jwks({"keys": [KEY.as_dict(private=False), RSA.as_dict(private=False)]})
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": CLIENT,
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "n0nce",
    "auth_time": NOW - 100,
}


def token(key: Any = KEY, *, alg: str = "ES256", typ: str | None = None, **changes: Any) -> str:
    """An ID token by joserfc; a claim that is None is left out."""
    header = {"alg": alg, "kid": key.kid or "k1"} | ({} if typ is None else {"typ": typ})
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.encode(header, claims, key, algorithms=[alg])


def verified(text: str, **how: Any) -> Mapping[str, Any]:
    usual: dict[str, Any] = {
        "issuer": ISSUER,
        "client_id": CLIENT,
        "algorithms": ("ES256", "RS256"),
        "now": NOW,
        "nonce": Secret("n0nce"),
    }
    return verify_id_token(Secret(text), KEYS, **(usual | how))


def refused(text: str, **how: Any) -> str:
    with pytest.raises(InvalidJWT) as failed:
        verified(text, **how)
    assert text not in str(failed.value)
    return failed.value.code


def test_what_it_says() -> None:
    assert verified(token()) == CLAIMS


@pytest.mark.parametrize("typ", [None, "JWT", "jwt"])
def test_it_may_be_typed_or_not(typ: str | None) -> None:
    assert verified(token(typ=typ))["sub"] == "alice"


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "oauth-authz-req+jwt"])
def test_a_jwt_of_another_type_is_none(typ: str) -> None:
    """An access token is never taken for an ID token (RFC 9068, section 2.1)."""
    assert refused(token(typ=typ)) == "typ_mismatch"


def test_rs256_is_what_servers_sign_with_by_default() -> None:
    assert verified(token(RSA, alg="RS256"))["sub"] == "alice"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": ISSUER + "/"}, "issuer_mismatch"),
        ({"iss": "https://evil.example"}, "issuer_mismatch"),
        ({"aud": "another"}, "audience_mismatch"),
        ({"aud": ["another"]}, "audience_mismatch"),
        ({"aud": [CLIENT, "another"]}, "missing_claim"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "azp_mismatch"),
        ({"azp": "another"}, "azp_mismatch"),
        ({"nonce": "other"}, "nonce_mismatch"),
        ({"nonce": None}, "missing_claim"),
        ({"nonce": 7}, "claim_type"),
        ({"exp": NOW - 11}, "expired"),
        ({"iat": NOW + 60}, "issued_in_future"),
        ({"nbf": NOW + 60}, "not_yet_valid"),
        ({"auth_time": "yesterday"}, "claim_type"),
        ({"auth_time": True}, "claim_type"),
        ({"sub": ""}, "claim_type"),
        *(({name: None}, "missing_claim") for name in ("iss", "sub", "aud", "exp", "iat")),
    ],
    ids=repr,
)
def test_what_is_not_believed(changes: dict[str, Any], code: str) -> None:
    assert refused(token(**changes)) == code


def test_several_audiences_with_us_as_the_party() -> None:
    assert verified(token(aud=["another", CLIENT], azp=CLIENT))["azp"] == CLIENT


def test_a_clock_may_be_off_by_ten_seconds() -> None:
    verified(token(exp=NOW - 9))
    verified(token(iat=NOW + 9))


def test_another_key_of_the_same_name_is_a_bad_signature() -> None:
    assert refused(token(OTHER)) == "bad_signature"


def test_a_key_that_is_not_known_is_named() -> None:
    assert refused(token(ECKey.generate_key("P-256", {"kid": "k9"}))) == "unknown_key"


def test_an_algorithm_that_was_not_registered_is_refused() -> None:
    assert refused(token(RSA, alg="RS256"), algorithms=("ES256",)) == "algorithm_not_allowed"


def forged(header: dict[str, str], secret: bytes | None) -> str:
    """Put together by hand: joserfc refuses to."""
    text = b".".join(base64url(json.dumps(part).encode()) for part in (header, CLAIMS))
    signature = b"" if secret is None else hmac.digest(secret, text, "sha256")
    return (text + b"." + base64url(signature)).decode()


def test_the_public_key_is_no_shared_secret() -> None:
    """RFC 8725, section 2.1."""
    text = forged({"alg": "HS256", "kid": "k1"}, KEY.as_pem(private=False))
    assert refused(text, algorithms=("ES256", "HS256")) in ("unknown_key", "algorithm_not_allowed")


@pytest.mark.parametrize("alg", ["none", "None", ""])
def test_an_unsigned_one_is_refused(alg: str) -> None:
    assert refused(forged({"alg": alg}, None), algorithms=("ES256", "none")) == "algorithm_not_allowed"


# at_hash, auth_time


def test_at_hash_binds_it_to_the_access_token() -> None:
    right = token(at_hash=at_hash("4cc3ss", "ES256"))
    verified(right, access_token=Secret("4cc3ss"))
    assert refused(right, access_token=Secret("another")) == "at_hash_mismatch"


@pytest.mark.parametrize("value", [7, "", ["x"]])
def test_an_at_hash_of_another_type_is_wrong(value: Any) -> None:
    assert refused(token(at_hash=value), access_token=Secret("4cc3ss")) == "at_hash_mismatch"


def test_at_hash_need_not_be_there_nor_counts_without_a_token() -> None:
    verified(token(), access_token=Secret("4cc3ss"))
    verified(token(at_hash="anything"))


def test_max_age_demands_to_know_when() -> None:
    assert refused(token(auth_time=None), max_age=60) == "missing_claim"
    verified(token(auth_time=None))


@pytest.mark.parametrize(("ago", "max_age", "good"), [(70, 60, True), (71, 60, False), (0, 0, True), (11, 0, False)])
def test_max_age_counts_from_the_persons_login(ago: int, max_age: int, *, good: bool) -> None:
    text = token(auth_time=NOW - ago)
    if good:
        verified(text, max_age=max_age)
    else:
        assert refused(text, max_age=max_age) == "too_old"


# Refreshed


def test_without_a_login_no_nonce_is_asked_for() -> None:
    """Section 12.2: the ID token of a refresh should have none; and RFC 8628 has no place to say one."""
    assert verified(token(nonce=None), nonce=None)["sub"] == "alice"
    assert verified(token(), nonce=None)["sub"] == "alice"


def test_the_same_login_is_told_again() -> None:
    check_refreshed(CLAIMS | {"iat": NOW + 1, "exp": NOW + 900, "aud": [CLIENT]}, CLAIMS)
    check_refreshed({"iss": ISSUER, "sub": "alice"}, CLAIMS)
    check_refreshed(CLAIMS | {"azp": CLIENT}, CLAIMS)


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "auth_time", "azp", "nonce"])
def test_another_login_is_noticed(name: str) -> None:
    with pytest.raises(InvalidJWT) as failed:
        check_refreshed(CLAIMS | {"azp": CLIENT, name: 1}, CLAIMS | {"azp": CLIENT})
    assert failed.value.code == f"{name}_changed"


# Which algorithms


@pytest.mark.parametrize(
    ("listed", "registered", "accepted"),
    [
        (None, None, ("RS256",)),
        (("RS256", "ES256", "none", "HS256", "X"), None, ("RS256", "ES256")),
        (("none",), None, ()),
        ((), None, ("RS256",)),
        (("RS256", "ES256"), "ES256", ("ES256",)),
        (("RS256",), "PS256", ("PS256",)),
        (None, "none", ()),
        (None, "HS256", ()),
    ],
)
def test_what_was_registered_else_what_both_know(listed: Any, registered: Any, accepted: Any) -> None:
    assert acceptable_algorithms(listed, registered=registered) == accepted
