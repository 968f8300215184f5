"""From a grant to a token, and its renewal: RFC 6749, section 4; RFC 8707, section 2.2."""

from __future__ import annotations

from email.utils import formatdate
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import (
    DiscoveryFailed,
    DowngradeRefused,
    ErrorResponse,
    GrantFailed,
    InvalidResponse,
    NotOffered,
    OAuthError,
    Unreachable,
)
from oauthclient.flows.effects import Load, Save, Send
from oauthclient.flows.obtain import obtain, renew
from oauthclient.protocol.authentication import ClientSecretBasic
from oauthclient.protocol.binding import Bearer, DPoP, MutualTLS
from oauthclient.protocol.grants import Grant, IssuedAssertion
from tests.flows.telling import (
    ENDPOINT,
    ISSUER,
    Telling,
    World,
    by_hand,
    error_answer,
    form,
    make_server,
    make_slot,
    metadata_answer,
    respond,
    token_answer,
)
from tests.testing.certificates import certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.flows.server import Server
    from oauthclient.flows.slot import Slot
    from oauthclient.jose.certificate import Certificate
    from oauthclient.protocol.token import Token

SLOT = make_slot()


def obtained(world: World, server: Server | None = None, slot: Slot = SLOT) -> Token:
    token: Token = world.tell(obtain(server or make_server(metadata=by_hand()), slot))
    return token


def parameters(world: World) -> dict[str, list[str]]:
    known = form(world.sent[-1])
    return {name: values for name, values in known.items() if not name.startswith("client_")}


def test_the_resource_and_scope_are_said_byte_for_byte() -> None:
    world = World(token_answer())
    obtained(world, slot=make_slot(target="HTTPS://Api.example.com:443/a/%7e?x=y z".replace(" ", "%20")))
    assert parameters(world) == {
        "grant_type": ["client_credentials"],
        "resource": ["HTTPS://Api.example.com:443/a/%7e?x=y%20z"],
        "scope": ["read"],
    }


def test_without_a_scope_none_is_asked_for() -> None:
    world = World(token_answer())
    obtained(world, slot=make_slot(scope=None))
    assert "scope" not in parameters(world)


@pytest.mark.parametrize(("told_by", "named"), [("resource", "resource"), ("audience", "audience"), ("scope", None)])
def test_how_the_target_is_told_belongs_to_the_server(told_by: str, named: str | None) -> None:
    """Some servers know only `audience`, some only scopes."""
    world = World(token_answer())
    obtained(world, slot=make_slot(told_by=told_by))
    assert {"resource", "audience"} & parameters(world).keys() == ({named} if named else set())


def test_the_clients_further_parameters_are_sent() -> None:
    world = World(token_answer())
    obtained(world, make_server(metadata=by_hand(), parameters={"tenant": "seven"}))
    assert parameters(world)["tenant"] == ["seven"]


def test_the_grants_parameters_are_made_anew_for_each_send() -> None:
    made = iter(["one", "two"])
    world = World(error_answer("use_dpop_nonce", dpop_nonce="n"), token_answer())
    obtained(world, slot=make_slot(grant=IssuedAssertion(lambda: next(made))))
    assert [form(request)["assertion"] for request in world.sent] == [["one"], ["two"]]
    assert parameters(world)["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]


@pytest.mark.parametrize(
    "made",
    [lambda: (("a", "b", "c"),), lambda: 5, lambda: {"abc": "x"}, lambda: 1 // 0],
    ids=["triples", "a number", "a dictionary", "an exception"],
)
def test_what_fails_in_the_programs_own_grant_is_told_as_its_cause(made: Any) -> None:
    class Own(Grant):
        grant_type = "urn:own"

        def parameters(self, occasion: Any) -> Any:
            return made()

    world = World()
    with pytest.raises(GrantFailed) as failed:
        obtained(world, slot=make_slot(grant=Own()))
    assert isinstance(failed.value.__cause__, Exception)
    assert world.sent == []


@pytest.mark.parametrize(
    ("settings", "offered", "code"),
    [
        ({}, {"dpop_signing_alg_values_supported": None}, "binding_not_offered"),
        ({}, {"dpop_signing_alg_values_supported": ["PS256"]}, "algorithm_not_offered"),
        ({}, {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}, "authentication_not_offered"),
        ({"authentication": ClientSecretBasic("s")}, {}, "authentication_not_offered"),
        ({}, {"token_endpoint_auth_signing_alg_values_supported": ["PS256"]}, "algorithm_not_offered"),
    ],
)
def test_nothing_is_sent_to_a_server_that_does_not_offer_it(
    settings: dict[str, Any], offered: dict[str, Any], code: str
) -> None:
    world = World(metadata_answer(**offered))
    with pytest.raises(NotOffered) as refused:
        obtained(world, make_server(**settings))
    assert refused.value.code == code
    assert [request.method for request in world.sent] == ["GET"]


def test_a_server_that_forgot_to_say_so_is_asked_by_explicit_word() -> None:
    world = World(metadata_answer(dpop_signing_alg_values_supported=None), token_answer())
    assert obtained(world, make_server(binding=DPoP(assume_supported=True)))


def test_a_downgrade_is_refused() -> None:
    with pytest.raises(DowngradeRefused) as refused:
        obtained(World(token_answer(token_type="Bearer")))
    assert f"The token response of {ISSUER}" in str(refused.value)
    assert obtained(World(token_answer(token_type="Bearer")), make_server(metadata=by_hand(), binding=Bearer()))


def test_the_granted_scope_is_known() -> None:
    assert obtained(World(token_answer(scope="less"))).scope == "less"
    assert obtained(World(token_answer())).scope == "read"


@pytest.mark.parametrize("code", ["invalid_client", "invalid_dpop_proof", "invalid_grant"])
def test_an_error_that_may_be_about_time_says_how_far_the_clock_is_off(code: str) -> None:
    world = World()
    date = formatdate(world.wall + 2 * 86400, usegmt=True)
    world.answers = [error_answer(code, date=date)]
    with pytest.raises(ErrorResponse) as failed:
        obtained(world)
    assert failed.value.code == code
    assert "172800 s ahead of this machine's" in failed.value.hint
    assert "set this machine's clock" in failed.value.hint


def test_another_error_does_not() -> None:
    world = World()
    world.answers = [error_answer("invalid_target", date=formatdate(world.wall + 2 * 86400, usegmt=True))]
    with pytest.raises(ErrorResponse) as failed:
        obtained(world)
    assert "ahead" not in failed.value.hint


def test_an_endpoint_that_has_moved_is_looked_up_once() -> None:
    world, server = World(metadata_answer(), token_answer()), make_server()
    obtained(world, server)
    world.answers = [respond(404), metadata_answer(token_endpoint=f"{ISSUER}/v2/token"), token_answer("new")]
    assert obtained(world, server).access_token == "new"
    assert world.sent[-1].url == f"{ISSUER}/v2/token"


def test_a_404_after_that_is_the_answer() -> None:
    world = World(metadata_answer(), respond(404), metadata_answer(), respond(404))
    with pytest.raises(InvalidResponse) as failed:
        obtained(world, make_server())
    assert failed.value.code == "unexpected_status"
    assert world.answers == []


def test_a_404_with_metadata_by_hand_is_the_answer() -> None:
    world = World(respond(404))
    with pytest.raises(InvalidResponse):
        obtained(world)


def test_what_the_second_metadata_no_longer_offers_is_refused() -> None:
    world = World(metadata_answer(), respond(404), metadata_answer(dpop_signing_alg_values_supported=None))
    with pytest.raises(NotOffered):
        obtained(world, make_server())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    world = World(respond(status, b"", location="https://evil.example/token"))
    with pytest.raises(InvalidResponse) as failed:
        obtained(world)
    assert failed.value.code == "redirected"
    assert [request.url for request in world.sent] == [ENDPOINT]


def test_without_an_issuer_the_server_is_named_by_its_endpoint() -> None:
    metadata = by_hand(issuer=None)
    server = make_server(metadata=metadata, issuer="", authentication=ClientSecretBasic("s"))
    metadata.token_endpoint_auth_methods_supported = None
    with pytest.raises(InvalidResponse) as failed:
        obtained(World(respond(500)), server)
    assert f"The token response of {ISSUER} has HTTP status 500" in str(failed.value)


# Renewal


def known() -> Server:
    return make_server(metadata=by_hand())


def test_a_renewal_looks_into_the_store_first() -> None:
    world = World(token_answer())
    token = world.tell(renew(known(), SLOT, None))
    assert world.effects[0] == "Load"
    assert world.effects[-1] == "Save"
    assert world.store == {SLOT: token}


def test_what_somebody_else_stored_meanwhile_is_the_answer() -> None:
    world = World(token_answer("old"), token_answer("theirs"))
    old = world.tell(renew(known(), SLOT, None))
    theirs = world.tell(renew(known(), SLOT, old))
    assert world.tell(renew(known(), SLOT, old)) is theirs
    assert world.tell(renew(known(), SLOT, None)) is theirs
    assert len(world.sent) == 2


class Renewed:
    """A client certificate that has been renewed, since a slot was named after the one before."""

    def current(self) -> Certificate:
        return certificate("next")

    def generation(self, x5t_s256: str) -> Certificate | None:
        raise AssertionError("nobody asks for the former one")

    def on_renewal(self, tell: Callable[[Certificate, Certificate], None]) -> None:
        raise AssertionError("no story asks for that")


def test_a_token_is_filed_under_the_certificate_that_it_was_asked_for_with() -> None:
    """RFC 8705, section 3: another process that shares the store may have the former one only."""
    slot = make_slot(thumbprint="", certificate=certificate("former").x5t_s256)
    world = World(token_answer(token_type="Bearer"))
    server = make_server(metadata=by_hand(), binding=MutualTLS(Renewed(), assume_bound=True))
    token = world.tell(renew(server, slot, None))
    assert token.certificate == certificate("next").x5t_s256
    assert world.store == {slot._replace(certificate=token.certificate): token}


@pytest.mark.parametrize("spoiled", ["expired", "retired", "seen"])
def test_what_is_stored_but_of_no_more_use_is_not(spoiled: str) -> None:
    world = World(token_answer("old"), token_answer("new"))
    old = world.tell(renew(known(), SLOT, None))
    if spoiled == "expired":
        world.pass_time(3600)
    if spoiled == "retired":
        old.retire()
    seen = old if spoiled == "seen" else None
    assert world.tell(renew(known(), SLOT, seen)).access_token == "new"


@pytest.mark.parametrize(
    "other", [{"scope": "write"}, {"target": "https://api.example.com/stock"}, {"thumbprint": "x"}]
)
def test_slots_share_nothing(other: dict[str, Any]) -> None:
    world = World(token_answer("one"), token_answer("two"))
    world.tell(renew(known(), SLOT, None))
    assert world.tell(renew(known(), make_slot(**other), None)).access_token == "two"


@pytest.mark.parametrize(
    "failure",
    [Unreachable("reset"), respond(500), error_answer("invalid_grant"), token_answer(token_type="Bearer")],
    ids=repr,
)
def test_a_failure_leaves_the_stored_token_alone(failure: Any) -> None:
    """A rejected answer is never stored, and the old token may still be good."""
    world = World(token_answer("old"), failure)
    old = world.tell(renew(known(), SLOT, None))
    with pytest.raises(OAuthError):
        world.tell(renew(known(), SLOT, old))
    assert world.store == {SLOT: old}


def orders() -> list[tuple[int, ...]]:
    """At which of eight steps it is the second story's turn: every way to interleave two stories of four."""
    return [*combinations(range(8), 4)]


@pytest.mark.parametrize("order", orders(), ids=str)
def test_two_renewals_in_any_order_end_with_a_token_that_is_good(order: tuple[int, ...]) -> None:
    """As in two processes with one store: at worst both ask; neither ends with the token both have seen."""
    world = World(token_answer("old"))
    server = make_server(metadata=None)
    world.answers.insert(0, metadata_answer())
    old = world.tell(renew(server, SLOT, None))
    world.answers = [token_answer("one"), token_answer("two")]
    asked = len(world.sent)
    stories = [Telling(world, renew(server, SLOT, old)) for _ in range(2)]
    for turn in range(8):
        story = stories[turn in order]
        story.step_to(Load, Send, Save)
        if not story.over:
            story.step()
    for story in stories:
        while not story.over:
            story.step()
    tokens = [story.result() for story in stories]
    assert all(token is not old and token.usable(world.wall, world.steady) for token in tokens)
    assert world.store[SLOT] in tokens
    sent = len(world.sent) - asked
    assert sent == (2 if tokens[0] is not tokens[1] else 1)


def test_one_that_comes_after_the_other_has_saved_sends_nothing() -> None:
    world = World(token_answer("one"))
    first, second = (Telling(world, renew(known(), SLOT, None)) for _ in range(2))
    while not first.over:
        first.step()
    while not second.over:
        second.step()
    assert first.result() is second.result()
    assert len(world.sent) == 1


@pytest.mark.parametrize("stop", range(1, 12))
def test_a_renewal_killed_at_any_effect_leaves_a_store_to_go_on_from(stop: int) -> None:
    world = World(token_answer("lost"), token_answer("found"))
    story = Telling(world, renew(known(), SLOT, None))
    for _ in range(stop):
        if not story.over:
            story.step()
    story._story.close()
    assert world.tell(renew(known(), SLOT, None)).access_token in ("lost", "found")
    assert world.store[SLOT].usable(world.wall, world.steady)


def test_discovery_that_fails_is_told() -> None:
    with pytest.raises(DiscoveryFailed):
        World(respond(404), respond(404)).tell(renew(make_server(), SLOT, None))
