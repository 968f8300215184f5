"""UserInfo: what the server says about the person who logged in (OpenID Connect Core 1.0, section 5.3; RFC 6750)."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import ErrorResponse, InvalidResponse
from oauthclient.jose.jwt import verify
from oauthclient.jose.kinds import USERINFO
from oauthclient.protocol.challenges import find, parse_challenges
from oauthclient.protocol.strict_json import text_member
from oauthclient.protocol.text import sentence, shown
from oauthclient.protocol.token import read_error, read_success
from oauthclient.protocol.wire import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.errors import AuthorizationServerError
    from oauthclient.jose.jwks import KeySet
    from oauthclient.protocol.token import Token
    from oauthclient.protocol.wire import Response

_JSON: Final = "application/json"
_JWT: Final = "application/jwt"
_LEEWAY: Final = 10.0  # seconds
_ERROR: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,100}")  # RFC 6750, section 3
_HINTS: Final = {
    "invalid_token": "The access token is no longer good: get a new one.",
    "insufficient_scope": "UserInfo needs a token with the scope openid, which login asks for.",
    "invalid_dpop_proof": "Check the clock, and that no gateway rewrites the URL (DPoP(htu=...)).",
}


def userinfo_request(endpoint: str, token: Token, *, proof: str | None, signed: bool) -> Request:
    """A UserInfo request (section 5.3.1), with a proof and a certificate where the token is bound to these.

    `signed`: a JWT was registered for, and is the one thing that is wanted.
    """
    headers = {
        "Accept": _JWT if signed else f"{_JSON}, {_JWT}",
        "Authorization": token.authorization.reveal(),
    }
    if proof is not None:
        headers["DPoP"] = proof
    return Request("GET", endpoint, headers, certificate=token.certificate)


def read_refusal(response: Response, *, what: str) -> AuthorizationServerError:
    """The error that an answer other than 200 stands for: in a challenge (RFC 6750, section 3), or as elsewhere."""
    header = response.headers.get("www-authenticate", "")
    named = [challenge for challenge in parse_challenges((header,)) if challenge.parameters.get("error")]
    challenge = find(named, ("dpop", "bearer"))
    if challenge is None:
        return read_error(response, what=what)
    code = shown(challenge.parameters["error"])
    description = shown(challenge.parameters.get("error_description", ""))
    error = ErrorResponse(
        sentence(f"{what} is the error {code}") + (f": {description}" if description else "").rstrip(".") + ".",
        code=code if _ERROR.fullmatch(code) else None,
        hint=_HINTS.get(code),
    )
    error.description = description
    error.status = response.status
    return error


def is_jwt(response: Response) -> bool:
    """Whether the claims came as a JWT (section 5.3.2)."""
    return response.headers.get("content-type", "").partition(";")[0].strip().lower() == _JWT


def read_plain(response: Response, *, subject: str, what: str) -> dict[str, Any]:
    """The claims in a JSON object, if they are about `subject`.

    Raises ErrorResponse, and InvalidResponse with the codes of `parse_object`, or `missing_member`, `wrong_type`,
    `subject_mismatch`.
    """
    claims = read_success(response, what=what)
    _check_subject(text_member(claims, "sub", what=what, required=True), subject, what)
    return claims


def read_signed(
    response: Response,
    keys: KeySet,
    *,
    issuer: str,
    client_id: str,
    subject: str,
    algorithms: tuple[str, ...],
    now: float,
    what: str,
) -> Mapping[str, Any]:
    """The claims in a JWT, verified, if they are about `subject`. `now`: seconds on the server's clock.

    Raises InvalidJWT as `verify` does, and InvalidResponse (`subject_mismatch`).
    """
    claims = verify(
        USERINFO,
        response.body.decode("ascii", "replace").strip(),  # what is not ASCII is not base64url either
        keys,
        algorithms=algorithms,
        issuer=issuer,
        audience=client_id,
        now=now,
        leeway=_LEEWAY,
    ).claims
    _check_subject(claims["sub"], subject, what)
    return claims


def _check_subject(found: str, subject: str, what: str) -> None:
    """Section 5.3.2: or somebody's access token, slipped in, would bring that person's claims (section 16.11)."""
    if not hmac.compare_digest(found.encode(), subject.encode()):
        raise InvalidResponse(
            sentence(f"{what} is about another person than the ID token."),
            code="subject_mismatch",
            hint="Do not use it: the access token may be another person's. Log in again.",
        )
