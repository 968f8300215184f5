"""The embedded server registers clients and lets them manage themselves, strictly: RFC 7591; RFC 7592."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from oauthclient.jose.keys import SigningKey
from oauthclient.testing import AuthorizationServer, Request, Response

ENDPOINT = "https://as.example.com/register"
KEY = SigningKey.generate("ES256", kid="k")
ASKED: dict[str, Any] = {
    "application_type": "native",
    "redirect_uris": ["http://127.0.0.1/cb"],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": {"keys": [KEY.public_jwk]},
    "client_name": "App",
    "client_name#fr": "Appli",
    "dpop_bound_access_tokens": True,
}
STATEMENT = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
    for part in ({"alg": "ES256"}, {"iss": "https://vendor.example", "client_name": "Vendor's"}, "signature")
)


@pytest.fixture
def server() -> AuthorizationServer:
    return AuthorizationServer()


def send(
    server: AuthorizationServer, method: str = "POST", url: str = ENDPOINT, body: Any = None, token: str | None = None
) -> Response:
    headers = [] if body is None else [("Content-Type", "application/json")]
    if token is not None:
        headers.append(("Authorization", f"Bearer {token}"))
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return server.handle(Request(method, url, tuple(headers), content))


def told(response: Response) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    document: dict[str, Any] = json.loads(response.body)
    return document


def error(response: Response) -> tuple[int, str]:
    return response.status, told(response)["error"]


def manage(server: AuthorizationServer, method: str, known: dict[str, Any], body: Any = None) -> Response:
    return send(server, method, known["registration_client_uri"], body, known["registration_access_token"])


def updated(known: dict[str, Any], **changes: Any) -> dict[str, Any]:
    issued = {
        "client_id_issued_at",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri",
    }
    return {name: value for name, value in {**known, **changes}.items() if name not in issued}


def test_a_client_is_registered_as_it_asked(server: AuthorizationServer) -> None:
    answer = send(server, body={**ASKED, "unheard_of": 1})
    assert answer.status == 201
    assert answer.header("Cache-Control") == "no-store"
    known = told(answer)
    assert known.items() >= {**ASKED, "response_types": ["code"]}.items()
    assert "unheard_of" not in known
    client = server.clients[known["client_id"]]
    assert (client.method, client.redirect_uris) == ("private_key_jwt", ("http://127.0.0.1/cb",))
    assert client.dpop_bound_access_tokens
    assert client.grant_types == {"authorization_code", "refresh_token"}
    assert len(client.keys) == 1


def test_the_endpoint_stands_in_the_metadata_where_it_is_offered(server: AuthorizationServer) -> None:
    assert server.metadata_document()["registration_endpoint"] == ENDPOINT
    server.registration.offered = False
    assert "registration_endpoint" not in server.metadata_document()


def test_a_secret_is_issued_to_who_authenticates_with_one(server: AuthorizationServer) -> None:
    server.registration.secret_lifetime = 60
    known = told(send(server, body={"redirect_uris": ["https://app.example/cb"]}))
    assert known["token_endpoint_auth_method"] == "client_secret_basic"
    assert known["client_secret_expires_at"] == known["client_id_issued_at"] + 60
    assert manage(server, "PUT", known, updated(known, client_secret="mine")).status == 400
    assert told(manage(server, "PUT", known, updated(known)))["client_secret"] == known["client_secret"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://app.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["myapp:/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://127.0.0.1/cb"], "application_type": "web"}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://app.example/cb"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "magic"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_signing_alg": "none"}, "invalid_client_metadata"),
        ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"jwks": None}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [KEY.public_jwk | {"d": "AA"}]}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [{"kty": "EC"}]}}, "invalid_client_metadata"),
        ({"jwks_uri": "https://app.example/jwks"}, "invalid_client_metadata"),
        ({"dpop_bound_access_tokens": "yes"}, "invalid_client_metadata"),
        ({"client_name": 5}, "invalid_client_metadata"),
        ({"software_statement": "x"}, "invalid_software_statement"),
        ({"software_statement": STATEMENT}, "unapproved_software_statement"),
    ],
)
def test_what_is_not_as_it_should_be_is_refused(
    server: AuthorizationServer, change: dict[str, Any], expected: str
) -> None:
    assert error(send(server, body={**ASKED, **change})) == (400, expected)
    assert server.clients == {}


def test_a_signed_request_needs_a_key(server: AuthorizationServer) -> None:
    asked = {"redirect_uris": ["https://app.example/cb"], "require_signed_request_object": True}
    assert error(send(server, body=asked)) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("uri", ["com.example.app:/cb", "https://app.example/cb", "http://[::1]/cb"])
def test_native_apps_have_redirect_uris_of_their_own(server: AuthorizationServer, uri: str) -> None:
    assert send(server, body={**ASKED, "redirect_uris": [uri]}).status == 201


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":1,"a":2}'])
def test_what_is_no_json_object_is_refused(server: AuthorizationServer, body: bytes) -> None:
    assert error(send(server, body=body)) == (400, "invalid_client_metadata")


def test_a_form_is_refused(server: AuthorizationServer) -> None:
    headers = (("Content-Type", "application/x-www-form-urlencoded"),)
    assert error(server.handle(Request("POST", ENDPOINT, headers, b"a=b"))) == (400, "invalid_client_metadata")


def test_a_trusted_software_statement_comes_first(server: AuthorizationServer) -> None:
    server.registration.software_statements = {STATEMENT}
    known = told(send(server, body={**ASKED, "software_statement": STATEMENT}))
    assert (known["client_name"], known["software_statement"]) == ("Vendor's", STATEMENT)


def test_an_initial_access_token_can_be_demanded_and_be_for_one_use(server: AuthorizationServer) -> None:
    server.registration.initial_access_tokens = {"let-me-in"}
    server.registration.single_use = True
    for token in (None, "wrong"):
        refusal = send(server, body=ASKED, token=token)
        assert error(refusal) == (401, "invalid_token")
        assert (refusal.header("WWW-Authenticate") or "").startswith("Bearer")
    assert send(server, body=ASKED, token="let-me-in").status == 201
    assert send(server, body=ASKED, token="let-me-in").status == 401


@pytest.mark.parametrize(
    ("rotation", "read", "update"),
    [("never", False, False), ("on update", False, True), ("single use", True, True)],
)
def test_registration_access_tokens_rotate_as_set(
    server: AuthorizationServer, rotation: Any, read: Any, update: Any
) -> None:
    server.registration.rotation = rotation
    first = told(send(server, body=ASKED))
    second = told(manage(server, "GET", first))
    assert (second["registration_access_token"] != first["registration_access_token"]) == read
    third = told(manage(server, "PUT", second, updated(second, client_name="Other")))
    assert third["client_name"] == "Other"
    assert (third["registration_access_token"] != second["registration_access_token"]) == update
    assert (manage(server, "GET", second).status == 401) == update
    assert manage(server, "DELETE", third).status == 204
    assert server.clients == {}
    assert error(manage(server, "GET", third)) == (401, "invalid_token")


def test_a_token_for_one_use_is_used_up_by_a_refusal(server: AuthorizationServer) -> None:
    server.registration.rotation = "single use"
    known = told(send(server, body=ASKED))
    assert manage(server, "PUT", known, {}).status == 400
    assert manage(server, "GET", known).status == 401


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "another"},
        {"client_id": None},
        {"client_secret": "none was issued"},
        {"client_id_issued_at": 1},
        {"client_secret_expires_at": 0},
        {"registration_access_token": "x"},
        {"registration_client_uri": "x"},
    ],
)
def test_an_update_holds_nothing_that_is_forbidden(server: AuthorizationServer, change: dict[str, Any]) -> None:
    known = told(send(server, body=ASKED))
    assert error(manage(server, "PUT", known, {**updated(known), **change})) == (400, "invalid_client_metadata")


def test_an_update_replaces_all_of_the_metadata(server: AuthorizationServer) -> None:
    known = told(send(server, body=ASKED))
    changed = updated(known)
    del changed["client_name"]
    del changed["dpop_bound_access_tokens"]
    assert "client_name" not in told(manage(server, "PUT", known, changed))
    assert not server.clients[known["client_id"]].dpop_bound_access_tokens


def test_a_client_manages_nobody_but_itself(server: AuthorizationServer) -> None:
    one, other = (told(send(server, body=ASKED)) for _ in range(2))
    stranger = send(server, "GET", other["registration_client_uri"], token=one["registration_access_token"])
    assert stranger.status == 401
    assert send(server, "GET", other["registration_client_uri"]).status == 401


def test_management_can_be_withheld(server: AuthorizationServer) -> None:
    server.registration.methods = {"GET"}
    known = told(send(server, body=ASKED))
    answer = manage(server, "DELETE", known)
    assert (answer.status, answer.header("Allow")) == (405, "GET")
    assert send(server, "GET").status == 405
