"""A test can give the embedded server another endpoint, and each answers only what it is for."""

from __future__ import annotations

import pytest

from oauthclient.errors import ConfigurationError
from oauthclient.jose.keys import SigningKey
from oauthclient.testing import AuthorizationServer, Endpoint, RefusedError, Request, Response
from oauthclient.testing.misbehaviour import html

URL = "https://as.example.com/things"


@pytest.fixture
def server():
    def respond(request):
        if request.method == "DELETE":
            raise RefusedError("invalid_token", "Not yours.", status=401)
        return Response(204)

    server = AuthorizationServer()
    server.endpoints["things"] = Endpoint(URL, respond, ("GET", "DELETE"), lambda: {"things_endpoint": URL})
    return server


def test_it_answers_at_its_url_and_with_its_methods_only(server):
    assert server.handle(Request("GET", URL)).status == 204
    assert server.handle(Request("GET", f"{URL}?a=b")).status == 204
    assert server.handle(Request("GET", f"{URL}/17")).status == 404
    refused = server.handle(Request("POST", URL))
    assert (refused.status, refused.header("Allow")) == (405, "GET, DELETE")
    assert [seen.endpoint for seen in server.requests] == ["things", "things", "unknown", "things"]


def test_it_stands_in_the_metadata_and_can_misbehave(server):
    assert server.metadata_document()["things_endpoint"] == URL
    server.instead(html(), endpoint="things")
    assert [server.handle(Request("GET", URL)).status for _ in range(2)] == [500, 204]


def test_it_refuses_as_the_token_endpoint_does_or_in_its_own_way(server, refused):
    assert refused(server.handle(Request("DELETE", URL))) == (401, "invalid_token")
    respond = server.endpoints["things"].respond
    server.endpoints["things"] = Endpoint(
        URL, respond, ("DELETE",), refuse=lambda request, refusal: Response(418, (("Error", refusal.error),))
    )
    response = server.handle(Request("DELETE", URL))
    assert (response.status, response.header("Error")) == (418, "invalid_token")
    assert server.requests[-1].error == "invalid_token"


def test_it_may_own_what_lies_below(server):
    server.endpoints["things"] = Endpoint(URL, lambda request: Response(204), ("GET",), below=True)
    assert server.handle(Request("GET", f"{URL}/17?a=b")).status == 204
    assert server.handle(Request("GET", f"{URL}s")).status == 404


@pytest.mark.parametrize(
    "credentials",
    [
        {"method": "private_key_jwt"},
        {"method": "client_secret_basic"},
        {"method": "client_secret_jwt", "key": SigningKey.generate()},
        {"method": "none", "secret": "s"},
        {"method": "private_key_jwt", "key": SigningKey.generate(), "secret": "s"},
    ],
)
def test_a_client_is_registered_with_what_its_method_needs(server, credentials):
    with pytest.raises(ConfigurationError):
        server.register("app", **credentials)
