"""Revoking a token: the request, and what is left when it fails (RFC 7009, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from oauthclient.protocol.token import read_error

if TYPE_CHECKING:
    from oauthclient.protocol.wire import Response
    from oauthclient.secret import Secret

TokenTypeHint = Literal["access_token", "refresh_token"]


class StillHonoured(NamedTuple):
    """A token that the server may honour still, since it did not say that it is revoked.

    `token_type`: what the token is, as in `token_type_hint`. `code`: of the error, such as `unsupported_token_type`,
    `timeout` or `revocation_not_offered`. `why`: a sentence, which may come from the server.
    """

    token_type: TokenTypeHint
    code: str
    why: str


def revocation_parameters(token: Secret, hint: TokenTypeHint) -> list[tuple[str, str | Secret]]:
    """The parameters of a revocation request (section 2.1)."""
    return [("token", token), ("token_type_hint", hint)]


def check_revoked(response: Response, *, what: str) -> None:
    """Return if the server says that the token is revoked, or was none: by the status alone (section 2.2).

    Raises ErrorResponse, among them `unsupported_token_type` (section 2.2.1), or InvalidResponse.
    """
    if response.status != 200:  # noqa: PLR2004  # the one status of success; the body is to be ignored
        raise read_error(response, what=what)
