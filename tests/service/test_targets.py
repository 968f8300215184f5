"""How a server is told what a token is for: resource, audience or scope alone (RFC 8707, section 2)."""

from typing import Any

import pytest

from oauthclient import ErrorResponse, Resource
from oauthclient.testing import ProtectedAPI
from tests.doors import Door
from tests.world import BILLS, ELSEWHERE, ORDERS, STOCK, World


@pytest.mark.parametrize("told", ["resource", "audience"])
def test_a_target_is_told_by_the_parameter_that_the_server_knows(world: World, door: Door, told: Any) -> None:
    world.server.targets.mode = told
    api = door.client(world.auth(target=told), world.network)
    assert api.get(ORDERS).status_code == 200
    assert world.token_requests[0].form[told] == [ORDERS]
    assert {"resource", "audience"} & world.token_requests[0].form.keys() == {told}


def test_a_server_that_knows_only_scopes_is_told_them_alone(world: World, door: Door) -> None:
    world.server.targets.mode = "scope"
    api = door.client(world.auth(target="scope"), world.network)
    assert [api.get(url).status_code for url in (ORDERS, STOCK)] == [200, 200]
    assert [seen.form["scope"] for seen in world.token_requests] == [["orders.read"], ["stock.write"]]
    assert not {"resource", "audience"} & {name for seen in world.token_requests for name in seen.form}


@pytest.mark.parametrize("identifier", ["urn:orders", "https://api.example.com/orders/", "https://API.example.com:443"])
def test_an_identifier_is_sent_byte_for_byte(world: World, door: Door, identifier: str) -> None:
    orders = ProtectedAPI(world.server, ORDERS, identifier=identifier)
    world.network.hosts[world.network.hosts.index(world.orders)] = orders
    api = door.client(world.oauth().client_credentials(Resource(ORDERS, identifier=identifier)), world.network)
    assert api.get(f"{ORDERS}/17").status_code == 200
    assert world.token_requests[0].form["resource"] == [identifier]


def test_a_resource_at_several_urls_has_one_token(world: World, door: Door) -> None:
    mirror = ProtectedAPI(world.server, BILLS, identifier=ORDERS)
    world.network.hosts[world.network.hosts.index(world.bills)] = mirror
    api = door.client(world.oauth().client_credentials(Resource(ORDERS, also=BILLS)), world.network)
    assert [api.get(url).status_code for url in (ORDERS, f"{BILLS}/1")] == [200, 200]
    assert len(world.token_requests) == 1


def test_a_url_belongs_to_the_longest_prefix(world: World, door: Door) -> None:
    whole = Resource("https://api.example.com", identifier=ORDERS)
    api = door.client(world.oauth().client_credentials(whole, Resource(STOCK)), world.network)
    assert [api.get(url).status_code for url in (ORDERS, STOCK)] == [200, 200]
    assert len(world.token_requests) == 2


def test_further_parameters_are_sent_with_every_token_request(world: World) -> None:
    auth = world.auth(parameters={"tenant": "acme", "empty": ""})
    auth.token(ORDERS)
    assert world.token_requests[0].form["tenant"] == ["acme"]
    assert "empty" not in world.token_requests[0].form


def test_the_scope_that_was_granted_can_be_read(world: World) -> None:
    world.server.targets.grants_less = True
    auth = world.oauth().client_credentials(
        Resource(ORDERS, scope="orders.read unheard.of"), Resource(STOCK, scope="stock.write"), Resource(BILLS)
    )
    assert auth.token(ORDERS).scope == "orders.read"
    assert auth.token(STOCK).scope == "stock.write"
    assert auth.token(BILLS).scope == "bills.read"


def test_a_scope_or_a_resource_that_the_server_does_not_know_is_told(world: World) -> None:
    auth = world.oauth().client_credentials(Resource(ORDERS, scope="unheard.of"), Resource(ELSEWHERE))
    with pytest.raises(ErrorResponse) as refusal:
        auth.token(ORDERS)
    assert refusal.value.code == "invalid_scope"
    with pytest.raises(ErrorResponse) as refusal:
        auth.token(ELSEWHERE)
    assert refusal.value.code == "invalid_target"
    assert "identifier" in refusal.value.hint


def test_scopes_of_one_resource_are_different_tokens(world: World) -> None:
    oauth = world.oauth()
    reading, writing, again = (
        oauth.client_credentials(Resource(ORDERS, scope=scope)).token(ORDERS)
        for scope in ("orders.read", "orders.write", "orders.read")
    )
    assert reading.access_token == again.access_token != writing.access_token
