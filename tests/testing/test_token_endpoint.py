"""The embedded authorization server: metadata, targets, scopes, grants, tokens (RFC 8414, 8707, 6749, 7523, 9068)."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from oauthclient.jose.jwt import issue
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.kinds import AUTHORIZATION_GRANT
from oauthclient.protocol.metadata import read_metadata
from oauthclient.testing import AuthorizationServer, Grant, RefusedError, Request
from oauthclient.testing.misbehaviour import OMIT

ORDERS = "https://api.example.com/orders"
STOCK = "https://api.example.com/stock"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://as.example.com", "https://as.example.com/.well-known/oauth-authorization-server"),
        ("https://as.example.com", "https://as.example.com/.well-known/openid-configuration"),
        ("https://as.example.com/a", "https://as.example.com/.well-known/oauth-authorization-server/a"),
        ("https://as.example.com/a/", "https://as.example.com/.well-known/oauth-authorization-server/a"),
        ("https://as.example.com/a/", "https://as.example.com/a/.well-known/openid-configuration"),
    ],
)
def test_metadata_is_found_where_rfc_8414_and_openid_say(issuer, url):
    response = AuthorizationServer(issuer).handle(Request("GET", url))
    metadata = read_metadata(response.body, issuer=issuer, url=url, loopback=False)
    assert metadata.token_endpoint == f"{issuer.rstrip('/')}/token"


def test_metadata_can_be_elsewhere_or_nowhere():
    server = AuthorizationServer("https://as.example.com/a")
    inserted = "https://as.example.com/.well-known/openid-configuration/a"
    assert server.handle(Request("GET", inserted)).status == 404
    server.metadata_at = {"oidc inserted"}
    assert server.handle(Request("GET", inserted)).status == 200
    assert server.handle(Request("GET", f"{server.issuer}/.well-known/openid-configuration")).status == 404


def test_metadata_says_what_the_server_does(world, read):
    url = "https://as.example.com/.well-known/oauth-authorization-server"
    world.server.grants["urn:mine"] = lambda request: Grant("x")
    world.server.dpop = "absent"
    world.server.metadata |= {"extra": 1, "jwks_uri": None}
    document = read(world.server.handle(Request("GET", url)))
    assert "urn:mine" in document["grant_types_supported"]
    assert document["scopes_supported"] == ["count", "email", "offline_access", "openid", "profile", "read", "write"]
    assert document["extra"] == 1
    assert {"jwks_uri", "dpop_signing_alg_values_supported"}.isdisjoint(document)


def test_what_is_no_endpoint_is_not_found(world):
    assert world.server.handle(Request("GET", "https://as.example.com/nothing")).status == 404
    assert world.server.handle(Request("GET", world.server.token_endpoint)).status == 405
    assert world.server.handle(Request("POST", world.server.jwks_uri)).status == 405


def test_a_token_is_for_one_resource(world, read):
    document = read(world.ask(resource=STOCK))
    assert document["expires_in"] == 300
    assert document["scope"] == "count"
    claims = world.server.tokens.issued[-1].claims
    assert (claims["aud"], claims["sub"], claims["client_id"]) == (STOCK, "svc", "svc")


def test_the_answer_is_not_to_be_cached(world):
    assert world.ask().header("Cache-Control") == "no-store"


@pytest.mark.parametrize(
    "resource", [OMIT, f"{ORDERS}/", "https://unknown.example", "orders", f"{ORDERS}#a", [ORDERS, STOCK]]
)
def test_a_resource_that_is_not_exactly_one_known_one_is_refused(world, refused, resource):
    assert refused(world.ask(resource=resource)) == (400, "invalid_target")


def test_a_resource_is_an_absolute_uri_even_where_another_identifier_is_known(world, refused):
    world.server.targets.scopes["orders"] = frozenset()
    assert refused(world.ask(resource="orders")) == (400, "invalid_target")
    world.server.targets.mode = "audience"
    assert world.ask(resource=OMIT, audience="orders").status == 200


def test_several_resources_and_none_are_allowed_by_setting(world):
    world.server.targets.several = True
    world.server.targets.default = STOCK
    assert world.ask(resource=[ORDERS, STOCK]).status == 200
    assert world.server.tokens.issued[-1].claims["aud"] == [ORDERS, STOCK]
    assert world.ask(resource=OMIT).status == 200
    assert world.server.tokens.issued[-1].claims["aud"] == STOCK


def test_a_server_may_know_the_audience_parameter_instead(world, refused):
    world.server.targets.mode = "audience"
    assert world.ask(resource=OMIT, audience=ORDERS).status == 200
    assert refused(world.ask(audience=ORDERS)) == (400, "invalid_request")
    world.server.targets.mode = "resource"
    assert refused(world.ask(audience=ORDERS)) == (400, "invalid_request")


def test_a_server_may_know_scopes_alone(world, refused):
    world.server.targets.mode = "scope"
    assert world.ask(resource=OMIT, scope="count").status == 200
    assert world.server.tokens.issued[-1].claims["aud"] == STOCK
    assert refused(world.ask(scope="count")) == (400, "invalid_request")
    assert refused(world.ask(resource=OMIT)) == (400, "invalid_scope")
    assert refused(world.ask(resource=OMIT, scope="count read")) == (400, "invalid_scope")


def test_the_scope_is_told_where_it_is_not_what_was_asked_for(world, read):
    assert "scope" not in read(world.ask(scope="write read"))
    assert read(world.ask())["scope"] == "read write"


def test_a_scope_beyond_the_resource_or_the_client_is_refused(world, refused):
    assert refused(world.ask(scope="read count")) == (400, "invalid_scope")
    world.server.register("svc", key=world.client_key, scope="read")
    assert refused(world.ask(scope="write")) == (400, "invalid_scope")
    assert refused(world.ask(scope='a"b')) == (400, "invalid_scope")


def test_a_server_may_grant_less(world, read, refused):
    world.server.targets.grants_less = True
    assert read(world.ask(scope="read count"))["scope"] == "read"
    assert refused(world.ask(scope='read a"b')) == (400, "invalid_scope")


def test_a_resource_without_scopes_gives_a_token_without_scope(world, read):
    world.server.targets.scopes["urn:plain"] = frozenset()
    assert "scope" not in read(world.ask(resource="urn:plain"))


def test_a_request_must_be_a_form_with_each_parameter_once(world, refused, read):
    endpoint = world.server.token_endpoint
    body = json.dumps(world.form()).encode()
    typed_as_json = world.server.handle(
        Request("POST", endpoint, (("Content-Type", "application/json"),), urlencode(world.form()).encode())
    )
    assert refused(typed_as_json) == (400, "invalid_request")
    as_json = world.server.handle(Request("POST", endpoint, (("Content-Type", "application/json"),), body))
    assert refused(as_json) == (400, "invalid_request")
    assert refused(world.post(world.form(scope=["read", "write"]))) == (400, "invalid_request")
    assert refused(world.post(world.form(), url=f"{endpoint}?scope=read")) == (400, "invalid_request")
    form = (("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),)
    for broken in (b"grant_type", b"a=%ff", "a=é".encode()):
        assert refused(world.server.handle(Request("POST", endpoint, form, broken))) == (400, "invalid_request")


def test_a_parameter_without_value_is_no_parameter(world):
    assert world.ask(scope="").status == 200


def test_a_grant_type_must_be_known_and_allowed(world, refused):
    assert refused(world.ask(grant_type=OMIT)) == (400, "invalid_request")
    assert refused(world.ask(grant_type="password")) == (400, "unsupported_grant_type")
    world.server.register("svc", key=world.client_key, grant_types=[JWT_BEARER])
    assert refused(world.ask()) == (400, "unauthorized_client")


def test_a_public_client_has_no_credentials_to_be_granted(world, refused):
    world.server.register("svc")
    assert refused(world.post(world.unauthenticated(client_id="svc"))) == (400, "unauthorized_client")


def test_a_test_can_add_a_grant(world, refused):
    def exchange(request):
        if request.form.get("ticket") != "good":
            raise RefusedError("invalid_grant", "The ticket is not good.")
        return Grant(f"holder:{request.jkt}", scope=frozenset({"read"}), claims={"tenant": "t"})

    world.server.grants["urn:ticket"] = exchange
    assert refused(world.ask(grant_type="urn:ticket", ticket="bad")) == (400, "invalid_grant")
    assert world.ask(grant_type="urn:ticket", ticket="good").status == 200
    token = world.server.tokens.issued[-1]
    assert token.claims["sub"] == f"holder:{world.proof_key.thumbprint}"
    assert token.claims["tenant"] == "t"
    assert token.scope == {"read"}


def grant_assertion(world, key, **claims):
    now = int(world.clock())
    standard = {"iss": "https://idp.example", "sub": "alice", "aud": world.server.issuer, "exp": now + 60}
    return issue(AUTHORIZATION_GRANT, key, standard | claims)


def test_an_assertion_of_a_trusted_issuer_is_a_grant(world, refused):
    key = SigningKey.generate("Ed25519")
    request = {"grant_type": JWT_BEARER, "assertion": grant_assertion(world, key)}
    assert refused(world.ask(**request)) == (400, "invalid_grant")
    world.server.trust("https://idp.example", key)
    assert world.ask(**request).status == 200
    assert world.server.tokens.issued[-1].claims["sub"] == "alice"
    assert world.server.tokens.issued[-1].claims["client_id"] == "svc"
    assert refused(world.ask(grant_type=JWT_BEARER)) == (400, "invalid_request")


def test_a_client_may_assert_a_subject_with_its_own_key(world, refused):
    own = grant_assertion(world, world.client_key, iss="svc")
    assert world.ask(grant_type=JWT_BEARER, assertion=own).status == 200
    forged = grant_assertion(world, world.other_key, iss="svc")
    assert refused(world.ask(grant_type=JWT_BEARER, assertion=forged)) == (400, "invalid_grant")


def test_a_public_client_may_bring_an_assertion(world):
    world.server.register("svc")
    world.server.trust("https://idp.example", world.other_key)
    assertion = grant_assertion(world, world.other_key)
    form = world.unauthenticated(client_id="svc", grant_type=JWT_BEARER, assertion=assertion)
    assert world.post(form).status == 200


@pytest.mark.parametrize(
    "claims", [{"aud": "https://other.example"}, {"exp": 1_800_000_000 - 60}, {"iss": "https://idp.evil"}]
)
def test_an_assertion_for_another_audience_or_time_is_no_grant(world, refused, claims):
    world.server.trust("https://idp.example", world.other_key)
    assertion = grant_assertion(world, world.other_key, **claims)
    assert refused(world.ask(grant_type=JWT_BEARER, assertion=assertion)) == (400, "invalid_grant")


def test_an_assertion_with_a_jti_is_a_grant_once_unless_set_otherwise(world, refused):
    world.server.trust("https://idp.example", world.other_key)
    request = {"grant_type": JWT_BEARER, "assertion": grant_assertion(world, world.other_key, jti="1")}
    assert world.ask(**request).status == 200
    assert refused(world.ask(**request)) == (400, "invalid_grant")
    world.server.jwt_bearer.once = False
    assert world.ask(**request).status == 200


def test_a_client_assertion_is_no_grant(world, refused):
    response = world.ask(grant_type=JWT_BEARER, assertion=world.assertion())
    assert refused(response) == (400, "invalid_grant")


@pytest.mark.parametrize("form", ["jwt", "reference", "paseto"])
def test_tokens_of_every_format_are_let_in(world, form):
    world.server.tokens.format = form
    token = world.access_token()
    assert (token.count("."), token.startswith("v4.local.")) == {
        "jwt": (2, False),
        "reference": (0, False),
        "paseto": (2, True),
    }[form]
    assert world.call(token).status == 200


def test_no_repr_shows_a_token_or_a_secret(world):
    world.server.register("other", secret="s3cr3t-value")
    token = world.access_token()
    world.call(token)
    shown = repr((world.server.requests, world.orders.requests, world.server.tokens.issued, world.server.clients))
    assert token not in shown
    assert "s3cr3t-value" not in shown
    assert world.server.requests[-1].form["client_assertion"][0] not in shown
