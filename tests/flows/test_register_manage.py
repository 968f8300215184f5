"""A registration is read, changed and deleted, and its access token is never lost by us: RFC 7592."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import (
    ConfigurationError,
    ErrorResponse,
    InvalidResponse,
    NotOffered,
    OAuthError,
    RegistrationLost,
    StorageUnreadable,
    StorageUnwritable,
    Unreachable,
)
from oauthclient.flows.effects import CheckWritable, DeleteKey, Persist, Send, Write
from oauthclient.flows.manage import (
    delete_registration,
    forget_registration,
)
from oauthclient.flows.register import register, restored
from oauthclient.protocol.registration_record import to_record
from oauthclient.secret import Secret
from oauthclient.testing import Response as Answer
from tests.flows.registering import (
    NAME,
    ROTATIONS,
    WANTED,
    Disk,
    body,
    delete,
    kept,
    prepared,
    read,
    update,
)
from tests.flows.telling import Telling, respond

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.protocol.registration import Registration
    from oauthclient.testing.registration import Rotation


def test_a_read_presents_the_registration_access_token() -> None:
    disk = prepared()
    before = kept(disk)
    assert read(disk) == before
    (request,) = disk.sent
    assert (request.method, request.url, request.body) == ("GET", before.registration_client_uri, b"")
    assert before.registration_access_token is not None
    assert request.headers["Authorization"] == f"Bearer {before.registration_access_token.reveal()}"


def test_the_note_is_stored_before_the_request_and_the_answer_before_all_else() -> None:
    disk = prepared()
    read(disk)
    order = [type(effect) for effect in disk.history if isinstance(effect, CheckWritable | Write | Send | Persist)]
    assert order == [CheckWritable, Write, Send, Persist]
    (note,) = [effect.record["note"] for effect in disk.history if isinstance(effect, Write)]
    assert note[1:] == ["GET", disk.wall]
    assert kept(disk).note is None


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_the_newest_registration_access_token_is_the_one_that_is_kept(rotation: Rotation) -> None:
    disk = prepared(rotation)
    for name in ("One", "Two", "Three"):
        assert update(disk, client_name=name).metadata["client_name"] == name
        assert read(disk).metadata["client_name"] == name


def test_an_update_holds_all_that_is_registered_and_nothing_that_is_forbidden() -> None:
    disk = prepared()
    before = kept(disk)
    update(disk, client_name="Other", contacts=["a@example.com"])
    (request,) = disk.sent
    assert request.method == "PUT"
    expected = {**before.metadata, "client_name": "Other", "contacts": ["a@example.com"], "client_id": before.client_id}
    assert body(request) == expected
    assert update(disk, contacts=None).metadata.get("contacts") is None


def test_an_update_holds_the_client_secret_where_there_is_one() -> None:
    disk = prepared()
    secret = kept(disk).__class__(**{**_fields(kept(disk)), "client_secret": Secret("s3cr3t")})
    disk.records[NAME] = json.dumps(to_record(secret))
    with pytest.raises(ErrorResponse):  # the server issued none, which is how we see that it arrived
        update(disk, client_name="Other")
    assert body(disk.sent[0])["client_secret"] == "s3cr3t"


def _fields(registration: Registration) -> dict[str, Any]:
    return {name: getattr(registration, name) for name in registration.__dataclass_fields__}


@pytest.mark.parametrize("name", ["jwks", "jwks_uri", "client_id", "client_secret", "registration_access_token"])
def test_what_is_not_changed_by_an_update_is_refused(name: str) -> None:
    disk = prepared()
    with pytest.raises(ConfigurationError) as refusal:
        update(disk, **{name: "x"})
    assert refusal.value.code == "reserved_member"
    assert disk.sent == []


def test_metadata_that_is_no_json_is_refused_before_anything_is_noted() -> None:
    disk = prepared()
    with pytest.raises(ConfigurationError) as refusal:
        update(disk, contacts=[object()])
    assert refusal.value.code == "not_json"
    assert kept(disk).note is None


def test_what_the_server_answers_holds() -> None:
    disk = prepared()
    before = kept(disk)
    answer = {"client_id": before.client_id, "token_endpoint_auth_method": "none", "registration_access_token": "next"}
    disk.server.instead(Answer(200, (), json.dumps(answer).encode()), endpoint="registration")
    after = update(disk, client_name="Other")
    assert after.token_endpoint_auth_method == "none"
    assert "client_name" not in after.metadata
    assert after.registration_access_token == Secret("next")
    assert after.registration_client_uri == before.registration_client_uri
    assert after == kept(disk)


def test_a_token_in_an_answer_is_stored_before_the_answer_is_judged() -> None:
    disk = prepared()
    before = kept(disk)
    answer = {"client_id": "another", "registration_access_token": "next", "client_name": "Evil"}
    disk.server.instead(Answer(200, (), json.dumps(answer).encode()), endpoint="registration")
    with pytest.raises(InvalidResponse) as refusal:
        read(disk)
    assert refusal.value.code == "client_id_changed"
    after = kept(disk)
    assert (after.client_id, after.metadata) == (before.client_id, before.metadata)
    assert after.registration_access_token == Secret("next")


@pytest.mark.parametrize(
    "failure",
    [Unreachable("no answer"), respond(503, b""), respond(429, {}), respond(200, b"<html>"), respond(302, {})],
)
def test_a_failure_loses_nothing_and_the_same_token_is_sent_again(failure: Any) -> None:
    disk = prepared()
    before = kept(disk)
    disk.answers = [failure]
    with pytest.raises(OAuthError):
        read(disk)
    noted = kept(disk)
    assert noted.note is not None
    assert noted.registration_access_token == before.registration_access_token
    disk.pass_time(5)
    assert read(disk) == before


def test_a_rejected_token_is_told_apart_from_one_whose_outcome_is_unknown() -> None:
    disk = prepared("single use")
    disk.answers = [Unreachable("no answer")]
    with pytest.raises(Unreachable):
        read(disk)
    disk.answers = [respond(401, {"error": "invalid_token"})]
    with pytest.raises(RegistrationLost) as loss:
        read(disk)
    assert loss.value.code == "registration_outcome_unknown"
    assert "administrator" in loss.value.hint

    disk = prepared()
    disk.server.clients.clear()
    disk.answers = [respond(401, b"")]
    with pytest.raises(RegistrationLost) as loss:
        read(disk)
    assert loss.value.code == "registration_access_token_rejected"
    assert kept(disk).client_id


def test_a_change_that_is_refused_leaves_what_was_there() -> None:
    disk = prepared()
    before = kept(disk)
    with pytest.raises(ErrorResponse) as refusal:
        update(disk, redirect_uris=["http://evil.example/"])
    assert refusal.value.code == "invalid_redirect_uri"
    assert "RFC 8252" in refusal.value.hint
    assert kept(disk).metadata == before.metadata
    assert read(disk) == before


@pytest.mark.parametrize("story", [read, lambda disk: update(disk, client_name="x"), delete])
def test_nothing_is_sent_where_nothing_can_be_stored(story: Callable[[Disk], Any]) -> None:
    disk = prepared()
    disk.unwritable = True
    with pytest.raises(StorageUnwritable):
        story(disk)
    assert disk.sent == []


@pytest.mark.parametrize("story", [read, lambda disk: update(disk, client_name="x")])
def test_without_a_registration_there_is_nothing_to_manage(story: Callable[[Disk], Any]) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        story(Disk())
    assert refusal.value.code == "not_registered"


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"registration_client_uri": None}, NotOffered, "management_not_offered"),
        ({"registration_access_token": None}, NotOffered, "management_not_offered"),
        ({"registration_client_uri": "http://as.example.com/register/1"}, InvalidResponse, "insecure_url"),
        ({"registration_client_uri": "https://u@as.example.com/"}, InvalidResponse, "insecure_url"),
        ({"registration_access_token": "a\r\nHost: b"}, InvalidResponse, "malformed_token"),
    ],
)
def test_the_token_goes_nowhere_that_is_not_safe(change: dict[str, Any], kind: type[OAuthError], code: str) -> None:
    disk = prepared()
    disk.records[NAME] = json.dumps({**(disk.record() or {}), **change})
    for story in (read, delete):
        with pytest.raises(kind) as refusal:
            story(disk)
        assert refusal.value.code == code
    assert disk.sent == []


def test_a_deleted_client_leaves_nothing_behind() -> None:
    disk = prepared()
    delete(disk)
    assert (disk.server.clients, disk.records, disk.keys, disk.held) == ({}, {}, {}, set())
    delete(disk)
    assert len(disk.sent) == 1


@pytest.mark.parametrize("status", [403, 405])
def test_a_deletion_that_is_refused_deletes_nothing(status: int) -> None:
    disk = prepared()
    before = kept(disk)
    disk.answers = [respond(status, b"")]
    with pytest.raises(OAuthError) as refusal:
        delete(disk)
    assert "administrator" in refusal.value.hint
    assert kept(disk) == before
    assert before.key in disk.keys


def test_a_deletion_that_was_rejected_is_not_taken_for_one_that_succeeded() -> None:
    disk = prepared()
    for _ in range(2):
        disk.answers = [respond(401, {"error": "invalid_token"})]
        with pytest.raises(RegistrationLost):
            delete(disk)
    assert kept(disk).client_id in disk.server.clients


def test_a_deletion_that_was_cut_short_and_is_refused_then_is_over() -> None:
    disk = prepared()
    before = kept(disk)
    for status in (503, 403):
        disk.answers = [respond(status, b"")]
        with pytest.raises(OAuthError):
            delete(disk)
    assert kept(disk) == before


def test_what_is_left_of_a_deleted_client_goes_without_asking_again() -> None:
    disk = prepared()
    telling = Telling(disk, delete_registration(disk.client(), NAME))
    telling.step_to(DeleteKey)
    disk.reboot()
    delete(disk)
    assert (disk.records, disk.keys, len(disk.sent)) == ({}, {}, 1)


def test_a_client_is_registered_anew_only_after_its_deletion_is_over() -> None:
    disk = prepared()
    first = kept(disk)
    disk.answers = [respond(503, b"")]
    with pytest.raises(InvalidResponse):
        delete(disk)
    assert disk.tell(restored(NAME)) is None
    second = disk.tell(register(disk.client(), NAME, WANTED))
    assert list(disk.server.clients) == [second.client_id]
    assert set(disk.keys) == {second.key}
    assert second.key != first.key


def test_a_registration_is_forgotten_without_a_word_to_the_server() -> None:
    disk = prepared()
    disk.tell(forget_registration(NAME))
    assert (disk.records, disk.keys, disk.sent) == ({}, {}, [])


def test_what_cannot_be_read_can_be_forgotten() -> None:
    disk = prepared()
    disk.records[NAME] = json.dumps({"version": 1, "client_id": "x"})
    with pytest.raises(StorageUnreadable):
        read(disk)
    disk.tell(forget_registration(NAME))
    assert disk.records == {}
