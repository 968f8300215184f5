"""A client registers itself once: RFC 7591, section 3."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import (
    ErrorResponse,
    InvalidResponse,
    NotOffered,
    OAuthError,
    StorageUnwritable,
    Unreachable,
)
from oauthclient.flows.effects import Persist, SaveKey, Send, Write
from oauthclient.flows.register import load_key, register, restored
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.metadata import ServerMetadata
from oauthclient.secret import Secret
from oauthclient.testing import Response as Answer
from tests.flows.registering import NAME, WANTED, Disk, killed_everywhere
from tests.flows.telling import respond

if TYPE_CHECKING:
    from oauthclient.flows.server import Server
    from oauthclient.protocol.client_metadata import ClientMetadata
    from oauthclient.protocol.registration import Registration

ENDPOINT = "https://as.example.com/register"


def registered(disk: Disk, wanted: ClientMetadata = WANTED, **options: Any) -> Registration:
    server: Server = options.pop("server", None) or disk.client()
    told: Registration = disk.tell(register(server, NAME, wanted, **options))
    return told


def test_software_makes_its_key_and_registers_with_it() -> None:
    disk = Disk()
    registration = registered(disk)
    key = disk.tell(load_key(registration.key))
    client = disk.server.clients[registration.client_id]
    assert client.method == "private_key_jwt"
    assert client.keys.candidates(key.algorithm, key.kid)[0].public_jwk.items() >= key.public_jwk.items()
    assert (client.dpop_bound_access_tokens, client.require_signed_request_object) == (True, True)
    assert client.require_pushed_authorization_requests
    assert registration.metadata["client_name"] == "App"
    (request,) = disk.sent
    assert (request.method, request.url) == ("POST", ENDPOINT)
    assert "Authorization" not in request.headers
    assert request.headers["Content-Type"] == "application/json"


def test_the_key_is_stored_before_it_is_sent_and_the_plan_before_the_key() -> None:
    disk = Disk()
    registered(disk)
    order = [type(effect) for effect in disk.history if isinstance(effect, Write | SaveKey | Send | Persist)]
    assert order == [Write, SaveKey, Send, Persist]


def test_it_registers_once_and_is_restored_from_then_on() -> None:
    disk = Disk()
    first = registered(disk)
    assert registered(disk) == first
    assert disk.tell(restored(NAME)) == first
    assert len(disk.sent) == 1
    assert disk.held == set()


def test_without_a_registration_there_is_nothing_to_restore() -> None:
    assert Disk().tell(restored(NAME)) is None


@pytest.mark.parametrize("status", [200, 201])
def test_both_statuses_of_success_are_read(status: int) -> None:
    disk = Disk()
    disk.server.registration.status = status
    assert registered(disk).client_id in disk.server.clients


def test_an_initial_access_token_is_presented_where_there_is_one() -> None:
    disk = Disk()
    disk.server.registration.initial_access_tokens = {"let-me-in"}
    registered(disk, initial_access_token=Secret("let-me-in"))
    assert disk.sent[0].headers["Authorization"] == "Bearer let-me-in"


@pytest.mark.parametrize(("token", "advice"), [(None, "brings an initial"), (Secret("worn out"[:4]), "Get another")])
def test_who_lacks_an_initial_access_token_is_told_so(token: Secret | None, advice: str) -> None:
    disk = Disk()
    disk.server.registration.initial_access_tokens = set()
    with pytest.raises(ErrorResponse) as refusal:
        registered(disk, initial_access_token=token)
    assert refusal.value.code == "invalid_token"
    assert advice in refusal.value.hint


def test_a_refused_attempt_leaves_its_key_for_the_next_one() -> None:
    disk = Disk(respond(400, {"error": "invalid_client_metadata", "error_description": "no"}))
    with pytest.raises(ErrorResponse) as refusal:
        registered(disk)
    assert refusal.value.code == "invalid_client_metadata"
    assert "names" in refusal.value.hint
    keys = set(disk.keys)
    registration = registered(disk)
    assert {registration.key} == keys == set(disk.keys)


def test_a_key_of_an_algorithm_that_is_no_longer_taken_is_replaced() -> None:
    disk = Disk(Unreachable("no answer"))
    disk.server.metadata["token_endpoint_auth_signing_alg_values_supported"] = ["PS256"]
    disk.server.metadata["request_object_signing_alg_values_supported"] = None
    with pytest.raises(Unreachable):
        registered(disk)
    (rejected,) = disk.keys
    disk.server.metadata["token_endpoint_auth_signing_alg_values_supported"] = ["ES256"]
    registration = registered(disk)
    assert rejected not in disk.keys
    assert set(disk.keys) == {registration.key}


def test_a_key_of_the_programs_own_is_not_stored() -> None:
    disk, own = Disk(), SigningKey.generate("ES256", kid="mine")
    registration = registered(disk, own=own)
    assert registration.key == own.thumbprint
    assert disk.keys == {}


@pytest.mark.parametrize("found", [SigningKey.generate().to_jwk(), Secret("{"), Secret("null")])
def test_what_is_not_the_key_of_that_name_is_no_key(found: Secret) -> None:
    disk = Disk()
    registration = registered(disk)
    disk.keys[registration.key or ""] = found
    assert disk.tell(load_key(registration.key or "")) is None
    assert disk.tell(load_key("another")) is None


def test_a_client_without_use_for_a_key_gets_none() -> None:
    disk = Disk()
    disk.server.metadata |= {
        "token_endpoint_auth_methods_supported": ["none"],
        "request_object_signing_alg_values_supported": None,
    }
    registration = registered(disk)
    assert (registration.key, disk.keys) == (None, {})


def test_a_server_without_registration_is_named_before_anything_is_stored() -> None:
    disk = Disk()
    disk.server.registration.offered = False
    with pytest.raises(NotOffered) as refusal:
        registered(disk)
    assert refusal.value.code == "registration_not_offered"
    assert (disk.sent, disk.keys, disk.records) == ([], {}, {})


def test_nothing_is_sent_where_nothing_can_be_stored() -> None:
    disk = Disk()
    disk.unwritable = True
    with pytest.raises(StorageUnwritable):
        registered(disk)
    assert (disk.sent, disk.keys, disk.held) == ([], {}, set())


def test_an_endpoint_that_has_moved_is_looked_up_again() -> None:
    disk = Disk()
    server = disk.client()
    stale = dict(disk.server.metadata_document()) | {"registration_endpoint": "https://as.example.com/old"}
    server.metadata, server.read_again = ServerMetadata.from_document(stale), disk.steady + 100
    assert registered(disk, server=server).client_id in disk.server.clients


@pytest.mark.parametrize(
    "answer",
    [
        respond(201, {"client_secret": "s3cr3t-value"}),
        respond(201, {"client_id": 5, "client_secret": "s3cr3t-value"}),
        respond(201, b"<html>"),
        respond(302, {}, location="https://elsewhere.example"),
        respond(200, {"error": "invalid_client_metadata"}),
        respond(500, b""),
        respond(401, b""),
    ],
)
def test_what_is_no_registration_is_refused(answer: Any) -> None:
    disk = Disk(answer)
    with pytest.raises((InvalidResponse, ErrorResponse)) as refusal:
        registered(disk)
    assert "s3cr3t-value" not in str(refusal.value)
    record = disk.record()
    assert record is not None
    assert record["planned"]


def test_a_secret_that_expired_is_asked_for_again_and_else_the_client_is_registered_anew() -> None:
    disk = Disk()
    wanted = replace(WANTED, token_endpoint_auth_method="client_secret_basic")
    disk.server.registration.secret_lifetime = 60
    first = registered(disk, wanted)
    assert first.client_secret is not None
    disk.pass_time(61)
    assert disk.tell(restored(NAME)) is None
    document = json.loads(json.dumps(dict(first.metadata)))
    renewed = {"client_id": first.client_id, "client_secret": "new", "client_secret_expires_at": disk.wall + 60}
    disk.server.instead(Answer(200, (), json.dumps(document | renewed).encode()), endpoint="registration")
    second = registered(disk, wanted)
    assert (second.client_id, second.client_secret) == (first.client_id, Secret("new"))
    disk.pass_time(61)
    third = registered(disk, wanted)
    assert third.client_id != first.client_id
    assert third.key in disk.keys
    assert len(disk.keys) == 1


def test_killed_at_any_effect_a_registration_goes_on_where_it_was() -> None:
    """The one loss: a client that the server made whose answer was not stored stays there, and nobody uses it."""
    deaths = 0
    for disk, effect, heard in killed_everywhere(Disk, lambda disk: register(disk.client(), NAME, WANTED)):
        keys = set(disk.keys)
        registration = registered(disk)
        answered = isinstance(effect, Persist) or (heard and isinstance(effect, Send))
        assert registration.client_id in disk.server.clients
        assert len(disk.server.clients) <= (2 if answered else 1)
        assert {registration.key} == set(disk.keys)
        assert keys <= set(disk.keys)
        assert disk.tell(restored(NAME)) == registration
        deaths += 1
    assert deaths > 15


def test_an_error_leaves_no_lease_behind() -> None:
    disk = Disk(Unreachable("no answer"))
    with pytest.raises(OAuthError):
        registered(disk)
    assert disk.held == set()
