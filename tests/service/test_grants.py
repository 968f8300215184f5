"""Grants and client authentications: those there are, and those a program brings itself (RFC 7521, RFC 7523)."""

from collections.abc import Iterable
from typing import Any

import pytest

from oauthclient import (
    ClientAuthentication,
    ClientSecretBasic,
    ClientSecretJWT,
    ClientSecretPost,
    ConfigurationError,
    Credentials,
    ErrorResponse,
    Grant,
    GrantFailed,
    InvalidKey,
    IssuedAssertion,
    NotOffered,
    OAuthClient,
    OAuthError,
    Occasion,
    PrivateKeyJWT,
    PublicClient,
    Resource,
    Secret,
    SelfIssuedAssertion,
    SigningKey,
)
from oauthclient.jose.jwt import issue
from oauthclient.jose.kinds import AUTHORIZATION_GRANT
from oauthclient.testing import Grant as Granted
from oauthclient.testing import GrantRequest
from tests.doors import Door
from tests.world import ORDERS, STOCK, Machine, World

SECRET = "s3:cr +&=%/ü" * 6
ALGORITHMS = ["ES256", "ES384", "ES512", "Ed25519", "PS256", "RS256"]


def test_an_assertion_of_our_own_becomes_tokens_for_its_subject(world: World, door: Door) -> None:
    grant = SelfIssuedAssertion("alice", key=world.key)
    api = door.client(world.oauth().grant(grant, Resource(ORDERS), Resource(STOCK)), world.network)
    assert [api.get(url).json()["subject"] for url in (ORDERS, STOCK, ORDERS)] == ["alice"] * 3
    assert len(world.token_requests) == 2


def test_every_assertion_is_new_repeats_included(world: World, door: Door) -> None:
    world.server.nonces.mode = "required"
    grant = SelfIssuedAssertion("alice", key=world.key)
    assert door.client(world.oauth().grant(grant, Resource(ORDERS)), world.network).get(ORDERS).status_code == 200
    first, second = world.token_requests
    assert first.error == "use_dpop_nonce"
    assert first.form["assertion"] != second.form["assertion"]
    assert first.form["client_assertion"] != second.form["client_assertion"]


def test_an_assertion_of_somebody_else_is_fetched_for_every_request(world: World, door: Door) -> None:
    idp = SigningKey.generate()
    world.server.trust("https://idp.example", idp)
    world.server.nonces.mode = "required"
    made: list[int] = []

    def fetch() -> str:
        made.append(1)
        now = int(world.clock())
        return issue(
            AUTHORIZATION_GRANT,
            idp,
            {
                "iss": "https://idp.example",
                "sub": "bob",
                "aud": world.server.issuer,
                "iat": now,
                "exp": now + 60,
                "jti": f"{len(made)}",
            },
        )

    api = door.client(world.oauth().grant(IssuedAssertion(fetch), Resource(ORDERS)), world.network)
    assert api.get(ORDERS).json()["subject"] == "bob"
    assert len(made) == len(world.token_requests) == 2


class Passkey(Grant):
    """A grant that nobody foresaw."""

    grant_type = "urn:example:passkey"

    def __init__(self, user: str) -> None:
        self.user = user

    def parameters(self, occasion: Occasion) -> Iterable[tuple[str, str | Secret]]:
        return [("user", self.user), ("proof", Secret(f"{occasion.jti} for {occasion.client_id}"))]


def test_a_grant_that_nobody_foresaw_takes_ten_lines(world: World, door: Door) -> None:
    def handle(request: GrantRequest) -> Granted:
        assert request.form["proof"].endswith(" for svc")
        return Granted(request.form["user"])

    world.server.grants["urn:example:passkey"] = handle
    api = door.client(world.oauth().grant(Passkey("carol"), Resource(ORDERS)), world.network)
    assert api.get(ORDERS).json()["subject"] == "carol"
    assert world.orders.requests[0].scheme == "dpop"


def test_two_users_never_share_a_token(world: World) -> None:
    world.server.grants["urn:example:passkey"] = lambda request: Granted(request.form["user"])
    oauth = world.oauth()
    carol, dave = (oauth.grant(Passkey(user), Resource(ORDERS)) for user in ("carol", "dave"))
    assert carol.token(ORDERS).access_token != dave.token(ORDERS).access_token
    assert [token.claims["sub"] for token in world.server.tokens.issued] == ["carol", "dave"]


def test_a_grant_of_the_program_that_fails_is_told_with_its_own_exception(world: World, door: Door) -> None:
    def fetch() -> str:
        raise LookupError("no such user")

    api = door.client(world.oauth().grant(IssuedAssertion(fetch), Resource(ORDERS)), world.network)
    with pytest.raises(GrantFailed) as failure:
        api.get(ORDERS)
    assert failure.value.code == "grant_failed"
    assert isinstance(failure.value.__cause__, LookupError)
    assert not world.token_requests


@pytest.mark.parametrize("made", [None, 7, b"bytes"])
def test_a_grant_that_makes_nonsense_is_told(world: World, made: Any) -> None:
    auth = world.oauth().grant(IssuedAssertion(lambda: made), Resource(ORDERS))
    with pytest.raises(OAuthError):
        auth.token(ORDERS)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_signed_assertion_authenticates_with_each_algorithm(world: World, algorithm: str) -> None:
    key = SigningKey.generate(algorithm)
    world.server.register("svc", key=key)
    auth = world.oauth(authentication=PrivateKeyJWT(key)).client_credentials(Resource(ORDERS))
    assert auth.token(ORDERS).token_type == "DPoP"


def test_an_ed25519_key_signs_as_what_the_server_lists(world: World) -> None:
    key = SigningKey.generate("Ed25519")
    world.server.register("svc", key=key)
    world.server.authentication.algorithms = ("EdDSA",)
    auth = world.oauth(authentication=PrivateKeyJWT(key)).client_credentials(Resource(ORDERS))
    assert auth.token(ORDERS)


@pytest.mark.parametrize(
    ("method", "make"),
    [
        ("client_secret_basic", ClientSecretBasic),
        ("client_secret_post", ClientSecretPost),
        ("client_secret_jwt", ClientSecretJWT),
    ],
)
def test_a_shared_secret_authenticates_in_each_way(world: World, method: Any, make: Any) -> None:
    world.server.register("a client: 1%", secret=SECRET, method=method)
    oauth = world.oauth(client_id="a client: 1%", authentication=make(SECRET))
    assert oauth.client_credentials(Resource(ORDERS)).token(ORDERS)


def test_a_public_client_presents_an_assertion(world: World) -> None:
    world.server.register("app")
    world.server.trust("idp", world.key)
    grant = SelfIssuedAssertion("alice", key=world.key, issuer="idp")
    oauth = world.oauth(client_id="app", authentication=PublicClient())
    assert oauth.grant(grant, Resource(ORDERS)).token(ORDERS)


class APIKey(ClientAuthentication):
    """An authentication of a program's own."""

    method = "client_secret_post"  # what the server takes it for

    def credentials(self, occasion: Occasion) -> Credentials:
        return Credentials(form=(("client_id", occasion.client_id), ("client_secret", Secret("k" * 40))))


def test_an_authentication_of_the_programs_own_is_used(world: World, door: Door) -> None:
    world.server.register("app", secret="k" * 40, method="client_secret_post")
    oauth = world.oauth(client_id="app", authentication=APIKey())
    assert door.client(oauth.client_credentials(Resource(ORDERS)), world.network).get(ORDERS).status_code == 200


def test_the_wrong_key_is_told_with_what_to_check(world: World) -> None:
    auth = world.oauth(authentication=PrivateKeyJWT(SigningKey.generate())).client_credentials(Resource(ORDERS))
    with pytest.raises(ErrorResponse) as refusal:
        auth.token(ORDERS)
    assert refusal.value.code == "invalid_client"
    assert refusal.value.status == 401
    assert "registered key" in refusal.value.hint


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}, "authentication_not_offered"),
        ({"token_endpoint_auth_signing_alg_values_supported": ["PS256"]}, "algorithm_not_offered"),
        ({"dpop_signing_alg_values_supported": None}, "binding_not_offered"),
        ({"dpop_signing_alg_values_supported": ["PS256"]}, "algorithm_not_offered"),
    ],
)
def test_what_the_server_does_not_offer_is_refused_before_anything_is_spent(
    world: World, door: Door, metadata: dict[str, Any], code: str
) -> None:
    world.server.metadata = metadata
    with pytest.raises(NotOffered) as refusal:
        world.open(door).get(ORDERS)
    assert refusal.value.code == code
    assert refusal.value.hint
    assert not world.token_requests


def test_a_key_of_several_issuers_signs_no_other_audience(world: World) -> None:
    key = SigningKey.generate()
    world.oauth(authentication=PrivateKeyJWT(key, audience=world.server.token_endpoint))
    with pytest.raises(ConfigurationError) as refusal:
        world.oauth(issuer="https://other.example.com", authentication=PrivateKeyJWT(key))
    assert refusal.value.code == "shared_key_audience"


def test_the_audience_is_a_setting(world: World) -> None:
    world.server.authentication.audiences = {world.server.token_endpoint}
    key = SigningKey.generate()
    world.server.register("svc", key=key)
    plain = world.oauth(authentication=PrivateKeyJWT(key)).client_credentials(Resource(ORDERS))
    with pytest.raises(ErrorResponse):
        plain.token(ORDERS)
    told = PrivateKeyJWT(key, audience=world.server.token_endpoint)
    assert world.oauth(authentication=told).client_credentials(Resource(ORDERS)).token(ORDERS)


def test_a_secret_too_short_for_its_hash_is_refused() -> None:
    with pytest.raises(InvalidKey):
        ClientSecretJWT("short")


def test_each_renewal_signs_a_new_assertion(world: World, machine: Machine) -> None:
    auth = world.auth()
    auth.token(ORDERS)
    machine.pass_time(400)
    auth.token(ORDERS)
    assert len({seen.assertion["jti"] for seen in world.token_requests if seen.assertion}) == 2


def test_a_public_client_is_not_its_own_grant() -> None:
    """RFC 6749, section 4.4."""
    oauth = OAuthClient("https://as.example.com", client_id="svc", authentication=PublicClient())
    with pytest.raises(ConfigurationError) as refused:
        oauth.client_credentials(Resource("https://api.example.com"))
    assert refused.value.code == "public_client"
