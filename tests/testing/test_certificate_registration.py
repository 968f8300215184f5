"""Clients register certificates, and what those must say: RFC 8705, sections 2.1.2, 2.2.2 and 3.4."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oauthclient.jose.keys import SigningKey
from oauthclient.testing import AuthorizationServer, ProtectedAPI, Request, Response
from tests.testing.certificates import certificate

MTLS = "https://mtls.as.example.com"
ASKED: dict[str, Any] = {
    "grant_types": ["client_credentials"],
    "response_types": [],
    "tls_client_certificate_bound_access_tokens": True,
}
BY_SUBJECT = {**ASKED, "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "svc.example.com"}
SELF_SIGNED = {
    **ASKED,
    "token_endpoint_auth_method": "self_signed_tls_client_auth",
    "jwks": {"keys": [certificate().jwk]},
}


@pytest.fixture
def server() -> AuthorizationServer:
    server = AuthorizationServer()
    server.mtls_base = MTLS
    server.targets.default = ProtectedAPI(server).identifier
    return server


def register(server: AuthorizationServer, asked: object, base: str = MTLS) -> Response:
    body = json.dumps(asked).encode()
    return server.handle(Request("POST", f"{base}/register", (("Content-Type", "application/json"),), body))


def manage(server: AuthorizationServer, method: str, known: dict[str, Any], body: object = None) -> Response:
    headers = (
        ("Authorization", f"Bearer {known['registration_access_token']}"),
        ("Content-Type", "application/json"),
    )
    return server.handle(Request(method, known["registration_client_uri"], headers, json.dumps(body).encode()))


def token(server: AuthorizationServer, client_id: str, which: str = "mine") -> int:
    body = f"grant_type=client_credentials&client_id={client_id}".encode()
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    return server.handle(Request("POST", f"{MTLS}/token", form, body, certificate(which).der)).status


@pytest.mark.parametrize("asked", [BY_SUBJECT, SELF_SIGNED], ids=["subject", "self-signed"])
def test_a_client_registers_what_its_certificate_says_or_is(server, read, asked):
    answer = register(server, asked)
    known = read(answer)
    assert answer.status == 201
    assert known.items() >= asked.items()
    assert server.clients[known["client_id"]].tls_client_certificate_bound_access_tokens
    assert token(server, known["client_id"]) == 200
    assert server.tokens.issued[0].x5t_s256 == certificate().x5t_s256


def test_a_self_signed_certificate_is_replaced_by_an_update(server, read):
    known = read(register(server, SELF_SIGNED))
    client_id = known["client_id"]
    both = {"keys": [certificate().jwk, certificate("next").jwk]}
    known = read(manage(server, "PUT", known, {**SELF_SIGNED, "client_id": client_id, "jwks": both}))
    assert token(server, client_id) == token(server, client_id, "next") == 200
    alone = {"keys": [certificate("next").jwk]}
    assert manage(server, "PUT", known, {**SELF_SIGNED, "client_id": client_id, "jwks": alone}).status == 200
    assert (token(server, client_id), token(server, client_id, "next")) == (401, 200)


@pytest.mark.parametrize("base", [MTLS, "https://as.example.com"])
def test_a_client_manages_itself_where_it_registered(server, read, base):
    known = read(register(server, BY_SUBJECT, base))
    assert known["registration_client_uri"] == f"{base}/register/{known['client_id']}"
    assert read(manage(server, "GET", known))["registration_client_uri"] == known["registration_client_uri"]
    assert manage(server, "DELETE", known).status == 204
    assert server.clients == {}


@pytest.mark.parametrize(
    ("asked", "change"),
    [
        (BY_SUBJECT, {"tls_client_auth_san_dns": None}),
        (BY_SUBJECT, {"tls_client_auth_san_dns": ""}),
        (BY_SUBJECT, {"tls_client_auth_san_dns": ["svc.example.com"]}),
        (BY_SUBJECT, {"tls_client_auth_subject_dn": "CN=svc"}),
        (BY_SUBJECT, {"tls_client_auth_san_dns": None, "tls_client_auth_san_ip": "svc.example.com"}),
        (BY_SUBJECT, {"tls_client_certificate_bound_access_tokens": "true"}),
        (SELF_SIGNED, {"jwks": None}),
        (SELF_SIGNED, {"jwks": None, "jwks_uri": "https://svc.example.com/jwks"}),
        (SELF_SIGNED, {"jwks": {"keys": []}}),
        (SELF_SIGNED, {"jwks": {"keys": [certificate().public_jwk]}}),
        (SELF_SIGNED, {"jwks": {"keys": [{**certificate().jwk, "x5c": ["AAAA"]}]}}),
        (SELF_SIGNED, {"jwks": {"keys": [{**certificate().jwk, "x5c": certificate().x5c[0]}]}}),
        (SELF_SIGNED, {"jwks": {"keys": [{**SigningKey.generate().public_jwk, "x5c": list(certificate().x5c)}]}}),
        (SELF_SIGNED, {"jwks": {"keys": [{"x5c": list(certificate().x5c)}]}}),
    ],
)
def test_what_is_not_as_it_should_be_is_refused(server, read, asked, change):
    answer = register(server, {**asked, **change})
    assert (answer.status, read(answer)["error"]) == (400, "invalid_client_metadata")
    assert server.clients == {}


@pytest.mark.parametrize("asked", [BY_SUBJECT, SELF_SIGNED], ids=["subject", "self-signed"])
def test_a_server_that_asks_for_no_certificates_registers_none(read, asked):
    answer = register(AuthorizationServer(), asked, "https://as.example.com")
    assert (answer.status, read(answer)["error"]) == (400, "invalid_client_metadata")
