"""A registered client as the server answers it and as it is kept: RFC 7591, 3.2.1; RFC 7592, 2 and 3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import (
    ConfigurationError,
    ErrorResponse,
    InvalidResponse,
    OAuthError,
    StorageTooNew,
    StorageUnreadable,
)
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.client_metadata import FORBIDDEN
from oauthclient.protocol.registration import (
    Note,
    Registration,
    Unregistered,
    management_request,
    read_registration_response,
    registration_request,
    thumbprint_of,
)
from oauthclient.protocol.registration_record import from_record, to_record
from oauthclient.protocol.wire import Instant, Response
from oauthclient.secret import Secret

ISSUER = "https://as.example.com"
URI = f"{ISSUER}/register/c1"
ASKED = {"redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none", "client_name": "App"}
ANSWER = {
    "client_id": "c1",
    "client_id_issued_at": 1_800_000_000,
    "client_secret": "client-s3cr3t",
    "client_secret_expires_at": 1_800_003_600,
    "registration_access_token": "rat-s3cr3t",
    "registration_client_uri": URI,
    "client_name": "Their App",
    "token_endpoint_auth_method": "client_secret_basic",
}


def response(document: object, status: int = 201) -> Response:
    moment = Instant(0.0, 0.0)
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Response(status, {}, body, sent=moment, received=moment)


def read(document: object = ANSWER, status: int = 201, asked: dict[str, Any] = ASKED) -> Registration:
    return read_registration_response(
        response(document, status), issuer=ISSUER, asked=asked, key="k", what="the answer"
    )


def test_what_the_server_answered_is_what_holds() -> None:
    registration = read()
    assert registration.client_id == "c1"
    assert registration.client_secret == Secret("client-s3cr3t")
    assert registration.client_secret_expires_at == 1_800_003_600
    assert registration.registration_access_token == Secret("rat-s3cr3t")
    assert registration.registration_client_uri == URI
    assert registration.token_endpoint_auth_method == "client_secret_basic"
    assert registration.metadata == {
        "client_name": "Their App",
        "redirect_uris": ["http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "client_secret_basic",
    }


def test_200_is_as_good_as_201() -> None:
    assert read(status=200) == read(status=201)


def test_no_secret_shows() -> None:
    shown = repr(read())
    assert "s3cr3t" not in shown
    assert "c1" in shown


def test_an_answer_of_credentials_alone_has_taken_what_no_client_can_do_without() -> None:
    registration = read({"client_id": "c1"}, asked={**ASKED, "jwks": {"keys": []}, "dpop_bound_access_tokens": True})
    assert registration.metadata == {
        "redirect_uris": ["http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "none",
        "jwks": {"keys": []},
    }


def test_a_secret_that_nobody_asked_for_is_meant_to_be_used() -> None:
    assert read({"client_id": "c1", "client_secret": "x"}).token_endpoint_auth_method == "client_secret_basic"


@pytest.mark.parametrize(("value", "expires_at"), [(0, None), (None, None), ("soon", None), (-1, None), (5, 5.0)])
def test_a_secret_may_last_for_ever(value: object, expires_at: float | None) -> None:
    registration = read({"client_id": "c1", "client_secret": "x", "client_secret_expires_at": value})
    assert registration.client_secret_expires_at == expires_at
    assert registration.secret_expired(10.0) == (expires_at is not None)


@pytest.mark.parametrize(
    ("document", "status", "kind", "code"),
    [
        ({}, 201, InvalidResponse, "missing_member"),
        ({"client_id": ""}, 201, InvalidResponse, "missing_member"),
        ({"client_id": 1}, 200, InvalidResponse, "missing_member"),
        (b"[]", 201, InvalidResponse, "not_an_object"),
        (b"\xff", 200, InvalidResponse, "not_utf8"),
        ({"error": "invalid_redirect_uri"}, 200, ErrorResponse, "invalid_redirect_uri"),
    ],
)
def test_what_is_no_registration_is_refused(document: object, status: int, kind: type[OAuthError], code: str) -> None:
    with pytest.raises(kind) as refusal:
        read(document, status)
    assert refusal.value.code == code


@pytest.mark.parametrize("value", [7, ["none"], {}])
def test_a_method_of_the_wrong_type_is_an_error_of_ours(value: object) -> None:
    registration = read({"client_id": "c1", "token_endpoint_auth_method": value})
    with pytest.raises(InvalidResponse):
        _ = registration.token_endpoint_auth_method


@pytest.mark.parametrize("jwks", [None, [], "x", {}, {"keys": 5}, {"keys": [1, None]}])
def test_keys_that_are_none_are_no_keys(jwks: object) -> None:
    assert read({"client_id": "c1", "jwks": jwks}).jwks == []


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES384", "PS256", "RS256"])
def test_what_the_key_is_for_is_known_however_little_the_server_repeats(algorithm: str) -> None:
    key = SigningKey.generate(algorithm)
    pin = {"token_endpoint_auth_signing_alg": "EdDSA" if algorithm == "Ed25519" else algorithm}

    def held(*keys: dict[str, Any], **members: Any) -> Registration:
        document = {"client_id": "c1", "jwks": {"keys": [{"kty": "oct"}, *keys]}, **members}
        return read_registration_response(
            response(document), issuer=ISSUER, asked=ASKED, key=key.thumbprint, what="the answer"
        )

    named = {**key.public_jwk, "alg": pin["token_endpoint_auth_signing_alg"], "kid": "x"}
    assert held(named).signing_jwk == named
    assert held(named).signing_algorithm == algorithm
    assert held(key.public_jwk, **pin).signing_algorithm == algorithm
    assert held(key.public_jwk).signing_algorithm == ("PS256" if algorithm == "RS256" else algorithm)
    assert (held(**pin).signing_jwk, held(**pin).signing_algorithm) == (None, algorithm)
    assert held().signing_algorithm is None


def test_an_update_holds_everything_but_what_is_forbidden() -> None:
    body = read().update_body({"client_name": None, "contacts": ["a@example.com"]})
    assert body == {
        "client_id": "c1",
        "client_secret": "client-s3cr3t",
        "contacts": ["a@example.com"],
        "redirect_uris": ["http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "client_secret_basic",
    }


@given(st.dictionaries(st.sampled_from(sorted(FORBIDDEN | {"a", "client_id"})), st.integers() | st.none()))
def test_no_change_brings_in_what_is_forbidden(changes: dict[str, Any]) -> None:
    body = read().update_body(changes)
    assert not FORBIDDEN & body.keys()
    assert body["client_id"] == "c1"


def test_a_note_keeps_the_time_since_when_the_outcome_is_unknown() -> None:
    noted = read().noted("GET", 10.0)
    assert noted.note is not None
    assert "rat-s3cr3t" not in noted.note.token_hash
    again = noted.noted("PUT", 20.0)
    assert again.note == Note(noted.note.token_hash, "PUT", 10.0)


def test_an_answer_renews_what_is_in_it_and_clears_the_note() -> None:
    before = read().noted("PUT", 10.0)
    after, complaint = before.after(response({"client_id": "c1", "client_name": "New"}, 200), what="it", asked={})
    assert complaint is None
    assert after.note is None
    assert after.metadata == {"client_name": "New"}
    assert after.registration_access_token == before.registration_access_token
    assert after.client_secret == before.client_secret


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*ANSWER, "jwks", "redirect_uris", "grant_types"])


@given(st.dictionaries(NAMES, JSON))
def test_whatever_a_server_answers_is_a_registration_or_an_error_of_ours(document: dict[str, Any]) -> None:
    try:
        registration = read(document)
    except OAuthError:
        return
    assert from_record(json.loads(json.dumps(to_record(registration)))) == registration
    try:
        uri, _ = registration.management(loopback=True)
    except OAuthError:
        return
    assert uri.startswith(("https://", "http://"))


TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.none() | st.floats(0, 1e12)
REGISTRATIONS = st.builds(
    Registration,
    issuer=st.just(ISSUER),
    client_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    client_secret=st.none() | st.builds(Secret, st.text(st.characters(exclude_categories=["Cs"]))),
    client_secret_expires_at=NUMBERS,
    registration_access_token=st.none() | st.builds(Secret, st.text(st.characters(exclude_categories=["Cs"]))),
    registration_client_uri=TEXTS,
    metadata=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=3),
    key=TEXTS,
    next_key=TEXTS,
    previous_key=TEXTS,
    note=st.none()
    | st.builds(Note, st.text(max_size=9), st.sampled_from(["GET", "PUT", "DELETE"]), st.floats(0, 1e12)),
)
PLANS = st.builds(Unregistered, st.lists(st.text(max_size=9)).map(tuple), st.booleans())


@given(REGISTRATIONS | PLANS)
def test_what_is_stored_is_read_again(registration: Registration | Unregistered) -> None:
    assert from_record(json.loads(json.dumps(to_record(registration)))) == registration


@pytest.mark.parametrize(
    "change",
    [{"client_secret": 5}, {"note": 5}, {"note": ["x"]}, {"metadata": None}, {"metadata": 3}],
)
def test_a_damaged_record_is_said_to_be_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises(StorageUnreadable):
        from_record({**to_record(read()), **change})
    with pytest.raises(StorageUnreadable):
        from_record({})
    with pytest.raises(StorageUnreadable):
        from_record({"client_id": "c1"})


def test_a_record_of_a_newer_version_is_left_alone() -> None:
    with pytest.raises(StorageTooNew):
        from_record({"version": 2, "client_id": "c1"})


@pytest.mark.parametrize("token", ["a b", "a\nb", "ä", ""])
def test_a_token_that_cannot_stand_in_a_header_is_not_sent(token: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        registration_request(f"{ISSUER}/register", {}, Secret(token))
    assert refusal.value.code == "malformed_token"


@pytest.mark.parametrize("value", [object(), float("nan"), {1: object()}])
def test_what_json_cannot_hold_is_not_sent(value: object) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        management_request("PUT", URI, Secret("t"), {"x": value})
    assert refusal.value.code == "not_json"


def test_requests_show_no_token() -> None:
    request = management_request("PUT", URI, Secret("rat-s3cr3t"), {"client_secret": "s3cr3t"})
    assert "s3cr3t" not in repr(request)
    assert json.loads(request.body) == {"client_secret": "s3cr3t"}


def test_a_jwk_has_its_thumbprint_whatever_else_is_in_it() -> None:
    key = SigningKey.generate()
    assert thumbprint_of({**key.public_jwk, "use": "sig", "kid": "x"}) == key.thumbprint
    for odd in ({}, {"kty": "oct", "k": "eA"}, {"kty": 5}, {"kty": "EC", "crv": "P-256", "x": 1}):
        assert thumbprint_of(odd) is None
