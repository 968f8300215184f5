"""Against the embedded server: how many token requests there are, whatever happens."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import trio

from oauthclient import (
    Auth,
    ConfigurationError,
    DPoP,
    ErrorResponse,
    Grant,
    InvalidResponse,
    NotOffered,
    OAuthClient,
    OAuthError,
    PrivateKeyJWT,
    Resource,
    SigningKey,
    Unreachable,
)
from oauthclient.engine.flights import Flight
from oauthclient.testing import AuthorizationServer, Network, ProtectedAPI, misbehaviour

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Time

ORDERS, STOCK = "https://api.example.com/orders", "https://api.example.com/stock"
KEY = SigningKey.generate()


class House:
    def __init__(self, time_: Time) -> None:
        self.time = time_
        self.server = AuthorizationServer("https://as.example.com", now=lambda: time_.wall)
        self.apis = [ProtectedAPI(self.server, url, scope="read") for url in (ORDERS, STOCK)]
        self.server.register("svc", key=KEY)
        self.network = Network(self.server, *self.apis)
        self.oauth = self.client()
        self.auth = self.oauth.client_credentials(Resource(ORDERS, scope="read"), Resource(STOCK, scope="read"))

    def client(self, **settings: Any) -> OAuthClient:
        return OAuthClient(
            "https://as.example.com",
            client_id="svc",
            authentication=PrivateKeyJWT(KEY),
            transport=self.network.transport(),
            **settings,
        )

    def asked(self, endpoint: str = "token") -> int:
        return sum(exchange.endpoint == endpoint for exchange in self.server.requests)


@pytest.fixture
def house(time_: Time) -> House:
    return House(time_)


def together(number: int, function: Callable[[], Any]) -> list[Any]:
    """What each of so many threads, let go at the same moment, got or met."""
    barrier = threading.Barrier(number)

    def run() -> Any:
        barrier.wait()
        try:
            return function()
        except OAuthError as error:
            return error

    with ThreadPoolExecutor(number) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(number)]]


def settle() -> None:
    for thread in threading.enumerate():
        if thread.name == "oauthclient":
            thread.join(5)


def test_nothing_is_sent_before_a_token_is_needed(house: House) -> None:
    house.auth.__repr__()
    assert house.server.requests == []


def test_fifty_threads_make_one_token_request(house: House) -> None:
    tokens = together(50, lambda: house.auth.token(ORDERS))
    assert len({id(token) for token in tokens}) == 1
    assert (house.asked("metadata"), house.asked()) == (1, 1)


def test_two_resources_make_two_and_discover_once(house: House) -> None:
    turns = iter([ORDERS, STOCK] * 10)
    tokens = together(20, lambda: house.auth.token(next(turns)))
    assert len({id(token) for token in tokens}) == 2
    assert (house.asked("metadata"), house.asked()) == (1, 2)


@pytest.mark.parametrize("run", [asyncio.run, lambda coroutine: trio.run(lambda: coroutine)], ids=["asyncio", "trio"])
def test_a_task_gets_what_a_thread_gets(house: House, run: Callable[[Any], Any]) -> None:
    assert run(house.auth.token_async(ORDERS)) is house.auth.token(ORDERS)
    assert house.asked() == 1


def test_two_auth_objects_of_one_client_share_their_tokens(house: House) -> None:
    other = house.oauth.client_credentials(Resource(ORDERS, scope="read"))
    assert other.token(ORDERS) is house.auth.token(ORDERS)


def test_but_not_for_another_scope_or_grant(house: House) -> None:
    class Own(Grant):
        grant_type = "client_credentials"

        def parameters(self, occasion: object) -> tuple[()]:
            return ()

    plain = Resource(ORDERS)
    auths = [house.auth, house.oauth.client_credentials(plain), *(house.oauth.grant(Own(), plain) for _ in range(2))]
    assert len({auth.token(ORDERS).access_token for auth in auths}) == 4


def test_a_grant_that_cannot_name_a_token_is_refused(house: House) -> None:
    class Own(Grant):
        __hash__ = None  # type: ignore[assignment]  # what @dataclass does to it

    with pytest.raises(ConfigurationError) as refused:
        house.oauth.grant(Own(), Resource(ORDERS))
    assert refused.value.code == "unusable_grant"


def test_a_server_that_answers_nothing_useful_is_not_asked_in_a_storm(house: House) -> None:
    house.server.instead(misbehaviour.html(500), times=None)
    for _ in range(100):
        assert isinstance(together(2, lambda: house.auth.token(ORDERS))[0], InvalidResponse)
        house.time.pass_(0.1)  # ten seconds in all
    assert 3 <= house.asked() <= 5  # at once, after 1, 2 and 4 seconds, more or less


def test_fifty_threads_hear_of_one_failure_each_for_himself(house: House) -> None:
    house.server.instead(misbehaviour.oauth_error("invalid_scope"), times=None)
    for _ in range(5):
        errors = together(50, lambda: house.auth.token(ORDERS))
        assert {(type(error), error.code) for error in errors} == {(ErrorResponse, "invalid_scope")}
        assert len({id(error) for error in errors}) == 50
    assert house.asked() == 1


def test_retry_after_is_obeyed_to_the_second(house: House) -> None:
    house.server.instead(misbehaviour.too_many_requests(30), times=1)
    for second in range(30):
        with pytest.raises(InvalidResponse) as refused:
            house.auth.token(ORDERS)
        assert refused.value.retry_after == 30
        assert house.asked() == 1, second
        house.time.pass_(1)
    assert house.auth.token(ORDERS)


def test_a_failing_resource_does_not_hold_up_another(house: House) -> None:
    house.server.instead(misbehaviour.oauth_error("invalid_target"), times=1)
    with pytest.raises(ErrorResponse):
        house.auth.token(ORDERS)
    assert house.auth.token(STOCK)


def test_what_is_not_offered_is_heard_without_asking_again(house: House) -> None:
    house.server.dpop = "absent"
    for _ in range(10):
        with pytest.raises(NotOffered):
            house.auth.token(ORDERS)
    assert (house.asked("metadata"), house.asked()) == (1, 0)


def test_who_looked_before_a_failure_does_not_ask_after_it(house: House) -> None:
    """A flight that starts during the pause asks nothing: N waiters never become leaders one after another."""
    house.server.instead(misbehaviour.html(500), times=1)
    target = house.auth._target(ORDERS)
    with pytest.raises(InvalidResponse):
        house.auth.token(ORDERS)
    late = target.keeper._fly(target.keeper, None)
    assert isinstance(late, Flight)
    with pytest.raises(InvalidResponse):
        late.result()
    assert house.asked() == 1


def test_an_early_renewal_stalls_nobody(house: House) -> None:
    """A refresh never stalls a request."""
    house.server.lifetime = 1000
    old = house.auth.token(ORDERS)
    go_on = threading.Event()

    def slow(response: Any) -> Any:
        assert go_on.wait(5)
        return response

    house.server.amend(slow, times=1)
    house.time.pass_(901)
    assert all(house.auth.token(ORDERS) is old for _ in range(20))
    go_on.set()
    settle()
    assert house.auth.token(ORDERS) is not old
    assert house.asked() == 2


def test_an_early_renewal_that_fails_pauses(house: House) -> None:
    house.server.lifetime = 1000
    old = house.auth.token(ORDERS)
    house.server.instead(misbehaviour.html(503), times=None)
    house.time.pass_(901)
    for _ in range(50):
        assert house.auth.token(ORDERS) is old
        settle()
    assert house.asked() == 2
    house.time.pass_(90)
    with pytest.raises(InvalidResponse):
        house.auth.token(ORDERS)


def test_at_expiry_there_is_one_request_too(house: House) -> None:
    house.server.lifetime = 60
    house.auth.token(ORDERS)
    house.time.pass_(61)
    assert len({id(token) for token in together(50, lambda: house.auth.token(ORDERS))}) == 1
    assert house.asked() == 2


def test_a_lifetime_of_zero_serves_all_who_waited(house: House) -> None:
    house.server.amend(misbehaviour.members(expires_in=0), times=None)
    go_on = threading.Event()

    def slow(response: Any) -> Any:
        assert go_on.wait(5)
        return response

    house.server.amend(slow, times=1)
    flights = [house.auth._target(ORDERS).keeper.need() for _ in range(10)]
    go_on.set()
    assert len({id(flight.result()) for flight in flights if isinstance(flight, Flight)}) == 1
    settle()
    house.auth.token(ORDERS)
    assert house.asked() == 2


def test_a_store_shared_by_two_clients_is_looked_into_first(house: House) -> None:
    """As by two processes that share the binding key."""

    class Store:
        def __init__(self) -> None:
            self.tokens: dict[Any, Any] = {}

        def load(self, slot: Any, /) -> Any:
            return self.tokens.get(slot)

        def save(self, slot: Any, token: Any, /) -> None:
            self.tokens[slot] = token

    store, binding = Store(), DPoP(SigningKey.generate())
    auths: list[Auth] = []
    for _ in range(2):
        client = house.client(store=store, binding=binding)
        auths.append(client.client_credentials(Resource(ORDERS, scope="read")))
    assert auths[0].token(ORDERS) is auths[1].token(ORDERS)
    assert house.asked() == 1


def test_other_binding_keys_share_nothing_even_there(house: House) -> None:
    from oauthclient import MemoryStore

    store = MemoryStore()
    auths = [house.client(store=store).client_credentials(Resource(ORDERS, scope="read")) for _ in range(2)]
    assert auths[0].token(ORDERS) is not auths[1].token(ORDERS)


def test_discovery_that_fails_is_tried_again_after_the_pause(house: House) -> None:
    house.server.instead(misbehaviour.html(503), endpoint="metadata", times=1)
    for _ in range(2):
        with pytest.raises(Unreachable):
            house.auth.token(ORDERS)
    assert house.asked("metadata") == 1
    house.time.pass_(1.3)
    assert house.auth.token(ORDERS)


def test_the_metadata_can_be_looked_at(house: House) -> None:
    assert house.oauth.discover().issuer == "https://as.example.com"
    assert asyncio.run(house.oauth.discover_async()) is house.oauth.discover()
    assert house.asked("metadata") == 1


def test_a_closed_client_opens_again(house: House) -> None:
    with house.oauth:
        house.auth.token(ORDERS)
    house.auth.token(STOCK)
    house.oauth.close()
    house.oauth.close()
    assert house.asked() == 2
