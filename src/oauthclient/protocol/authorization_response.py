"""The answer to an authorization request (RFC 6749, section 4.1.2; RFC 9207; RFC 9700, sections 2.1 and 4.4).

Whatever does not belong to the request that was made is refused before any token request.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from oauthclient.errors import ErrorResponse, InvalidResponse
from oauthclient.jose.jwt import unverified_claims
from oauthclient.protocol.text import shown
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST: Final = 16 * 1024  # characters
_MOST_PARAMETERS: Final = 32
_HINTS: Final = {
    "access_denied": "The person, or a policy, said no.",
    "login_required": "Log in again without prompt=none.",
    "consent_required": "Log in again without prompt=none.",
    "interaction_required": "Log in again without prompt=none.",
    "invalid_scope": "Ask for scopes the server knows and this client may have.",
    "invalid_target": "Check Resource.identifier, byte for byte.",
    "invalid_request_uri": "The pushed request was used before or has expired: log in again.",
    "temporarily_unavailable": "Log in again in a while.",
}


def belongs(callback_url: str, state: Secret) -> bool:
    """Whether an answer looks like one to the login with this `state`, so that it ends the wait, whatever it holds.

    That of a signed answer (JARM) is read here without a look at its signature, which is verified later; what is
    encrypted cannot be read here, and counts as ours.
    """
    try:
        pairs = parse_qsl(urlsplit(callback_url).query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return False
    states = [value for name, value in pairs if name == "state"]
    for name, value in pairs:
        if name == "response":
            claims = unverified_claims(value)
            states.append(state.reveal() if claims is None else str(claims.get("state", "")))
    return any(_same(value, state.reveal()) for value in states)


def callback_parameters(callback_url: str, redirect_uri: str) -> dict[str, str]:
    """The parameters of the URL that the browser was sent to.

    Raises InvalidResponse where it is not `redirect_uri` (`wrong_redirect_uri`: another issuer's path, in a mix-up), or
    holds a parameter twice (`duplicate_parameter`, RFC 6749, section 3.1).
    """
    if len(callback_url) > _LONGEST:
        raise InvalidResponse("The answer in the callback URL is too long.", code="too_large")
    try:
        came, expected = urlsplit(callback_url), urlsplit(redirect_uri)
    except ValueError:
        raise InvalidResponse("The callback URL is none.", code="wrong_redirect_uri") from None
    if came[:3] != expected[:3]:
        raise InvalidResponse(
            "The answer came to another URL than the redirect_uri of this login.",
            code="wrong_redirect_uri",
            hint="Finish each login with the answer to it: every issuer has its own redirect path.",
        )
    if expected.query and not f"{came.query}&".startswith(f"{expected.query}&"):
        raise InvalidResponse("The callback URL lacks the redirect_uri's query.", code="wrong_redirect_uri")
    query = came.query[len(expected.query) :].removeprefix("&")
    try:
        return once_each(parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict"))
    except ValueError:
        raise InvalidResponse("The callback URL's query cannot be read.", code="malformed_answer") from None


def once_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parameters by name. Raises InvalidResponse (`duplicate_parameter`)."""
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise InvalidResponse(
                f"The answer holds the parameter {shown(name)} twice (RFC 6749, section 3.1).",
                code="duplicate_parameter",
            )
        parameters[name] = value
    return parameters


def read_code(
    parameters: dict[str, str], *, state: str, issuer: str, iss_required: bool, what: str = "the authorization response"
) -> Secret:
    """The authorization code, if this is the answer of `issuer` to the request with `state`.

    Raises InvalidResponse: `unknown_state`, `issuer_mismatch`, `missing_iss` (RFC 9207, section 2.4: errors included),
    `missing_code`; or ErrorResponse with the server's `error`.
    """
    if not _same(parameters.get("state", ""), state):
        raise InvalidResponse(
            f"The state in {what} is not that of this login.",
            code="unknown_state",
            hint="Somebody may have slipped in another answer: begin the login again.",
        )
    iss = parameters.get("iss")
    if iss is None and iss_required:
        raise InvalidResponse(f"There is no iss in {what}, though the server promises one.", code="missing_iss")
    if iss is not None and iss != issuer:
        raise InvalidResponse(
            f"The iss in {what} is {shown(iss)}, not {issuer}: another server answered.",
            code="issuer_mismatch",
            hint="This may be a mix-up attack (RFC 9700, section 4.4): begin the login again.",
        )
    if "error" in parameters:
        code = shown(parameters["error"])
        description = shown(parameters.get("error_description", ""))
        said = f"The authorization server answered with the error {code}" + (f": {description}" if description else "")
        error = ErrorResponse(said.rstrip(".") + ".", code=code or None, hint=_HINTS.get(code, ""))
        error.description = description
        raise error
    if not parameters.get("code"):
        raise InvalidResponse(f"There is no code in {what}.", code="missing_code")
    return Secret(parameters["code"])


def _same(one: str, other: str) -> bool:
    """Compared in constant time; a URL that a program passes on may hold what is no Unicode text."""
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))
