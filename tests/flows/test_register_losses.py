"""Whenever a process is killed, and whatever goes wrong, no registration is lost and no secret shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import (
    InvalidResponse,
    OAuthError,
    RegistrationLost,
    Unreachable,
)
from oauthclient.flows.effects import Persist, Send
from oauthclient.flows.manage import (
    delete_registration,
    read_registration,
    update_registration,
)
from oauthclient.flows.register import register
from oauthclient.flows.rotate_key import rotate_key
from oauthclient.secret import Secret
from tests.flows.registering import (
    NAME,
    ROTATIONS,
    WANTED,
    Disk,
    delete,
    kept,
    killed_everywhere,
    prepared,
    read,
    update,
)
from tests.flows.telling import respond
from tests.showing import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.testing.registration import Rotation

SECRETS = ("rat-s3cr3t", "client-s3cr3t")


@pytest.mark.parametrize(
    ("answer", "change", "story"),
    [
        (respond(401, b""), {}, read),
        (respond(400, {"error": "invalid_client_metadata"}), {}, lambda disk: update(disk, client_name="x")),
        (Unreachable("no answer"), {}, lambda disk: update(disk, client_name="x")),
        (respond(200, b"{"), {}, read),
        (respond(200, {"client_id": "x", "client_secret": "client-s3cr3t"}), {}, read),
        (respond(503, b""), {}, delete),
        (None, {}, lambda disk: update(disk, contacts=[object()])),
        (None, {"registration_client_uri": "http://as.example.com/"}, read),
        (None, {"registration_access_token": "rat-s3cr3t\n"}, read),
        (None, {"note": 5}, read),
        (None, {"version": 9}, read),
        (
            None,
            {"metadata": {"jwks_uri": "https://app.example/"}},
            lambda disk: disk.tell(rotate_key(disk.client(), NAME)),
        ),
    ],
)
def test_no_error_shows_a_secret(answer: Any, change: dict[str, Any], story: Callable[[Disk], Any]) -> None:
    disk = prepared()
    known = {"registration_access_token": "rat-s3cr3t", "client_secret": "client-s3cr3t", **change}
    disk.records[NAME] = json.dumps({**(disk.record() or {}), **known})
    disk.answers = [] if answer is None else [answer]
    with pytest.raises(OAuthError) as refusal:
        story(disk)
    shown = [text for text in told(refusal.value) if any(secret in text for secret in SECRETS)]
    assert shown == []


def test_no_error_shows_a_secret_that_was_just_issued() -> None:
    disk = Disk(respond(201, {"client_secret": "client-s3cr3t", "registration_access_token": "rat-s3cr3t"}))
    with pytest.raises(InvalidResponse) as refusal:
        disk.tell(register(disk.client(), NAME, WANTED, initial_access_token=Secret("iat-s3cr3t")))
    assert [text for text in told(refusal.value) if "s3cr3t" in text] == []


def lost(disk: Disk, rotation: Rotation, method: str) -> bool:
    """Whether the server replaced a token that we were not told of: the one case that no client can save."""
    answered = disk.sent and disk.sent[-1].method == method
    return bool(answered) and (rotation == "single use" or (rotation == "on update" and method == "PUT"))


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize(
    ("method", "story"),
    [
        ("GET", lambda disk: read_registration(disk.client(), NAME)),
        ("PUT", lambda disk: update_registration(disk.client(), NAME, {"client_name": "Other"})),
    ],
)
def test_killed_at_any_effect_only_an_answer_in_flight_can_be_lost(
    rotation: Rotation, method: str, story: Callable[[Disk], Any]
) -> None:
    losses, deaths = 0, 0
    for disk, effect, heard in killed_everywhere(lambda: prepared(rotation), story):
        stored = isinstance(effect, Persist) and heard
        flying = (isinstance(effect, Send) and heard) or (isinstance(effect, Persist) and not heard)
        if flying and lost(disk, rotation, method):
            with pytest.raises(RegistrationLost) as loss:
                disk.tell(story(disk))
            assert loss.value.code == "registration_outcome_unknown"
            losses += 1
        else:
            disk.tell(story(disk))
            assert kept(disk).note is None, stored
        assert kept(disk).client_id in disk.server.clients
        assert kept(disk).key in disk.keys
        deaths += 1
    assert deaths > 10
    assert losses == (2 if rotation == "single use" or (rotation, method) == ("on update", "PUT") else 0)


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_killed_at_any_effect_a_deletion_is_finished_by_the_next_one(rotation: Rotation) -> None:
    for disk, _, _ in killed_everywhere(
        lambda: prepared(rotation), lambda disk: delete_registration(disk.client(), NAME)
    ):
        delete(disk)
        assert (disk.server.clients, disk.records, disk.keys) == ({}, {}, {})


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_killed_at_any_effect_of_a_deletion_the_client_can_be_registered_anew(rotation: Rotation) -> None:
    for disk, _, _ in killed_everywhere(
        lambda: prepared(rotation), lambda disk: delete_registration(disk.client(), NAME)
    ):
        registration = disk.tell(register(disk.client(), NAME, WANTED))
        assert list(disk.server.clients) == [registration.client_id]
        assert set(disk.keys) == {registration.key}
