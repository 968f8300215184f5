"""Which server it is, and what it says of itself (RFC 8414, section 3; OpenID Connect Discovery, section 4)."""

from dataclasses import replace
from typing import Any

import pytest

from oauthclient import (
    Bearer,
    ConfigurationError,
    DiscoveryFailed,
    DowngradeRefused,
    DPoP,
    NotOffered,
    OAuthClient,
    PrivateKeyJWT,
    Resource,
    SigningKey,
)
from oauthclient.protocol.urls import origin
from oauthclient.testing import Bystander, Request, Response, misbehaviour
from tests.doors import Door
from tests.world import ELSEWHERE, ORDERS, World

ISSUERS = [
    "https://as.example.com",
    "https://as.example.com/",
    "https://as.example.com/tenant",
    "https://as.example.com/tenant/",
    "https://as.example.com:8443/a/b",
]


@pytest.mark.parametrize("place", ["rfc8414", "oidc", "oidc inserted"])
@pytest.mark.parametrize("issuer", ISSUERS)
def test_an_issuer_is_discovered_wherever_its_metadata_is(issuer: str, place: str) -> None:
    world = World(issuer)
    world.server.metadata_at = {place}
    _rest_of_the_host(world)
    oauth = world.oauth()
    assert oauth.discover().issuer == issuer
    assert oauth.client_credentials(Resource(ORDERS)).token(ORDERS)
    assert world.token_requests[0].assertion
    assert world.token_requests[0].assertion["aud"] == issuer


def test_metadata_is_read_once(world: World, door: Door) -> None:
    oauth = world.oauth()
    metadata = door.run(oauth.discover_async if door.loop else oauth.discover)
    assert metadata.token_endpoint == world.server.token_endpoint
    assert door.client(oauth.client_credentials(Resource(ORDERS)), world.network).get(ORDERS).status_code == 200
    assert [seen.endpoint for seen in world.server.requests] == ["metadata", "token"]


@pytest.mark.parametrize("asked", ["https://as.example.com/", "https://as.example.com/tenant"])
def test_another_issuer_is_proposed_if_only_a_slash_differs_and_never_accepted(asked: str) -> None:
    world = World(asked.removesuffix("/") if asked.endswith("/") else f"{asked}/")
    _rest_of_the_host(world)
    with pytest.raises(DiscoveryFailed) as refusal:
        world.oauth(issuer=asked).discover()
    assert f'"{world.server.issuer}"' in refusal.value.hint
    assert "/.well-known/openid-configuration" in str(refusal.value)
    assert not world.token_requests


def test_a_failed_discovery_lists_each_url_and_why(world: World) -> None:
    world.server.metadata_at = set()
    with pytest.raises(DiscoveryFailed) as refusal:
        world.oauth().discover()
    assert "oauth-authorization-server: HTTP status 404" in str(refusal.value)
    assert "openid-configuration: HTTP status 404" in str(refusal.value)
    assert "metadata=" in refusal.value.hint


def test_metadata_can_be_given_by_hand(world: World, door: Door) -> None:
    oauth = world.oauth(metadata=world.server.metadata_document())
    assert door.client(oauth.client_credentials(Resource(ORDERS)), world.network).get(ORDERS).status_code == 200
    assert [seen.endpoint for seen in world.server.requests] == ["token"]


def _rest_of_the_host(world: World) -> None:
    """What else there is at the origin of an issuer with a path: nothing."""
    rest = Bystander(origin(world.server.issuer))
    rest.instead(Response(404), times=None)
    world.network.hosts.append(rest)


def _by_hand(world: World, authentication: PrivateKeyJWT, **metadata: Any) -> OAuthClient:
    given = {"token_endpoint": world.server.token_endpoint, "dpop_signing_alg_values_supported": ["ES256"], **metadata}
    return world.oauth(issuer=None, metadata=given, authentication=authentication)


def test_metadata_by_hand_may_lack_an_issuer_if_the_audience_is_set(world: World) -> None:
    oauth = _by_hand(world, PrivateKeyJWT(world.key, audience=world.server.issuer))
    assert oauth.client_credentials(Resource(ORDERS)).token(ORDERS)


def test_without_issuer_and_audience_an_assertion_has_none(world: World) -> None:
    auth = _by_hand(world, PrivateKeyJWT(SigningKey.generate())).client_credentials(Resource(ORDERS))
    with pytest.raises(ConfigurationError) as refusal:
        auth.token(ORDERS)
    assert refusal.value.code == "no_audience"
    assert "audience" in refusal.value.hint
    assert not world.server.requests


def test_metadata_that_forgets_to_list_dpop_can_be_overruled(world: World) -> None:
    world.server.metadata = {"dpop_signing_alg_values_supported": None}
    assert world.auth(binding=DPoP(assume_supported=True)).token(ORDERS).token_type == "DPoP"


def test_a_server_without_dpop_is_refused_before_any_token_request(world: World, door: Door) -> None:
    world.server.dpop = "absent"
    with pytest.raises(NotOffered) as refusal:
        world.open(door).get(ORDERS)
    assert refusal.value.code == "binding_not_offered"
    assert "Bearer()" in refusal.value.hint
    assert not world.token_requests
    bearer = world.auth(binding=Bearer())
    assert door.client(bearer, world.network).get(ORDERS).status_code == 200


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "N_A"])
def test_an_unbound_token_where_dpop_was_asked_for_is_refused(world: World, door: Door, token_type: str) -> None:
    world.server.amend(misbehaviour.members(token_type=token_type))
    with pytest.raises(DowngradeRefused) as refusal:
        world.open(door).get(ORDERS)
    assert refusal.value.code == "downgrade_refused"
    assert "Bearer()" in refusal.value.hint
    assert not world.orders.requests


@pytest.mark.parametrize("token_type", ["dpop", "DPOP"])
def test_the_token_type_is_read_in_any_case(world: World, door: Door, token_type: str) -> None:
    world.server.amend(misbehaviour.members(token_type=token_type))
    assert world.open(door).get(ORDERS).status_code == 200
    assert world.orders.requests[0].request.values("Authorization")[0].startswith("DPoP ")


@pytest.mark.parametrize("algorithm", ["ES384", "Ed25519", "PS256"])
def test_the_key_of_the_proofs_may_have_another_algorithm(world: World, algorithm: str) -> None:
    api = Door("httpx").client(world.auth(binding=DPoP(algorithm=algorithm)), world.network)
    assert api.get(ORDERS).status_code == 200


def test_processes_with_one_binding_key_have_one_thumbprint(world: World) -> None:
    key = SigningKey.generate()
    for _ in range(2):
        world.auth(binding=DPoP(key)).token(ORDERS)
    assert [token.jkt for token in world.server.tokens.issued] == [key.thumbprint] * 2


def test_a_gateway_that_rewrites_paths_is_named_by_a_map(world: World) -> None:
    def pass_on(request: Request) -> Response:
        return world.orders.handle(replace(request, url=request.url.replace(ELSEWHERE, ORDERS)))

    world.elsewhere.instead(pass_on)
    oauth = world.oauth(binding=DPoP(htu={ELSEWHERE: ORDERS}))
    auth = oauth.client_credentials(Resource(ELSEWHERE, identifier=ORDERS))
    assert Door("httpx").client(auth, world.network).get(f"{ELSEWHERE}/17").status_code == 200
