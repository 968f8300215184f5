"""Authorization codes, and the grant they are (RFC 6749, sections 4.1.2 and 4.1.3; RFC 7636, 4.6; RFC 9449, 10)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oauthclient.jose.encoding import base64url
from oauthclient.testing.clients import REFRESH_TOKEN
from oauthclient.testing.grants import Grant
from oauthclient.testing.logins import Login
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from oauthclient.testing.authorization_request import AuthorizationRequest
    from oauthclient.testing.grants import GrantRequest
    from oauthclient.testing.refresh_tokens import RefreshTokens

_SHORTEST_VERIFIER = 43  # RFC 7636, section 4.1
_LONGEST_VERIFIER = 128


@dataclass(slots=True)
class _Issued:
    request: AuthorizationRequest
    login: Login
    until: float
    used: bool = False


class AuthorizationCodes:
    """Issues authorization codes and is the grant of that name.

    A code is for one use, even one that fails after the client and its proof were found good; its return ends the
    login (RFC 6749, section 4.1.2). `lifetime`: in seconds. `replays`: how many came again. `logins`: what was
    consented to, oldest first.
    """

    def __init__(self, refresh_tokens: RefreshTokens) -> None:
        self.lifetime = 60
        self.replays = 0
        self.logins: list[Login] = []
        self._refresh_tokens = refresh_tokens
        self._issued: dict[str, _Issued] = {}

    def issue(self, request: AuthorizationRequest, *, subject: str, auth_time: int, now: float) -> str:
        """A code for a request that a person consented to."""
        client, scope = request.way_back.client, request.target.scope
        login = Login(
            client.client_id,
            subject,
            request.target,
            auth_time,
            nonce=request.nonce,
            acr=request.acr,
            authorization_details=request.details,
            offline=client.may_use(REFRESH_TOKEN) and self._refresh_tokens.offered(scope, request.prompt),
        )
        self.logins.append(login)
        code = secrets.token_urlsafe(24)
        self._issued[code] = _Issued(request, login, until=now + self.lifetime)
        return code

    def __call__(self, request: GrantRequest) -> Grant:
        """The grant that the code is, or `invalid_grant`."""
        code = request.form.get("code")
        if code is None:
            raise RefusedError("invalid_request", "code is missing (RFC 6749, 4.1.3).")
        issued = self._issued.get(code)
        if issued is None or issued.login.client_id != request.client.client_id:
            raise _invalid("The code is unknown, or another client's.")
        if issued.used:
            self.replays += 1
            self._refresh_tokens.end(issued.login)
            raise _invalid("The code was used before: what it brought is revoked (RFC 6749, 4.1.2).")
        issued.used = True
        asked = issued.request
        if request.now >= issued.until:
            raise _invalid("The code has expired.")
        if request.form.get("redirect_uri") != asked.way_back.redirect_uri:
            raise _invalid("The redirect_uri is not that of the authorization request (RFC 6749, 4.1.3).")
        if not _fits(request.form.get("code_verifier", ""), asked.code_challenge):
            raise _invalid("The code_verifier does not fit the code_challenge (RFC 7636, 4.6).")
        if asked.jkt is not None and request.jkt != asked.jkt:
            raise _invalid("The code is bound to another key (RFC 9449, 10).")
        return Grant(issued.login.subject, login=issued.login)


def _fits(verifier: str, challenge: str) -> bool:
    if not (_SHORTEST_VERIFIER <= len(verifier) <= _LONGEST_VERIFIER and verifier.isascii()):
        return False
    return base64url(hashlib.sha256(verifier.encode()).digest()).decode() == challenge


def _invalid(description: str) -> RefusedError:
    return RefusedError("invalid_grant", description)
