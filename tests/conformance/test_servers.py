"""Several servers, or one under several names: nothing that belongs to one is used with another (RFC 9700, 4.4)."""

from typing import Any

import pytest

from oauthclient import Auth, Bearer, DPoP, MemoryStore, PrivateKeyJWT, Resource, SigningKey
from oauthclient.jose.encoding import base64url_octets, json_object
from oauthclient.testing.records import claims_of, header_of
from tests.world import ORDERS, World


def by_hand(world: World, **members: object) -> dict[str, Any]:
    """The metadata of the server, as somebody wrote it down who forgot the issuer."""
    document = world.oauth().discover().document | members
    return {name: value for name, value in document.items() if name != "issuer"}


def unnamed(world: World, **settings: Any) -> Auth:
    authentication = PrivateKeyJWT(SigningKey.generate(), audience=world.server.issuer)
    world.server.register("svc", key=authentication.key)
    oauth = world.oauth(issuer=None, metadata=by_hand(world), authentication=authentication, **settings)
    return oauth.client_credentials(Resource(ORDERS, scope="orders.read"))


@pytest.mark.parametrize("binding", [Bearer(), DPoP(), DPoP(SigningKey.generate())])
def test_servers_without_a_name_share_no_token(binding: Any) -> None:
    """One store, one client_id, one resource, even one key: two servers all the same."""
    store = MemoryStore()
    tokens = []
    for issuer in ("https://one.example", "https://two.example"):
        world = World(issuer)
        world.server.dpop = "optional"
        tokens.append(unnamed(world, store=store, binding=binding).token(ORDERS).access_token)
        assert tokens[-1] == world.server.tokens.issued[-1].access_token
    assert tokens[0] != tokens[1]


def test_servers_without_a_name_see_keys_of_their_own() -> None:
    binding = DPoP()
    thumbprints = set()
    for issuer in ("https://one.example", "https://two.example"):
        world = World(issuer)
        unnamed(world, binding=binding).token(ORDERS)
        thumbprints.add(world.server.tokens.issued[-1].jkt)
    assert len(thumbprints) == 2


def test_clients_with_other_parameters_share_no_token(world: World) -> None:
    """`authorization_details` and tenants are told by parameters, so these belong to the name of a token."""
    store, binding = MemoryStore(), DPoP(SigningKey.generate())
    tenants = [{"tenant": "one"}, {"tenant": "two"}, {}, {"tenant": "one"}]
    tokens = [world.auth(store=store, binding=binding, parameters=tenant).token(ORDERS) for tenant in tenants]
    assert [tokens.index(token) for token in tokens] == [0, 1, 2, 0]


@pytest.mark.parametrize("issuer", ["https://as.example.com", None])
@pytest.mark.parametrize("listed", [["EdDSA"], ["Ed25519"], ["ES256", "Ed25519", "EdDSA"]])
def test_a_proof_is_signed_under_the_name_that_the_server_lists(
    world: World, issuer: str | None, listed: list[str]
) -> None:
    """RFC 9449, section 5.1; RFC 9864 gave EdDSA with Ed25519 a name of its own."""
    oauth = world.oauth(
        issuer=issuer,
        metadata=by_hand(world, dpop_signing_alg_values_supported=listed),
        binding=DPoP(algorithm="Ed25519"),
        authentication=PrivateKeyJWT(world.key, audience=world.server.issuer),
    )
    oauth.client_credentials(Resource(ORDERS, scope="orders.read")).token(ORDERS)
    proof = world.token_requests[-1].request.header("DPoP")
    assert proof
    header = json_object(base64url_octets(proof.partition(".")[0]))
    assert header["alg"] == ("Ed25519" if "Ed25519" in listed else "EdDSA")


def test_a_token_of_the_embedded_server_is_typed_and_complete(world: World) -> None:
    """RFC 9068, sections 2.1 and 2.2."""
    token = world.auth().token(ORDERS).access_token
    header, claims = header_of(token), claims_of(token)
    assert header is not None
    assert claims is not None
    assert header["typ"] == "at+jwt"
    assert header["alg"] != "none"
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= claims.keys()
    assert claims["aud"] == ORDERS
