"""The embedded server's ID tokens and the keys that sign them (OpenID Connect Core, 3.1.3, 10.1.1 and 12.2)."""

from __future__ import annotations

import pytest

from oauthclient.errors import InvalidJWT
from oauthclient.jose.id_token_hash import at_hash
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.jwt import verify
from oauthclient.jose.kinds import ID_TOKEN, REFRESHED_ID_TOKEN
from oauthclient.testing import Request
from oauthclient.testing.misbehaviour import OMIT
from oauthclient.testing.records import claims_of, header_of


def keys(app, read):
    return KeySet.from_jwks(read(app.server.handle(Request("GET", app.server.jwks_uri))))


def verified(app, read, document, *, known=None, kind=ID_TOKEN):
    algorithm = app.client.id_token_signed_response_alg
    claims = verify(
        kind,
        document["id_token"],
        known or keys(app, read),
        algorithms=[algorithm],
        issuer=app.server.issuer,
        audience="app",
        now=app.world.clock(),
    ).claims
    assert claims["at_hash"] == at_hash(document["access_token"], algorithm)
    return claims


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "Ed25519"])
def test_it_is_what_openid_connect_says(app, world, read, algorithm):
    app.client.id_token_signed_response_alg = algorithm
    document = app.log_in(acr_values="gold silver")
    claims = verified(app, read, document)
    now = world.clock()
    assert claims | {"at_hash": ""} == {
        "iss": "https://as.example.com",
        "sub": "alice",
        "aud": "app",
        "azp": "app",
        "iat": now,
        "exp": now + 300,
        "auth_time": now,
        "nonce": "the-nonce",
        "acr": "gold",
        "at_hash": "",
    }


def test_it_comes_only_where_openid_was_asked_for(app):
    assert "id_token" not in app.log_in(scope="read")


def test_without_a_nonce_there_is_none(app):
    assert "nonce" not in claims_of(app.log_in(nonce=OMIT)["id_token"])


def test_that_of_a_refresh_speaks_of_the_same_login_without_nonce(app, world, read):
    document = app.log_in()
    world.clock.advance(1000)
    first = claims_of(document["id_token"])
    refreshed = read(app.refresh(document["refresh_token"]))
    claims = verified(app, read, refreshed, kind=REFRESHED_ID_TOKEN)
    assert claims["iat"] == first["iat"] + 1000
    for same in ("iss", "sub", "aud", "azp", "auth_time"):
        assert claims[same] == first[same]
    assert "nonce" not in claims
    world.server.id_tokens.on_refresh = False
    assert "id_token" not in read(app.refresh(refreshed["refresh_token"]))


def test_keys_are_rotated_on_command_and_the_old_ones_still_verify(app, world, read):
    document, known = app.log_in(), keys(app, read)
    world.server.rotate_keys()
    newer = app.log_in()
    assert header_of(newer["id_token"])["kid"] != header_of(document["id_token"])["kid"]
    with pytest.raises(InvalidJWT) as caught:
        verified(app, read, newer, known=known)
    assert caught.value.code == "unknown_key"
    assert len(keys(app, read)) == 2
    for each in (document, newer):
        verified(app, read, each)
        assert world.call(each["access_token"]).status == 200


def test_old_keys_may_be_forgotten(app, world, read, challenged):
    document = app.log_in()
    world.server.rotate_keys(forget=True)
    assert len(keys(app, read)) == 1
    assert challenged(world.call(document["access_token"])) == (401, "invalid_token")


def test_a_careless_server_rotates_under_the_same_kid(app, world, read):
    document, known = app.log_in(), keys(app, read)
    world.server.rotate_keys(same_kid=True)
    newer = app.log_in()
    assert header_of(newer["id_token"])["kid"] == header_of(document["id_token"])["kid"]
    with pytest.raises(InvalidJWT) as caught:
        verified(app, read, newer, known=known)
    assert caught.value.code == "bad_signature"
    verified(app, read, newer)
    assert len(keys(app, read)) == 1
