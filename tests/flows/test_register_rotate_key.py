"""A registered client gets another key, and is never without one that the server takes: RFC 7592, 2.2."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import ConfigurationError, InvalidResponse, NotOffered, RegistrationLost, Unreachable
from oauthclient.flows.effects import DeleteKey, Lease, Persist, SaveKey, Send, Write
from oauthclient.flows.register import load_key, register
from oauthclient.flows.rotate_key import rotate_key
from oauthclient.jose.jwk import thumbprint
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.client_metadata import published
from oauthclient.testing import Response as Answer
from tests.flows.registering import NAME, WANTED, Disk, body, kept, killed_everywhere, prepared
from tests.flows.telling import Telling

if TYPE_CHECKING:
    from oauthclient.protocol.registration import Registration
    from oauthclient.testing.registration import Rotation


def rotate(disk: Disk, **options: Any) -> Registration:
    told: Registration = disk.tell(rotate_key(disk.client(), NAME, **options))
    return told


def works(disk: Disk) -> bool:
    """Whether the server takes what the client signs with."""
    registration = kept(disk)
    key = disk.tell(load_key(registration.key or ""))
    candidates = disk.server.clients[registration.client_id].keys.candidates(key.algorithm, key.kid)
    return any(candidate.kid == key.kid for candidate in candidates)


def thumbprints(request: Any) -> list[str]:
    return [thumbprint(jwk) for jwk in body(request)["jwks"]["keys"]]


def test_the_new_key_is_added_and_then_the_old_one_dropped() -> None:
    disk = prepared()
    before = kept(disk)
    after = rotate(disk)
    assert after.key != before.key
    assert [thumbprints(request) for request in disk.sent] == [[before.key, after.key], [after.key]]
    assert set(disk.keys) == {after.key}
    assert works(disk)
    assert (after.next_key, after.previous_key, after.note) == (None, None, None)
    assert after == kept(disk)


def test_the_new_key_has_the_algorithm_that_is_registered_and_a_kid_of_its_own() -> None:
    disk = prepared()
    old = disk.tell(load_key(kept(disk).key or ""))
    new = disk.tell(load_key(rotate(disk).key or ""))
    assert new.algorithm == old.algorithm
    assert new.kid not in (None, old.kid)


def test_it_is_said_which_key_will_be_made_and_the_key_stored_before_it_is_sent() -> None:
    disk = prepared()
    rotate(disk)
    order = [type(effect) for effect in disk.history if isinstance(effect, Write | SaveKey | Send | Persist)]
    assert order[:6] == [Write, SaveKey, Write, Send, Persist, Write]


def test_other_processes_have_time_to_switch() -> None:
    disk = prepared()
    before = kept(disk)
    telling = Telling(disk, rotate_key(disk.client(), NAME, overlap=30))
    while disk.slept == 0 and not telling.over:
        telling.step()
    middle = kept(disk)
    assert (middle.previous_key, disk.held) == (before.key, set())
    assert set(disk.keys) == {middle.key, before.key}
    while not telling.over:
        telling.step()
    assert (disk.slept, kept(disk).previous_key) == (30, None)


def test_another_process_may_have_dropped_the_old_key_meanwhile() -> None:
    disk = prepared()
    telling = Telling(disk, rotate_key(disk.client(), NAME, overlap=30))
    while disk.slept == 0 and not telling.over:
        telling.step()
    finished = rotate(disk)
    while not telling.over:
        telling.step()
    assert telling.result() == finished


def test_a_key_that_the_server_has_dropped_is_not_dropped_twice() -> None:
    disk = prepared()
    telling = Telling(disk, rotate_key(disk.client(), NAME))
    telling.step_to(DeleteKey)
    disk.reboot()
    assert rotate(disk).previous_key is None
    assert len(disk.sent) == 2


def test_a_rotation_works_without_the_old_private_key() -> None:
    disk = prepared()
    disk.keys.clear()
    rotate(disk)
    assert works(disk)


def test_other_keys_stay_registered() -> None:
    disk = Disk()
    other = published(SigningKey.generate(kid="enc"), alg="ECDH-ES") | {"use": "enc"}
    wanted = WANTED.__class__(redirect_uris=WANTED.redirect_uris, public_keys=(other,))
    disk.tell(register(disk.client(), NAME, wanted))
    assert other in rotate(disk).jwks
    assert len(rotate(disk).jwks) == 2


def test_a_key_of_the_programs_own_takes_the_place_of_another() -> None:
    old, new = SigningKey.generate(kid="old"), SigningKey.generate(kid="new")
    disk = prepared(own=old)
    assert rotate(disk, own=new).key == new.thumbprint
    sent = len(disk.sent)
    assert rotate(disk, own=new).key == new.thumbprint
    assert (len(disk.sent), disk.keys) == (sent, {})


def test_another_key_than_planned_takes_its_place() -> None:
    disk = prepared()
    disk.answers = [Unreachable("no answer")]
    with pytest.raises(Unreachable):
        rotate(disk)
    own = SigningKey.generate(disk.tell(load_key(kept(disk).key or "")).algorithm, kid="own")
    after = rotate(disk, own=own)
    assert (after.key, disk.keys) == (own.thumbprint, {})
    assert [jwk["kid"] for jwk in after.jwks] == ["own"]


def test_a_key_of_another_algorithm_than_registered_is_refused() -> None:
    disk = prepared()
    other = "ES384" if disk.tell(load_key(kept(disk).key or "")).algorithm != "ES384" else "ES256"
    with pytest.raises(ConfigurationError) as refusal:
        rotate(disk, own=SigningKey.generate(other))
    assert refusal.value.code == "algorithm_mismatch"


def test_a_client_without_a_key_has_none_to_rotate() -> None:
    disk = prepared()
    disk.records[NAME] = json.dumps({**(disk.record() or {}), "key": None})
    with pytest.raises(ConfigurationError) as refusal:
        rotate(disk)
    assert refusal.value.code == "no_client_key"


def test_keys_that_the_server_fetches_are_not_rotated_here() -> None:
    disk = prepared()
    record = disk.record() or {}
    record["metadata"]["jwks_uri"] = "https://app.example/jwks"
    disk.records[NAME] = json.dumps(record)
    with pytest.raises(NotOffered) as refusal:
        rotate(disk)
    assert refusal.value.code == "keys_elsewhere"


def answer(disk: Disk, keys: list[dict[str, str]]) -> None:
    document = {**kept(disk).metadata, "client_id": kept(disk).client_id, "jwks": {"keys": keys}}
    disk.server.instead(Answer(200, (), json.dumps(document).encode()), endpoint="registration")


def test_a_key_that_the_server_did_not_take_is_not_signed_with() -> None:
    disk = prepared("never")
    before = kept(disk)
    answer(disk, before.jwks)
    with pytest.raises(InvalidResponse) as refusal:
        rotate(disk)
    assert refusal.value.code == "key_not_registered"
    middle = kept(disk)
    assert middle.key == before.key
    assert works(disk)
    assert rotate(disk).key == middle.next_key


def test_a_key_that_the_server_keeps_is_kept_in_mind() -> None:
    disk = prepared("never")
    before = kept(disk)
    telling = Telling(disk, rotate_key(disk.client(), NAME))
    while not (isinstance(telling.effect, Lease) and len(disk.sent) == 1):
        telling.step()
    answer(disk, kept(disk).jwks)
    while not telling.over:
        telling.step()
    with pytest.raises(InvalidResponse) as refusal:
        telling.result()
    assert refusal.value.code == "key_not_dropped"
    assert kept(disk).previous_key == before.key
    assert rotate(disk).previous_key is None


@pytest.mark.parametrize("rotation", ["never", "on update", "single use"])
def test_killed_at_any_effect_the_client_still_works_and_the_next_call_goes_on(rotation: Rotation) -> None:
    losses, deaths = 0, 0
    for disk, effect, heard in killed_everywhere(
        lambda: prepared(rotation), lambda disk: rotate_key(disk.client(), NAME)
    ):
        assert works(disk)
        flying = (isinstance(effect, Send) and heard) or (isinstance(effect, Persist) and not heard)
        if flying and rotation != "never":
            with pytest.raises(RegistrationLost):
                rotate(disk)
            losses += 1
        else:
            after = rotate(disk)
            assert set(disk.keys) == {after.key}
            assert [thumbprint(jwk) for jwk in after.jwks] == [after.key]
        assert works(disk)
        deaths += 1
    assert deaths > 30
    assert losses == (0 if rotation == "never" else 4)
