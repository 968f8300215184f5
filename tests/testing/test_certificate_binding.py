"""The embedded server binds tokens to certificates, and its APIs check that: RFC 8705, sections 3 and 4."""

from __future__ import annotations

import pytest

from oauthclient.jose.proof import ath
from oauthclient.testing import Request
from oauthclient.testing.misbehaviour import OMIT
from tests.testing.certificates import certificate

MINE, ANOTHER = certificate("mine"), certificate("another")
BOUND = {"x5t#S256": MINE.x5t_s256}


@pytest.fixture(autouse=True)
def bound(world):
    world.server.mtls = True
    world.server.register("svc", key=world.client_key, tls_client_certificate_bound_access_tokens=True)


@pytest.fixture
def token(world, read):
    """The answer to a token request over a connection with a certificate."""

    def ask(*headers, presented=MINE, **form):
        return read(world.post(world.form(**form), *headers, certificate=presented))

    return ask


@pytest.fixture
def use(world, challenged):
    """What becomes of an API call with a token, over a connection with a certificate."""

    def call(access_token, presented=MINE, *, scheme="Bearer", headers=(), host=world.orders, url=None):
        url = url or f"{world.orders.url}/17"
        der = presented.der if presented else b""
        fields = (("Authorization", f"{scheme} {access_token}"), *headers)
        return challenged(host.handle(Request("GET", url, fields, client_certificate=der)))

    return call


def test_a_token_is_bound_to_the_certificate_of_the_connection(world, token):
    assert token()["token_type"] == "Bearer"
    (issued,) = world.server.tokens.issued
    assert issued.claims["cnf"] == BOUND
    assert issued.x5t_s256 == MINE.x5t_s256
    assert issued.jkt is None


def test_only_a_client_that_registered_for_them_gets_bound_tokens(world, token):
    world.server.register("svc", key=world.client_key)
    token()
    assert "cnf" not in world.server.tokens.issued[0].claims


@pytest.mark.parametrize("form", ["jwt", "reference"])
def test_a_bound_token_is_let_in_with_its_certificate_only(world, token, use, form):
    world.server.tokens.format = form
    access_token = token()["access_token"]
    assert use(access_token) == (200, None)
    assert use(access_token, None) == (401, "invalid_token")
    assert use(access_token, ANOTHER) == (401, "invalid_token")
    assert [seen.x5t_s256 for seen in world.orders.requests] == [MINE.x5t_s256, None, ANOTHER.x5t_s256]


def test_a_bound_token_is_no_token_that_is_bound_to_nothing(world, token, use):
    world.orders.accepts_bearer = False
    assert use(token()["access_token"]) == (200, None)
    world.server.certificate_binding = "never"
    assert use(token()["access_token"]) == (401, "invalid_token")


def test_a_refusal_names_the_scheme_of_bound_tokens(world, token):
    access_token = token()["access_token"]
    world.orders.accepts_bearer = False
    fields = (("Authorization", f"Bearer {access_token}"),)
    refused = world.orders.handle(Request("GET", world.orders.url, fields, client_certificate=ANOTHER.der))
    assert [value.partition(" ")[0] for value in refused.values("WWW-Authenticate")] == ["DPoP", "Bearer"]
    world.server.dpop = "absent"
    refused = world.orders.handle(Request("GET", world.orders.url, fields, client_certificate=ANOTHER.der))
    assert [value.partition(" ")[0] for value in refused.values("WWW-Authenticate")] == ["Bearer"]


def test_a_token_may_be_bound_to_a_key_and_to_a_certificate(world, token, use):
    answer = token(("DPoP", world.token_proof()))
    assert answer["token_type"] == "DPoP"
    assert world.server.tokens.issued[0].claims["cnf"] == {"jkt": world.proof_key.thumbprint, **BOUND}
    access_token = answer["access_token"]

    def proof(key=world.proof_key):
        return (("DPoP", world.proof("GET", f"{world.orders.url}/17", ath=ath(access_token), key=key)),)

    assert use(access_token, scheme="DPoP", headers=proof()) == (200, None)
    assert use(access_token, ANOTHER, scheme="DPoP", headers=proof()) == (401, "invalid_token")
    assert use(access_token, scheme="DPoP", headers=proof(world.other_key)) == (401, "invalid_token")
    assert use(access_token) == (401, "invalid_token")


def test_a_request_for_a_bound_token_needs_a_certificate(world, token):
    assert token(presented=None)["error"] == "invalid_request"
    assert world.server.tokens.issued == []


def test_a_server_may_give_an_unbound_token_to_a_connection_without_certificate(world, token):
    world.server.certificate_binding = "if presented"
    token(presented=None)
    token()
    assert [issued.claims.get("cnf") for issued in world.server.tokens.issued] == [None, BOUND]


@pytest.mark.parametrize(("binding", "promised"), [("never", True), ("absent", None)])
def test_a_server_may_bind_nothing_and_say_so_or_not(world, token, use, binding, promised):
    world.server.certificate_binding = binding
    assert world.server.metadata_document().get("tls_client_certificate_bound_access_tokens") is promised
    access_token = token()["access_token"]
    assert "cnf" not in world.server.tokens.issued[0].claims
    assert use(access_token, ANOTHER) == (200, None)
    assert token(presented=None)["token_type"] == "Bearer"


def test_a_server_that_asks_for_no_certificate_binds_to_none(world, token):
    world.server.mtls = False
    assert token()["token_type"] == "Bearer"
    assert "cnf" not in world.server.tokens.issued[0].claims


class Person:
    """A public client of a person's, over connections with certificates."""

    def __init__(self, app, read):
        app.client.tls_client_certificate_bound_access_tokens = True
        self._app = app
        self._read = read

    def _tokens(self, grant_type, presented, **form):
        form = {"client_id": "app", "grant_type": grant_type, "resource": self._app.world.orders.identifier} | form
        kept = {name: value for name, value in form.items() if value is not OMIT}
        return self._read(self._app.world.post(kept, certificate=presented))

    def log_in(self):
        redeemed = {"redirect_uri": self._app.redirect_uri, "code_verifier": self._app.verifier}
        return self._tokens("authorization_code", MINE, code=self._app.answered()["code"], **redeemed)["refresh_token"]

    def refresh(self, refresh_token, presented, **form):
        return self._tokens("refresh_token", presented, refresh_token=refresh_token, **form)


@pytest.fixture
def person(app, read):
    return Person(app, read)


def test_the_refresh_token_of_a_public_client_is_bound_to_its_certificate(world, person):
    refresh_token = person.log_in()
    assert person.refresh(refresh_token, ANOTHER)["error"] == "invalid_grant"
    assert person.refresh(refresh_token, None)["error"] == "invalid_request"
    again = person.refresh(refresh_token, MINE)
    assert world.server.tokens.issued[-1].claims["cnf"] == BOUND
    assert person.refresh(again["refresh_token"], ANOTHER)["error"] == "invalid_grant"


def test_that_of_a_client_that_authenticates_is_used_with_any_certificate_of_its_own(world, app, person):
    app.client.method = "tls_client_auth"
    app.client.tls_client_auth_san_dns = "svc.example.com"
    refresh_token = person.log_in()
    assert "access_token" in person.refresh(refresh_token, ANOTHER)
    assert [issued.x5t_s256 for issued in world.server.tokens.issued] == [MINE.x5t_s256, ANOTHER.x5t_s256]


def test_userinfo_wants_the_certificate_too(world, person, use):
    access_token = person.refresh(person.log_in(), MINE, resource=OMIT)["access_token"]
    there = {"host": world.server, "url": world.server.userinfo.userinfo_endpoint}
    assert use(access_token, **there) == (200, None)
    assert use(access_token, ANOTHER, **there) == (401, "invalid_token")
    assert use(access_token, None, **there) == (401, "invalid_token")
