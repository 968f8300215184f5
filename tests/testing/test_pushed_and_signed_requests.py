"""Requests that are pushed to the embedded server (RFC 9126), signed (RFC 9101), or both."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from oauthclient.testing.forgeries import forged
from oauthclient.testing.misbehaviour import OMIT

ORDERS = "https://api.example.com/orders"


@pytest.fixture
def approved(app, brought):
    """What the browser brings back when only these parameters went through it."""

    def approve(**parameters):
        query = urlencode({"client_id": "app"} | parameters)
        return brought(app.server.person.approve(f"{app.server.authorization_endpoint}?{query}"))

    return approve


@pytest.fixture
def page(app):
    """The error on the page that the person sees."""

    def look(**parameters):
        from oauthclient.testing import Request

        url = f"{app.server.authorization_endpoint}?{urlencode({'client_id': 'app'} | parameters)}"
        assert app.server.handle(Request("GET", url)).status == 400
        return app.server.requests[-1].error

    return look


def pushed(app, read, *headers, **changes):
    response = app.push(*headers, **changes)
    assert response.status == 201, response.body
    document = read(response)
    assert document.keys() == {"request_uri", "expires_in"}
    assert document["expires_in"] == 60
    return document["request_uri"]


def par_proof(world, **claims):
    return ("DPoP", world.proof("POST", world.server.pushed_authorization_request_endpoint, **claims))


def test_a_pushed_request_goes_through_the_browser_as_one_name(app, read, approved):
    answer = approved(request_uri=pushed(app, read))
    assert answer["state"] == "the-state"
    assert app.exchange(answer["code"]).status == 200
    assert app.server.requests[0].endpoint == "par"
    assert app.server.requests[0].response.header("Cache-Control") == "no-store"


def test_its_name_is_for_one_use_one_minute_and_one_client(app, world, read, approved, page):
    request_uri = pushed(app, read)
    approved(request_uri=request_uri)
    assert page(request_uri=request_uri) == "invalid_request_uri"
    request_uri = pushed(app, read)
    world.clock.advance(60)
    assert page(request_uri=request_uri) == "invalid_request_uri"
    world.server.register("other", redirect_uris=["http://127.0.0.1/callback"])
    request_uri = pushed(app, read)
    assert page(request_uri=request_uri, client_id="other") == "invalid_request_uri"
    assert "code" in approved(request_uri=request_uri)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example"}, "invalid_request"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"code_challenge": OMIT}, "invalid_request"),
        ({"state": ["one", "two"]}, "invalid_request"),
    ],
)
def test_what_is_wrong_is_told_at_once_and_not_in_the_browser(app, refused, changes, error):
    assert refused(app.push(**changes)) == (400, error)


def test_a_client_that_can_must_authenticate(app, world, read, refused, approved):
    world.server.register("app", key=app.key, redirect_uris=["http://127.0.0.1/callback"])
    assert refused(app.push()) == (401, "invalid_client")
    credentials = {
        "client_assertion": world.assertion(key=app.key, iss="app", sub="app"),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert "code" in approved(request_uri=pushed(app, read, **credentials))


def test_a_proof_beside_it_binds_the_code(app, world, read, refused, approved):
    other = par_proof(world, key=world.other_key)
    code = approved(request_uri=pushed(app, read, other))["code"]
    assert refused(app.exchange(code)) == (400, "invalid_grant")
    code = approved(request_uri=pushed(app, read, par_proof(world)))["code"]
    assert app.exchange(code).status == 200


def test_a_proof_of_another_key_than_dpop_jkt_is_refused(app, world, refused):
    jkt = world.other_key.thumbprint
    assert refused(app.push(par_proof(world), dpop_jkt=jkt)) == (400, "invalid_request")
    assert app.push(par_proof(world, key=world.other_key), dpop_jkt=jkt).status == 201


def test_nonces_are_demanded_and_given_here_too(app, world, refused):
    world.server.nonces.mode = "rolling"
    challenge = app.push(par_proof(world))
    assert refused(challenge) == (400, "use_dpop_nonce")
    answer = app.push(par_proof(world, nonce=challenge.header("DPoP-Nonce")))
    assert answer.status == 201
    assert answer.header("DPoP-Nonce") == world.server.nonces.current


def test_requests_may_have_to_be_pushed(app, world, read, page, approved):
    world.server.pushed_requests.required = True
    assert world.server.metadata_document()["require_pushed_authorization_requests"] is True
    assert page(**app.parameters(resource=ORDERS)) == "invalid_request"
    assert "code" in approved(request_uri=pushed(app, read))
    world.server.pushed_requests.required = False
    app.client.require_pushed_authorization_requests = True
    assert page(**app.parameters(resource=ORDERS)) == "invalid_request"


def test_a_signed_request_counts_alone(app, world, approved):
    answer = approved(request=app.request_object(), state="another", scope="admin", response_type="token")
    assert answer["state"] == "the-state"
    login = world.server.codes.logins[-1]
    assert login.target.audience == (ORDERS, "https://api.example.com/stock")
    assert world.server.requests[-1].request_object["iss"] == "app"


def test_numbers_and_json_are_no_strings_in_it(app, world, approved):
    details = [{"type": "payment"}]
    approved(request=app.request_object(max_age=5, authorization_details=details, claims={"id_token": {}}))
    assert world.server.codes.logins[-1].authorization_details == details


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"aud": "https://other.example"},
        {"exp": 1_800_000_000 - 60},
        {"nbf": 1_800_000_000 + 60},
        {"client_id": "other"},
        {"state": ["one", "two"]},
        {"state": True},
        {"state": {"a": 1}},
    ],
)
def test_a_signed_request_that_does_not_verify_is_refused(app, page, changes):
    assert page(request=forged(app.request_object(), app.key, changes, {})) == "invalid_request_object"


def test_a_request_signed_by_another_or_typed_otherwise_is_refused(app, world, page, refused):
    assert page(request=app.request_object(signer=world.other_key)) == "invalid_request_object"
    assert page(request=world.assertion(key=app.key, iss="app", sub="app")) == "invalid_request_object"
    app.server.authorization.request_objects.algorithms = ("PS256",)
    assert page(request=app.request_object()) == "invalid_request_object"
    assert refused(app.push(request=app.request_object())) == (400, "invalid_request_object")


def test_a_signed_request_is_for_one_use(app, page, approved):
    compact = app.request_object()
    approved(request=compact)
    assert page(request=compact) == "invalid_request_object"


def test_what_a_signed_request_asks_in_vain_is_told_to_the_client(app, approved):
    assert approved(request=app.request_object(scope="admin"))["error"] == "invalid_scope"


@pytest.mark.parametrize("by", ["server", "client"])
def test_requests_may_have_to_be_signed(app, read, refused, page, approved, by):
    (app.server.authorization if by == "server" else app.client).require_signed_request_object = True
    assert app.server.metadata_document()["require_signed_request_object"] is (by == "server")
    assert page(**app.parameters(resource=ORDERS)) == "invalid_request"
    assert refused(app.push()) == (400, "invalid_request")
    assert "code" in approved(request=app.request_object())
    assert "code" in approved(request_uri=pushed(app, read, request=app.request_object()))
