"""A client of ours registers itself with a server nobody here wrote, and manages that: RFC 7591; RFC 7592."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from oauthclient.engine.transport import Transport
from oauthclient.errors import ErrorResponse, NotOffered, RegistrationLost
from oauthclient.flows.call import call
from oauthclient.flows.effects import Send, Story
from oauthclient.flows.manage import delete_registration, read_registration, update_registration
from oauthclient.flows.register import client_key, register, restored
from oauthclient.flows.rotate_key import rotate_key
from oauthclient.flows.server import Server
from oauthclient.jose.signers import Signer
from oauthclient.protocol.authentication import PrivateKeyJWT, PublicClient
from oauthclient.protocol.binding import DPoP
from oauthclient.protocol.client_metadata import ClientMetadata
from oauthclient.protocol.occasion import Occasion
from oauthclient.protocol.registration import Registration
from oauthclient.protocol.token import read_error
from oauthclient.protocol.wire import Form, Request, Response
from oauthclient.secret import Secret
from tests.flows.registering import NAME, Disk, killed_everywhere
from tests.real.harness import RealServer

WANTED = ClientMetadata(
    redirect_uris=("http://127.0.0.1/callback/as", "http://[::1]/callback/as"),
    members={"client_name": "App", "software_id": "app"},
)


class Machine(Disk):
    """A machine whose requests go over TLS to the real server."""

    def __init__(self, real: RealServer) -> None:
        super().__init__()
        self.wall = time.time()
        self._real = real
        self._transport = Transport(verify=real.tls)

    def client(self, registration: Registration | None = None, key: Signer | None = None) -> Server:
        return Server(
            self._real.issuer,
            client_id="" if registration is None else registration.client_id,
            authentication=PublicClient() if key is None else PrivateKeyJWT(key),
            binding=DPoP(),
            told_by="resource",
            parameters={},
            loopback=True,
            metadata=None,
        )

    def registered(self, wanted: ClientMetadata = WANTED, token: Secret | None = None) -> Registration:
        told: Registration = self.tell(register(self.client(), NAME, wanted, initial_access_token=token))
        return told

    def works(self) -> bool:
        """Whether the server takes what the client signs with: it then complains of the refresh token alone."""
        registration: Registration = self.tell(restored(NAME))
        server = self.client(registration, self.tell(client_key(registration)))
        metadata = server.metadata = self.tell(_metadata(server))

        def fill(form: Form, _: Occasion) -> Story[None]:
            form.add([("grant_type", "refresh_token"), ("refresh_token", "none")])
            return
            yield

        answer = self.tell(call(server, metadata, metadata.token_endpoint, fill))
        return read_error(answer, what="the answer").code == "invalid_grant"

    def _send(self, request: Request) -> Response:
        self.sent.append(request)
        return self._transport.send(request)


def _metadata(server: Server) -> Any:
    from oauthclient.flows.discover import known_metadata

    return known_metadata(server)


def test_a_client_registers_itself_with_all_that_defends_against_downgrade(real: RealServer) -> None:
    machine = Machine(real)
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


def test_it_is_read_changed_and_deleted(real: RealServer) -> None:
    machine = Machine(real)
    first = machine.registered()
    assert machine.tell(read_registration(machine.client(), NAME)) == first
    second = machine.tell(update_registration(machine.client(), NAME, {"client_name": "Other"}))
    assert second.metadata == {**first.metadata, "client_name": "Other"}
    assert second.registration_access_token != first.registration_access_token
    assert machine.tell(read_registration(machine.client(), NAME)) == second
    with pytest.raises(ErrorResponse):
        machine.tell(update_registration(machine.client(), NAME, {"redirect_uris": ["http://app.example/"]}))
    assert machine.tell(read_registration(machine.client(), NAME)) == second
    machine.tell(delete_registration(machine.client(), NAME))
    assert (machine.records, machine.keys) == ({}, {})


def test_its_key_is_rotated_with_an_overlap(real: RealServer) -> None:
    machine = Machine(real)
    first = machine.registered()
    second = machine.tell(rotate_key(machine.client(), NAME))
    assert first.key != second.key
    assert list(machine.keys) == [second.key]
    assert machine.works()


def test_a_secret_is_issued_where_one_is_wanted_and_stays(real: RealServer) -> None:
    machine = Machine(real)
    wanted = ClientMetadata(
        redirect_uris=WANTED.redirect_uris, token_endpoint_auth_method="client_secret_basic", members=WANTED.members
    )
    first = machine.registered(wanted)
    assert first.client_secret
    second = machine.tell(update_registration(machine.client(), NAME, {"client_name": "Other"}))
    assert second.client_secret == first.client_secret


@pytest.mark.parametrize("rotates", [True, False])
def test_killed_at_any_effect_of_a_rotation_the_client_still_works(
    start_real: Callable[..., RealServer], rotates: bool
) -> None:
    """Lost is at most an answer in flight that held another registration access token."""
    server = start_real(rotate_registration_tokens=rotates, dpop_nonces=False)

    def prepare() -> Machine:
        machine = Machine(server)
        machine.registered()
        return machine

    for machine, effect, heard in killed_everywhere(prepare, lambda disk: rotate_key(disk.client(), NAME)):
        assert isinstance(machine, Machine)
        if not isinstance(effect, Send):
            continue  # every other one is told against the embedded server
        assert machine.works()
        try:
            machine.tell(rotate_key(machine.client(), NAME))
        except RegistrationLost as loss:
            assert loss.code == "registration_outcome_unknown"
            assert rotates
            assert heard
        else:
            assert not (rotates and heard)
        assert machine.works()


def test_a_server_can_want_an_initial_access_token(start_real: Callable[..., RealServer]) -> None:
    server = start_real(initial_access_token="let-me-in")
    machine = Machine(server)
    with pytest.raises(ErrorResponse) as refusal:
        machine.registered()
    assert "initial access token" in refusal.value.hint
    (key,) = machine.keys
    assert machine.registered(token=Secret("let-me-in")).key == key


def test_a_server_without_registration_says_so(start_real: Callable[..., RealServer]) -> None:
    machine = Machine(start_real(registration=False))
    with pytest.raises(NotOffered) as refusal:
        machine.registered()
    assert refusal.value.code == "registration_not_offered"
