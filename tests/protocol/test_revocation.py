"""RFC 7009: the request, and that the status alone counts."""

from __future__ import annotations

import pytest

from oauthclient.errors import ErrorResponse, InvalidResponse
from oauthclient.protocol.revocation import check_revoked, revocation_parameters
from oauthclient.protocol.wire import Form, Instant, Response
from oauthclient.secret import Secret

NEVER = Instant(0.0, 0.0)


def check(status: int, body: bytes = b"", **headers: str) -> None:
    response = Response(status, headers, body, sent=NEVER, received=NEVER)
    check_revoked(response, what="the revocation response")


def test_a_request_names_the_token_and_its_type() -> None:
    form = Form(revocation_parameters(Secret("45ghiukldjahdnhzdauz"), "refresh_token"))
    assert form.encode() == b"token=45ghiukldjahdnhzdauz&token_type_hint=refresh_token"


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"error": "x"}', b"\xff" * 10])
def test_a_200_is_a_success_whatever_it_says(body: bytes) -> None:
    """Section 2.2: the content of the response body is ignored."""
    check(200, body)


@pytest.mark.parametrize("code", ["unsupported_token_type", "invalid_client"])
def test_an_error_is_told(code: str) -> None:
    with pytest.raises(ErrorResponse) as caught:
        check(400, b'{"error": "%s"}' % code.encode())
    assert caught.value.code == code


def test_a_503_may_say_when_to_try_again() -> None:
    """Section 2.2.1."""
    with pytest.raises(InvalidResponse) as caught:
        check(503, b"<html>", **{"retry-after": "30"})
    assert caught.value.retry_after == 30


@pytest.mark.parametrize(
    ("status", "code"), [(302, "redirected"), (404, "unexpected_status"), (204, "unexpected_status")]
)
def test_no_other_status_says_that_it_is_revoked(status: int, code: str) -> None:
    with pytest.raises(InvalidResponse) as caught:
        check(status)
    assert caught.value.code == code
