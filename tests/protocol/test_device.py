"""RFC 8628, sections 3.1 and 3.2: what is asked for, and the codes that come."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import ErrorResponse, InvalidResponse, OAuthError
from oauthclient.protocol.authorization_request import Wish
from oauthclient.protocol.device import DeviceAuthorization, device_parameters, read_device_authorization
from oauthclient.protocol.session import Granted
from oauthclient.protocol.wire import Instant, Response

OMIT: Any = object()
# Section 3.2, the example.
EXAMPLE = {
    "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://example.com/device",
    "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
    "expires_in": 1800,
    "interval": 5,
}
WISH = Wish(
    targets=(Granted("https://api.example.com/a", "read"), Granted("https://api.example.com/b", "write read")),
    scope="openid offline_access",
    prompt="consent",
    max_age=60,
    acr_values="loa2",
    login_hint="alice",
    authorization_details=[{"type": "payment"}],
    response_mode="form_post",
    parameters={"organization": "acme"},
)


def read(*, loopback: bool = False, **members: Any) -> DeviceAuthorization:
    document = {name: value for name, value in (EXAMPLE | members).items() if value is not OMIT}
    return read_body(json.dumps(document).encode(), loopback=loopback)


def read_body(body: bytes, status: int = 200, *, loopback: bool = False) -> DeviceAuthorization:
    response = Response(status, {}, body, sent=Instant(1e9, 1_000.0), received=Instant(1e9, 1_002.0))
    return read_device_authorization(response, loopback=loopback, what="the device authorization response")


def refused(**members: Any) -> InvalidResponse:
    with pytest.raises(InvalidResponse) as caught:
        read(**members)
    return caught.value


def test_the_example_of_the_rfc_is_read() -> None:
    device = read()
    assert device.device_code.reveal() == EXAMPLE["device_code"]
    assert device.user_code == "WDJB-MJHT"
    assert device.verification_uri == "https://example.com/device"
    assert device.verification_uri_complete == "https://example.com/device?user_code=WDJB-MJHT"
    assert (device.expires_in, device.interval) == (1800.0, 5.0)


def test_the_codes_end_counted_from_when_they_were_asked_for() -> None:
    assert read(expires_in=60).ends == 1_060.0


@pytest.mark.parametrize("interval", [OMIT, None, 0, -3])
def test_without_an_interval_it_is_five_seconds(interval: object) -> None:
    assert read(interval=interval).interval == 5.0


def test_numbers_may_be_strings() -> None:
    device = read(expires_in="900", interval="10")
    assert (device.expires_in, device.interval) == (900.0, 10.0)


def test_the_complete_uri_is_optional() -> None:
    assert read(verification_uri_complete=OMIT).verification_uri_complete is None


@pytest.mark.parametrize("name", ["device_code", "user_code", "verification_uri", "expires_in"])
@pytest.mark.parametrize("value", [OMIT, None])
def test_what_is_required_is_missed(name: str, value: object) -> None:
    error = refused(**{name: value})
    assert error.code == "missing_member"
    assert name in str(error)


@pytest.mark.parametrize("name", ["device_code", "user_code", "verification_uri", "expires_in", "interval"])
def test_the_types_are_checked(name: str) -> None:
    assert refused(**{name: ["x"]}).code == "wrong_type"


def test_an_empty_device_code_is_none() -> None:
    assert refused(device_code="").code == "missing_member"


@pytest.mark.parametrize("user_code", ["", "  ", "AB\x1b[2J", "AB\u202eCD", "A\nB", "A" * 65])
def test_a_user_code_that_could_rewrite_a_terminal_is_refused(user_code: str) -> None:
    """"""
    error = refused(user_code=user_code)
    assert error.code == "malformed_user_code"
    assert "\x1b" not in str(error)


def test_a_user_code_may_hold_spaces() -> None:
    assert read(user_code=" WDJB MJHT\n").user_code == "WDJB MJHT"


@pytest.mark.parametrize("name", ["verification_uri", "verification_uri_complete"])
@pytest.mark.parametrize(
    "uri",
    [
        "http://example.com/device",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "/device",
        "https://user@example.com/",
        "https://example.com/\x1b[2J",
        "https://example.com/#\u202e",
        "http://127.0.0.1/device",
        "",
    ],
)
def test_a_person_is_sent_to_https_only(name: str, uri: str) -> None:
    error = refused(**{name: uri})
    assert error.code == "insecure_verification_uri"
    assert "\x1b" not in str(error)


def test_loopback_is_allowed_where_it_is_meant() -> None:
    assert read(loopback=True, verification_uri="http://127.0.0.1:8080/device").interval == 5.0


def test_a_page_may_have_a_fragment() -> None:
    assert read(verification_uri="https://example.com/#/device").verification_uri == "https://example.com/#/device"


def test_no_repr_shows_a_code() -> None:
    shown = repr(read())
    assert "WDJB" not in shown
    assert "GmRh" not in shown


@pytest.mark.parametrize("status", [200, 400, 401])
def test_an_error_is_told(status: int) -> None:
    with pytest.raises(ErrorResponse) as caught:
        read_body(b'{"error": "unauthorized_client"}', status)
    assert caught.value.code == "unauthorized_client"


@given(
    st.dictionaries(
        st.sampled_from([*EXAMPLE, "error"]),
        st.none() | st.text() | st.integers() | st.just("https://example.com/") | st.lists(st.none(), max_size=1),
    )
)
def test_any_members_make_codes_or_an_error_of_ours(members: dict[str, Any]) -> None:
    with suppress(OAuthError):
        device = read_body(json.dumps(members).encode())
        assert device.user_code.isprintable()
        assert device.verification_uri.startswith("https://")


def test_a_request_says_all_that_a_login_asks_for() -> None:
    assert device_parameters(WISH, told_by="resource") == [
        ("scope", "openid offline_access read write"),
        ("prompt", "consent"),
        ("max_age", "60"),
        ("acr_values", "loa2"),
        ("login_hint", "alice"),
        ("authorization_details", '[{"type":"payment"}]'),
        ("resource", "https://api.example.com/a"),
        ("resource", "https://api.example.com/b"),
        ("organization", "acme"),
    ]


@pytest.mark.parametrize(("told_by", "names"), [("audience", {"audience"}), ("scope", set())])
def test_the_target_is_told_as_the_server_knows_it(told_by: str, names: set[str]) -> None:
    told = {name for name, _ in device_parameters(WISH, told_by=told_by)}
    assert told & {"resource", "audience"} == names
