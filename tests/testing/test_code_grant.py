"""The embedded server's authorization codes (RFC 6749, 4.1.3; RFC 7636; RFC 8707; RFC 9396; RFC 9449, 10)."""

from __future__ import annotations

import pytest

from oauthclient.testing import Grant, Login
from oauthclient.testing.misbehaviour import OMIT

ORDERS = "https://api.example.com/orders"
STOCK = "https://api.example.com/stock"


def test_a_code_brings_a_bound_token_for_one_resource_and_a_refresh_token(app, world, read):
    document = read(app.exchange(app.answered()["code"]))
    assert document.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (document["token_type"], document["scope"]) == ("DPoP", "read")
    claims = world.server.tokens.issued[-1].claims
    assert (claims["sub"], claims["aud"], claims["client_id"]) == ("alice", ORDERS, "app")
    assert world.call(document["access_token"]).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "guessed"},
        {"redirect_uri": OMIT},
        {"redirect_uri": "http://127.0.0.1:1/callback"},
        {"code_verifier": OMIT},
        {"code_verifier": "w" * 43},
        {"code_verifier": "v" * 42},
        {"code_verifier": "v" * 129},
        {"code_verifier": "ü" * 43},
    ],
)
def test_a_code_without_all_that_belongs_to_it_is_refused(app, refused, changes):
    assert refused(app.exchange(app.answered()["code"], **changes)) == (400, "invalid_grant")


def test_a_request_without_code_is_incomplete(app, refused):
    assert refused(app.exchange("", code=OMIT)) == (400, "invalid_request")


def test_a_code_is_good_for_a_minute(app, world, refused):
    code = app.answered()["code"]
    world.clock.advance(60)
    assert refused(app.exchange(code)) == (400, "invalid_grant")


def test_a_code_that_comes_again_ends_what_it_brought(app, world, refused, challenged):
    code = app.answered()["code"]
    document = app.exchange(code)
    assert document.status == 200
    token = world.server.tokens.issued[-1].access_token
    assert refused(app.exchange(code)) == (400, "invalid_grant")
    assert world.server.codes.replays == 1
    assert challenged(world.call(token)) == (401, "invalid_token")
    assert refused(app.refresh(world.server.refresh_tokens.issued[-1].value)) == (400, "invalid_grant")


def test_a_code_is_used_up_by_a_mistake_but_not_by_a_nonce_challenge(app, world, refused):
    code = app.answered()["code"]
    assert refused(app.exchange(code, code_verifier="w" * 43)) == (400, "invalid_grant")
    assert refused(app.exchange(code)) == (400, "invalid_grant")
    world.server.nonces.mode = "required"
    code = app.answered()["code"]
    assert refused(app.exchange(code)) == (400, "use_dpop_nonce")
    proof = world.token_proof(nonce=world.server.nonces.current)
    assert app.exchange(code, proof=proof).status == 200
    assert world.server.codes.replays == 1


def test_a_code_of_one_client_is_nothing_to_another(app, world, refused):
    world.server.register("other")
    code = app.answered()["code"]
    assert refused(app.exchange(code, client_id="other")) == (400, "invalid_grant")
    assert app.exchange(code).status == 200


def test_a_code_can_be_bound_to_a_key(app, world, refused):
    jkt = world.other_key.thumbprint
    assert refused(app.exchange(app.answered(dpop_jkt=jkt)["code"])) == (400, "invalid_grant")
    other = world.token_proof(key=world.other_key)
    assert app.exchange(app.answered(dpop_jkt=jkt)["code"], proof=other).status == 200
    world.server.dpop = "absent"
    assert refused(app.exchange(app.answered(dpop_jkt=jkt)["code"], proof=other)) == (400, "invalid_grant")


def test_without_a_proof_the_token_is_a_bearer_token(app, world, read):
    world.server.dpop = "absent"
    assert read(app.exchange(app.answered()["code"]))["token_type"] == "Bearer"


@pytest.mark.parametrize(
    "resource", ["https://unknown.example", [ORDERS, STOCK], f"{ORDERS}/"], ids=["unknown", "both", "another"]
)
def test_a_token_is_for_one_resource_that_was_granted(app, refused, resource):
    assert refused(app.exchange(app.answered()["code"], resource=resource)) == (400, "invalid_target")


def test_a_resource_that_was_not_granted_is_refused(app, refused):
    code = app.answered(resource=ORDERS, scope="read")["code"]
    assert refused(app.exchange(code, resource=STOCK)) == (400, "invalid_target")


def test_without_resource_the_token_is_for_the_server_itself_where_a_login_was_asked_for(app, world, read):
    document = read(app.exchange(app.answered(scope="openid profile read")["code"], resource=OMIT))
    assert document["scope"] == "openid profile"
    assert world.server.tokens.issued[-1].claims["aud"] == world.server.issuer


def test_without_resource_and_without_login_it_is_for_the_only_one(app, world, refused):
    app.log_in(scope="read count")
    assert refused(app.exchange(app.answered(scope="read count")["code"], resource=OMIT)) == (400, "invalid_target")
    assert app.exchange(app.answered(scope="read", resource=ORDERS)["code"], resource=OMIT).status == 200
    assert world.server.tokens.issued[-1].claims["aud"] == ORDERS


def test_a_token_for_several_is_a_setting(app, world):
    world.server.targets.several = True
    assert app.exchange(app.answered(scope="read count")["code"], resource=OMIT).status == 200
    assert world.server.tokens.issued[-1].claims["aud"] == [ORDERS, STOCK]


def test_where_scopes_name_the_target_they_choose_it_in_a_refresh_too(app, world, refused):
    world.server.targets.mode = "scope"
    document = app.exchange(app.answered(resource=OMIT, scope="read count")["code"], resource=OMIT)
    assert refused(document) == (400, "invalid_target")
    world.server.targets.several = True
    assert app.exchange(app.answered(resource=OMIT, scope="read count")["code"], resource=OMIT).status == 200
    refresh_token = world.server.refresh_tokens.issued[-1].value
    assert app.refresh(refresh_token, resource=OMIT, scope="count").status == 200
    assert world.server.tokens.issued[-1].claims["aud"] == STOCK


DETAILS = [{"type": "payment", "amount": 5}, {"type": "account"}]


def test_authorization_details_come_back_with_the_token_and_in_it(app, world, read):
    asked = '[{"type": "payment", "amount": 5}, {"type": "account"}]'
    code = app.answered(authorization_details=asked)["code"]
    assert read(app.exchange(code))["authorization_details"] == DETAILS
    assert world.server.tokens.issued[-1].claims["authorization_details"] == DETAILS


def test_a_token_can_be_for_fewer_authorization_details(app, read, refused):
    document = app.log_in(authorization_details='[{"type": "payment", "amount": 5}, {"type": "account"}]')
    one = read(app.refresh(document["refresh_token"], authorization_details='[{"type": "account"}]'))
    assert one["authorization_details"] == DETAILS[1:]
    more = app.refresh(one["refresh_token"], authorization_details='[{"type": "payment", "amount": 6}]')
    assert refused(more) == (400, "invalid_authorization_details")
    none = app.log_in()
    more = app.refresh(none["refresh_token"], authorization_details='[{"type": "account"}]')
    assert refused(more) == (400, "invalid_authorization_details")


@pytest.mark.parametrize(
    ("condition", "changes", "brought"),
    [
        ("always", {}, True),
        ("never", {"scope": "openid offline_access", "prompt": "consent"}, False),
        ("offline_access", {}, False),
        ("offline_access", {"scope": "openid offline_access"}, True),
        ("prompt=consent", {"scope": "openid offline_access"}, False),
        ("prompt=consent", {"prompt": "consent"}, False),
        ("prompt=consent", {"scope": "openid offline_access", "prompt": "login consent"}, True),
    ],
)
def test_a_refresh_token_has_to_be_asked_for_as_the_server_wants(app, world, condition, changes, brought):
    world.server.refresh_tokens.condition = condition
    assert ("refresh_token" in app.log_in(**changes)) is brought


def test_a_client_without_the_grant_gets_no_refresh_token(app):
    app.client.grant_types = frozenset({"authorization_code"})
    assert "refresh_token" not in app.log_in()


def test_a_grant_of_the_tests_own_can_be_a_login(app, world, read):
    """As a device flow is: the token endpoint adds what belongs to it."""
    target = world.server.targets.authorize({"resource": [ORDERS], "scope": ["openid read"]}, app.client)
    login = Login("app", "alice", target, auth_time=1, offline=True)
    world.server.grants["urn:device"] = lambda request: Grant("alice", login=login)
    document = read(app.token(grant_type="urn:device", resource=ORDERS))
    assert {"refresh_token", "id_token"} <= document.keys()
    assert login.jkt == world.proof_key.thumbprint
    assert app.refresh(document["refresh_token"]).status == 200


def test_no_repr_shows_a_code_a_refresh_token_a_state_or_a_nonce(app, world):
    document = app.log_in()
    server = world.server
    shown = repr(
        (server.requests, server.codes.logins, server.refresh_tokens.issued, list(server.codes._issued.values()))
    )
    for secret in (document["refresh_token"], document["access_token"], "the-state", "the-nonce", app.verifier):
        assert secret not in shown
    assert server.requests[-1].form["code"][0] not in shown
