"""RFC 6749, section 4.1.2; RFC 9207; RFC 9700, sections 2.1 and 4.4: which answer is this login's."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oauthclient.errors import ErrorResponse, InvalidResponse, OAuthError
from oauthclient.jose.encoding import base64url
from oauthclient.protocol.authorization_response import belongs, callback_parameters, once_each, read_code
from oauthclient.secret import Secret

ISSUER = "https://as.example.com"
REDIRECT_URI = "http://127.0.0.1:4711/callback/as"
STATE = "5t4te"
GOOD = {"code": "c0de", "state": STATE, "iss": ISSUER}


def read(parameters: dict[str, str], *, iss_required: bool = True) -> Secret:
    return read_code(parameters, state=STATE, issuer=ISSUER, iss_required=iss_required)


def refused(parameters: dict[str, str], **how: Any) -> str:
    with pytest.raises(InvalidResponse) as failed:
        read(parameters, **how)
    assert "c0de" not in str(failed.value)
    return failed.value.code


def test_the_code_of_the_right_answer() -> None:
    assert read(GOOD).reveal() == "c0de"
    assert "c0de" not in repr(read(GOOD))


def test_iss_may_lack_where_it_is_not_promised() -> None:
    assert read({"code": "c0de", "state": STATE}, iss_required=False).reveal() == "c0de"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "another"}, "unknown_state"),
        ({"state": ""}, "unknown_state"),
        ({"state": None}, "unknown_state"),
        ({"state": STATE + " "}, "unknown_state"),
        ({"iss": "https://evil.example"}, "issuer_mismatch"),
        ({"iss": ISSUER + "/"}, "issuer_mismatch"),
        ({"iss": ""}, "issuer_mismatch"),
        ({"iss": None}, "missing_iss"),
        ({"code": None}, "missing_code"),
        ({"code": ""}, "missing_code"),
    ],
    ids=repr,
)
def test_what_does_not_belong_is_refused(changes: dict[str, str | None], code: str) -> None:
    parameters = {name: value for name, value in (GOOD | changes).items() if value is not None}
    assert refused(parameters) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"state": "another"}, "unknown_state"), ({"iss": "https://evil"}, "issuer_mismatch"), ({}, "missing_iss")],
    ids=repr,
)
def test_an_error_answer_must_belong_too(changes: dict[str, str], code: str) -> None:
    """RFC 9207, section 2.4; an error of somebody else would end the login in the attacker's words."""
    assert refused({"error": "access_denied", "state": STATE} | changes) == code


def test_an_iss_that_is_wrong_is_refused_though_none_is_promised() -> None:
    assert refused(GOOD | {"iss": "https://evil.example"}, iss_required=False) == "issuer_mismatch"


def test_an_error_is_told_with_its_description_cut_and_cleaned() -> None:
    answer = {"error": "access_denied", "error_description": "no\x1b[31m" + "x" * 1000, "state": STATE, "iss": ISSUER}
    with pytest.raises(ErrorResponse) as failed:
        read(answer)
    error = failed.value
    assert error.code == "access_denied"
    assert "\x1b" not in str(error)
    assert len(error.description) <= 300
    assert "said no" in error.hint


def test_an_error_counts_though_there_is_a_code_beside_it() -> None:
    with pytest.raises(ErrorResponse):
        read(GOOD | {"error": "server_error"})


def test_an_error_without_a_name_is_one_all_the_same() -> None:
    with pytest.raises(ErrorResponse) as failed:
        read(GOOD | {"error": ""})
    assert failed.value.code == "error_response"


# The callback URL


def test_the_parameters_of_the_callback() -> None:
    assert callback_parameters(f"{REDIRECT_URI}?{urlencode(GOOD)}", REDIRECT_URI) == GOOD


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4711/callback/other",
        "http://127.0.0.1:4711/callback/as/",
        "http://127.0.0.1:4712/callback/as",
        "http://localhost:4711/callback/as",
        "https://127.0.0.1:4711/callback/as",
        "http://[::1]:4711/callback/as",
        "http://[broken/callback/as",
        "//127.0.0.1:4711/callback/as",
        "/callback/as",
        "",
    ],
)
def test_an_answer_at_another_place_is_refused(url: str) -> None:
    """RFC 9700, section 2.1: each issuer has a path of its own, so that this is seen."""
    with pytest.raises(InvalidResponse) as failed:
        callback_parameters(f"{url}?{urlencode(GOOD)}", REDIRECT_URI)
    assert failed.value.code == "wrong_redirect_uri"


@pytest.mark.parametrize(
    "query",
    ["code=a&code=b", "state=x&state=x", "iss=a&code=b&iss=a", "error=&error=", "x=1&x=1", "c%6Fde=a&code=b"],
)
def test_a_parameter_twice_is_refused(query: str) -> None:
    """RFC 6749, section 3.1; which of two codes is meant, an attacker would know best."""
    with pytest.raises(InvalidResponse) as failed:
        callback_parameters(f"{REDIRECT_URI}?{query}", REDIRECT_URI)
    assert failed.value.code == "duplicate_parameter"


@pytest.mark.parametrize("query", ["code=%FF", "&".join(f"p{n}=1" for n in range(33))], ids=["utf8", "many"])
def test_what_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(InvalidResponse) as failed:
        callback_parameters(f"{REDIRECT_URI}?{query}", REDIRECT_URI)
    assert failed.value.code == "malformed_answer"


def test_a_callback_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidResponse) as failed:
        callback_parameters(f"{REDIRECT_URI}?code={'x' * 17_000}", REDIRECT_URI)
    assert failed.value.code == "too_large"


def test_a_query_of_the_redirect_uri_must_come_back_and_is_none_of_the_answer() -> None:
    """RFC 6749, section 3.1.2: it may have one, which is kept."""
    uri = "https://app.example.com/callback?tenant=7"
    assert callback_parameters(f"{uri}&{urlencode(GOOD)}", uri) == GOOD
    for query in ("tenant=71", "tenant=7x&code=a", "code=a", "code=a&tenant=7", ""):
        with pytest.raises(InvalidResponse) as failed:
            callback_parameters(f"https://app.example.com/callback?{query}", uri)
        assert failed.value.code == "wrong_redirect_uri"


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=5), st.text(max_size=40))
@example({"state": "\ud800"}, "")
@example({"state": STATE, "iss": "\udfff"}, "?state=\ud800")
def test_whatever_comes_is_an_answer_or_an_error_of_ours(parameters: dict[str, str], more: str) -> None:
    for outcome in (
        lambda: read(parameters),
        lambda: read(callback_parameters(REDIRECT_URI + more, REDIRECT_URI)),
    ):
        with pytest.raises(OAuthError):
            outcome()
    assert not belongs(REDIRECT_URI + more, Secret(STATE))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3)), max_size=5))
def test_once_each_holds_all_or_refuses(pairs: list[tuple[str, str]]) -> None:
    if len({name for name, _ in pairs}) == len(pairs):
        assert once_each(pairs) == dict(pairs)
    else:
        with pytest.raises(InvalidResponse):
            once_each(pairs)


# Whose answer it looks like


def jarm(**claims: Any) -> str:
    parts = b'{"alg":"ES256"}', json.dumps(claims).encode(), b"signature"
    return b".".join(base64url(part) for part in parts).decode()


@pytest.mark.parametrize(
    "query",
    [
        f"state={STATE}",
        f"code=x&state={STATE}",
        f"state={STATE}&error=access_denied",
        f"state=other&state={STATE}",
        f"response={jarm(state=STATE)}",
        "response=a.b.c.d.e",
        "response=garbage",
    ],
)
def test_the_first_answer_with_our_state_ends_the_wait_whatever_it_holds(query: str) -> None:
    assert belongs(f"{REDIRECT_URI}?{query}", Secret(STATE))


@pytest.mark.parametrize(
    "query", ["", "state=other", "code=x", "state=", f"response={jarm(state='other')}", f"response={jarm()}"]
)
def test_an_answer_with_another_state_does_not(query: str) -> None:
    assert not belongs(f"{REDIRECT_URI}?{query}", Secret(STATE))
