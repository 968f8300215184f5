"""A certificate that is renewed while tokens are bound to the former one: no request waits (RFC 8705, section 6.3)."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from oauthclient import Auth, ClientCertificate, MutualTLS, OAuthError, Resource, TLSClientAuth
from oauthclient.testing import misbehaviour
from tests.testing.certificates import SUBJECT, self_signed_pem
from tests.world import ORDERS, Machine, World


@pytest.fixture
def certificate(tmp_path: Path) -> ClientCertificate:
    file = tmp_path / "client.pem"
    file.write_bytes(self_signed_pem())
    return ClientCertificate.from_files(file, check_every=0)


@pytest.fixture
def auth(world: World, certificate: ClientCertificate) -> Auth:
    world.server.mtls = True
    world.server.dpop = "absent"
    world.server.register(
        "certified",
        method="tls_client_auth",
        tls_client_auth_subject_dn=SUBJECT,
        tls_client_certificate_bound_access_tokens=True,
    )
    client = world.oauth(
        client_id="certified",
        authentication=TLSClientAuth(certificate),
        binding=MutualTLS(certificate),
        transport=world.network.transport(client_certificate=certificate),
    )
    return client.client_credentials(Resource(ORDERS, scope="orders.read"))


@pytest.fixture
def api(world: World, auth: Auth, certificate: ClientCertificate) -> httpx.Client:
    return httpx.Client(auth=auth, transport=world.network.transport(client_certificate=certificate))


@pytest.fixture
def renew(tmp_path: Path, certificate: ClientCertificate) -> Callable[[], str]:
    """Put another certificate in place of the one there is, wait until it is accepted, and say its thumbprint."""

    def renewed() -> str:
        before = certificate.current()
        (tmp_path / "next.pem").write_bytes(self_signed_pem())
        (tmp_path / "next.pem").rename(tmp_path / "client.pem")
        return until(lambda: certificate.current() is not before and certificate.current().x5t_s256)

    return renewed


def until(happened: Callable[[], str | bool]) -> str:
    deadline = time.monotonic() + 5
    while not (found := happened()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return str(found)


def test_a_new_certificate_gets_tokens_of_its_own(
    world: World, api: httpx.Client, renew: Callable[[], str], certificate: ClientCertificate
) -> None:
    former = certificate.current().x5t_s256
    assert api.get(ORDERS).status_code == 200
    present = renew()
    until(lambda: api.get(ORDERS).extensions["client_certificate"] == present)
    assert [issued.x5t_s256 for issued in world.server.tokens.issued] == [former, present]
    assert {seen.status for seen in world.orders.requests} == {200}


def test_while_the_server_is_away_the_former_certificate_and_its_token_serve(
    world: World, api: httpx.Client, renew: Callable[[], str], certificate: ClientCertificate
) -> None:
    former = certificate.current().x5t_s256
    api.get(ORDERS)
    world.server.instead(misbehaviour.html(503), times=None)
    renew()
    answers = [api.get(ORDERS) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.extensions["client_certificate"] for answer in answers} == {former}
    until(lambda: len(world.token_requests) == 2)  # and it is not asked again with every request


def test_a_token_ends_with_the_former_certificate_at_the_latest(
    world: World, api: httpx.Client, renew: Callable[[], str], machine: Machine
) -> None:
    world.server.lifetime = 10**10
    api.get(ORDERS)
    world.server.instead(misbehaviour.html(503), times=None)
    renew()
    assert api.get(ORDERS).status_code == 200
    machine.pass_time(4_000_000_000 - time.time() + 1)
    with pytest.raises(OAuthError):
        api.get(ORDERS)
    assert len(world.orders.requests) == 2


def test_a_certificate_that_is_renewed_often_leaves_nothing_behind(
    api: httpx.Client, auth: Auth, renew: Callable[[], str]
) -> None:
    for _ in range(3):
        api.get(ORDERS)
        present = renew()
        until(lambda present=present: api.get(ORDERS).extensions["client_certificate"] == present)  # type: ignore[misc]
    engine = auth._target(ORDERS).engine
    assert len(engine._keepers) == 1
    assert len(engine._driver._store._tokens) == 1  # type: ignore[attr-defined]
