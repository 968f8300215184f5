"""Where the library is tried out: an embedded server, three APIs, a stranger, a client, and time that tests turn."""

from typing import Any

import pytest

from oauthclient import Auth, OAuthClient, PrivateKeyJWT, Resource, SigningKey, time
from oauthclient.testing import AuthorizationServer, Bystander, Clock, Exchange, Network, ProtectedAPI
from oauthclient.testing.host import Host
from tests.doors import KINDS, Api, Door

ORDERS = "https://api.example.com/orders"
STOCK = "https://api.example.com/stock"
BILLS = "https://bills.example.com"
ELSEWHERE = "https://elsewhere.example"


class World:
    """An authorization server, two APIs of one origin (orders, stock), one of another (bills), and a stranger."""

    key = SigningKey.generate()

    def __init__(self, issuer: str = "https://as.example.com") -> None:
        self.clock = Clock()
        self.server = AuthorizationServer(issuer, now=self.clock)
        self.server.dpop = "required"
        self.orders = ProtectedAPI(self.server, ORDERS, scope="orders.read orders.write")
        self.stock = ProtectedAPI(self.server, STOCK, scope="stock.write")
        self.bills = ProtectedAPI(self.server, BILLS, scope="bills.read")
        self.elsewhere = Bystander(ELSEWHERE)
        self.network = Network(self.server, self.orders, self.stock, self.bills, self.elsewhere)
        self.server.register("svc", key=self.key)

    def oauth(self, **settings: Any) -> OAuthClient:
        """The client, registered with the server."""
        usual: dict[str, Any] = {
            "client_id": "svc",
            "authentication": PrivateKeyJWT(self.key),
            "transport": self.network.transport(),
        }
        return OAuthClient(settings.pop("issuer", self.server.issuer), **(usual | settings))

    def auth(self, **settings: Any) -> Auth:
        """Its auth object for orders and stock."""
        outside = settings.pop("outside", "raise")
        resources = Resource(ORDERS, scope="orders.read"), Resource(STOCK, scope="stock.write")
        return self.oauth(**settings).client_credentials(*resources, outside=outside)

    def open(self, door: Door, **options: Any) -> Api:
        """A client of the user's with that auth object."""
        return door.client(self.auth(), self.network, **options)

    @property
    def token_requests(self) -> list[Exchange]:
        return [seen for seen in self.server.requests if seen.endpoint == "token"]


class Machine:
    """The machine that the client under test runs on: its two clocks, which also run while it sleeps."""

    def __init__(self, patch: pytest.MonkeyPatch, world: World) -> None:
        self._world = world
        self._passed = 0.0
        wall, steady = time.wall, time.steady
        patch.setattr(time, "wall", lambda: wall() + self._passed)
        patch.setattr(time, "steady", lambda: steady() + self._passed)

    def pass_time(self, seconds: float) -> None:
        """Let time go by, for the servers as well."""
        self._passed += seconds
        self._world.clock.advance(seconds)


def outcomes(host: Host) -> list[tuple[int, str | None]]:
    """Status and error of each request that a host has answered."""
    return [(seen.status, seen.error) for seen in host.requests if seen.endpoint != "metadata"]


@pytest.fixture(params=KINDS)
def door(request: pytest.FixtureRequest) -> Door:
    """Each kind of client in turn."""
    return Door(request.param)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, world: World) -> Machine:
    return Machine(monkeypatch, world)


@pytest.fixture
def api(world: World, door: Door) -> Api:
    """The main job's client, once for each kind."""
    return world.open(door)
