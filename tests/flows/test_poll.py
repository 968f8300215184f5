"""RFC 8628, sections 3.1 to 3.5: the codes, and a question every few seconds until there is an answer."""

from __future__ import annotations

from typing import Any

import pytest

from oauthclient.errors import (
    ConfigurationError,
    ErrorResponse,
    InvalidResponse,
    LoginTimeout,
    NotOffered,
    Unreachable,
)
from oauthclient.flows.effects import Sleep
from oauthclient.flows.poll import begin_device, poll
from oauthclient.protocol.authentication import ClientSecretBasic
from oauthclient.protocol.authorization_request import Wish
from oauthclient.protocol.binding import Bearer
from oauthclient.protocol.device import DeviceAuthorization
from oauthclient.protocol.session import Granted
from oauthclient.secret import Secret
from tests.flows.telling import (
    ENDPOINT,
    ISSUER,
    World,
    assertion,
    by_hand,
    error_answer,
    form,
    make_server,
    metadata_answer,
    proof,
    respond,
    token_answer,
)

DEVICE = f"{ISSUER}/device_authorization"
CODES = {
    "device_code": "d3v1c3",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://as.example.com/device",
    "expires_in": 600,
}
WISH = Wish(targets=(Granted("https://api.example.com/orders", "read"),), scope="openid")


class PatientWorld(World):
    """One in which sleeping takes no time, but moves the clocks. `pauses`: how long each was."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(*answers)
        self.pauses: list[float] = []

    def answer(self, effect: object) -> Any:
        if isinstance(effect, Sleep):
            self.pauses.append(effect.seconds)
            self.pass_time(effect.seconds)
            return None
        return super().answer(effect)


def pending() -> Any:
    return error_answer("authorization_pending")


def slow_down() -> Any:
    return error_answer("slow_down")


def silence() -> Any:
    return Unreachable("No answer.", code="timeout")


def server(**settings: Any) -> Any:
    return make_server(metadata=by_hand(device_authorization_endpoint=DEVICE), **settings)


def device(world: World, *, interval: float = 5.0, expires_in: float = 600.0) -> DeviceAuthorization:
    return DeviceAuthorization(
        device_code=Secret("d3v1c3"),
        user_code="WDJB-MJHT",
        verification_uri="https://as.example.com/device",
        verification_uri_complete=None,
        expires_in=expires_in,
        interval=interval,
        ends=world.steady + expires_in,
    )


def polled(world: PatientWorld, *, told: Any = (), **codes: float) -> Any:
    return world.tell(poll(server(), device(world, **codes), told))


def test_the_codes_are_asked_for_with_all_that_the_login_wants() -> None:
    world = PatientWorld(respond(200, CODES))
    codes = world.tell(begin_device(server(), WISH))
    (request,) = world.sent
    assert request.url == DEVICE
    asked = form(request)
    assert (asked["client_id"], asked["scope"]) == (["svc"], ["openid read"])
    assert asked["resource"] == ["https://api.example.com/orders"]
    assert {"redirect_uri", "state", "code_challenge", "response_type"}.isdisjoint(asked)
    assert assertion(request)["sub"] == "svc"
    assert proof(request)["htu"] == DEVICE
    assert "ath" not in proof(request)
    assert codes.user_code == "WDJB-MJHT"
    assert codes.ends == world.steady + 600


def test_a_server_without_device_logins_is_asked_nothing() -> None:
    world = PatientWorld()
    with pytest.raises(NotOffered) as caught:
        world.tell(begin_device(make_server(metadata=by_hand()), WISH))
    assert caught.value.code == "device_not_offered"


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"authentication": ClientSecretBasic("s")}, "authentication_not_offered"), ({}, "binding_not_offered")],
)
def test_what_is_not_offered_is_found_before_a_person_is_bothered(settings: Any, code: str) -> None:
    offered = {} if settings else {"dpop_signing_alg_values_supported": None}
    metadata = by_hand(device_authorization_endpoint=DEVICE, **offered)
    with pytest.raises(NotOffered) as caught:
        PatientWorld().tell(begin_device(make_server(metadata=metadata, **settings), WISH))
    assert caught.value.code == code


def test_a_nonce_for_the_codes_costs_one_repeat() -> None:
    world = PatientWorld(error_answer("use_dpop_nonce", dpop_nonce="n1"), respond(200, CODES))
    world.tell(begin_device(server(), WISH))
    assert proof(world.sent[1])["nonce"] == "n1"


def test_an_endpoint_that_has_moved_is_looked_for_again() -> None:
    moved = f"{ISSUER}/moved"
    world = PatientWorld(
        metadata_answer(device_authorization_endpoint=DEVICE),
        respond(404, b""),
        metadata_answer(device_authorization_endpoint=moved),
        respond(200, CODES),
    )
    assert world.tell(begin_device(make_server(), WISH)).user_code == "WDJB-MJHT"
    assert [request.url for request in world.sent if request.method == "POST"] == [DEVICE, moved]


def test_an_endpoint_named_by_hand_is_not_looked_for() -> None:
    world = PatientWorld(respond(404, b""))
    with pytest.raises(InvalidResponse):
        world.tell(begin_device(server(), WISH))
    assert len(world.sent) == 1


def test_a_wish_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        PatientWorld().tell(begin_device(server(), Wish(targets=(), parameters={"client_id": "x"})))
    assert caught.value.code == "reserved_parameter"


def test_the_first_question_comes_after_the_interval() -> None:
    world = PatientWorld(token_answer())
    assert polled(world, interval=7.0).status == 200
    assert world.pauses == [7.0]


def test_each_question_names_the_code_and_the_target() -> None:
    world = PatientWorld(token_answer())
    polled(world, told=[("resource", "https://api.example.com/orders")])
    (request,) = world.sent
    assert request.url == ENDPOINT
    asked = form(request)
    assert asked["grant_type"] == ["urn:ietf:params:oauth:grant-type:device_code"]
    assert asked["device_code"] == ["d3v1c3"]
    assert asked["resource"] == ["https://api.example.com/orders"]


def test_the_parameters_of_the_client_are_sent_too() -> None:
    world = PatientWorld(token_answer())
    world.tell(poll(server(parameters={"tenant": "1"}), device(world)))
    assert form(world.sent[0])["tenant"] == ["1"]


def test_while_the_person_decides_it_is_asked_again_with_all_new() -> None:
    """Every send has a new `jti`, polls too."""
    world = PatientWorld(pending(), pending(), token_answer())
    assert polled(world).status == 200
    assert world.pauses == [5.0, 5.0, 5.0]
    fresh = [jwt["jti"] for request in world.sent for jwt in (proof(request), assertion(request))]
    assert len(set(fresh)) == 6


def test_slow_down_adds_five_seconds_for_good() -> None:
    """Section 3.5: for this and all subsequent requests."""
    world = PatientWorld(slow_down(), pending(), slow_down(), pending(), token_answer())
    polled(world)
    assert world.pauses == [5.0, 10.0, 10.0, 15.0, 15.0]


def test_an_error_in_a_200_is_an_error() -> None:
    """GitHub answers so."""
    world = PatientWorld(respond(200, {"error": "authorization_pending"}), respond(200, {"error": "slow_down"}))
    world.answers.append(token_answer())
    assert polled(world).status == 200
    assert world.pauses == [5.0, 5.0, 10.0]


def test_the_pauses_double_while_there_is_no_answer_and_are_short_again_when_there_is() -> None:
    """Section 3.5: exponential backoff on a connection timeout."""
    world = PatientWorld(*(silence() for _ in range(5)), pending(), token_answer())
    polled(world)
    assert world.pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 5.0]


def test_a_longer_interval_is_not_made_shorter_by_silence() -> None:
    world = PatientWorld(silence(), silence(), token_answer())
    polled(world, interval=70.0)
    assert world.pauses == [70.0, 70.0, 70.0]


@pytest.mark.parametrize("answer", [respond(503, b"<html>"), respond(429, b""), respond(500, {})])
def test_a_server_in_trouble_is_left_in_peace(answer: Any) -> None:
    world = PatientWorld(answer, token_answer())
    assert polled(world).status == 200
    assert world.pauses == [5.0, 10.0]


def test_a_server_in_trouble_says_how_long() -> None:
    world = PatientWorld(respond(503, b"", retry_after="45"), pending(), token_answer())
    polled(world)
    assert world.pauses == [5.0, 45.0, 5.0]


def test_a_bad_certificate_does_not_get_better() -> None:
    world = PatientWorld(Unreachable("No.", code="tls_failed"))
    with pytest.raises(Unreachable):
        polled(world)


@pytest.mark.parametrize("code", ["access_denied", "invalid_grant", "server_error", "invalid_client"])
@pytest.mark.parametrize("status", [400, 500])
def test_any_other_error_ends_it(code: str, status: int) -> None:
    """Section 3.5: the client MUST stop polling."""
    world = PatientWorld(pending(), error_answer(code, status))
    with pytest.raises(ErrorResponse) as caught:
        polled(world)
    assert caught.value.code == code
    assert len(world.sent) == 2


def test_a_no_is_told_as_such() -> None:
    with pytest.raises(ErrorResponse, match="said no"):
        polled(PatientWorld(error_answer("access_denied")))


@pytest.mark.parametrize("answer", [respond(200, b"<html>"), respond(400, b"<html>"), respond(404, b"")])
def test_an_answer_that_is_none_ends_it(answer: Any) -> None:
    """What was in it is unknown, and the code may be used up."""
    world = PatientWorld(answer)
    with pytest.raises(InvalidResponse):
        polled(world)
    assert len(world.sent) == 1


def test_an_answer_too_large_to_read_ends_it() -> None:
    world = PatientWorld(pending(), InvalidResponse("Too large.", code="too_large"))
    with pytest.raises(InvalidResponse) as caught:
        polled(world)
    assert caught.value.code == "too_large"


def test_codes_that_the_server_calls_expired_end_it() -> None:
    with pytest.raises(LoginTimeout) as caught:
        polled(PatientWorld(error_answer("expired_token")))
    assert caught.value.code == "expired_token"


def test_it_ends_when_the_codes_do() -> None:
    world = PatientWorld(*(pending() for _ in range(4)))
    began = world.steady
    with pytest.raises(LoginTimeout) as caught:
        polled(world, expires_in=22.0)
    assert caught.value.code == "expired_token"
    assert len(world.sent) == 4
    assert world.steady - began <= 22.0


def test_time_that_passed_before_the_first_question_counts() -> None:
    world = PatientWorld(pending())
    codes = device(world, expires_in=60.0)
    world.pass_time(52.0)
    with pytest.raises(LoginTimeout):
        world.tell(poll(server(), codes))
    assert len(world.sent) == 1


def test_it_asks_a_last_time_at_the_end_when_silence_made_the_pauses_long() -> None:
    world = PatientWorld(silence(), silence(), token_answer())
    assert polled(world, expires_in=25.0).status == 200
    assert world.pauses == [5.0, 10.0, 10.0]


def test_what_the_server_asked_for_is_kept_to_even_if_it_means_the_end() -> None:
    world = PatientWorld(respond(503, b"", retry_after="300"))
    with pytest.raises(LoginTimeout):
        polled(world, expires_in=60.0)


def test_a_bearer_client_is_polled_for_without_proof() -> None:
    world = PatientWorld(token_answer())
    world.tell(poll(server(binding=Bearer()), device(world)))
    assert "DPoP" not in world.sent[0].headers
