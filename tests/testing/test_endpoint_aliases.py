"""The embedded server has aliases for those who present a certificate: RFC 8705, section 5."""

from __future__ import annotations

import json

import pytest

from oauthclient.testing import AuthorizationServer, Request
from oauthclient.testing import misbehaviour as wrong
from tests.testing.certificates import certificate

MTLS = "https://mtls.as.example.com"
METHODS = {"tls_client_auth", "self_signed_tls_client_auth"}
NAMES = {
    "token_endpoint": "/token",
    "pushed_authorization_request_endpoint": "/par",
    "device_authorization_endpoint": "/device_authorization",
    "revocation_endpoint": "/revoke",
    "userinfo_endpoint": "/userinfo",
    "registration_endpoint": "/register",
}


@pytest.fixture
def server(world):
    world.server.mtls_base = MTLS
    world.server.register("mesh", key=certificate(), tls_client_certificate_bound_access_tokens=True)
    return world.server


@pytest.fixture
def ask(world):
    def post(url, **form):
        return world.post(world.unauthenticated(client_id="mesh", **form), url=url, certificate=certificate())

    return post


def test_nothing_is_said_of_certificates_unless_the_server_asks_for_them(world):
    said = json.dumps(world.server.metadata_document())
    assert "tls_client" not in said
    assert "mtls" not in said


def test_a_server_that_asks_for_them_everywhere_has_no_aliases(world):
    world.server.mtls = True
    metadata = world.server.metadata_document()
    assert set(metadata["token_endpoint_auth_methods_supported"]) > METHODS
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    assert "mtls_endpoint_aliases" not in metadata


def test_the_endpoints_that_clients_call_directly_have_aliases(server):
    metadata = server.metadata_document()
    assert metadata["mtls_endpoint_aliases"] == {name: MTLS + path for name, path in NAMES.items()}
    assert all(metadata[name] == server.issuer + path for name, path in NAMES.items())
    assert set(metadata["token_endpoint_auth_methods_supported"]) > METHODS
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    server.registration.offered = False
    assert "registration_endpoint" not in server.metadata_document()["mtls_endpoint_aliases"]


def test_only_the_aliases_see_a_certificate(server, ask, read):
    assert ask(f"{MTLS}/token").status == 200
    assert server.tokens.issued[0].x5t_s256 == certificate().x5t_s256
    refused = ask(server.token_endpoint)
    assert (refused.status, read(refused)["error"]) == (401, "invalid_client")
    server.mtls = True
    assert ask(server.token_endpoint).status == 401
    assert [(seen.endpoint, seen.x5t_s256) for seen in server.requests] == [
        ("token", certificate().x5t_s256),
        ("token", None),
        ("token", None),
    ]


@pytest.mark.parametrize("path", [path for path in NAMES.values() if path != "/userinfo"])
def test_each_alias_is_that_endpoint(server, ask, path):
    assert ask(MTLS + path).status != 404
    names = {endpoint.url: name for name, endpoint in server.endpoints.items()}
    assert server.requests[0].endpoint == names[server.issuer + path]


def test_userinfo_has_an_alias_that_sees_the_certificate(server, world):
    world.server.targets.scopes[server.targets.own] = frozenset()
    claims = {"sub": "bob", "client_id": "mesh", "aud": server.targets.own, "scope": "openid"}
    now = int(world.clock())
    bound = {**claims, "iat": now, "exp": now + 60, "cnf": {"x5t#S256": certificate().x5t_s256}}
    fields = (("Authorization", f"Bearer {server.tokens.issue(bound).access_token}"),)
    for base, status in ((MTLS, 200), (server.issuer, 401)):
        answer = server.handle(Request("GET", f"{base}/userinfo", fields, client_certificate=certificate().der))
        assert answer.status == status


@pytest.mark.parametrize("path", ["/authorize", "/jwks", "/device", "/elsewhere", ""])
def test_what_the_browser_and_everyone_opens_is_not_there(server, path):
    assert server.handle(Request("GET", MTLS + path)).status == 404
    assert server.claim(MTLS + path) == len(MTLS)
    assert server.claim(f"{MTLS}.evil.example/token") == 0


def test_a_proof_names_the_alias_that_was_called(server, world, ask, read):
    url = f"{MTLS}/token"
    form = world.unauthenticated(client_id="mesh")
    right, root = world.proof("POST", url), world.token_proof()
    assert read(world.post(form, ("DPoP", right), url=url, certificate=certificate()))["token_type"] == "DPoP"
    refused = world.post(form, ("DPoP", root), url=url, certificate=certificate())
    assert read(refused)["error"] == "invalid_dpop_proof"


def test_aliases_may_share_the_origin_and_the_path_of_the_issuer(world, ask):
    server = world.server
    server.register("mesh", key=certificate())
    for base in ("https://as.example.com/mtls", "https://as.example.com/mtls/"):
        server.mtls_base = base
        assert server.metadata_document()["mtls_endpoint_aliases"]["token_endpoint"].endswith(".com/mtls/token")
        assert ask("https://as.example.com/mtls/token").status == 200
        assert ask("https://as.example.com/token").status == 401


def test_an_issuer_below_its_aliases_keeps_its_own_endpoints(world):
    server = AuthorizationServer("https://as.example.com/tenant")
    server.mtls_base = "https://as.example.com"
    aliases = server.metadata_document()["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == "https://as.example.com/token"
    for url in (aliases["token_endpoint"], server.token_endpoint):
        assert server.endpoint(Request("POST", url)) == "token"


def edited(server, edit):
    server.amend(edit, endpoint="metadata")
    answer = server.handle(Request("GET", f"{server.issuer}/.well-known/oauth-authorization-server"))
    return json.loads(answer.body)["mtls_endpoint_aliases"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token_endpoint", "http://mtls.as.example.com/token"),
        ("token_endpoint", 42),
        ("unheard_of_endpoint", "https://a"),
    ],
)
def test_an_alias_may_be_wrong(server, name, value):
    right = server.metadata_document()["mtls_endpoint_aliases"]
    assert edited(server, wrong.aliases(**{name: value})) == {**right, name: value}


def test_an_alias_may_be_missing(server):
    assert set(edited(server, wrong.aliases(token_endpoint=wrong.OMIT))) == set(NAMES) - {"token_endpoint"}


def test_a_server_without_aliases_may_list_one(world):
    assert edited(world.server, wrong.aliases(token_endpoint=42)) == {"token_endpoint": 42}


def test_a_request_says_nothing_of_the_certificate_in_its_repr():
    assert repr(Request("GET", "https://a.example", client_certificate=b"der")) == "Request('GET', 'https://a.example')"
