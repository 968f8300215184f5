"""The embedded API lets in only who proves possession (RFC 6750; RFC 9449, section 7)."""

from __future__ import annotations

import pytest

from oauthclient.jose.jwt import issue
from oauthclient.jose.kinds import ACCESS_TOKEN
from oauthclient.jose.proof import ath
from oauthclient.protocol.challenges import parse_challenges
from oauthclient.testing import Request

URL = "https://api.example.com/orders/17"


def bearer_token(world, read):
    return read(world.post(world.form()))["access_token"]


def test_a_bound_token_with_its_proof_is_let_in(world, read):
    token = world.access_token(scope="read")
    response = world.call(token, f"{URL}?page=2", method="PUT", body=b"three", htm="PUT")
    assert read(response) == {
        "method": "PUT",
        "url": f"{URL}?page=2",
        "subject": "svc",
        "client_id": "svc",
        "scope": "read",
        "body": "three",
    }


def test_the_record_tells_what_was_presented(world):
    token = world.access_token()
    world.call(token)
    seen = world.orders.requests[-1]
    assert (seen.endpoint, seen.status, seen.error, seen.scheme) == ("resource", 200, None, "dpop")
    assert seen.access_token == token
    assert seen.token["cnf"] == {"jkt": world.proof_key.thumbprint}
    assert seen.proof["ath"] == ath(token)


def test_a_stolen_token_is_worth_nothing_without_its_key(world, challenged):
    token = world.access_token()
    proof = world.proof("GET", URL, ath=ath(token), key=world.other_key)
    assert challenged(world.call(token, proof=proof)) == (401, "invalid_token")


def test_a_bound_token_is_no_bearer_token(world, challenged):
    assert challenged(world.call(world.access_token(), scheme="Bearer")) == (401, "invalid_token")


def test_a_bearer_token_is_let_in_unless_set_otherwise(world, read, challenged):
    token = bearer_token(world, read)
    assert world.call(token, scheme="bearer").status == 200
    world.orders.accepts_bearer = False
    assert challenged(world.call(token, scheme="Bearer")) == (401, "invalid_token")


def test_a_bearer_token_is_not_let_in_with_a_proof(world, read, challenged):
    assert challenged(world.call(bearer_token(world, read))) == (401, "invalid_token")


@pytest.mark.parametrize("headers", [(), (("Authorization", "Basic x"),)])
def test_a_request_without_token_is_told_what_is_accepted(world, headers):
    response = world.orders.handle(Request("GET", URL, headers))
    challenges = parse_challenges(response.values("WWW-Authenticate"))
    assert response.status == 401
    assert [challenge.scheme for challenge in challenges] == ["dpop", "bearer"]
    assert challenges[0].parameters["algs"].split() == list(world.orders.proofs.algorithms)
    assert "error" not in challenges[0].parameters


def test_a_token_without_proof_is_refused(world, challenged):
    request = Request("GET", URL, (("Authorization", f"DPoP {world.access_token()}"),))
    assert challenged(world.orders.handle(request)) == (401, "invalid_dpop_proof")


def test_two_authorization_headers_are_refused(world, challenged):
    token = world.access_token()
    request = Request("GET", URL, (("Authorization", f"DPoP {token}"),) * 2)
    assert challenged(world.orders.handle(request)) == (400, "invalid_request")


@pytest.mark.parametrize("form", ["jwt", "reference"])
def test_a_token_for_another_resource_is_refused(world, challenged, form):
    world.server.tokens.format = form
    token = world.access_token(resource=world.stock.identifier)
    assert challenged(world.call(token)) == (401, "invalid_token")


@pytest.mark.parametrize("form", ["jwt", "reference"])
def test_an_expired_token_is_refused(world, challenged, form):
    world.server.tokens.format = form
    token = world.access_token()
    world.clock.advance(world.server.lifetime)
    assert challenged(world.call(token)) == (401, "invalid_token")


def test_a_revoked_token_is_refused(world, challenged):
    first, second, third = (world.access_token() for _ in range(3))
    world.server.tokens.revoke(first)
    assert challenged(world.call(first)) == (401, "invalid_token")
    assert world.call(second).status == 200
    world.server.tokens.revoke()
    assert challenged(world.call(third)) == (401, "invalid_token")


def test_a_forged_token_is_refused(world, challenged):
    claims = {**world.server.tokens.issue({"aud": world.orders.identifier, "sub": "svc", "client_id": "svc",
              "iat": 1_800_000_000, "exp": 1_800_000_300}).claims}  # fmt: skip
    forged = issue(ACCESS_TOKEN, world.other_key, claims)
    assert challenged(world.call(forged)) == (401, "invalid_token")


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "v4.local.x", "é"])
def test_an_unknown_token_is_refused(world, challenged, token):
    assert challenged(world.call(token, proof="never looked at")) == (401, "invalid_token")


def test_a_missing_scope_is_named(world, challenged):
    world.orders.required_scope = "write"
    response = world.call(world.access_token(scope="read"))
    assert challenged(response) == (403, "insufficient_scope")
    assert parse_challenges(response.values("WWW-Authenticate"))[0].parameters["scope"] == "write"


def test_an_api_may_go_by_another_identifier(world):
    from oauthclient.testing import ProtectedAPI

    api = ProtectedAPI(world.server, "https://files.example/v1", identifier="urn:files")
    token = world.access_token(resource="urn:files")
    assert world.call(token, "https://files.example/v1/a", api=api).status == 200


def test_an_api_may_have_a_clock_of_its_own(world, challenged):
    from oauthclient.testing import Clock, ProtectedAPI

    late = ProtectedAPI(world.server, "https://late.example", now=Clock(world.clock, offset=-120))
    token = world.access_token(resource="https://late.example")
    response = world.call(token, "https://late.example/", api=late)
    assert challenged(response)[0] == 401
    assert response.header("Date") == "Fri, 15 Jan 2027 07:58:00 GMT"


def test_it_echoes_bodies(world):
    token = world.access_token()
    url = "https://api.example.com/orders/echo"
    assert world.call(token, url, method="POST", body=b"\x00\xff").body == b"\x00\xff"


def test_it_streams_events(world):
    from oauthclient.testing import Pause

    response = world.call(world.access_token(), "https://api.example.com/orders/events?count=2&pause=3")
    assert response.header("Content-Type") == "text/event-stream"
    assert list(response.body) == [
        b'id: 1\ndata: {"number": 1}\n\n',
        Pause(3.0),
        b'id: 2\ndata: {"number": 2}\n\n',
    ]


def test_it_redirects(world):
    url = "https://api.example.com/orders/redirect?to=https://evil.example/&status=302"
    response = world.call(world.access_token(), url)
    assert (response.status, response.header("Location")) == (302, "https://evil.example/")
