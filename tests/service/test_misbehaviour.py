"""Every misbehaviour of the authorization server is an error of ours, with a code, and nothing of httpx's."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from oauthclient import (
    AuthorizationServerError,
    DiscoveryFailed,
    DowngradeRefused,
    ErrorResponse,
    InvalidResponse,
    OAuthError,
    Unreachable,
)
from oauthclient.testing import NO_ANSWER, Response
from oauthclient.testing import misbehaviour as wrong
from tests.doors import Door
from tests.world import ORDERS, STOCK, World

Answer = Response | Callable[[Response], Response]

# What the token endpoint does, the class and the code of the error, and whether the user can do something about it.
TOKEN_ENDPOINT: dict[str, tuple[Answer, type[OAuthError], str, bool]] = {
    "refuses the client": (wrong.oauth_error("invalid_client", status=401), ErrorResponse, "invalid_client", True),
    "refuses the grant": (wrong.oauth_error("invalid_grant"), ErrorResponse, "invalid_grant", True),
    "refuses the scope": (wrong.oauth_error("invalid_scope"), ErrorResponse, "invalid_scope", True),
    "refuses the target": (wrong.oauth_error("invalid_target"), ErrorResponse, "invalid_target", True),
    "refuses the grant type": (
        wrong.oauth_error("unsupported_grant_type"),
        ErrorResponse,
        "unsupported_grant_type",
        True,
    ),
    "refuses the proof": (wrong.oauth_error("invalid_dpop_proof"), ErrorResponse, "invalid_dpop_proof", True),
    "always wants another nonce": (wrong.oauth_error("use_dpop_nonce"), ErrorResponse, "use_dpop_nonce", True),
    "has an error of its own": (wrong.oauth_error("x_maintenance", status=503), ErrorResponse, "x_maintenance", False),
    "tells an error with 200": (wrong.oauth_error("invalid_client", status=200), ErrorResponse, "invalid_client", True),
    "has too much to do": (wrong.too_many_requests(7), InvalidResponse, "unexpected_status", False),
    "breaks down in HTML": (wrong.html(500), InvalidResponse, "unexpected_status", False),
    "answers in HTML": (wrong.html(200), InvalidResponse, "not_json", False),
    "refuses in HTML": (wrong.html(403), InvalidResponse, "not_json", False),
    "has moved": (wrong.redirect("https://elsewhere.example/token", 307), InvalidResponse, "redirected", True),
    "has moved to GET": (wrong.redirect("https://elsewhere.example/token", 303), InvalidResponse, "redirected", True),
    "answers nothing": (wrong.raw(b""), InvalidResponse, "not_json", False),
    "answers 204": (Response(204), InvalidResponse, "unexpected_status", False),
    "answers 201": (wrong.raw(b"{}", status=201), InvalidResponse, "unexpected_status", False),
    "answers Latin-1": (wrong.not_utf8(), InvalidResponse, "not_utf8", False),
    "answers a list": (wrong.raw(b"[]"), InvalidResponse, "not_an_object", False),
    "answers null": (wrong.raw(b"null"), InvalidResponse, "not_an_object", False),
    "answers NaN": (wrong.raw(b'{"a": NaN}'), InvalidResponse, "not_json", False),
    "names members twice": (wrong.duplicate_members(), InvalidResponse, "duplicate_member", False),
    "answers too deep": (wrong.deep(), InvalidResponse, "too_deep", False),
    "answers too much": (wrong.huge(), InvalidResponse, "too_large", False),
    "never stops": (wrong.endless(), InvalidResponse, "too_large", False),
    "drips": (wrong.dripping(0.05), Unreachable, "timeout", False),
    "hangs": (Response(200, delay=5), Unreachable, "timeout", False),
    "breaks the connection": (NO_ANSWER, Unreachable, "connection_failed", False),
    "compresses unasked": (
        Response(200, (("Content-Encoding", "gzip"),), b"\x1f\x8b"),
        InvalidResponse,
        "unasked_encoding",
        False,
    ),
    "breaks off": (wrong.cut(10), Unreachable, "connection_failed", False),
    "forgets the token": (wrong.members(access_token=wrong.OMIT), InvalidResponse, "missing_member", False),
    "forgets the type": (wrong.members(token_type=wrong.OMIT), InvalidResponse, "missing_member", False),
    "issues no text": (wrong.members(access_token=17), InvalidResponse, "wrong_type", False),
    "issues an empty token": (wrong.members(access_token=""), InvalidResponse, "malformed_token", False),
    "injects a header": (wrong.members(access_token="a\r\nX: y"), InvalidResponse, "malformed_token", False),
    "issues beyond ASCII": (wrong.members(access_token="tökén"), InvalidResponse, "malformed_token", False),
    "issues an unbound token": (wrong.members(token_type="Bearer"), DowngradeRefused, "downgrade_refused", True),
    "grants a scope that is none": (wrong.members(scope=["orders.read"]), InvalidResponse, "wrong_type", False),
    "expires at a date": (wrong.members(expires_in="tomorrow"), InvalidResponse, "wrong_type", False),
}

# What the metadata is, and the class and the code of the error.
METADATA: dict[str, tuple[Answer, type[OAuthError], str]] = {
    "not JSON": (wrong.html(200), DiscoveryFailed, "discovery_failed"),
    "not UTF-8": (wrong.not_utf8(), DiscoveryFailed, "discovery_failed"),
    "a list": (wrong.raw(b"[]"), DiscoveryFailed, "discovery_failed"),
    "too deep": (wrong.deep(), DiscoveryFailed, "discovery_failed"),
    "an error": (wrong.oauth_error("nope", status=200), DiscoveryFailed, "discovery_failed"),
    "forbidden": (wrong.html(403), DiscoveryFailed, "discovery_failed"),
    "elsewhere": (wrong.redirect("https://elsewhere.example"), DiscoveryFailed, "discovery_failed"),
    "of another issuer": (wrong.members(issuer="https://evil.example"), DiscoveryFailed, "discovery_failed"),
    "of no issuer": (wrong.members(issuer=wrong.OMIT), DiscoveryFailed, "discovery_failed"),
    "without a token endpoint": (wrong.members(token_endpoint=wrong.OMIT), DiscoveryFailed, "discovery_failed"),
    "with an http endpoint": (
        wrong.members(token_endpoint="http://as.example.com/token"),
        DiscoveryFailed,
        "discovery_failed",
    ),
    "with a number for a list": (
        wrong.members(dpop_signing_alg_values_supported=5),
        DiscoveryFailed,
        "discovery_failed",
    ),
    "too long": (wrong.endless(), DiscoveryFailed, "discovery_failed"),
    "broken": (wrong.html(500), Unreachable, "server_trouble"),
    "late": (Response(200, delay=5), Unreachable, "timeout"),
    "not there": (NO_ANSWER, Unreachable, "connection_failed"),
}


def misbehave(world: World, answer: Answer, endpoint: str) -> None:
    lay = world.server.instead if isinstance(answer, Response) else world.server.amend
    lay(answer, endpoint=endpoint, times=None)


def caught(world: World, kind: str = "httpx") -> OAuthError:
    api = Door(kind).client(world.auth(timeout=0.2), world.network)
    with pytest.raises(OAuthError) as failure:
        api.get(ORDERS)
    assert not world.orders.requests
    assert not world.elsewhere.requests
    return failure.value


@pytest.mark.parametrize("what", list(TOKEN_ENDPOINT))
def test_a_token_endpoint_that_misbehaves_is_an_error_of_ours(world: World, what: str) -> None:
    answer, kind, code, hinted = TOKEN_ENDPOINT[what]
    misbehave(world, answer, "token")
    error = caught(world)
    assert (type(error), error.code) == (kind, code)
    assert bool(error.hint) is hinted
    assert isinstance(error, AuthorizationServerError)
    assert "as.example.com" in str(error)
    assert len(str(error)) < 1000
    assert str(error).isprintable()
    assert error.__cause__ is error.__context__ is None


@pytest.mark.parametrize("what", list(METADATA))
def test_metadata_that_is_none_is_an_error_of_ours(world: World, what: str) -> None:
    answer, kind, code = METADATA[what]
    misbehave(world, answer, "metadata")
    error = caught(world)
    assert (type(error), error.code) == (kind, code)
    assert "as.example.com" in str(error)
    assert not world.token_requests


@pytest.mark.parametrize("what", ["refuses the client", "hangs", "breaks the connection", "answers too deep"])
def test_it_is_the_same_error_through_every_kind_of_client(world: World, door: Door, what: str) -> None:
    answer, kind, code, _ = TOKEN_ENDPOINT[what]
    misbehave(world, answer, "token")
    api = door.client(world.auth(timeout=0.2), world.network)
    with pytest.raises(kind) as failure:
        api.get(ORDERS)
    assert failure.value.code == code


def test_a_server_that_is_not_there_is_unreachable(world: World) -> None:
    world.network.hosts.remove(world.server)
    error = caught(world)
    assert isinstance(error, Unreachable)
    assert error.code == "connection_failed"


@pytest.mark.parametrize("transport", ["transport", "transport2"])
def test_both_families_carry_requests_to_the_server(world: World, transport: str) -> None:
    auth = world.auth(transport=getattr(world.network, transport)())
    assert auth.token(ORDERS)
    world.server.instead(NO_ANSWER)
    with pytest.raises(Unreachable):
        auth.token(STOCK)


def test_what_the_server_says_is_cut_and_made_printable(world: World) -> None:
    misbehave(world, wrong.oauth_error("evil\x1b[31m", description="\x07" + "x" * 5000), "token")
    error = caught(world)
    assert isinstance(error, ErrorResponse)
    assert str(error).isprintable()
    assert len(error.description) <= 300
    assert "x" * 50 in error.description


def test_how_long_to_wait_is_told(world: World) -> None:
    misbehave(world, wrong.too_many_requests(7), "token")
    error = caught(world)
    assert isinstance(error, AuthorizationServerError)
    assert error.retry_after == 7


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_can_be_copied_and_pickled(world: World, make: Any) -> None:
    misbehave(world, wrong.oauth_error("invalid_client", status=401, description="no"), "token")
    error = caught(world)
    twin = make(error)
    assert (type(twin), str(twin), twin.__dict__) == (type(error), str(error), error.__dict__)
