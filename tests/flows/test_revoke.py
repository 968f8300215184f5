"""RFC 7009: what the server is told at logout, and what it may honour still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import Unreachable
from oauthclient.flows.revoke import revoke, revoke_all
from oauthclient.protocol.authentication import PrivateKeyJWT
from oauthclient.secret import Secret
from tests.flows.telling import ISSUER, World, assertion, by_hand, error_answer, form, make_server, proof, respond

if TYPE_CHECKING:
    from oauthclient.protocol.revocation import StillHonoured

REVOKE = f"{ISSUER}/revoke"
REFRESH = (Secret("r3fr3sh"), "refresh_token")
ACCESS = (Secret("4cc3ss"), "access_token")


def server(**settings: Any) -> Any:
    return make_server(**({"metadata": by_hand(revocation_endpoint=REVOKE)} | settings))


def revoked(world: World, **settings: Any) -> StillHonoured | None:
    left: StillHonoured | None = world.tell(revoke(server(**settings), Secret("r3fr3sh"), "refresh_token"))
    return left


def test_the_token_is_sent_by_a_client_that_proves_who_it_is() -> None:
    world = World(respond(200, b""))
    assert revoked(world) is None
    (request,) = world.sent
    assert (request.method, request.url) == ("POST", REVOKE)
    asked = form(request)
    assert (asked["token"], asked["token_type_hint"]) == (["r3fr3sh"], ["refresh_token"])
    assert assertion(request)["aud"] == ISSUER
    assert proof(request)["htu"] == REVOKE
    assert "ath" not in proof(request)


def test_a_nonce_costs_one_repeat() -> None:
    world = World(error_answer("use_dpop_nonce", dpop_nonce="n1"), respond(200, b""))
    assert revoked(world) is None
    assert proof(world.sent[1])["nonce"] == "n1"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error_answer("unsupported_token_type"), "unsupported_token_type"),
        (error_answer("invalid_client", 401), "invalid_client"),
        (respond(503, b""), "unexpected_status"),
        (respond(307, b""), "redirected"),
        (respond(400, b"\xff"), "not_utf8"),
        (Unreachable("No answer.", code="timeout"), "timeout"),
    ],
)
def test_a_failure_is_no_error_but_what_is_left(answer: Any, code: str) -> None:
    left = revoked(World(answer))
    assert left is not None
    assert (left.token_type, left.code) == ("refresh_token", code)
    assert left.why
    assert "r3fr3sh" not in repr(left)


def test_a_server_without_the_endpoint_is_asked_nothing() -> None:
    left = revoked(World(), metadata=by_hand())
    assert left is not None
    assert left.code == "revocation_not_offered"


def test_offline_the_metadata_may_be_missing_too() -> None:
    left = revoked(World(Unreachable("No answer.", code="connection_failed")), metadata=None)
    assert left is not None
    assert left.code == "connection_failed"


def test_a_failure_of_the_programs_own_is_none_either() -> None:
    class Broken(PrivateKeyJWT):
        __slots__ = ()

        def credentials(self, occasion: object) -> Any:
            raise RuntimeError("no key today")

    from tests.flows.telling import KEY

    left = revoked(World(), authentication=Broken(KEY))
    assert left is not None
    assert left.code == "grant_failed"


def test_several_are_revoked_in_their_order() -> None:
    world = World(respond(200, b""), error_answer("unsupported_token_type"), respond(200, b""))
    left = world.tell(revoke_all(server(), [REFRESH, ACCESS, ACCESS]))
    assert [form(request)["token"] for request in world.sent] == [["r3fr3sh"], ["4cc3ss"], ["4cc3ss"]]
    assert [(one.token_type, one.code) for one in left] == [("access_token", "unsupported_token_type")]


def test_after_silence_no_other_is_tried() -> None:
    """Nobody who logs out offline waits for each token anew."""
    world = World(Unreachable("No answer.", code="timeout"))
    left = world.tell(revoke_all(server(), [REFRESH, ACCESS]))
    assert [(one.token_type, one.code) for one in left] == [("refresh_token", "timeout"), ("access_token", "timeout")]
    assert len(world.sent) == 1


def test_a_slow_server_is_not_waited_for() -> None:
    class Slow(World):
        def _send(self, request: Any) -> Any:
            self.pass_time(3.0)
            return super()._send(request)

    world = Slow(*(respond(200, b"") for _ in range(3)))
    left = world.tell(revoke_all(server(), [REFRESH, ACCESS, ACCESS], within=5.0))
    assert len(world.sent) == 2
    assert [(one.token_type, one.code) for one in left] == [("access_token", "timeout")]


def test_nothing_to_revoke_is_nothing_left() -> None:
    assert World().tell(revoke_all(server(), [])) == ()
