"""Another certificate for a client that authenticates by it, in an update that may be cut short: RFC 8705; RFC 7592."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import ConfigurationError, InvalidResponse, NotOffered, RegistrationLost
from oauthclient.flows.effects import Lease, Persist, Send
from oauthclient.flows.register import register
from oauthclient.flows.rotate_certificate import rotate_certificate
from oauthclient.flows.rotate_key import rotate_key
from oauthclient.testing import Response as Answer
from tests.flows.registering import NAME, ROTATIONS, WANTED, Disk, body, kept, killed_everywhere
from tests.testing.certificates import SUBJECT, certificate

if TYPE_CHECKING:
    from oauthclient.jose.certificate import Certificate
    from oauthclient.protocol.client_metadata import ClientMetadata
    from oauthclient.protocol.registration import Registration
    from oauthclient.testing.registration import Rotation

FIRST, NEXT, LAST = certificate("first"), certificate("next"), certificate("last")
SELF_SIGNED = replace(WANTED, token_endpoint_auth_method="self_signed_tls_client_auth", public_keys=(FIRST.jwk,))
NAMED = replace(
    WANTED, token_endpoint_auth_method="tls_client_auth", members={"tls_client_auth_san_dns": "old.example.com"}
)


def prepared(wanted: ClientMetadata = SELF_SIGNED, rotation: Rotation = "on update") -> Disk:
    """A machine with a client that is registered by certificate."""
    disk = Disk()
    disk.server.mtls = True
    disk.server.registration.rotation = rotation
    disk.tell(register(disk.client(), NAME, wanted))
    disk.sent.clear()
    disk.history.clear()
    return disk


def rotate(disk: Disk, to: Certificate = NEXT, **options: Any) -> Registration:
    told: Registration = disk.tell(rotate_certificate(disk.client(), NAME, to, **options))
    return told


def registered(disk: Disk) -> list[str]:
    """The certificates that the server takes."""
    (client,) = disk.server.clients.values()
    return [each.x5t_s256 for each in client.certificates]


def methods(disk: Disk) -> list[str]:
    return [request.method for request in disk.sent]


def answer(disk: Disk, **members: Any) -> None:
    """Have the server answer the update with these members, whatever it was asked for."""
    disk.server.amend(
        lambda response: Answer(
            200, response.headers, json.dumps({**json.loads(bytes(response.body)), **members}).encode()
        ),
        endpoint="registration",
        times=None,
    )


def test_the_new_certificate_takes_the_place_of_all_others_in_one_update() -> None:
    disk = prepared()
    rotate(disk, LAST, keep_former=True)
    disk.sent.clear()
    after = rotate(disk)
    assert methods(disk) == ["GET", "PUT"]
    assert registered(disk) == [NEXT.x5t_s256]
    assert after == kept(disk)
    assert after.note is None


def test_the_former_ones_may_stay_beside_it() -> None:
    disk = prepared()
    rotate(disk, keep_former=True)
    assert registered(disk) == [FIRST.x5t_s256, NEXT.x5t_s256]
    rotate(disk)
    assert registered(disk) == [NEXT.x5t_s256]


def test_other_keys_stay() -> None:
    disk = prepared()
    before = kept(disk)
    assert before.key is not None
    after = rotate(disk)
    assert [jwk for jwk in after.jwks if "x5c" not in jwk] == [before.signing_jwk]
    disk.tell(rotate_key(disk.client(), NAME))
    assert registered(disk) == [NEXT.x5t_s256]  # nor does another key take the certificate's place


def test_what_somebody_else_has_changed_meanwhile_is_read_first() -> None:
    disk = prepared(rotation="never")
    mine = dict(disk.records)
    rotate(disk, LAST, keep_former=True)
    disk.records = mine  # another machine's, as it was
    rotate(disk, keep_former=True)
    assert registered(disk) == [FIRST.x5t_s256, LAST.x5t_s256, NEXT.x5t_s256]


@pytest.mark.parametrize("keep_former", [True, False])
def test_nothing_is_changed_where_the_server_has_it_already(*, keep_former: bool) -> None:
    disk = prepared()
    assert rotate(disk, FIRST, keep_former=keep_former) == kept(disk)
    assert methods(disk) == ["GET"]


def test_a_name_takes_the_place_of_the_former_one_and_is_of_the_same_kind() -> None:
    disk = prepared(NAMED)
    after = rotate(disk)
    assert methods(disk) == ["GET", "PUT"]
    assert after.metadata["tls_client_auth_san_dns"] == "svc.example.com"
    rotate(disk, LAST)  # another certificate of the same name
    assert methods(disk) == ["GET", "PUT", "GET"]


def test_it_is_of_another_kind_where_the_program_says_so_and_the_former_one_is_left_out() -> None:
    disk = prepared(NAMED)
    after = rotate(disk, told={"tls_client_auth_subject_dn": SUBJECT})
    names = {name: value for name, value in body(disk.sent[-1]).items() if name.startswith("tls_client_auth_")}
    assert names == {"tls_client_auth_subject_dn": SUBJECT}
    assert "tls_client_auth_san_dns" not in after.metadata


def test_of_two_names_none_can_stay_beside_the_other() -> None:
    disk = prepared(NAMED)
    with pytest.raises(ConfigurationError) as refusal:
        rotate(disk, keep_former=True)
    assert refusal.value.code == "one_subject"
    assert methods(disk) == ["GET"]
    rotate(disk)
    rotate(disk, LAST, keep_former=True)  # where it is the same there is nothing to choose


def test_a_uri_is_another_one_in_other_letters() -> None:
    """RFC 3986, section 6.2.2.1: its path is not compared without regard to case."""
    disk = prepared(replace(NAMED, members={"tls_client_auth_san_uri": "spiffe://example.com/Svc"}))
    assert rotate(disk).metadata["tls_client_auth_san_uri"] == "spiffe://example.com/svc"
    assert methods(disk) == ["GET", "PUT"]


def test_a_server_may_spell_the_name_otherwise() -> None:
    disk = prepared(NAMED)
    answer(disk, tls_client_auth_subject_dn=SUBJECT.replace(",OU", ", ou"))
    rotate(disk, told={"tls_client_auth_subject_dn": SUBJECT})
    assert rotate(disk, told={"tls_client_auth_subject_dn": SUBJECT}) == kept(disk)


@pytest.mark.parametrize(
    ("wanted", "unchanged"),
    [(SELF_SIGNED, {"jwks": {"keys": [FIRST.jwk]}}), (NAMED, {"tls_client_auth_san_dns": "old.example.com"})],
    ids=["self-signed", "named"],
)
def test_a_server_that_does_not_take_it_is_noticed(wanted: ClientMetadata, unchanged: dict[str, Any]) -> None:
    disk = prepared(wanted)
    answer(disk, **unchanged)
    with pytest.raises(InvalidResponse) as refusal:
        rotate(disk)
    assert refusal.value.code == "key_not_registered"
    disk.server.behave()
    rotate(disk)  # by then it has


def test_a_server_that_keeps_the_former_one_is_noticed() -> None:
    disk = prepared()
    answer(disk, jwks={"keys": [FIRST.jwk, NEXT.jwk]})
    with pytest.raises(InvalidResponse) as refusal:
        rotate(disk)
    assert refusal.value.code == "key_not_dropped"


def test_a_client_that_is_known_otherwise_has_none() -> None:
    disk = prepared(WANTED)
    with pytest.raises(ConfigurationError) as refusal:
        rotate(disk)
    assert refusal.value.code == "not_registered_by_certificate"
    assert disk.sent == []


def test_nor_does_one_that_became_such_a_client_meanwhile() -> None:
    disk = prepared()
    answer(disk, token_endpoint_auth_method="private_key_jwt")
    with pytest.raises(ConfigurationError) as refusal:
        rotate(disk)
    assert refusal.value.code == "not_registered_by_certificate"
    assert methods(disk) == ["GET"]


def test_certificates_that_the_server_fetches_are_not_changed_here() -> None:
    disk = prepared()
    record = disk.record() or {}
    record["metadata"]["jwks_uri"] = "https://app.example/jwks"
    disk.records[NAME] = json.dumps(record)
    with pytest.raises(NotOffered) as refusal:
        rotate(disk)
    assert refusal.value.code == "keys_elsewhere"


def test_a_program_that_is_not_registered_has_nothing_to_change() -> None:
    disk = Disk()
    with pytest.raises(ConfigurationError) as refusal:
        rotate(disk)
    assert refusal.value.code == "not_registered"


def test_it_is_one_lease_from_the_look_to_the_answer() -> None:
    disk = prepared()
    rotate(disk)
    assert sum(isinstance(effect, Lease) for effect in disk.history) == 1
    assert disk.held == set()


@pytest.mark.parametrize("wanted", [SELF_SIGNED, NAMED], ids=["self-signed", "named"])
@pytest.mark.parametrize("rotation", ROTATIONS)
def test_killed_at_any_effect_the_server_knows_one_of_them_and_the_next_call_ends_it(
    rotation: Rotation, wanted: ClientMetadata
) -> None:
    losses, deaths = 0, 0
    for disk, effect, heard in killed_everywhere(
        lambda: prepared(wanted, rotation), lambda disk: rotate_certificate(disk.client(), NAME, NEXT)
    ):
        flying = (isinstance(effect, Send) and heard) or (isinstance(effect, Persist) and not heard)
        lost = flying and (rotation == "single use" or (rotation == "on update" and methods(disk)[-1:] == ["PUT"]))
        if lost:
            with pytest.raises(RegistrationLost):
                rotate(disk)
            losses += 1
        else:
            after = rotate(disk)
            assert after == kept(disk)
            assert after.note is None
        (client,) = disk.server.clients.values()
        if wanted is SELF_SIGNED:
            assert registered(disk) in ([[NEXT.x5t_s256]] if not lost else [[FIRST.x5t_s256], [NEXT.x5t_s256]])
        elif not lost:
            assert client.tls_client_auth_san_dns == "svc.example.com"
        deaths += 1
    assert deaths > 20
    assert losses == {"never": 0, "on update": 2, "single use": 4}[rotation]
