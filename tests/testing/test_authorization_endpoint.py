"""The embedded server's authorization endpoint (RFC 6749, 4.1; RFC 7636; RFC 8707; RFC 9207; JARM; form_post)."""

from __future__ import annotations

import pytest

from oauthclient.jose.jwt import verify
from oauthclient.jose.kinds import JARM_RESPONSE
from oauthclient.protocol.metadata import read_metadata
from oauthclient.testing import NoWayBackError, Request
from oauthclient.testing.misbehaviour import OMIT
from oauthclient.testing.pages import read_form

ORDERS = "https://api.example.com/orders"
STOCK = "https://api.example.com/stock"


def test_the_metadata_tells_of_the_code_flow(world):
    url = "https://as.example.com/.well-known/oauth-authorization-server"
    world.server.authorization.details_types = {"payment"}
    body = world.server.handle(Request("GET", url)).body
    metadata = read_metadata(body, issuer=world.server.issuer, url=url, loopback=False)
    assert metadata.authorization_endpoint == "https://as.example.com/authorize"
    assert metadata.pushed_authorization_request_endpoint == "https://as.example.com/par"
    assert metadata.code_challenge_methods_supported == ("S256",)
    assert metadata.authorization_response_iss_parameter_supported is True
    assert metadata.require_signed_request_object is False
    assert {"authorization_code", "refresh_token"} <= set(metadata.grant_types_supported)
    assert {"openid", "offline_access", "read"} <= set(metadata.scopes_supported)
    assert metadata.document["authorization_details_types_supported"] == ["payment"]


def test_the_answer_holds_a_code_the_state_and_the_issuer(app):
    answer = app.answered()
    assert answer.keys() == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("the-state", "https://as.example.com")
    exchange = app.server.requests[-1]
    assert (exchange.endpoint, exchange.status, exchange.query["client_id"]) == ("authorization", 303, ["app"])


def test_without_a_state_none_comes_back_and_the_issuer_is_a_setting(app, world):
    world.server.authorization.iss = False
    assert app.answered(state=OMIT).keys() == {"code"}
    document = world.server.metadata_document()
    assert document["authorization_response_iss_parameter_supported"] is False


def test_a_request_may_come_by_post(app, world):
    response = world.post(app.parameters(), url=world.server.authorization_endpoint)
    assert response.status == 303
    assert world.server.handle(Request("PUT", world.server.authorization_endpoint)).status == 405


def test_a_redirect_uri_keeps_its_query(app, brought):
    app.client.redirect_uris = ("https://app.example/cb?tenant=1",)
    url = app.server.person.approve(app.url(redirect_uri="https://app.example/cb?tenant=1"))
    assert url.startswith("https://app.example/cb?tenant=1&code=")
    assert brought(url)["state"] == "the-state"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": OMIT},
        {"redirect_uri": OMIT},
        {"redirect_uri": "http://127.0.0.1/other"},
        {"redirect_uri": "http://127.0.0.1/callback?more"},
        {"redirect_uri": "http://127.0.0.1/callback#"},
        {"redirect_uri": "https://127.0.0.1/callback"},
        {"redirect_uri": "http://[::1]/callback"},
        {"redirect_uri": "not a URI"},
        {"response_mode": "fragment"},
        {"request_uri": "https://evil.example/request"},
        {"state": ["one", "two"]},
    ],
)
def test_where_nobody_can_be_told_the_person_sees_a_page(app, changes):
    """To redirect would make the server an open redirector (RFC 6749, section 4.1.2.1)."""
    response = app.server.handle(Request("GET", app.url(**changes)))
    assert (response.status, response.header("Location")) == (400, None)
    assert app.server.requests[-1].error in {"invalid_request", "invalid_request_uri"}
    with pytest.raises(NoWayBackError, match=r"HTTP status 400\. .*invalid_request"):
        app.server.person.approve(app.url(**changes))


def test_a_query_that_cannot_be_read_is_refused(app):
    for query in ("client_id", "client_id=%ff"):
        app.server.handle(Request("GET", f"{app.server.authorization_endpoint}?{query}"))
        assert app.server.requests[-1].error == "invalid_request"
        assert app.server.requests[-1].description == "The query is malformed."


def test_an_error_page_shows_no_markup_of_the_request(app):
    response = app.server.handle(Request("GET", app.url(redirect_uri="<script>")))
    assert b"<script>" not in response.body


@pytest.mark.parametrize(
    ("registered", "sent"),
    [
        ("http://127.0.0.1/callback", "http://127.0.0.1:1/callback"),
        ("http://127.0.0.1:5/callback", "http://127.0.0.1:6/callback"),
        ("http://[::1]/callback", "http://[::1]:7/callback"),
        ("https://app.example/cb", "https://app.example/cb"),
        ("com.example.app:/cb", "com.example.app:/cb"),
    ],
)
def test_a_redirect_uri_is_the_registered_one_but_for_a_loopback_port(app, registered, sent):
    app.client.redirect_uris = (registered,)
    assert app.server.person.approve(app.url(redirect_uri=sent)).startswith(f"{sent}?code=")


@pytest.mark.parametrize("sent", ["http://localhost:1/cb", "https://app.example:444/cb", "com.example.app:/cbx"])
def test_the_port_of_any_other_host_counts(app, sent):
    """`localhost` is a name, and names are looked up (RFC 8252, section 8.3)."""
    app.client.redirect_uris = ("http://localhost/cb", "https://app.example/cb", "com.example.app:/cb")
    assert app.server.handle(Request("GET", app.url(redirect_uri=sent))).status == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": OMIT}, "unsupported_response_type"),
        ({"code_challenge": OMIT}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": OMIT}, "invalid_request"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"resource": f"{ORDERS}#fragment"}, "invalid_target"),
        ({"resource": OMIT, "scope": OMIT}, "invalid_target"),
        ({"audience": ORDERS}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": "count", "resource": ORDERS}, "invalid_scope"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"dpop_jkt": "no-thumbprint"}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"authorization_details": "{}"}, "invalid_authorization_details"),
        ({"authorization_details": "["}, "invalid_authorization_details"),
        ({"authorization_details": "[1]"}, "invalid_authorization_details"),
        ({"authorization_details": '[{"a": 1}]'}, "invalid_authorization_details"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_to_the_client(app, changes, error):
    answer = app.answered(**changes)
    assert answer.keys() == {"error", "error_description", "state", "iss"}
    assert (answer["error"], answer["state"]) == (error, "the-state")
    assert app.server.requests[-1].error == error


def test_a_client_needs_the_grant_type(app):
    app.client.grant_types = frozenset({"client_credentials"})
    assert app.answered()["error"] == "unauthorized_client"


def test_types_of_authorization_details_can_be_limited(app):
    details = '[{"type": "payment", "amount": 5}]'
    assert "code" in app.answered(authorization_details=details)
    app.server.authorization.details_types = {"transfer"}
    assert app.answered(authorization_details=details)["error"] == "invalid_authorization_details"


def test_what_is_asked_for_without_resource_is_the_login_alone_or_the_default(app):
    app.answered(resource=OMIT, scope="openid profile")
    assert app.server.codes.logins[-1].target.audience == ()
    app.server.targets.default = STOCK
    app.answered(resource=OMIT, scope="openid count")
    assert app.server.codes.logins[-1].target.audience == (STOCK,)


def test_no_scope_is_every_scope_of_the_resources(app):
    app.answered(scope=OMIT)
    target = app.server.codes.logins[-1].target
    assert (target.audience, target.scope) == ((ORDERS, STOCK), {"read", "write", "count"})
    app.client.scope = frozenset({"read"})
    app.answered(scope=OMIT)
    assert app.server.codes.logins[-1].target.scope == {"read"}


def test_a_server_may_grant_less_than_asked(app):
    app.server.targets.grants_less = True
    app.answered(scope="openid read admin")
    assert app.server.codes.logins[-1].target.scope == {"openid", "read"}


def test_targets_may_be_named_by_audience_or_by_scope(app):
    app.server.targets.mode = "audience"
    app.answered(resource=OMIT, audience=[ORDERS, STOCK])
    assert app.server.codes.logins[-1].target.audience == (ORDERS, STOCK)
    app.server.targets.mode = "scope"
    app.answered(resource=OMIT, scope="count")
    assert app.server.codes.logins[-1].target.audience == (STOCK,)
    assert app.answered(scope="count")["error"] == "invalid_request"


def jarm_claims(app, jwt):
    verified = verify(
        JARM_RESPONSE,
        jwt,
        app.server.keys.verifying,
        algorithms=[app.client.authorization_signed_response_alg],
        issuer=app.server.issuer,
        audience="app",
        now=app.world.clock(),
    )
    return verified.claims


@pytest.mark.parametrize("mode", ["query.jwt", "jwt"])
@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "Ed25519"])
def test_the_answer_can_be_one_signed_parameter(app, mode, algorithm):
    app.client.authorization_signed_response_alg = algorithm
    answer = app.answered(response_mode=mode)
    assert answer.keys() == {"response"}
    claims = jarm_claims(app, answer["response"])
    assert claims.keys() == {"iss", "aud", "exp", "code", "state"}
    assert claims["state"] == "the-state"


def test_errors_are_signed_too(app):
    claims = jarm_claims(app, app.answered(response_mode="jwt", scope="admin")["response"])
    assert (claims["error"], claims["state"]) == ("invalid_scope", "the-state")
    assert "code" not in claims


@pytest.mark.parametrize(("mode", "fields"), [("form_post", {"code", "state", "iss"}), ("form_post.jwt", {"response"})])
def test_the_answer_can_be_a_form_that_sends_itself(app, mode, fields):
    state = "a\"b<c>&amp;'"
    request = app.server.person.answer(app.url(response_mode=mode, state=state))
    assert (request.method, request.url) == ("POST", app.redirect_uri)
    page = app.server.requests[-1].response
    form = read_form(page)
    assert (form.action, {name for name, _ in form.fields}) == (app.redirect_uri, fields)
    assert page.header("Cache-Control") == "no-store"
    given = dict(form.fields)
    assert (given if mode == "form_post" else jarm_claims(app, given["response"]))["state"] == state
    with pytest.raises(NoWayBackError, match="/callback"):
        app.server.person.approve(app.url(response_mode=mode))
