"""Discovery asks in order, moves on, and never merges (RFC 8414, section 3; OpenID Connect Discovery, 4)."""

from __future__ import annotations

from typing import Any

import pytest

from oauthclient.errors import ConfigurationError, DiscoveryFailed, InvalidResponse, Unreachable
from oauthclient.flows.discover import discover, known_metadata
from oauthclient.flows.effects import Once
from tests.flows.telling import DOCUMENT, ISSUER, Telling, World, by_hand, make_server, metadata_answer, respond

DAY = 24 * 3600.0


def urls(world: World) -> list[str]:
    return [request.url for request in world.sent]


@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        (
            "https://as.example.com",
            [
                "https://as.example.com/.well-known/oauth-authorization-server",
                "https://as.example.com/.well-known/openid-configuration",
            ],
        ),
        (
            "https://as.example.com/",
            [
                "https://as.example.com/.well-known/oauth-authorization-server",
                "https://as.example.com/.well-known/openid-configuration",
            ],
        ),
        (
            "https://as.example.com/tenant/1",
            [
                "https://as.example.com/.well-known/oauth-authorization-server/tenant/1",
                "https://as.example.com/.well-known/openid-configuration/tenant/1",
                "https://as.example.com/tenant/1/.well-known/openid-configuration",
            ],
        ),
        (
            "https://as.example.com:8443/t/",
            [
                "https://as.example.com:8443/.well-known/oauth-authorization-server/t",
                "https://as.example.com:8443/.well-known/openid-configuration/t",
                "https://as.example.com:8443/t/.well-known/openid-configuration",
            ],
        ),
    ],
)
def test_the_well_known_urls_are_asked_in_order(issuer: str, expected: list[str]) -> None:
    world = World(*[respond(404)] * len(expected))
    with pytest.raises(DiscoveryFailed) as failed:
        world.tell(discover(make_server(issuer=issuer)))
    assert urls(world) == expected
    assert all(f"{url}: HTTP status 404" in str(failed.value) for url in expected)
    assert issuer in str(failed.value)
    assert "metadata={...}" in failed.value.hint


def test_the_first_answer_ends_it() -> None:
    world = World(metadata_answer())
    metadata = world.tell(discover(make_server()))
    assert metadata.token_endpoint == f"{ISSUER}/token"
    assert [(r.method, r.headers) for r in world.sent] == [("GET", {"Accept": "application/json"})]


@pytest.mark.parametrize(
    "first",
    [
        respond(400, {"error": "x"}),
        respond(401),
        respond(404, b"<html>"),
        respond(302, b"", location="https://elsewhere.example"),
        respond(204, b""),
        respond(200, b"<html>"),
        respond(200, b"\xff"),
        respond(200, []),
        respond(200, {"error": "not_found"}),
        respond(200, {}),
        respond(200, DOCUMENT | {"issuer": "https://other.example"}),
        respond(200, DOCUMENT | {"issuer": f"{ISSUER}/"}),
        respond(200, DOCUMENT | {"issuer": ISSUER.upper()}),
        respond(200, {"issuer": ISSUER}),
        respond(200, DOCUMENT | {"token_endpoint": "http://as.example.com/token"}),
        respond(200, DOCUMENT | {"token_endpoint": ["x"]}),
        InvalidResponse("too long", code="too_large"),
    ],
    ids=lambda answer: f"{getattr(answer, 'status', '')} {getattr(answer, 'body', b'too large')[:60]!r}",
)
def test_what_is_not_this_issuers_metadata_moves_on(first: Any) -> None:
    world = World(first, metadata_answer())
    assert world.tell(discover(make_server())).issuer == ISSUER
    assert len(world.sent) == 2


def test_nothing_is_merged() -> None:
    """Not even the endpoint that the second document forgot."""
    world = World(
        respond(200, DOCUMENT | {"issuer": "https://other.example"}),
        respond(200, {"issuer": ISSUER, "dpop_signing_alg_values_supported": ["ES256"]}),
    )
    with pytest.raises(DiscoveryFailed) as failed:
        world.tell(discover(make_server()))
    assert "token_endpoint" in str(failed.value)


def test_another_issuer_wins_nothing_by_what_it_offers() -> None:
    world = World(
        respond(200, DOCUMENT | {"issuer": "https://other.example", "jwks_uri": f"{ISSUER}/jwks"}),
        metadata_answer(),
    )
    assert world.tell(discover(make_server())).jwks_uri is None


@pytest.mark.parametrize(("asked", "found"), [(ISSUER, f"{ISSUER}/"), (f"{ISSUER}/", ISSUER)])
def test_an_issuer_that_differs_by_a_slash_is_proposed_and_not_accepted(asked: str, found: str) -> None:
    world = World(*[respond(200, DOCUMENT | {"issuer": found})] * 2)
    with pytest.raises(DiscoveryFailed) as failed:
        world.tell(discover(make_server(issuer=asked)))
    assert f'write "{found}"' in failed.value.hint


def test_the_issuer_is_compared_byte_for_byte() -> None:
    world = World(respond(200, DOCUMENT | {"issuer": "https://as.example.com:443"}), respond(404))
    with pytest.raises(DiscoveryFailed) as failed:
        world.tell(discover(make_server()))
    assert "https://as.example.com:443" in str(failed.value)


@pytest.mark.parametrize("answer", [respond(500), respond(503, b"<html>"), Unreachable("no route")], ids=repr)
def test_a_server_in_trouble_is_not_one_without_metadata(answer: Any) -> None:
    """What it would have said is unknown, so the next URL, perhaps of somebody else's, is not asked."""
    world = World(answer)
    with pytest.raises(Unreachable):
        world.tell(discover(make_server()))


def test_an_issuer_that_is_none_is_refused_before_anything_is_sent() -> None:
    world = World()
    with pytest.raises(ConfigurationError) as refused:
        world.tell(discover(make_server(issuer="http://as.example.com")))
    assert refused.value.code == "invalid_issuer"
    assert world.sent == []


def test_http_is_for_loopback_and_by_explicit_word() -> None:
    issuer = "http://127.0.0.1:8000"
    document = {"issuer": issuer, "token_endpoint": f"{issuer}/token"}
    with pytest.raises(DiscoveryFailed):
        World(*[respond(200, document)] * 2).tell(discover(make_server(issuer=issuer)))
    assert World(respond(200, document)).tell(discover(make_server(issuer=issuer, loopback=True)))


def test_metadata_is_read_once_and_again_after_a_day() -> None:
    world, server = World(metadata_answer()), make_server()
    first = world.tell(known_metadata(server))
    world.pass_time(DAY - 1)
    assert world.tell(known_metadata(server)) is first
    world.pass_time(1)
    world.answers.append(metadata_answer(jwks_uri=f"{ISSUER}/jwks"))
    assert world.tell(known_metadata(server)).jwks_uri == f"{ISSUER}/jwks"
    assert len(world.sent) == 2


def test_it_is_the_steady_clock_that_tells_its_age() -> None:
    world, server = World(metadata_answer()), make_server()
    world.tell(known_metadata(server))
    world.wall += 10 * DAY
    world.tell(known_metadata(server))
    assert len(world.sent) == 1


def test_a_server_that_cannot_be_reached_is_met_with_its_old_metadata() -> None:
    world, server = World(metadata_answer()), make_server()
    first = world.tell(known_metadata(server))
    world.pass_time(DAY)
    world.answers += [Unreachable("no route"), respond(500)]
    assert world.tell(known_metadata(server)) is first
    world.pass_time(59)
    assert world.tell(known_metadata(server)) is first  # not asked again at once
    assert len(world.sent) == 2
    world.pass_time(1)
    assert world.tell(known_metadata(server)) is first
    assert len(world.sent) == 3


def test_one_that_was_never_reached_is_an_error() -> None:
    with pytest.raises(Unreachable):
        World(Unreachable("no route")).tell(known_metadata(make_server()))


def test_metadata_by_hand_is_never_read_again() -> None:
    world, server = World(), make_server(metadata=by_hand())
    world.pass_time(1000 * DAY)
    assert world.tell(known_metadata(server)) is server.metadata


def test_it_is_discovered_once_for_all_who_ask() -> None:
    world = World(metadata_answer())
    world.tell(known_metadata(make_server()))
    assert world.effects == ["Now", "Once", "Now", "Send"]


def test_who_looked_before_it_was_known_does_not_ask_again() -> None:
    """Two slots that begin together: the second may come to its `Once` when that of the first is over."""
    world, server = World(metadata_answer()), make_server()
    late = Telling(world, known_metadata(server))
    late.step_to(Once)
    first = world.tell(known_metadata(server))
    while not late.over:
        late.step()
    assert late.result() is first
    assert len(world.sent) == 1
