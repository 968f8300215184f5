"""A request to an endpoint, repeated once for each cause that a repeat can mend, all of it new."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import ConfigurationError, GrantFailed, Unreachable
from oauthclient.flows.call import call
from oauthclient.protocol.authentication import ClientAuthentication, ClientSecretBasic, ClientSecretPost, PublicClient
from oauthclient.protocol.binding import Bearer, DPoP
from tests.flows.telling import (
    ENDPOINT,
    ISSUER,
    World,
    assertion,
    by_hand,
    error_answer,
    form,
    make_server,
    proof,
    respond,
    token_answer,
)

if TYPE_CHECKING:
    from oauthclient.flows.server import Server
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.wire import Parameters, Response


def told(world: World, server: Server | None = None, endpoint: str = ENDPOINT) -> Response:
    def parameters(occasion: Occasion) -> Parameters:
        return [("grant_type", "x"), ("jti", occasion.jti)]

    answer: Response = world.tell(call(server or make_server(), by_hand(), endpoint, parameters))
    return answer


def ask_nonce(nonce: str | None, status: int = 400) -> Response:
    headers = {} if nonce is None else {"dpop_nonce": nonce}
    return error_answer("use_dpop_nonce", status, **headers)


def with_date(answer: Response, world: World, ahead: float) -> Response:
    answer.headers = {**answer.headers, "date": formatdate(world.wall + ahead, usegmt=True)}
    return answer


def test_a_request_is_authenticated_and_carries_a_proof() -> None:
    world = World(token_answer())
    assert told(world).status == 200
    (request,) = world.sent
    assert (request.method, request.url) == ("POST", ENDPOINT)
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form(request)["grant_type"] == ["x"]
    assert assertion(request)["aud"] == ISSUER
    assert proof(request) == {"htm": "POST", "htu": ENDPOINT, "iat": int(world.wall) - 1, "jti": "id-2"}


def test_the_proof_names_no_query_and_no_token() -> None:
    """RFC 9449, section 4.2: `ath` never on token requests."""
    world = World(token_answer())
    told(world, endpoint=f"{ENDPOINT}?tenant=1")
    assert world.sent[0].url == f"{ENDPOINT}?tenant=1"
    assert proof(world.sent[0])["htu"] == ENDPOINT
    assert "ath" not in proof(world.sent[0])


def test_the_map_of_a_gateway_is_used_here_too() -> None:
    world = World(token_answer())
    told(world, make_server(binding=DPoP(htu={ISSUER: "https://inner"})))
    assert proof(world.sent[0])["htu"] == "https://inner/token"


def test_a_bearer_client_sends_no_proof() -> None:
    world = World(token_answer())
    told(world, make_server(binding=Bearer()))
    assert "DPoP" not in world.sent[0].headers


@pytest.mark.parametrize("status", [400, 401])
def test_a_nonce_costs_one_repeat_in_which_all_is_new(status: int) -> None:
    world = World(ask_nonce("n1", status), token_answer())
    assert told(world).status == 200
    first, second = world.sent
    assert "nonce" not in proof(first)
    assert proof(second)["nonce"] == "n1"
    jtis = [proof(first)["jti"], assertion(first)["jti"], proof(second)["jti"], assertion(second)["jti"]]
    assert len(set(jtis)) == 4
    assert form(first)["jti"] != form(second)["jti"]


def test_the_newest_nonce_is_sent_at_the_first_try() -> None:
    """RFC 9449, section 8.2: from error and success answers alike."""
    server = make_server()
    told(World(ask_nonce("n1"), token_answer()), server)
    world = World(respond(200, {}, dpop_nonce="n2"))
    told(world, server)
    assert proof(world.sent[0])["nonce"] == "n1"
    world = World(token_answer())
    told(world, server)
    assert proof(world.sent[0])["nonce"] == "n2"


def test_the_nonce_of_an_api_on_the_same_origin_is_not_sent() -> None:
    server = make_server()
    server.nonces.keep(ISSUER, "of-the-api", with_token=True)
    world = World(token_answer())
    told(world, server)
    assert "nonce" not in proof(world.sent[0])


def test_the_same_nonce_twice_stops() -> None:
    server = make_server()
    server.nonces.keep(ISSUER, "n1", with_token=False)
    world = World(ask_nonce("n1"))
    assert told(world, server).status == 400
    assert len(world.sent) == 1


def test_a_second_nonce_is_not_followed_but_kept() -> None:
    server = make_server()
    world = World(ask_nonce("n1"), ask_nonce("n2"))
    assert told(world, server).status == 400
    assert server.nonces.newest(ISSUER, with_token=False) == "n2"


@pytest.mark.parametrize("nonce", [None, "", "a b", "n" * 4097])
def test_a_nonce_that_is_none_is_not_followed(nonce: str | None) -> None:
    world = World(ask_nonce(nonce))
    assert told(world).status == 400
    assert len(world.sent) == 1


@pytest.mark.parametrize(
    "answer", [ask_nonce("n1", 403), ask_nonce("n1", 500), error_answer("invalid_grant", dpop_nonce="n1")]
)
def test_only_an_answer_that_asks_for_a_nonce_is_repeated(answer: Response) -> None:
    world = World(answer)
    told(world)
    assert len(world.sent) == 1


def test_a_client_that_sends_no_proof_repeats_nothing_for_a_nonce() -> None:
    world = World(ask_nonce("n1"))
    told(world, make_server(binding=Bearer()))
    assert len(world.sent) == 1


@pytest.mark.parametrize("code", ["invalid_dpop_proof", "invalid_client"])
@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_clock_just_learned_costs_one_repeat(code: str, ahead: float) -> None:
    world = World()
    world.answers = [with_date(error_answer(code), world, ahead), token_answer()]
    assert told(world).status == 200
    first, second = world.sent
    for claims in (proof, assertion):
        assert claims(second)["iat"] - claims(first)["iat"] == ahead
        assert claims(second)["jti"] != claims(first)["jti"]


def test_a_clock_that_was_known_already_mends_nothing() -> None:
    world, server = World(), make_server()
    world.answers = [with_date(respond(200, {}), world, 3600), with_date(error_answer("invalid_client"), world, 3600)]
    told(world, server)
    told(world, server)
    assert len(world.sent) == 2


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_request", "unauthorized_client"])
def test_an_error_that_is_not_about_time_is_not_repeated(code: str) -> None:
    world = World()
    world.answers = [with_date(error_answer(code), world, 3600)]
    told(world)
    assert len(world.sent) == 1


@pytest.mark.parametrize("authentication", [ClientSecretBasic("wrong"), PublicClient()])
def test_a_secret_holds_no_time_so_it_is_not_sent_again(authentication: ClientAuthentication) -> None:
    """`invalid_client` with an assertion. Servers lock clients out that repeat a wrong secret."""
    world = World()
    world.answers = [with_date(error_answer("invalid_client"), world, 3600)]
    told(world, make_server(authentication=authentication))
    assert len(world.sent) == 1


@pytest.mark.parametrize("order", [("nonce", "clock"), ("clock", "nonce")])
def test_each_cause_is_mended_once_and_three_sends_are_the_most(order: tuple[str, str]) -> None:
    world = World()
    answers = {
        "nonce": lambda: with_date(ask_nonce("n1"), world, 0 if order[0] == "nonce" else 3600),
        "clock": lambda: with_date(error_answer("invalid_dpop_proof"), world, 3600),
    }
    world.answers = [answers[order[0]](), answers[order[1]](), with_date(ask_nonce("n2"), world, 7200), token_answer()]
    assert told(world).status == 400
    assert len(world.sent) == 3
    assert proof(world.sent[2])["nonce"] == "n1"
    assert proof(world.sent[2])["iat"] == int(world.wall) - 1 + 3600


def test_an_answer_that_cannot_be_read_is_handed_back() -> None:
    world = World(respond(400, b"\xff{"))
    assert told(world).body == b"\xff{"


def test_no_answer_is_not_repeated() -> None:
    """Nobody knows what the server did with it."""
    world = World(Unreachable("reset"))
    with pytest.raises(Unreachable):
        told(world)
    assert len(world.sent) == 1


def test_what_fails_in_the_programs_own_authentication_is_told_as_its_cause() -> None:
    class Broken(ClientAuthentication):
        def credentials(self, occasion: Occasion) -> Any:
            raise OSError("the vault is sealed")

    world = World()
    with pytest.raises(GrantFailed) as failed:
        told(world, make_server(authentication=Broken()))
    assert isinstance(failed.value.__cause__, OSError)
    assert "OSError" in str(failed.value)
    assert world.sent == []


def test_an_error_of_ours_in_it_stays_what_it_is() -> None:
    class Unconfigured(ClientAuthentication):
        def credentials(self, occasion: Occasion) -> Any:
            raise ConfigurationError("no key", code="no_key")

    with pytest.raises(ConfigurationError) as failed:
        told(World(), make_server(authentication=Unconfigured()))
    assert failed.value.code == "no_key"


@pytest.mark.parametrize("way", [ClientSecretPost, ClientSecretBasic])
def test_a_server_that_repeats_our_secret_does_not_get_it_into_our_errors(way: type[ClientSecretPost]) -> None:
    world = World(respond(401, {"error": "invalid_client", "error_description": "hunter2hunter2 is wrong"}))
    answer = told(world, make_server(authentication=way("hunter2hunter2")))
    assert b"hunter2" not in answer.body
    assert b"<redacted> is wrong" in answer.body
