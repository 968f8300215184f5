"""RFC 6749, 4.1.1; RFC 7636; RFC 8707; RFC 9101, section 4; RFC 9396; OpenID Connect Core, 3.1.2.1: what is asked."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import ConfigurationError
from oauthclient.protocol.authorization_request import (
    Wish,
    challenge,
    front_channel_url,
    request_object_claims,
    request_parameters,
)
from oauthclient.protocol.session import Granted

ORDERS = Granted("https://api.example.com/orders", "read write")
STOCK = Granted("https://api.example.com/stock", "read")
VERIFIER = "v" * 43


def asked(wish: Wish | None = None, *, told_by: str = "resource", jkt: str = "thumb") -> list[tuple[str, str]]:
    return request_parameters(
        wish or Wish(targets=(ORDERS, STOCK), scope="openid"),
        client_id="app",
        redirect_uri="http://127.0.0.1:4711/callback/as",
        told_by=told_by,
        state="the state",
        nonce="the nonce",
        verifier=VERIFIER,
        jkt=jkt,
    )


def wished(**changes: Any) -> dict[str, str]:
    return dict(asked(Wish(targets=(ORDERS,), **changes)))


def test_the_least_that_a_request_holds() -> None:
    assert dict(asked(Wish(targets=()), jkt="")) == {
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1:4711/callback/as",
        "state": "the state",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    }


def test_the_example_of_rfc_7636_appendix_b() -> None:
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_each_resource_is_named_and_each_scope_once() -> None:
    parameters = asked()
    assert [value for name, value in parameters if name == "resource"] == [ORDERS.target, STOCK.target]
    assert dict(parameters)["scope"] == "openid read write"


@pytest.mark.parametrize(("told_by", "named"), [("audience", 2), ("scope", 0)])
def test_a_server_is_told_of_targets_in_its_own_way(told_by: str, named: int) -> None:
    names = [name for name, _ in asked(told_by=told_by)]
    assert names.count("audience") == named
    assert "resource" not in names


def test_a_nonce_goes_only_with_openid() -> None:
    assert "nonce" in wished(scope="openid")
    assert "nonce" not in wished(scope="profile")


def test_the_code_is_bound_to_the_sessions_key() -> None:
    assert dict(asked())["dpop_jkt"] == "thumb"
    assert "dpop_jkt" not in dict(asked(jkt=""))


def test_what_a_login_may_say_beside() -> None:
    parameters = wished(
        prompt="consent",
        max_age=0,
        acr_values="silver",
        login_hint="bob",
        ui_locales="de fr",
        response_mode="query.jwt",
        parameters={"tenant": "7"},
    )
    assert parameters["max_age"] == "0", "zero is a wish, and not none"
    expected = {"prompt": "consent", "acr_values": "silver", "login_hint": "bob", "ui_locales": "de fr", "tenant": "7"}
    assert expected.items() <= parameters.items()


def test_claims_and_authorization_details_are_json() -> None:
    claims = {"userinfo": {"email": {"essential": True}}, "id_token": {"acr": None}}
    details = [{"type": "payment", "amount": "12.50", "to": "Zoë"}]
    parameters = wished(claims=claims, authorization_details=details)
    assert json.loads(parameters["claims"]) == claims
    assert json.loads(parameters["authorization_details"]) == details


@pytest.mark.parametrize("value", [{"a": {1, 2}}, {"a": float("nan")}, {"a": b"x"}], ids=repr)
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        wished(claims=value)
    assert refused.value.code == "not_json"


@pytest.mark.parametrize(
    "name", ["client_id", "state", "nonce", "request", "request_uri", "scope", "resource", "dpop_jkt", "redirect_uri"]
)
def test_no_parameter_stands_twice(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        wished(scope="openid", parameters={name: "x"})
    assert refused.value.code == "reserved_parameter"
    assert name in str(refused.value)


def test_a_parameter_that_this_login_does_not_make_may_be_given() -> None:
    assert wished(parameters={"prompt": "select_account"})["prompt"] == "select_account"


# Request objects


def claims_of(parameters: list[tuple[str, str]]) -> dict[str, Any]:
    return request_object_claims(parameters, issuer="https://as.example.com", now=1000, jti="j")


def test_a_request_object_says_the_same_and_to_whom_by_whom_for_how_long() -> None:
    claims = claims_of(asked())
    assert claims["iss"] == claims["client_id"] == "app"
    assert claims["aud"] == "https://as.example.com"
    assert (claims["iat"], claims["nbf"], claims["exp"], claims["jti"]) == (1000, 1000, 1300, "j")
    assert claims["state"] == "the state"
    assert "sub" not in claims


def test_several_resources_are_an_array_and_one_is_a_string() -> None:
    assert claims_of(asked())["resource"] == [ORDERS.target, STOCK.target]
    assert claims_of(asked(Wish(targets=(ORDERS,))))["resource"] == ORDERS.target
    three = Wish(targets=(ORDERS, STOCK, Granted("urn:x", None)))
    assert claims_of(asked(three))["resource"] == [ORDERS.target, STOCK.target, "urn:x"]


def test_json_becomes_json_and_max_age_a_number() -> None:
    wish = Wish(targets=(), claims={"id_token": {"acr": None}}, authorization_details=[{"type": "x"}], max_age=60)
    claims = claims_of(asked(wish))
    assert claims["claims"] == {"id_token": {"acr": None}}
    assert claims["authorization_details"] == [{"type": "x"}]
    assert claims["max_age"] == 60


def test_text_that_looks_like_json_stays_text() -> None:
    claims = claims_of(asked(Wish(targets=(), login_hint='{"a":1}', acr_values="1")))
    assert (claims["login_hint"], claims["acr_values"]) == ('{"a":1}', "1")


@pytest.mark.parametrize("name", ["claims", "authorization_details", "max_age"])
def test_a_further_parameter_that_is_no_json_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        claims_of(asked(Wish(targets=(), parameters={name: "{"})))
    assert refused.value.code == "not_json"


# The front channel

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=6))
def test_whatever_is_in_a_parameter_arrives(parameters: list[tuple[str, str]]) -> None:
    url = front_channel_url("https://as.example.com/authorize", parameters)
    assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == parameters
    assert url.isascii()


def test_a_query_of_the_endpoints_own_stays() -> None:
    url = front_channel_url("https://as.example.com/authorize?tenant=7", [("client_id", "app")])
    assert parse_qs(urlsplit(url).query) == {"tenant": ["7"], "client_id": ["app"]}
