"""Issuer, subject, audience, times and types of a JWT whose signature is good (RFC 8725 sections 3.8 to 3.11)."""

from typing import Any

import pytest

from oauthclient.errors import ConfigurationError
from oauthclient.jose.jwt import issue
from oauthclient.jose.kinds import ACCESS_TOKEN, AUTHORIZATION_GRANT, DPOP_PROOF
from tests.jose.fixtures import Check, Claims, Forge, KeyFor, Refused

AS = "https://as.example.com"


# --- RFC 8725 sections 3.8 and 3.9: issuer, subject, audience


def test_another_issuer_is_refused(refused: Refused, forged: Forge) -> None:
    assert refused(forged(), issuer="client-2") == "issuer_mismatch"


def test_a_client_assertion_is_about_its_issuer(refused: Refused, forged: Forge, assertion: Claims) -> None:
    assert refused(forged(claims=assertion | {"sub": "client-2"})) == "subject_mismatch"
    assert refused(forged(claims=assertion | {"iss": "client-2"})) == "subject_mismatch"


@pytest.mark.parametrize("aud", ["https://other.example", AS + "/", AS.upper(), [AS + "/token"]])
def test_another_audience_is_refused(refused: Refused, forged: Forge, assertion: Claims, aud: Any) -> None:
    assert refused(forged(claims=assertion | {"aud": aud})) == "audience_mismatch"


def test_the_audience_of_a_client_assertion_stands_alone(
    check: Check, refused: Refused, forged: Forge, assertion: Claims
) -> None:
    """rfc7523bis section 4."""
    assert check(forged(claims=assertion | {"aud": [AS]}))
    assert refused(forged(claims=assertion | {"aud": [AS, "https://b.example"]})) == "audience_mismatch"
    assert refused(forged(claims=assertion | {"aud": [AS, AS]})) == "audience_mismatch"


def test_other_kinds_may_have_several_audiences(key: KeyFor, now: float, check: Check, assertion: Claims) -> None:
    token = issue(ACCESS_TOKEN, key(), assertion | {"client_id": "c", "aud": ["https://x.example", AS]})
    assert check(token, kind=ACCESS_TOKEN, audience=[AS, "https://y.example"])


@pytest.mark.parametrize("missing", [{"issuer": None}, {"issuer": ""}, {"audience": None}, {"audience": ()}])
def test_the_caller_must_say_whom_it_expects(check: Check, forged: Forge, missing: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(forged(), **missing)
    assert caught.value.code == "expectation_missing"


def test_a_proof_is_verified_by_its_own_function(check: Check) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check("a.b.c", kind=DPOP_PROOF)
    assert caught.value.code == "expectation_missing"


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "jti"])
def test_every_required_claim_is_required(refused: Refused, forged: Forge, assertion: Claims, name: Any) -> None:
    del assertion[name]
    assert refused(forged(claims=assertion)) == "missing_claim"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", 7),
        ("iss", ""),
        ("sub", None),
        ("aud", {}),
        ("aud", []),
        ("aud", [7]),
        ("aud", ""),
        ("jti", 7),
        ("exp", "1760000060"),
        ("exp", True),
        ("exp", None),
        ("exp", -1),
        ("exp", 10**300),
        ("exp", 1e300),
        ("iat", [1]),
        ("nbf", "0"),
        ("nbf", False),
    ],
)
def test_a_claim_of_the_wrong_type_is_refused(
    refused: Refused, forged: Forge, assertion: Claims, name: Any, value: Any
) -> None:
    assert refused(forged(claims=assertion | {name: value})) == "claim_type"


# --- Times


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"exp": -11}, "expired"),
        ({"exp": -10}, "expired"),
        ({"nbf": 11}, "not_yet_valid"),
        ({"iat": 11}, "issued_in_future"),
        ({"exp": 3611}, "too_long_lived"),
        ({"iat": -3600, "exp": 60}, "too_long_lived"),
    ],
)
def test_times_are_judged_within_the_leeway(
    refused: Refused, forged: Forge, assertion: Claims, now: float, change: Any, code: str
) -> None:
    times = {name: int(now) + offset for name, offset in change.items()}
    assert refused(forged(claims=assertion | times)) == code


@pytest.mark.parametrize("change", [{"exp": -9}, {"nbf": 10}, {"iat": 10}, {"exp": 3610}, {"exp": 0.5}])
def test_a_clock_that_is_a_little_off_does_no_harm(
    check: Check, forged: Forge, assertion: Claims, now: float, change: Any
) -> None:
    assert check(forged(claims=assertion | {name: now + offset for name, offset in change.items()}))


def test_a_grant_without_iat_is_measured_from_now(
    key: KeyFor, check: Check, refused: Refused, assertion: Claims, now: float
) -> None:
    claims = assertion | {"sub": "ann"}
    del claims["iat"]
    short, long = (issue(AUTHORIZATION_GRANT, key(), claims | {"exp": now + seconds}) for seconds in (3600, 3700))
    assert check(short, kind=AUTHORIZATION_GRANT)
    assert refused(long, kind=AUTHORIZATION_GRANT) == "too_long_lived"


# --- RFC 8725 section 3.11: explicit typing


@pytest.mark.parametrize(
    "typ",
    ["client-authentication+jwt", "application/client-authentication+jwt", "Client-Authentication+JWT", "JWT"],
)
def test_types_are_compared_in_any_case_with_or_without_application(check: Check, forged: Forge, typ: Any) -> None:
    assert check(forged({"typ": typ}))


def test_an_untyped_client_assertion_is_accepted(check: Check, forged: Forge) -> None:
    """rfc7523bis section 4 does not recommend to refuse one."""
    assert check(forged(without=("typ",)))


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "text/jwt", "", "application/", None, 7, ["JWT"], "jwt "])
def test_another_type_is_refused(refused: Refused, forged: Forge, typ: Any) -> None:
    assert refused(forged({"typ": typ})) == "typ_mismatch"
