"""Tokens bound to a certificate, and clients that cannot present it: said by `attach`, or at the 401 (RFC 8705)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from oauthclient import (
    Auth,
    Bearer,
    ClientCertificate,
    ConfigurationError,
    MutualTLS,
    NotRepeated,
    PrivateKeyJWT,
    Resource,
    attach,
    not_repeated,
)
from oauthclient.testing import misbehaviour
from oauthclient.tls.transport import EXTENSION
from tests.testing.certificates import self_signed_pem
from tests.world import ORDERS, STOCK

if TYPE_CHECKING:
    from tests.doors import Door
    from tests.world import World

CERTIFICATE = ClientCertificate.from_pem(self_signed_pem())
PLAIN = [httpx.Client, httpx.AsyncClient, httpx2.Client, httpx2.AsyncClient]
NAMES = [f"{kind.__module__}.{kind.__name__}" for kind in PLAIN]


@pytest.fixture
def auth(world: World) -> Auth:
    world.server.mtls = True
    world.server.dpop = "absent"
    world.server.register("key", key=world.key, tls_client_certificate_bound_access_tokens=True)
    oauth = world.oauth(
        client_id="key",
        authentication=PrivateKeyJWT(world.key),
        binding=MutualTLS(CERTIFICATE),
        transport=world.network.transport(CERTIFICATE),
    )
    return oauth.client_credentials(Resource(ORDERS, scope="orders.read"))


@pytest.mark.parametrize("kind", PLAIN, ids=NAMES)
def test_attach_refuses_a_client_that_presents_none(auth: Auth, kind: Any) -> None:
    client = kind()
    with pytest.raises(ConfigurationError) as caught:
        attach(client, auth)
    assert caught.value.code == "certificate_not_presented"
    assert "certificate.client(" in caught.value.hint
    assert client.event_hooks == {"request": [], "response": []}
    assert client.auth is not auth


@pytest.mark.parametrize("kind", PLAIN, ids=NAMES)
def test_what_counts_is_the_transport_by_which_the_resource_is_reached(auth: Auth, kind: Any) -> None:
    family = httpx2 if kind.__module__ == "httpx2" else httpx
    plain: Any = getattr(family, kind.__name__.replace("Client", "HTTPTransport"))
    with pytest.raises(ConfigurationError):
        attach(CERTIFICATE.client(kind, mounts={ORDERS: plain()}), auth)
    attach(CERTIFICATE.client(kind, mounts={"https://elsewhere.example": plain()}), auth)
    presenting = CERTIFICATE.client(kind)._transport
    attach(kind(mounts={ORDERS.rpartition("/")[0]: presenting}), auth)


@pytest.mark.parametrize("kind", PLAIN, ids=NAMES)
def test_attach_takes_whatever_may_present_one(auth: Auth, world: World, kind: Any) -> None:
    family = httpx2 if kind.__module__ == "httpx2" else httpx
    mock = world.network.transport2 if family is httpx2 else world.network.transport
    assert attach(CERTIFICATE.client(kind), auth).auth is auth
    assert attach(kind(transport=mock(CERTIFICATE)), auth).auth is auth
    theirs = kind(verify=ssl.create_default_context())
    assert attach(theirs, auth, presents_certificate=True) is theirs


@pytest.mark.parametrize("kind", PLAIN, ids=NAMES)
def test_a_token_that_is_not_bound_to_one_goes_over_any_client(world: World, kind: Any) -> None:
    for binding in (None, Bearer()):
        auth = world.auth(binding=binding)
        assert not auth.needs_certificate
        assert attach(kind(), auth).auth is auth


def test_one_of_two_that_are_joined_is_enough(auth: Auth, world: World) -> None:
    other = world.oauth().client_credentials(Resource(STOCK, scope="stock.write"))
    assert (other | auth).needs_certificate
    with pytest.raises(ConfigurationError):
        attach(httpx.Client(), other | auth)


def test_a_401_to_a_client_that_is_not_known_to_present_it_says_so(
    auth: Auth, world: World, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    answer = door.client(auth, world.network).get(ORDERS)
    assert answer.status_code == 401
    assert not_repeated(answer) is NotRepeated.CERTIFICATE_NOT_PRESENTED
    assert [seen.error for seen in world.orders.requests] == ["invalid_token"] * 2  # with a new token, once
    assert len(world.token_requests) == 2
    assert [record for record in caplog.records if "certificate.client(" in record.getMessage()]
    assert world.server.tokens.issued[-1].access_token not in caplog.text


def test_it_says_so_at_once_where_the_token_is_the_second_that_was_rejected(
    auth: Auth, world: World, door: Door
) -> None:
    client = door.client(auth, world.network)
    client.get(ORDERS)
    answer = client.get(ORDERS)
    assert not_repeated(answer) is NotRepeated.CERTIFICATE_NOT_PRESENTED
    assert len(world.orders.requests) == 3
    assert len(world.token_requests) == 2


def test_a_401_to_one_that_did_present_it_has_another_cause(auth: Auth, world: World, door: Door) -> None:
    network = world.network
    transport = network.transport2(CERTIFICATE) if door.family is httpx2 else network.transport(CERTIFICATE)
    make = door.family.AsyncClient if door.loop else door.family.Client
    client = make(auth=auth, transport=transport)
    assert door.run(client.get, ORDERS).status_code == 200
    world.orders.instead(misbehaviour.challenge('Bearer error="invalid_token"'), times=None)
    answer = door.run(client.get, ORDERS)
    assert not_repeated(answer) in (NotRepeated.REPEATED_ALREADY, NotRepeated.TOKEN_TOO_NEW)
    assert answer.extensions[EXTENSION] == CERTIFICATE.current().x5t_s256


def test_a_request_that_leaves_the_resource_takes_no_certificate_of_its_token_along(
    auth: Auth, world: World, door: Door
) -> None:
    network = world.network
    transport = network.transport2(CERTIFICATE) if door.family is httpx2 else network.transport(CERTIFICATE)
    make = door.family.AsyncClient if door.loop else door.family.Client
    client = attach(make(transport=transport, follow_redirects=True), auth)
    left = door.run(client.get, f"{ORDERS}/redirect?to=https://elsewhere.example/&status=307")
    assert left.status_code == 200
    assert world.elsewhere.credentials_seen == []
    assert EXTENSION not in left.request.extensions
    stayed = door.run(client.get, f"{ORDERS}/redirect?to={ORDERS}/1&status=307")
    assert stayed.status_code == 200
    assert stayed.request.extensions[EXTENSION] == CERTIFICATE.current().x5t_s256
