"""The embedded server's revocation endpoint (RFC 7009, section 2)."""

from __future__ import annotations

import pytest

from oauthclient.testing.misbehaviour import OMIT


@pytest.fixture
def revoke(app):
    def send(token, *headers, **changes):
        form = {"client_id": "app", "token": token} | changes
        url = app.server.revocation.revocation_endpoint
        return app.world.post({name: value for name, value in form.items() if value is not OMIT}, *headers, url=url)

    return send


def test_the_metadata_names_it(app):
    assert app.server.metadata_document()["revocation_endpoint"] == "https://as.example.com/revoke"


@pytest.mark.parametrize("hint", [OMIT, "refresh_token", "access_token", "nonsense"])
def test_a_refresh_token_takes_its_access_tokens_with_it(app, world, revoke, refused, challenged, hint):
    """Sections 2.1 and 2.2: whatever the hint says."""
    document = app.log_in()
    response = revoke(document["refresh_token"], token_type_hint=hint)
    assert (response.status, response.body) == (200, b"")
    assert refused(app.refresh(document["refresh_token"])) == (400, "invalid_grant")
    assert challenged(world.call(document["access_token"])) == (401, "invalid_token")


def test_an_access_token_goes_alone(app, world, revoke, challenged):
    document = app.log_in()
    assert revoke(document["access_token"], token_type_hint="access_token").status == 200
    assert challenged(world.call(document["access_token"])) == (401, "invalid_token")
    assert app.refresh(document["refresh_token"]).status == 200


def test_a_server_may_revoke_refresh_tokens_only(app, world, revoke, refused):
    app.server.revocation.access_tokens = False
    document = app.log_in()
    assert refused(revoke(document["access_token"])) == (400, "unsupported_token_type")
    assert world.call(document["access_token"]).status == 200
    assert revoke(document["refresh_token"]).status == 200


def test_an_unknown_token_is_no_error(revoke):
    assert revoke("unheard-of").status == 200


def test_another_clients_token_is_left_alone(app, revoke, refused):
    app.server.register("other")
    document = app.log_in()
    for token in (document["refresh_token"], document["access_token"]):
        assert refused(revoke(token, client_id="other")) == (400, "invalid_request")
    assert app.refresh(document["refresh_token"]).status == 200


def test_the_client_and_the_token_must_be_there(app, revoke, refused):
    assert refused(revoke(OMIT)) == (400, "invalid_request")
    assert refused(revoke("x", client_id="nobody"))[1] == "invalid_client"
    app.server.register("svc", secret="s3cr3t")
    assert refused(revoke("x", client_id="svc"))[1] == "invalid_client"


def test_a_proof_is_checked_and_the_next_nonce_told(app, world, revoke, refused):
    endpoint = app.server.revocation.revocation_endpoint
    app.server.nonces.mode = "required"
    without = ("DPoP", world.proof("POST", endpoint))
    response = revoke("x", without)
    assert refused(response) == (400, "use_dpop_nonce")
    nonce = response.header("DPoP-Nonce")
    older = nonce
    app.server.nonces.roll()
    response = revoke("x", ("DPoP", world.proof("POST", endpoint, nonce=older)))
    assert response.status == 200
    assert response.header("DPoP-Nonce") == app.server.nonces.current
