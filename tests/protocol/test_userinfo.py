"""OpenID Connect Core, section 5.3: the request, its refusals, and claims about the right person only."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import ErrorResponse, InvalidJWT, InvalidResponse, OAuthError
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.jwt import issue
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.kinds import ACCESS_TOKEN, REFRESHED_ID_TOKEN, USERINFO
from oauthclient.protocol.token import Token
from oauthclient.protocol.userinfo import is_jwt, read_plain, read_refusal, read_signed, userinfo_request
from oauthclient.protocol.wire import Instant, Response
from oauthclient.secret import Secret

ISSUER = "https://as.example.com"
ENDPOINT = f"{ISSUER}/userinfo"
WHAT = "the UserInfo of https://as.example.com"
NOW = 1_800_000_000
KEY = SigningKey.generate("ES256", kid="1")
KEYS = KeySet.of({**KEY.public_jwk, "kid": "1"})
MOMENT = Instant(float(NOW), 1.0)
CLAIMS = {"iss": ISSUER, "aud": "app", "sub": "alice", "email": "alice@example.com"}


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, body, sent=MOMENT, received=MOMENT)


def token(scheme: str) -> Token:
    return Token(
        Secret("t0k3n"),
        scheme=scheme,
        token_type=scheme,
        scope="openid",
        lifetime=60,
        asked=MOMENT,
        obtained=MOMENT,
        jitter=0.5,
    )


def plain(document: Any) -> dict[str, Any]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_plain(answer(200, body), subject="alice", what=WHAT)


def signed(jwt: str | bytes, *, algorithms: tuple[str, ...] = ("ES256",), subject: str = "alice") -> Any:
    body = jwt if isinstance(jwt, bytes) else jwt.encode()
    return read_signed(
        answer(200, body),
        KEYS,
        issuer=ISSUER,
        client_id="app",
        subject=subject,
        algorithms=algorithms,
        now=NOW,
        what=WHAT,
    )


def make(kind: Any = USERINFO, key: SigningKey = KEY, **changes: Any) -> str:
    return issue(kind, key, CLAIMS | changes)


def test_a_bound_token_goes_with_its_proof() -> None:
    request = userinfo_request(ENDPOINT, token("DPoP"), proof="p.r.f", signed=False)
    assert (request.method, request.url, request.body) == ("GET", ENDPOINT, b"")
    assert request.headers["Authorization"] == "DPoP t0k3n"
    assert request.headers["DPoP"] == "p.r.f"
    assert request.headers["Accept"] == "application/json, application/jwt"
    assert "t0k3n" not in repr(request)


def test_a_bearer_token_goes_alone() -> None:
    request = userinfo_request(ENDPOINT, token("Bearer"), proof=None, signed=True)
    assert dict(request.headers) == {"Authorization": "Bearer t0k3n", "Accept": "application/jwt"}


@pytest.mark.parametrize(
    ("content_type", "jwt"),
    [
        ("application/jwt", True),
        ("Application/JWT; charset=utf-8", True),
        ("application/json", False),
        ("application/jwt+json", False),
        ("", False),
    ],
)
def test_the_content_type_says_which_it_is(content_type: str, jwt: bool) -> None:  # noqa: FBT001  # a row's verdict
    assert is_jwt(answer(200, content_type=content_type)) is jwt


def test_no_content_type_is_not_that_of_a_jwt() -> None:
    assert not is_jwt(answer(200))


def test_claims_are_read() -> None:
    assert plain({"sub": "alice", "name": "Alice"}) == {"sub": "alice", "name": "Alice"}


@pytest.mark.parametrize("sub", ["bob", "Alice", "alice ", ""])
def test_claims_about_somebody_else_are_never_used(sub: str) -> None:
    """Section 5.3.2; an access token slipped in is that of another (section 16.11)."""
    for read in (lambda: plain({"sub": sub}), lambda: signed(make(), subject=sub)):
        with pytest.raises(InvalidResponse) as caught:
            read()
        assert caught.value.code == "subject_mismatch"
        assert "alice" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "code"),
    [({}, "missing_member"), ({"sub": 7}, "wrong_type"), (b"[]", "not_an_object"), (b"<html>", "not_json")],
)
def test_what_is_no_userinfo_is_refused(document: Any, code: str) -> None:
    with pytest.raises(InvalidResponse) as caught:
        plain(document)
    assert caught.value.code == code


def test_an_error_in_a_200_is_an_error() -> None:
    with pytest.raises(ErrorResponse):
        plain({"error": "invalid_token"})


@given(st.binary())
def test_nothing_a_server_writes_raises_anything_but_our_errors(body: bytes) -> None:
    for read in (plain, signed):
        with suppress(OAuthError):
            read(body)


def test_signed_claims_are_verified() -> None:
    assert signed(make())["email"] == "alice@example.com"
    assert signed(f"{make()}\n")["sub"] == "alice"


def test_a_signed_answer_may_have_several_audiences() -> None:
    assert signed(make(aud=["other", "app"]))["sub"] == "alice"


@pytest.mark.parametrize(
    ("jwt", "code"),
    [
        (lambda: make(iss="https://evil.example"), "issuer_mismatch"),
        (lambda: make(aud="other"), "audience_mismatch"),
        (lambda: make(key=SigningKey.generate("ES256", kid="1")), "bad_signature"),
        (lambda: make(key=SigningKey.generate("ES256", kid="2")), "unknown_key"),
        (lambda: make(exp=NOW - 60), "expired"),
        (lambda: make(iat=NOW + 60), "issued_in_future"),
        (lambda: "a.b.c.d.e", "encrypted"),
        (lambda: "é.b.c", "malformed"),
        (lambda: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.", "algorithm_not_allowed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "from",
)
def test_a_signed_answer_that_does_not_verify_is_refused(jwt: Any, code: str) -> None:
    with pytest.raises(InvalidJWT) as caught:
        signed(jwt())
    assert caught.value.code == code


def test_only_the_algorithm_that_was_registered_is_accepted() -> None:
    with pytest.raises(InvalidJWT) as caught:
        signed(make(), algorithms=("PS256",))
    assert caught.value.code == "algorithm_not_allowed"


def test_another_kind_of_jwt_is_no_userinfo() -> None:
    now = {"iat": NOW, "exp": NOW + 60}
    for jwt in (
        make(ACCESS_TOKEN, client_id="app", jti="1", **now),
        make(REFRESHED_ID_TOKEN, at_hash="x", **now),
    ):
        with pytest.raises(InvalidJWT) as caught:
            signed(jwt)
        assert caught.value.code in ("typ_mismatch", "foreign_claim")


@pytest.mark.parametrize("scheme", ["Bearer", "DPoP", "dpop"])
def test_a_challenge_says_why(scheme: str) -> None:
    """Section 5.3.3, the example."""
    header = f'{scheme} error="invalid_token", error_description="The Access Token expired."'
    error = read_refusal(answer(401, www_authenticate=header), what=WHAT)
    assert isinstance(error, ErrorResponse)
    assert (error.code, error.status, error.description) == ("invalid_token", 401, "The Access Token expired.")
    assert str(error).startswith("The UserInfo of https://as.example.com is the error invalid_token: The Access Token")
    assert ".." not in str(error)
    assert error.hint


def test_of_several_challenges_the_one_with_an_error_counts() -> None:
    header = 'Basic realm="x", DPoP algs="ES256", Bearer error="insufficient_scope"'
    assert read_refusal(answer(403, www_authenticate=header), what=WHAT).code == "insufficient_scope"


def test_some_servers_say_it_in_the_body() -> None:
    assert read_refusal(answer(401, b'{"error": "invalid_token"}'), what=WHAT).code == "invalid_token"


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_refusal_without_a_reason_is_named_by_its_status(status: int) -> None:
    error = read_refusal(answer(status, b"{}", www_authenticate='DPoP algs="ES256"'), what=WHAT)
    assert isinstance(error, InvalidResponse)
    assert (error.code, str(status) in str(error)) == ("unexpected_status", True)


def test_an_error_that_is_no_word_has_a_code_of_ours() -> None:
    error = read_refusal(answer(401, www_authenticate='Bearer error="a b"'), what=WHAT)
    assert error.code == "error_response"


@given(st.text())
def test_any_challenge_makes_an_error_of_ours(header: str) -> None:
    error = read_refusal(answer(401, www_authenticate=header), what=WHAT)
    assert isinstance(error, OAuthError)
    assert str(error).isprintable()
