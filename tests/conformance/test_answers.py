"""What comes from an authorization server: RFC 6749, section 5.1; RFC 8414, section 3.2."""

import pytest

from oauthclient import InvalidResponse
from oauthclient.testing.misbehaviour import members
from tests.world import ORDERS, World


def test_unknown_members_of_a_token_response_are_ignored(world: World) -> None:
    """RFC 6749, section 5.1: the client MUST ignore unrecognized value names in the response."""
    world.server.amend(members(error_uri="https://as.example.com/e", not_before=5, nested={"access_token": "other"}))
    token = world.auth().token(ORDERS)
    assert token.access_token == world.server.tokens.issued[-1].access_token


def test_unknown_members_of_metadata_are_ignored(world: World) -> None:
    """RFC 8414, section 3.2: any metadata parameters that are not understood MUST be ignored."""
    world.server.amend(
        members(token_endpoint_of_tomorrow="http://x", signed_metadata="e30.e30.e30"), endpoint="metadata"
    )
    assert world.auth().token(ORDERS).scope == "orders.read"


@pytest.mark.parametrize("token", ["t\r\nX-Admin: yes", "t\n", "t k", "t\x00", "t\x7f", "tök", ""])
def test_a_token_cannot_bring_a_header_of_its_own(world: World, token: str) -> None:
    world.server.amend(members(access_token=token))
    with pytest.raises(InvalidResponse) as refused:
        world.auth().token(ORDERS)
    assert refused.value.code == "malformed_token"
