"""What leaves this machine: RFC 6749, sections 2.3.1 and 3.2; RFC 6750, section 2; RFC 9449, section 4.2."""

import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from oauthclient import ClientSecretPost, ConfigurationError, OAuthClient, PrivateKeyJWT, Resource, SigningKey
from tests.doors import Api, Door
from tests.world import BILLS, ORDERS, World


def test_nothing_of_a_token_request_stands_in_its_url(world: World) -> None:
    """RFC 6749, section 2.3.1: credentials MUST NOT be included in the request URI."""
    world.server.register("old", secret="hunter2", method="client_secret_post")
    oauth = world.oauth(client_id="old", authentication=ClientSecretPost("hunter2"))
    oauth.client_credentials(Resource(ORDERS, scope="orders.read")).token(ORDERS)
    (asked,) = world.token_requests
    assert asked.request.url == "https://as.example.com/token"
    assert asked.form["client_secret"] == ["hunter2"]


def test_the_query_of_the_token_endpoint_is_kept() -> None:
    """RFC 6749, section 3.2: the query component MUST be retained when adding additional query parameters."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"access_token": "t0k3n", "token_type": "DPoP"})

    metadata = {
        "token_endpoint": "https://as.example.com/token?tenant=7&p=B2C%5F1",
        "dpop_signing_alg_values_supported": ["ES256"],
    }
    oauth = OAuthClient(
        "https://as.example.com",
        client_id="svc",
        authentication=PrivateKeyJWT(SigningKey.generate()),
        metadata=metadata,
        transport=httpx.MockTransport(answer),
    )
    oauth.client_credentials(Resource(ORDERS)).token(ORDERS)
    (request,) = seen
    assert request.method == "POST"
    assert str(request.url) == metadata["token_endpoint"]
    assert b"tenant" not in request.content


@pytest.mark.parametrize("name", ["grant_type", "client_id", "client_secret", "client_assertion", "scope"])
def test_settings_cannot_say_twice_what_a_request_says(world: World, name: str) -> None:
    """RFC 6749, section 3.2: request parameters MUST NOT be included more than once."""
    with pytest.raises(ConfigurationError) as refused:
        world.oauth(parameters={name: "x"})
    assert refused.value.code == "reserved_parameter"
    assert name in str(refused.value)


@pytest.mark.parametrize("verify", [False, True, 0])
def test_no_setting_switches_off_the_check_of_certificates(world: World, verify: Any) -> None:
    """RFC 6749, section 10.9; RFC 8414, section 6.1. An SSLContext that verifies nobody is refused as well."""
    with pytest.raises(ConfigurationError) as refused:
        world.auth(verify=verify)
    assert refused.value.code == "unreadable_ca"


def test_a_token_stands_in_one_header_only(world: World, api: Api) -> None:
    """RFC 6750, section 2, and RFC 9700, section 4.3.2."""
    api.post(f"{ORDERS}/echo?page=2", json={"level": 3})
    (seen,) = world.orders.requests
    token = seen.access_token
    assert token
    assert dict(seen.request.headers)["authorization"] == f"DPoP {token}"
    elsewhere = [value for name, value in seen.request.headers if name.lower() != "authorization"]
    assert all(token not in value for value in elsewhere)
    assert token not in seen.request.url
    assert token.encode() not in seen.request.body
    assert json.loads(seen.request.body) == {"level": 3}


def test_no_two_proofs_share_an_identifier(world: World, api: Api) -> None:
    """RFC 9449, section 4.2: at least 96 bits of random data."""
    for number in range(20):
        api.get(f"{ORDERS}/{number}")
    proofs = [seen.proof for seen in (*world.token_requests, *world.orders.requests)]
    identifiers = {proof["jti"] for proof in proofs if proof is not None}
    assert len(identifiers) == len(proofs) == 21
    assert min(map(len, identifiers)) >= 96 / 4


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "patch", "Purge", "propfind"])
def test_the_proof_names_the_method_on_the_wire(world: World, api: Api, method: str) -> None:
    """RFC 9449, section 4.2. Methods are case-sensitive (RFC 9110, section 9.1), and httpx sends upper case."""
    assert api.request(method, f"{ORDERS}/17").status_code == 200
    (seen,) = world.orders.requests
    assert seen.proof
    assert seen.proof["htm"] == seen.request.method == method.upper()


@pytest.mark.parametrize("url", [BILLS, f"{BILLS}?page=2", f"{BILLS}#top", f"{BILLS}/"])
def test_an_empty_path_is_named_as_it_is_sent(world: World, door: Door, url: str) -> None:
    """The request line says "/" (RFC 9112, section 3.2.1), and some servers compare `htu` with that octet by octet."""
    auth = world.oauth().client_credentials(Resource(BILLS, scope="bills.read"))
    assert door.client(auth, world.network).get(url).status_code == 200
    (seen,) = world.bills.requests
    assert seen.proof
    assert urlsplit(str(seen.proof["htu"])).path == "/"
    assert "?" not in seen.proof["htu"]
