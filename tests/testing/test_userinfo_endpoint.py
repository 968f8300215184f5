"""The embedded server's UserInfo endpoint (OpenID Connect Core, section 5.3), and our requests to it."""

from __future__ import annotations

from typing import Any

import pytest

from oauthclient.engine.driver import Driver
from oauthclient.engine.transport import Transport
from oauthclient.errors import ErrorResponse, InvalidResponse
from oauthclient.flows.revoke import revoke_all
from oauthclient.flows.server import Server
from oauthclient.flows.userinfo import userinfo
from oauthclient.jose.proof import ath
from oauthclient.protocol.authentication import PublicClient
from oauthclient.protocol.binding import DPoP
from oauthclient.protocol.token import Token
from oauthclient.protocol.wire import Instant
from oauthclient.secret import Secret
from oauthclient.storage.memory import MemoryStore
from oauthclient.testing import Network, Request
from oauthclient.testing.misbehaviour import OMIT, members
from oauthclient.testing.records import header_of

USERINFO = "https://as.example.com/userinfo"


@pytest.fixture
def own_token(app, read):
    """A token for the server itself: a refresh without resource."""

    def get(scope="openid profile read count") -> str:
        document = app.log_in(scope=scope)
        return str(read(app.refresh(document["refresh_token"], resource=OMIT))["access_token"])

    return get


@pytest.fixture
def ask(world):
    def send(token, *, method="GET", scheme="DPoP", **claims):
        proof = world.proof(method, USERINFO, **({"ath": ath(token)} | claims))
        headers = (("Authorization", f"{scheme} {token}"), ("DPoP", proof))
        return world.server.handle(Request(method, USERINFO, headers))

    return send


def test_the_metadata_names_it(app):
    metadata = app.server.metadata_document()
    assert metadata["userinfo_endpoint"] == USERINFO
    assert "ES256" in metadata["userinfo_signing_alg_values_supported"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_tells_what_is_known_about_the_person(app, own_token, ask, read, method):
    app.server.userinfo.claims["alice"] = {"name": "Alice"}
    assert read(ask(own_token(), method=method)) == {"sub": "alice", "name": "Alice"}


def test_it_is_as_strict_as_an_api(app, world, own_token, ask, challenged):
    token = own_token()
    assert challenged(ask(token, ath="x")) == (401, "invalid_dpop_proof")
    assert challenged(ask(token, key=world.other_key)) == (401, "invalid_token")
    assert challenged(ask(token, scheme="Bearer")) == (401, "invalid_token")
    assert challenged(world.server.handle(Request("GET", USERINFO))) == (401, None)
    app.server.tokens.revoke(token)
    assert challenged(ask(token)) == (401, "invalid_token")


def test_a_token_for_an_api_is_none_for_it(app, ask, challenged):
    assert challenged(ask(app.log_in()["access_token"])) == (401, "invalid_token")


def test_it_wants_openid(app, own_token, ask, challenged):
    token = own_token()
    claims = dict(app.server.tokens.issued[-1].claims)
    assert ask(token).status == 200
    without = app.server.tokens.issue(claims | {"scope": "profile"}).access_token
    assert challenged(ask(without)) == (403, "insufficient_scope")


def test_it_signs_for_a_client_that_registered_for_it(app, own_token, ask):
    app.client.userinfo_signed_response_alg = "PS256"
    response = ask(own_token())
    assert response.header("Content-Type") == "application/jwt"
    assert header_of(response.body.decode())["alg"] == "PS256"


def test_its_nonces_are_apart_from_those_of_the_token_endpoint(app, own_token, ask, challenged):
    token = own_token()
    app.server.userinfo.nonces.mode = "required"
    response = ask(token)
    assert challenged(response) == (401, "use_dpop_nonce")
    assert response.header("DPoP-Nonce") == app.server.userinfo.nonces.current != app.server.nonces.current
    assert ask(token, nonce=response.header("DPoP-Nonce")).status == 200


class Program:
    """Ours: its stories told by the driver."""

    def __init__(self, app: Any, token: str) -> None:
        moment = Instant(app.world.clock(), 0.0)
        self.driver = Driver(Transport(transport=Network(app.server).transport()), MemoryStore())
        self.server = Server(
            app.server.issuer,
            client_id="app",
            authentication=PublicClient(),
            binding=DPoP(app.world.proof_key),
            told_by="resource",
            parameters={},
            loopback=False,
            metadata=None,
        )
        self.token = Token(
            Secret(token),
            scheme="DPoP",
            token_type="DPoP",
            scope="openid",
            lifetime=300,
            asked=moment,
            obtained=moment,
            jitter=0.5,
        )

    def userinfo(self, registered: str | None = None) -> Any:
        return self.driver.run(userinfo(self.server, self.token, subject="alice", registered=registered))


@pytest.fixture
def app_now(app, monkeypatch):
    """The app, with our own clocks set to the time of its world."""
    from oauthclient import time

    monkeypatch.setattr(time, "wall", app.world.clock)
    monkeypatch.setattr(time, "now", lambda: Instant(app.world.clock(), time.steady()))
    return app


@pytest.mark.parametrize("alg", [None, "ES256", "PS256"])
def test_ours_reads_it_signed_or_not(app_now, own_token, alg):
    app_now.server.userinfo.nonces.mode = "required"
    app_now.server.userinfo.claims["alice"] = {"email": "alice@example.com"}
    app_now.client.userinfo_signed_response_alg = alg
    assert Program(app_now, own_token()).userinfo(alg)["email"] == "alice@example.com"
    seen = [exchange.error for exchange in app_now.server.requests if exchange.endpoint == "userinfo"]
    assert seen == ["use_dpop_nonce", None]


def test_ours_notices_keys_that_rotated(app_now, own_token):
    app_now.client.userinfo_signed_response_alg = "ES256"
    program = Program(app_now, own_token())
    program.userinfo()
    app_now.server.rotate_keys()
    app_now.server.tokens.format = "reference"
    assert program.userinfo()["sub"] == "alice"


def test_ours_refuses_another_person(app_now, own_token):
    app_now.server.amend(members(sub="mallory"), endpoint="userinfo")
    with pytest.raises(InvalidResponse) as caught:
        Program(app_now, own_token()).userinfo()
    assert caught.value.code == "subject_mismatch"


def test_ours_revokes_and_hears_what_is_left(app_now, own_token):
    app_now.server.revocation.access_tokens = False
    program = Program(app_now, own_token())
    refresh_token = app_now.server.refresh_tokens.issued[-1].value
    left = program.driver.run(
        revoke_all(
            program.server,
            [(Secret(refresh_token), "refresh_token"), (Secret(program.token.access_token), "access_token")],
        )
    )
    assert [(one.token_type, one.code) for one in left] == [("access_token", "unsupported_token_type")]
    with pytest.raises(ErrorResponse) as caught:
        program.userinfo()
    assert caught.value.code == "invalid_token"
