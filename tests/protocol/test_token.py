"""The token endpoint's answers: RFC 6749, section 5; RFC 9449, section 5, Freshness."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import DowngradeRefused, ErrorResponse, InvalidResponse, OAuthError
from oauthclient.jose.proof import ath
from oauthclient.protocol.binding import Bearer, Binding, DPoP
from oauthclient.protocol.token import Token, read_error, read_token_response, retry_after
from oauthclient.protocol.wire import Instant, Response

SENT, RECEIVED = Instant(1_800_000_000.0, 50.0), Instant(1_800_000_002.0, 52.0)
WHAT = "the token response of https://as.example.com"
OMIT = object()


def answer(
    status: int = 200, body: bytes | None = None, headers: dict[str, str] | None = None, **members: Any
) -> Response:
    if body is None:
        document = {"access_token": "t0k3n", "token_type": "DPoP", "expires_in": 3600} if status == 200 else {}
        merged = {name: value for name, value in (document | members).items() if value is not OMIT}
        body = json.dumps(merged).encode()
    return Response(status, headers or {}, body, sent=SENT, received=RECEIVED)


def read(response: Response, *, binding: Binding | None = None, asked: str | None = None, jitter: float = 0.0) -> Token:
    return read_token_response(response, binding=binding or DPoP(), asked=asked, what=WHAT, jitter=jitter)


def refused(response: Response, kind: type[OAuthError] = InvalidResponse, **options: Any) -> Any:
    with pytest.raises(kind) as caught:
        read(response, **options)
    assert "t0k3n" not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def test_a_token_is_presented_with_its_scheme() -> None:
    token = read(answer())
    assert token.access_token == "t0k3n"
    assert token.authorization.reveal() == "DPoP t0k3n"
    assert token.ath == ath("t0k3n")
    assert read(answer(token_type="Bearer"), binding=Bearer()).authorization.reveal() == "Bearer t0k3n"


def test_a_bearer_token_has_no_hash() -> None:
    assert read(answer(token_type="Bearer"), binding=Bearer()).ath is None


@pytest.mark.parametrize("spelling", ["DPoP", "dpop", "DPOP", "dPoP"])
def test_the_type_comes_in_any_case(spelling: str) -> None:
    """RFC 6749, section 5.1: case insensitive. What is sent is the registered name."""
    token = read(answer(token_type=spelling))
    assert token.token_type == spelling
    assert token.authorization.reveal() == "DPoP t0k3n"


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "mac", "N_A", "", " DPoP"])
def test_another_type_than_dpop_is_a_downgrade(kind: str) -> None:
    """RFC 9449, section 5."""
    error = refused(answer(token_type=kind), DowngradeRefused)
    assert error.code == "downgrade_refused"
    assert "Bearer()" in error.hint


def test_a_bound_token_is_not_presented_as_a_bearer_token() -> None:
    assert refused(answer(token_type="DPoP"), binding=Bearer()).code == "unexpected_token_type"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"access_token": OMIT}, "missing_member"),
        ({"access_token": None}, "missing_member"),
        ({"access_token": 5}, "wrong_type"),
        ({"access_token": ["t0k3n"]}, "wrong_type"),
        ({"access_token": ""}, "malformed_token"),
        ({"access_token": "t0k3n\r\nX-Evil: yes"}, "malformed_token"),
        ({"access_token": "t0k3n t0k3n"}, "malformed_token"),
        ({"access_token": "t0k3n\n"}, "malformed_token"),
        ({"access_token": "t0k3né"}, "malformed_token"),
        ({"access_token": "t0k3n\x7f"}, "malformed_token"),
        ({"token_type": OMIT}, "missing_member"),
        ({"token_type": 1}, "wrong_type"),
        ({"scope": ["read"]}, "wrong_type"),
    ],
)
def test_a_malformed_answer_is_refused(members: dict[str, Any], code: str) -> None:
    assert refused(answer(**members)).code == code


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_every_token_that_a_header_can_carry_is_carried(text: str) -> None:
    assert read(answer(access_token=text)).authorization.reveal() == f"DPoP {text}"


def test_the_scope_is_what_was_granted() -> None:
    """RFC 6749, section 5.1: what was asked for, unless the server says otherwise."""
    assert read(answer(scope="read"), asked="read write").scope == "read"
    assert read(answer(), asked="read write").scope == "read write"
    assert read(answer(scope=None), asked="read").scope == "read"
    assert read(answer()).scope is None


def test_a_token_counts_from_when_it_was_asked_for() -> None:
    token = read(answer(expires_in=1000))
    assert token.expires_at == SENT.wall + 1000
    assert token.usable(SENT.wall + 989, SENT.steady + 989)
    assert not token.usable(SENT.wall + 990, SENT.steady + 990)


def test_a_token_is_valid_while_both_clocks_say_so() -> None:
    token = read(answer(expires_in=1000))
    assert token.usable(SENT.wall, SENT.steady)
    assert not token.usable(SENT.wall, SENT.steady + 1000)  # the wall clock was set back
    assert not token.usable(SENT.wall + 1000, SENT.steady)  # it was restored from a snapshot


@given(st.floats(0, 1), st.floats(1, 1e8))
def test_it_is_renewed_after_eighty_percent_of_its_life_and_before_its_end(jitter: float, lifetime: float) -> None:
    token = read(answer(expires_in=lifetime), jitter=jitter)
    end = SENT.steady + lifetime
    assert SENT.steady + 0.79 * lifetime < token.renew_steady <= SENT.steady + 0.9 * lifetime + 1e-6
    assert token.renew_steady <= token.stop_steady + 1e-6
    assert end - 10 - 1e-6 <= token.stop_steady < end
    assert token.renew_wall - SENT.wall == pytest.approx(token.renew_steady - SENT.steady, abs=1e-3)


@pytest.mark.parametrize("value", ["3600", 3600, 3600.0, "3600.0"], ids=repr)
def test_the_lifetime_may_be_a_string(value: object) -> None:
    assert read(answer(expires_in=value)).expires_at == SENT.wall + 3600


@pytest.mark.parametrize("value", [OMIT, None])
def test_a_token_without_a_lifetime_is_used_until_a_401(value: object) -> None:
    token = read(answer(expires_in=value))
    assert token.expires_at is None
    assert token.usable(SENT.wall + 1e10, SENT.steady + 1e10)
    assert token.renew_wall == token.renew_steady == float("inf")


@pytest.mark.parametrize("value", [0, -1, "0", "-3600", 0.0, -1e300], ids=repr)
def test_a_lifetime_of_zero_or_less_is_over_at_once(value: object) -> None:
    token = read(answer(expires_in=value))
    assert not token.usable(*SENT)
    assert token.expires_at == SENT.wall


@pytest.mark.parametrize("value", [True, False, "soon", "", "1e3", "٣", [3600], {"s": 1}, "9" * 13])
def test_a_lifetime_that_is_no_number_is_refused(value: object) -> None:
    assert refused(answer(expires_in=value)).code == "wrong_type"


@pytest.mark.parametrize("value", [10**20, 1e300, 10**63])
def test_a_huge_lifetime_is_bounded(value: float) -> None:
    token = read(answer(expires_in=value))
    assert token.expires_at == SENT.wall + 10 * 365 * 86400
    assert token.usable(*RECEIVED)


def test_a_retired_token_is_never_presented_again() -> None:
    for expires_in in (3600, OMIT):
        token = read(answer(expires_in=expires_in))
        assert not token.retired
        token.retire()
        assert token.retired
        assert not token.usable(*SENT)


def test_a_token_used_once_is_not_a_retired_one() -> None:
    assert not read(answer(expires_in=0)).retired


def test_its_age_counts_from_its_coming() -> None:
    assert read(answer()).age(RECEIVED.steady + 7) == 7


def test_the_repr_does_not_show_it() -> None:
    assert repr(read(answer(scope="read"))) == "<Token DPoP scope='read' expires_at=1800003600.0>"


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500, 503])
def test_an_oauth_error_is_told_whatever_its_status(status: int) -> None:
    """RFC 6749, section 5.2; some servers answer errors with 200."""
    error = refused(
        answer(status, error="invalid_target", error_description="What is /orders?", headers={"retry-after": "7"}),
        ErrorResponse,
    )
    assert error.code == "invalid_target"
    assert error.description == "What is /orders?"
    assert error.status == status
    assert error.retry_after == 7.0
    assert "Resource.identifier" in error.hint
    assert "https://as.example.com is the error invalid_target: What is /orders?" in str(error)


def test_an_unknown_error_is_told_too() -> None:
    error = refused(answer(400, error="my_own"), ErrorResponse)
    assert (error.code, error.hint, error.description) == ("my_own", "", "")


@pytest.mark.parametrize("value", ["", {"message": "no", "type": "OAuthException"}, ["x"], "no such thing"])
def test_an_error_that_is_no_word_has_a_code_of_ours(value: object) -> None:
    """`code` is what programs branch on; the words stand in the message."""
    error = refused(answer(400, error=value), ErrorResponse)
    assert error.code == "error_response"
    assert error.status == 400


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_of_null_is_none(status: int) -> None:
    if status == 200:
        assert read(answer(error=None)).access_token == "t0k3n"
    else:
        assert refused(answer(400, error=None)).code == "unexpected_status"


def test_a_description_is_cut_and_cleaned() -> None:
    error = refused(answer(400, error="x\x1b[31m", error_description="\x1b[2J" + "y" * 1000), ErrorResponse)
    assert "\x1b" not in str(error) + error.code + error.description
    assert len(error.description) <= 300


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_an_error(status: int) -> None:
    error = refused(answer(status, b"", {"location": "https://evil.example/token"}))
    assert error.code == "redirected"
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"<html>", "not_json"),
        (b"access_token=t0k3n&token_type=DPoP", "not_json"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"access_token": "\xe9"}', "not_utf8"),
        (b'{"access_token": "t0k3n", "access_token": "t0k3n"}', "duplicate_member"),
        (b"[" * 100_000, "too_deep"),
    ],
)
def test_what_is_not_a_json_object_is_refused(body: bytes, code: str) -> None:
    assert refused(answer(200, body)).code == code
    error = refused(answer(400, body))
    assert error.code == code
    assert "400" in str(error)


@pytest.mark.parametrize("status", [201, 204, 404, 418, 429, 500, 502, 503])
@pytest.mark.parametrize("body", [b"<html>t0k3n</html>", b"{}", b'{"access_token": "t0k3n", "token_type": "DPoP"}'])
def test_another_status_without_an_oauth_error_is_named(status: int, body: bytes) -> None:
    error = refused(answer(status, body, {"retry-after": "120"}))
    assert error.code == "unexpected_status"
    assert str(status) in str(error)
    assert error.retry_after == 120.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 30 ", 30.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ("-1", None),
        ("1.5", None),
        ("nan", None),
        ("9" * 10, None),
        ("", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_in_seconds(value: str, seconds: float | None) -> None:
    assert retry_after(answer(429, b"", {"retry-after": value})) == seconds


@given(st.binary(), st.integers(200, 599))
def test_nothing_a_server_writes_raises_anything_but_our_errors(body: bytes, status: int) -> None:
    response = Response(status, {}, body, sent=SENT, received=RECEIVED)
    with pytest.raises(OAuthError):
        read(response)
    if status != 200:
        assert isinstance(read_error(response, what=WHAT), OAuthError)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.dictionaries(
        st.sampled_from(["access_token", "token_type", "expires_in", "scope", "error", "error_description"]),
        json_values | st.sampled_from(["DPoP", "t0k3n", "3600"]),
    ),
    st.sampled_from([200, 400, 401, 429, 500]),
)
def test_any_members_make_a_token_or_an_error_of_ours(members: dict[str, Any], status: int) -> None:
    try:
        body = json.dumps(members).encode()
    except UnicodeEncodeError:
        return
    with suppress(OAuthError):
        assert read(Response(status, {}, body, sent=SENT, received=RECEIVED)).authorization.reveal().isascii()
