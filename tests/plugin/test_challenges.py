"""What becomes of a 401, 400 or 403 of an API (RFC 6750, section 3; RFC 9449, section 7.1; RFC 9110, 11.6.1)."""

import pytest

from oauthclient import Bearer, NotOffered, NotRepeated, OAuthError, not_repeated
from oauthclient.testing import Response, misbehaviour
from tests.doors import Api, Door
from tests.world import ORDERS, Machine, World, outcomes

FINE = (200, None)
REJECTED = (401, "invalid_token")


@pytest.fixture
def seasoned(api: Api, machine: Machine) -> Api:
    """A client that already has a token, which is no longer young."""
    api.get(ORDERS)
    machine.pass_time(60)
    return api


def test_a_rejected_token_is_replaced_once_and_the_request_repeated(world: World, seasoned: Api) -> None:
    world.server.tokens.revoke()
    assert seasoned.post(f"{ORDERS}/echo", content=b"body").content == b"body"
    assert outcomes(world.orders) == [FINE, REJECTED, FINE]
    assert len(world.token_requests) == 2
    assert seasoned.get(ORDERS).status_code == 200
    assert len(world.token_requests) == 2


def test_a_rejected_bearer_token_is_replaced_too(world: World, door: Door, machine: Machine) -> None:
    world.server.dpop = "offered"
    api = door.client(world.auth(binding=Bearer()), world.network)
    api.get(ORDERS)
    machine.pass_time(60)
    world.server.tokens.revoke()
    assert api.get(ORDERS).status_code == 200
    assert outcomes(world.orders) == [FINE, REJECTED, FINE]


def test_a_second_rejection_is_the_answer(world: World, seasoned: Api) -> None:
    world.orders.instead(misbehaviour.challenge('DPoP error="invalid_token"'), times=None)
    answer = seasoned.get(ORDERS)
    assert answer.status_code == 401
    assert not_repeated(answer) is NotRepeated.REPEATED_ALREADY
    assert len(world.orders.requests) == 3
    assert len(world.token_requests) == 2


def test_the_first_token_is_replaced_though_it_was_just_issued(world: World, api: Api) -> None:
    world.orders.instead(misbehaviour.challenge('DPoP error="invalid_token"'), times=1)
    assert api.get(ORDERS).status_code == 200
    assert len(world.token_requests) == 2


def test_a_replacement_that_was_just_issued_is_not_replaced_again(world: World, api: Api) -> None:
    world.orders.instead(misbehaviour.challenge('DPoP error="invalid_token"'), times=None)
    assert not_repeated(api.get(ORDERS)) is NotRepeated.REPEATED_ALREADY
    for _ in range(5):
        assert not_repeated(api.get(ORDERS)) is NotRepeated.TOKEN_TOO_NEW
    assert len(world.token_requests) == 2


@pytest.mark.parametrize("challenges", [(), ("DPoP",), ("Bearer",), ('DPoP realm="orders"',)])
def test_a_401_without_a_reason_means_the_token_only_if_that_is_not_young(
    world: World, api: Api, machine: Machine, challenges: tuple[str, ...]
) -> None:
    world.orders.instead(misbehaviour.challenge(*challenges))
    assert api.get(ORDERS).status_code == 401
    assert len(world.token_requests) == 1
    machine.pass_time(11)
    world.orders.instead(misbehaviour.challenge(*challenges))
    assert api.get(ORDERS).status_code == 200
    assert len(world.token_requests) == 2


@pytest.mark.parametrize(
    "challenges",
    [
        ('dpop ERROR="invalid_token"',),
        ("DPOP error=invalid_token",),
        ('Basic realm="a, b", DPoP algs="ES256", error="invalid_token"',),
        ('Bearer realm="x", DPoP error="invalid_token"',),
        ('Negotiate, Bearer error="invalid_token", DPoP algs="ES256 PS256"',),
        ('Bearer realm="say \\"DPoP error=use_dpop_nonce\\""', 'DPoP error="invalid_token"'),
        ("Negotiate YWJj==", 'DPoP error_description="no, really", error="invalid_token"'),
    ],
)
def test_a_challenge_is_read_as_its_grammar_says(world: World, seasoned: Api, challenges: tuple[str, ...]) -> None:
    world.orders.instead(misbehaviour.challenge(*challenges))
    assert seasoned.get(ORDERS).status_code == 200
    assert len(world.token_requests) == 2


@pytest.mark.parametrize("order", [1, -1])
def test_a_nonce_is_asked_for_beside_a_bearer_challenge_in_any_order(world: World, api: Api, order: int) -> None:
    both = ['Bearer realm="x"', 'DPoP error="use_dpop_nonce", algs="ES256"'][::order]
    world.orders.instead(misbehaviour.challenge(", ".join(both)).with_header("DPoP-Nonce", "fresh"))
    assert api.get(ORDERS).status_code == 200


@pytest.mark.parametrize(
    "answer",
    [
        misbehaviour.challenge('DPoP error="insufficient_scope", scope="orders.write"', status=403),
        misbehaviour.challenge('DPoP error="insufficient_scope"'),
        misbehaviour.challenge('DPoP error="invalid_request"', status=400),
        misbehaviour.challenge('DPoP error="unheard_of"'),
        misbehaviour.raw(b'{"error": "invalid_token"}', status=400),
        misbehaviour.html(500),
        misbehaviour.too_many_requests(),
    ],
)
def test_what_a_repeat_cannot_mend_is_the_users(world: World, seasoned: Api, answer: Response) -> None:
    world.orders.instead(answer)
    response = seasoned.get(ORDERS)
    assert response.status_code == answer.status
    assert not_repeated(response) is None
    assert len(world.token_requests) == 1
    assert len(world.orders.requests) == 2


def test_a_token_that_lacks_a_scope_is_not_replaced(world: World, seasoned: Api) -> None:
    world.orders.required_scope = "orders.write"
    assert seasoned.get(ORDERS).status_code == 403
    assert len(world.token_requests) == 1


def test_an_api_that_takes_no_proof_of_our_key_says_which_it_takes(world: World, api: Api) -> None:
    world.orders.proofs.algorithms = ("PS256", "EdDSA")
    with pytest.raises(NotOffered) as refusal:
        api.get(ORDERS)
    assert isinstance(refusal.value, OAuthError)
    assert refusal.value.code == "algorithm_not_offered"
    assert "PS256 EdDSA" in str(refusal.value)
    assert "DPoP(algorithm=" in refusal.value.hint
    assert len(world.orders.requests) == 1


@pytest.mark.parametrize("name", ["Date", "Age", "WWW-Authenticate", "DPoP-Nonce"])
@pytest.mark.parametrize(
    "value", ["", "nonsense", ",", '"', "Sun, 99 Foo 99999999999 99:99:99 GMT", "DPoP error=", "9" * 9000]
)
@pytest.mark.parametrize("status", [200, 401])
def test_nonsense_in_the_headers_of_an_api_is_the_users_to_see(
    world: World, name: str, value: str, status: int
) -> None:
    api = world.open(Door("httpx"))
    world.orders.instead(Response(status, ((name, value),)))
    assert api.get(ORDERS).status_code == status
    assert api.get(ORDERS).status_code == 200


def test_a_rejected_token_is_replaced_once_for_all_who_sent_it(world: World, door: Door, machine: Machine) -> None:
    api = world.open(door)
    api.get(ORDERS)
    machine.pass_time(15)
    world.server.tokens.revoke()
    world.network.delay = 0.02
    answers = api.get_together(12, ORDERS)
    assert [answer.status_code for answer in answers] == [200] * 12
    assert len(world.token_requests) == 2


def test_an_answer_that_nothing_was_the_matter_with_has_no_reason(api: Api) -> None:
    assert not_repeated(api.get(ORDERS)) is None
