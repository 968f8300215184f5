"""Who tests with respx goes on to: it patches httpx's transports, and the library's own client is one of httpx's."""

import asyncio

import httpx
import pytest
import respx

from oauthclient import Bearer, ClientSecretPost, ErrorResponse, OAuthClient, Resource
from oauthclient.testing import Request
from tests.world import ORDERS, World

METADATA = {"issuer": "https://as.example.com", "token_endpoint": "https://as.example.com/token"}
WELL_KNOWN = "https://as.example.com/.well-known/oauth-authorization-server"


def client() -> OAuthClient:
    return OAuthClient(
        "https://as.example.com", client_id="svc", authentication=ClientSecretPost("s" * 40), binding=Bearer()
    )


@respx.mock
def test_respx_plays_the_server_and_the_api() -> None:
    respx.get(WELL_KNOWN).respond(json=METADATA)
    token = respx.post("https://as.example.com/token").respond(json={"access_token": "one", "token_type": "Bearer"})
    api = respx.get(f"{ORDERS}/17").respond(json={"order": 17})
    with httpx.Client(auth=client().client_credentials(Resource(ORDERS))) as http:
        assert http.get(f"{ORDERS}/17").json() == {"order": 17}
    assert b"grant_type=client_credentials" in token.calls.last.request.content
    assert api.calls.last.request.headers["Authorization"] == "Bearer one"


@respx.mock
def test_respx_scripts_a_failure() -> None:
    respx.get(WELL_KNOWN).respond(json=METADATA)
    respx.post("https://as.example.com/token").respond(401, json={"error": "invalid_client"})
    auth = client().client_credentials(Resource(ORDERS))
    with httpx.Client(auth=auth) as http, pytest.raises(ErrorResponse) as refusal:
        http.get(ORDERS)
    assert refusal.value.code == "invalid_client"


@respx.mock
async def _async_job(world: World) -> int:
    def answer(request: httpx.Request) -> httpx.Response:
        seen = Request(request.method, str(request.url), tuple(request.headers.multi_items()), request.content)
        response = world.network.handle(seen)
        assert response is not None
        return httpx.Response(response.status, headers=list(response.headers), content=response.body)

    respx.route().mock(side_effect=answer)
    auth = world.auth(transport=None)
    async with httpx.AsyncClient(auth=auth) as http:
        return (await http.get(ORDERS)).status_code


def test_respx_leads_to_the_embedded_server(world: World) -> None:
    assert asyncio.run(_async_job(world)) == 200
    assert world.orders.requests[0].scheme == "dpop"
