"""OpenID Connect Core, section 5.3: UserInfo is asked for as any API is, by the client itself."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from oauthclient.errors import ErrorResponse, InvalidJWT, InvalidResponse, NotOffered, Unreachable
from oauthclient.flows.userinfo import userinfo
from oauthclient.jose.jwt import issue
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.kinds import USERINFO
from oauthclient.jose.proof import ath
from oauthclient.protocol.binding import Bearer, Binding, DPoP
from oauthclient.protocol.token import read_token_response
from tests.flows.telling import (
    ISSUER,
    World,
    by_hand,
    error_answer,
    make_server,
    metadata_answer,
    proof,
    respond,
    token_answer,
)

ENDPOINT = f"{ISSUER}/userinfo"
KEYS = f"{ISSUER}/jwks"
MEMBERS = {"userinfo_endpoint": ENDPOINT, "jwks_uri": KEYS, "userinfo_signing_alg_values_supported": ["ES256"]}
SIGNING = SigningKey.generate("ES256", kid="1")
ALICE = {"sub": "alice", "name": "Alice"}


def server(members: Any = None, **settings: Any) -> Any:
    return make_server(**({"metadata": by_hand(**(MEMBERS | (members or {})))} | settings))


def told(world: World, at: Any = None, *, binding: Binding | None = None, registered: str | None = None) -> Any:
    binding = binding or DPoP()
    token = read_token_response(
        token_answer(token_type=binding.token_type), binding=binding, asked="openid", what="the answer", jitter=0.5
    )
    return world.tell(userinfo(at or server(), token, subject="alice", registered=registered))


def challenge(error: str, status: int = 401, **headers: str) -> Any:
    return respond(status, b"", www_authenticate=f'DPoP error="{error}", algs="ES256"', **headers)


def jwt_answer(world: World, key: SigningKey = SIGNING, **changes: Any) -> Any:
    claims = {"iss": ISSUER, "aud": "svc", "iat": int(world.wall), **ALICE} | changes
    return respond(200, issue(USERINFO, key, claims).encode(), content_type="application/jwt")


def jwks(*keys: SigningKey) -> Any:
    return respond(200, {"keys": [{**key.public_jwk, "kid": key.kid} for key in keys]})


def test_it_is_asked_for_with_the_token_and_a_proof_that_names_it() -> None:
    world = World(respond(200, ALICE))
    assert told(world) == ALICE
    (request,) = world.sent
    assert (request.method, request.url) == ("GET", ENDPOINT)
    assert request.headers["Authorization"] == "DPoP t0k3n"
    assert proof(request) == {
        "htm": "GET",
        "htu": ENDPOINT,
        "iat": int(world.wall) - 1,
        "jti": "id-1",
        "ath": ath("t0k3n"),
    }


def test_the_client_does_not_authenticate_there() -> None:
    world = World(respond(200, ALICE))
    told(world)
    assert world.sent[0].body == b""


def test_a_bearer_token_is_presented_without_proof() -> None:
    world = World(respond(200, ALICE))
    told(world, server(binding=Bearer()), binding=Bearer())
    assert world.sent[0].headers["Authorization"] == "Bearer t0k3n"
    assert "DPoP" not in world.sent[0].headers


@pytest.mark.parametrize(
    "answer", [challenge("use_dpop_nonce", dpop_nonce="n1"), error_answer("use_dpop_nonce", dpop_nonce="n1")]
)
def test_a_nonce_costs_one_repeat(answer: Any) -> None:
    world = World(answer, respond(200, ALICE))
    assert told(world) == ALICE
    first, second = map(proof, world.sent)
    assert "nonce" not in first
    assert second["nonce"] == "n1"
    assert first["jti"] != second["jti"]


def test_the_nonces_are_those_of_requests_with_a_token() -> None:
    """Kept by (origin, role)."""
    at = server()
    at.nonces.keep(ISSUER, "of-the-token-endpoint", with_token=False)
    world = World(respond(200, ALICE, dpop_nonce="n2"))
    told(world, at)
    assert "nonce" not in proof(world.sent[0])
    assert at.nonces.newest(ISSUER, with_token=True) == "n2"
    assert at.nonces.newest(ISSUER, with_token=False) == "of-the-token-endpoint"


@pytest.mark.parametrize(
    "second", [challenge("use_dpop_nonce", dpop_nonce="n2"), challenge("use_dpop_nonce", dpop_nonce="n1")]
)
def test_a_server_that_is_never_satisfied_is_asked_twice(second: Any) -> None:
    world = World(challenge("use_dpop_nonce", dpop_nonce="n1"), second)
    with pytest.raises(ErrorResponse) as caught:
        told(world)
    assert caught.value.code == "use_dpop_nonce"
    assert len(world.sent) == 2


def test_a_clock_just_learned_costs_one_repeat() -> None:
    world = World()
    date = formatdate(world.wall + 3600, usegmt=True)
    world.answers = [challenge("invalid_dpop_proof", date=date), respond(200, ALICE)]
    told(world)
    assert proof(world.sent[1])["iat"] - proof(world.sent[0])["iat"] == 3600


@pytest.mark.parametrize("code", ["invalid_token", "insufficient_scope", "invalid_dpop_proof"])
def test_another_refusal_is_told(code: str) -> None:
    world = World(challenge(code))
    with pytest.raises(ErrorResponse) as caught:
        told(world)
    assert (caught.value.code, caught.value.status) == (code, 401)


def test_the_gateways_map_is_used() -> None:
    from oauthclient.protocol.binding import DPoP

    world = World(respond(200, ALICE))
    told(world, server(binding=DPoP(htu={ISSUER: "https://inner"})))
    assert proof(world.sent[0])["htu"] == "https://inner/userinfo"


def test_a_server_without_it_is_asked_nothing() -> None:
    with pytest.raises(NotOffered) as caught:
        told(World(), server({"userinfo_endpoint": None}))
    assert caught.value.code == "userinfo_not_offered"


def test_an_endpoint_that_has_moved_is_looked_for_again() -> None:
    moved = f"{ISSUER}/me"
    world = World(
        metadata_answer(**MEMBERS), respond(404, b""), metadata_answer(**MEMBERS | {"userinfo_endpoint": moved})
    )
    world.answers.append(respond(200, ALICE))
    assert told(world, make_server()) == ALICE
    assert world.sent[-1].url == moved


def test_claims_about_another_person_are_refused() -> None:
    for world in (World(respond(200, {"sub": "bob"})), World()):
        world.answers = world.answers or [jwt_answer(world, sub="bob"), jwks(SIGNING)]
        with pytest.raises(InvalidResponse) as caught:
            told(world)
        assert caught.value.code == "subject_mismatch"


def test_a_signed_answer_is_verified_with_the_servers_keys() -> None:
    world = World()
    world.answers = [jwt_answer(world), jwks(SIGNING)]
    assert told(world, registered="ES256")["name"] == "Alice"
    assert world.sent[0].headers["Accept"] == "application/jwt"
    assert world.sent[1].url == KEYS


def test_keys_that_rotated_are_read_again() -> None:
    world, at, newer = World(), server(), SigningKey.generate("ES256", kid="2")
    world.answers = [jwt_answer(world), jwks(SIGNING), jwt_answer(world, newer), jwks(SIGNING, newer)]
    told(world, at)
    assert told(world, at)["name"] == "Alice"
    assert len(world.sent) == 4


def test_a_signature_was_registered_for_so_that_nothing_else_will_do() -> None:
    with pytest.raises(InvalidResponse) as caught:
        told(World(respond(200, ALICE, content_type="application/json")), registered="ES256")
    assert caught.value.code == "not_signed"


@pytest.mark.parametrize(
    ("listed", "registered"), [(["PS256"], None), (None, None), (["ES256"], "PS256"), (["ES256"], "HS256")]
)
def test_an_algorithm_that_was_not_agreed_on_is_refused(listed: Any, registered: str | None) -> None:
    world = World()
    world.answers = [jwt_answer(world), jwks(SIGNING)]
    with pytest.raises(InvalidJWT) as caught:
        told(world, server({"userinfo_signing_alg_values_supported": listed}), registered=registered)
    assert caught.value.code == "algorithm_not_allowed"


def test_no_answer_is_told_as_such() -> None:
    with pytest.raises(Unreachable):
        told(World(Unreachable("No answer.", code="timeout")))
