"""The embedded server's refresh tokens (RFC 6749, section 6; RFC 9700, section 4.14.2; RFC 9449, section 5)."""

from __future__ import annotations

import pytest

from oauthclient.testing.misbehaviour import OMIT, lost

ORDERS = "https://api.example.com/orders"
STOCK = "https://api.example.com/stock"


def test_each_use_brings_a_new_one_and_a_token_for_the_resource_named(app, world, read):
    document = app.log_in(scope="openid read count")
    for resource, scope in ((STOCK, "count"), (ORDERS, "read"), (STOCK, "count")):
        newer = read(app.refresh(document["refresh_token"], resource=resource))
        assert newer["refresh_token"] != document["refresh_token"]
        assert newer["scope"] == scope
        assert world.server.tokens.issued[-1].claims["aud"] == resource
        document = newer
    assert (world.server.refresh_tokens.refreshed, world.server.refresh_tokens.replays) == (3, 0)
    assert [seen.grant_type for seen in world.server.requests[-3:]] == ["refresh_token"] * 3


def test_one_that_comes_back_ends_the_whole_login(app, world, read, refused, challenged):
    first = app.log_in()
    second = read(app.refresh(first["refresh_token"]))
    assert world.call(second["access_token"]).status == 200
    assert refused(app.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert world.server.refresh_tokens.replays == 1
    assert refused(app.refresh(second["refresh_token"])) == (400, "invalid_grant")
    for document in (first, second):
        assert challenged(world.call(document["access_token"])) == (401, "invalid_token")


def test_a_clock_that_is_set_back_makes_no_replay_good(app, world, refused):
    world.server.refresh_tokens.grace = 10
    document = app.log_in()
    assert app.refresh(document["refresh_token"]).status == 200
    world.clock.advance(-1)
    assert refused(app.refresh(document["refresh_token"], proof=world.token_proof())) == (400, "invalid_grant")


def test_another_login_goes_on(app, world):
    first, other = app.log_in(), app.log_in()
    app.refresh(first["refresh_token"])
    app.refresh(first["refresh_token"])
    assert world.server.refresh_tokens.replays == 1
    assert app.refresh(other["refresh_token"]).status == 200


def test_within_the_grace_it_may_come_back(app, world, read, refused):
    world.server.refresh_tokens.grace = 10
    first = app.log_in()
    app.server.amend(lost)
    assert app.refresh(first["refresh_token"]).status == 0
    world.clock.advance(9)
    again = read(app.refresh(first["refresh_token"]))
    assert again["refresh_token"] != first["refresh_token"]
    world.clock.advance(1)
    assert refused(app.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert refused(app.refresh(again["refresh_token"])) == (400, "invalid_grant")


def test_a_server_may_keep_it_and_says_nothing_then(app, world, read):
    world.server.refresh_tokens.rotation = "keep"
    first = app.log_in()
    for _ in range(3):
        assert "refresh_token" not in read(app.refresh(first["refresh_token"]))
    assert len(world.server.refresh_tokens.issued) == 1


def test_without_resource_several_are_too_many_and_it_is_used_up_all_the_same(app, world, read, refused):
    """As node-oidc-provider does: the next use of it then ends the login."""
    document = app.log_in(scope="read count")
    assert refused(app.refresh(document["refresh_token"], resource=OMIT)) == (400, "invalid_target")
    assert refused(app.refresh(document["refresh_token"])) == (400, "invalid_grant")
    assert world.server.refresh_tokens.replays == 1


def test_a_scope_beyond_the_grant_uses_nothing_up(app, refused):
    document = app.log_in(scope="openid read")
    assert refused(app.refresh(document["refresh_token"], scope="read write")) == (400, "invalid_scope")
    assert app.refresh(document["refresh_token"]).status == 200


def test_less_scope_now_is_no_less_next_time(app, read):
    document = app.log_in(scope="openid read write")
    narrow = read(app.refresh(document["refresh_token"], scope="write"))
    assert narrow["scope"] == "write"
    assert read(app.refresh(narrow["refresh_token"]))["scope"] == "read write"


def test_a_resource_that_was_not_granted_is_refused(app, refused):
    document = app.log_in(resource=ORDERS, scope="read")
    assert refused(app.refresh(document["refresh_token"], resource=STOCK)) == (400, "invalid_target")


def test_that_of_a_public_client_is_bound_to_its_key(app, world, refused):
    document = app.log_in()
    other = world.token_proof(key=world.other_key)
    assert refused(app.refresh(document["refresh_token"], proof=other)) == (400, "invalid_grant")
    unproved = {"client_id": "app", "grant_type": "refresh_token", "refresh_token": document["refresh_token"]}
    assert refused(world.post(unproved)) == (400, "invalid_grant")
    assert app.refresh(document["refresh_token"]).status == 200


def test_that_of_a_confidential_client_is_bound_to_its_authentication(app, world, read, refused):
    world.server.register("app", key=app.key, redirect_uris=["http://127.0.0.1/callback"])

    def authenticated():
        return {
            "client_assertion": world.assertion(key=app.key, iss="app", sub="app"),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }

    document = read(app.exchange(app.answered()["code"], **authenticated()))
    other = world.token_proof(key=world.other_key)
    assert refused(app.refresh(document["refresh_token"])) == (401, "invalid_client")
    assert app.refresh(document["refresh_token"], proof=other, **authenticated()).status == 200


def test_that_of_another_client_is_refused_and_not_used_up(app, world, refused):
    document = app.log_in()
    world.server.register("other")
    assert refused(app.refresh(document["refresh_token"], client_id="other")) == (400, "invalid_grant")
    assert app.refresh(document["refresh_token"]).status == 200


def test_one_that_is_missing_unknown_expired_or_revoked_is_refused(app, world, refused):
    server = world.server
    assert refused(app.refresh("", refresh_token=OMIT)) == (400, "invalid_request")
    assert refused(app.refresh("guessed")) == (400, "invalid_grant")
    server.refresh_tokens.lifetime = 60
    document = app.log_in()
    world.clock.advance(60)
    assert refused(app.refresh(document["refresh_token"])) == (400, "invalid_grant")
    server.refresh_tokens.lifetime = None
    assert app.refresh(document["refresh_token"]).status == 200
    one, other = app.log_in(), app.log_in()
    server.refresh_tokens.revoke(one["refresh_token"])
    assert refused(app.refresh(one["refresh_token"])) == (400, "invalid_grant")
    assert app.refresh(other["refresh_token"]).status == 200
    server.refresh_tokens.revoke()
    assert refused(app.refresh(server.refresh_tokens.issued[-1].value)) == (400, "invalid_grant")
    assert server.refresh_tokens.replays == 0
    assert world.call(other["access_token"]).status == 200


@pytest.mark.parametrize("everything", [True, False])
def test_a_server_can_forget_a_login_or_all(app, world, refused, challenged, everything):
    one, other = app.log_in(), app.log_in()
    refresh_tokens = world.server.refresh_tokens
    if everything:
        refresh_tokens.end_all()
    else:
        refresh_tokens.end(refresh_tokens.find(one["refresh_token"]).login)
    assert refused(app.refresh(one["refresh_token"])) == (400, "invalid_grant")
    assert challenged(world.call(one["access_token"])) == (401, "invalid_token")
    assert (app.refresh(other["refresh_token"]).status == 400) is everything
    assert refresh_tokens.find("guessed") is None
