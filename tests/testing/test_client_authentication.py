"""The embedded server authenticates by the registered method only (RFC 6749 2.3; RFC 7523 3; rfc7523bis 4)."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote_plus

import pytest

from oauthclient.errors import ConfigurationError
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.signers import SharedSecret
from oauthclient.secret import Secret
from oauthclient.testing.misbehaviour import OMIT

SECRET = "a secret with ünusual: characters & 32 octets or more"


def basic(client_id, secret):
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return ("Authorization", "Basic " + b64encode(pair.encode()).decode())


def test_a_client_assertion_signed_with_the_registered_key_is_accepted(world):
    assert world.ask().status == 200
    assert world.server.requests[-1].assertion["sub"] == "svc"


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES384", "PS256", "RS256"])
def test_a_client_key_may_be_of_any_algorithm_that_is_listed(world, algorithm):
    key = SigningKey.generate(algorithm, kid="k1")
    world.server.register("svc", key=key)
    assert world.ask(client_assertion=world.assertion(key=key)).status == 200


def test_an_ed25519_key_may_sign_by_its_older_name(world):
    key = SigningKey.generate("Ed25519")
    world.server.register("svc", key=key.public_jwk)
    assert world.ask(client_assertion=world.assertion(key=key, alg="EdDSA")).status == 200


def test_a_client_may_be_registered_with_a_jwk_set(world):
    jwks = {"keys": [world.other_key.public_jwk, world.client_key.public_jwk]}
    world.server.register("svc", key=jwks)
    assert world.ask().status == 200


def test_an_algorithm_that_is_not_listed_is_refused(world, refused):
    world.server.authentication.algorithms = ("PS256", "HS256")
    assert refused(world.ask()) == (401, "invalid_client")


def test_an_assertion_used_twice_is_refused(world, refused):
    assertion = world.assertion()
    assert world.ask(client_assertion=assertion).status == 200
    assert refused(world.ask(client_assertion=assertion)) == (401, "invalid_client")


def test_an_assertion_is_used_up_by_a_request_that_fails_later(world, refused):
    assertion = world.assertion()
    assert refused(world.ask(client_assertion=assertion, resource="https://unknown.example")) == (
        400,
        "invalid_target",
    )
    assert refused(world.ask(client_assertion=assertion)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://as.example.com/"},
        {"aud": "https://as.example.com/token"},
        {"aud": "https://other.example"},
        {"exp": 1_800_000_000 - 60, "iat": 1_800_000_000 - 120},
        {"iat": 1_800_000_000 + 60, "exp": 1_800_000_000 + 120},
        {"iss": "stranger", "sub": "stranger"},
    ],
)
def test_an_assertion_for_another_audience_time_or_client_is_refused(world, refused, claims):
    assert refused(world.ask(client_assertion=world.assertion(**claims))) == (401, "invalid_client")


def test_the_token_endpoint_is_an_audience_only_by_setting(world):
    world.server.authentication.audiences.add(world.server.token_endpoint)
    assert world.ask(client_assertion=world.assertion(aud=world.server.token_endpoint)).status == 200


def test_an_assertion_with_a_second_audience_is_refused(world, refused):
    now = int(world.clock())
    claims = {"iss": "svc", "sub": "svc", "jti": "1", "iat": now, "exp": now + 60}
    claims["aud"] = [world.server.issuer, "https://evil.example"]

    def part(value):
        return urlsafe_b64encode(value).rstrip(b"=")

    message = part(b'{"typ":"JWT","alg":"ES256"}') + b"." + part(json.dumps(claims).encode())
    assertion = message + b"." + part(world.client_key.sign(message))
    assert refused(world.ask(client_assertion=assertion.decode())) == (401, "invalid_client")


def test_an_assertion_signed_with_another_key_is_refused(world, refused):
    assertion = world.assertion(key=world.other_key)
    assert refused(world.ask(client_assertion=assertion)) == (401, "invalid_client")


@pytest.mark.parametrize("assertion", ["", "garbage", "a.b.c", "e30.e30.", "é.é.é"])
def test_an_unreadable_assertion_is_refused(world, refused, assertion):
    assert refused(world.ask(client_assertion=assertion)) == (401, "invalid_client")


def test_the_type_of_an_assertion_must_be_said(world, refused):
    assert refused(world.ask(client_assertion_type="saml")) == (401, "invalid_client")
    assert refused(world.ask(client_assertion_type=OMIT)) == (401, "invalid_client")


def test_a_client_id_beside_an_assertion_must_be_its_subject(world, refused):
    assert world.ask(client_id="svc").status == 200
    assert refused(world.ask(client_id="other")) == (400, "invalid_request")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384"])
def test_a_shared_secret_signs_assertions(world, refused, algorithm):
    world.server.register("svc", secret=SECRET, method="client_secret_jwt")
    signer = SharedSecret(Secret(SECRET), algorithm)
    assert world.ask(client_assertion=world.assertion(key=signer)).status == 200
    wrong = SharedSecret(Secret(SECRET[::-1]), algorithm)
    assert refused(world.ask(client_assertion=world.assertion(key=wrong))) == (401, "invalid_client")


def test_a_secret_shorter_than_the_hash_verifies_nothing(world, refused):
    world.server.register("svc", secret="x" * 32, method="client_secret_jwt")
    assertion = world.assertion(key=SharedSecret(Secret("x" * 64), "HS512"))
    assert refused(world.ask(client_assertion=assertion)) == (401, "invalid_client")


def test_the_public_key_of_a_client_is_no_hmac_secret(world, refused):
    secret = Secret(json.dumps(world.client_key.public_jwk))
    assertion = world.assertion(key=SharedSecret(secret))
    assert refused(world.ask(client_assertion=assertion)) == (401, "invalid_client")


def test_basic_credentials_are_form_decoded(world):
    world.server.register("a:client", secret=SECRET)
    assert world.post(world.unauthenticated(), basic("a:client", SECRET)).status == 200


def test_basic_credentials_that_are_not_form_encoded_are_refused(world, refused):
    world.server.register("svc", secret="a+b")
    plain = ("Authorization", "Basic " + b64encode(b"svc:a+b").decode())
    assert refused(world.post(world.unauthenticated(), plain)) == (401, "invalid_client")


def test_a_wrong_basic_secret_is_challenged(world, refused):
    world.server.register("svc", secret=SECRET)
    response = world.post(world.unauthenticated(), basic("svc", "wrong"))
    assert refused(response) == (401, "invalid_client")
    assert response.header("WWW-Authenticate") == 'Basic realm="token"'


@pytest.mark.parametrize("value", ["Bearer x", "Basic", "Basic ???", "Basic " + b64encode(b"svc").decode()])
def test_an_authorization_header_that_is_no_basic_credential_is_refused(world, refused, value):
    world.server.register("svc", secret=SECRET)
    assert refused(world.post(world.unauthenticated(), ("Authorization", value))) == (401, "invalid_client")


def test_good_credentials_in_another_scheme_or_twice_are_refused(world, refused):
    world.server.register("svc", secret=SECRET)
    name, value = basic("svc", SECRET)
    other = (name, value.replace("Basic", "Bearer"))
    assert refused(world.post(world.unauthenticated(), other)) == (401, "invalid_client")
    assert refused(world.post(world.unauthenticated(), (name, value), (name, value))) == (401, "invalid_client")


def test_a_secret_in_the_body_is_for_clients_registered_so(world, refused):
    form = world.unauthenticated(client_id="svc", client_secret=SECRET)
    world.server.register("svc", secret=SECRET, method="client_secret_post")
    assert world.post(form).status == 200
    assert refused(world.post(form | {"client_secret": "wrong"})) == (401, "invalid_client")
    world.server.register("svc", secret=SECRET)
    assert refused(world.post(form)) == (401, "invalid_client")


def test_two_methods_at_once_are_refused(world, refused):
    world.server.register("svc", secret=SECRET)
    response = world.post(world.form(), basic("svc", SECRET))
    assert refused(response) == (400, "invalid_request")


def test_a_client_with_a_key_cannot_come_without_it(world, refused):
    assert refused(world.post(world.unauthenticated(client_id="svc"))) == (401, "invalid_client")
    assert refused(world.post(world.unauthenticated())) == (401, "invalid_client")


def test_credentials_that_do_not_fit_the_method_cannot_be_registered(world):
    with pytest.raises(ConfigurationError):
        world.server.register("svc", method="private_key_jwt")
    with pytest.raises(ConfigurationError):
        world.server.register("svc", key=world.client_key, secret=SECRET)
    with pytest.raises(ConfigurationError):
        world.server.register("svc", secret=SECRET, method="none")
