"""A client of ours registers itself with a server nobody here wrote, and manages that: RFC 7591; RFC 7592."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from oauthclient.engine.driver import Driver
from oauthclient.engine.stored import Stored
from oauthclient.engine.transport import Transport
from oauthclient.errors import ErrorResponse, NotOffered, RegistrationLost
from oauthclient.flows.call import call
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.effects import Send, Story
from oauthclient.flows.manage import delete_registration, read_registration, update_registration
from oauthclient.flows.register import load_key, register, restored
from oauthclient.flows.rotate_key import rotate_key
from oauthclient.flows.server import Server
from oauthclient.protocol.authentication import PrivateKeyJWT, PublicClient
from oauthclient.protocol.binding import DPoP
from oauthclient.protocol.client_metadata import ClientMetadata
from oauthclient.protocol.record_name import Name
from oauthclient.protocol.registration import Registration
from oauthclient.protocol.token import read_error
from oauthclient.secret import Secret
from oauthclient.storage.memory import MemoryStore
from oauthclient.storage.vault import Vault
from tests.real.harness import RealServer

T = TypeVar("T")

WANTED = ClientMetadata(
    redirect_uris=("http://127.0.0.1/callback/as", "http://[::1]/callback/as"),
    members={"client_name": "App", "software_id": "app"},
)


class KilledError(Exception):
    """The process that told a story is no more."""


class Machine:
    """A machine with a vault, on which stories are told and killed."""

    def __init__(self, real: RealServer) -> None:
        self.name = Name("registration", real.issuer, "app", "default")
        self.vault = Vault.memory()
        self._transport = Transport(verify=real.tls)
        self._driver = Driver(self._transport, MemoryStore(), Stored(self.vault))
        self.server = self._server(real.issuer, "", PublicClient())

    def close(self) -> None:
        self._transport.close()

    def tell(self, story: Story[T]) -> T:
        return self._driver.run(story)

    def registered(self, wanted: ClientMetadata = WANTED, token: Secret | None = None) -> Registration:
        return self.tell(register(self.server, self.name, wanted, initial_access_token=token))

    def read(self) -> Registration:
        return self.tell(read_registration(self.server, self.name))

    def update(self, **changes: Any) -> Registration:
        return self.tell(update_registration(self.server, self.name, changes))

    def rotated(self) -> Registration:
        return self.tell(rotate_key(self.server, self.name))

    def works(self) -> bool:
        """Whether the server takes what the client signs with: it then complains of the refresh token alone."""
        registration = self.tell(restored(self.name))
        assert registration is not None
        assert registration.key is not None
        key = self.tell(load_key(registration.key))
        assert key is not None
        server = self._server(self.server.issuer, registration.client_id, PrivateKeyJWT(key))
        metadata = self.tell(known_metadata(server))
        form = [("grant_type", "refresh_token"), ("refresh_token", "none")]
        answer = self.tell(call(server, metadata, metadata.token_endpoint, lambda _: form))
        return read_error(answer, what="the answer").code == "invalid_grant"

    def _server(self, issuer: str, client_id: str, authentication: PublicClient | PrivateKeyJWT) -> Server:
        return Server(
            issuer,
            client_id=client_id,
            authentication=authentication,
            binding=DPoP(),
            told_by="resource",
            parameters={},
            loopback=True,
            metadata=None,
        )


@contextmanager
def machine_with(real: RealServer) -> Iterator[Machine]:
    machine = Machine(real)
    try:
        yield machine
    finally:
        machine.close()


@pytest.fixture
def machine(real: RealServer) -> Iterator[Machine]:
    with machine_with(real) as made:
        yield made


def test_a_client_registers_itself_with_all_that_defends_against_downgrade(machine: Machine) -> None:
    registration = machine.registered()
    assert machine.works()
    assert registration.token_endpoint_auth_method == "private_key_jwt"
    held = {name: registration.metadata[name] for name in ("application_type", "client_name", "software_id")}
    assert held == {"application_type": "native", "client_name": "App", "software_id": "app"}
    for promise in (
        "dpop_bound_access_tokens",
        "require_signed_request_object",
        "require_pushed_authorization_requests",
    ):
        assert registration.metadata[promise] is True
    assert machine.registered() == registration


def test_it_is_read_changed_and_deleted(machine: Machine) -> None:
    first = machine.registered()
    assert machine.read() == first
    second = machine.update(client_name="Other")
    assert second.metadata == {**first.metadata, "client_name": "Other"}
    assert second.registration_access_token != first.registration_access_token
    assert machine.read() == second
    with pytest.raises(ErrorResponse):
        machine.update(redirect_uris=["http://app.example/"])
    assert machine.read() == second
    machine.tell(delete_registration(machine.server, machine.name))
    assert machine.vault.records.names() == []
    assert machine.vault.keys.load(str(first.key)) is None


def test_its_key_is_rotated_with_an_overlap(machine: Machine) -> None:
    first = machine.registered()
    second = machine.rotated()
    assert first.key != second.key
    assert machine.vault.keys.load(str(first.key)) is None
    assert machine.works()


def test_a_secret_is_issued_where_one_is_wanted_and_stays(machine: Machine) -> None:
    wanted = ClientMetadata(redirect_uris=WANTED.redirect_uris, token_endpoint_auth_method="client_secret_basic")
    first = machine.registered(wanted)
    assert first.client_secret
    assert machine.update(client_name="Other").client_secret == first.client_secret


def cut_short(story: Story[Registration], sends: int, *, answered: bool) -> Story[Registration]:
    """`story`, killed when it is about to send its request number `sends`, or when the answer has come."""
    try:
        reply: Any = None
        while True:
            effect = story.send(reply)
            if isinstance(effect, Send):
                sends -= 1
                if sends == 0 and not answered:
                    raise KilledError
            reply = yield effect
            if isinstance(effect, Send) and sends == 0:
                raise KilledError
    finally:
        story.close()  # for its lease, which ends with a process


@pytest.mark.parametrize("answered", ["sent", "unsent"])
@pytest.mark.parametrize("rotates", ["rotating", "constant"])
@pytest.mark.parametrize("sends", [1, 2])
def test_killed_in_a_rotation_the_client_still_works(
    start_real: Callable[..., RealServer], sends: int, rotates: str, answered: str
) -> None:
    """Lost is at most an answer in flight that held another registration access token."""
    server = start_real(rotate_registration_tokens=rotates == "rotating")
    with machine_with(server) as machine:
        machine.registered()
        story = rotate_key(machine.server, machine.name)
        machine.tell(known_metadata(machine.server))  # so that only requests about the registration are counted
        with pytest.raises(KilledError):
            machine.tell(cut_short(story, sends, answered=answered == "sent"))
        assert machine.works()
        if (rotates, answered) == ("rotating", "sent"):
            with pytest.raises(RegistrationLost) as loss:
                machine.rotated()
            assert loss.value.code == "registration_outcome_unknown"
        else:
            machine.rotated()
        assert machine.works()


def test_a_server_can_want_an_initial_access_token(start_real: Callable[..., RealServer]) -> None:
    with machine_with(start_real(initial_access_token="let-me-in")) as machine:
        with pytest.raises(ErrorResponse) as refusal:
            machine.registered()
        assert "initial access token" in refusal.value.hint
        machine.registered(token=Secret("let-me-in"))
        assert machine.works()


def test_a_server_without_registration_says_so(start_real: Callable[..., RealServer]) -> None:
    with machine_with(start_real(registration=False)) as machine:
        with pytest.raises(NotOffered) as refusal:
            machine.registered()
        assert refusal.value.code == "registration_not_offered"
