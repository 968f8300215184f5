"""Logging in by way of another device: what is asked for, and the codes that come (RFC 8628, sections 3.1, 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from oauthclient.errors import InvalidResponse
from oauthclient.protocol.authorization_request import request_parameters
from oauthclient.protocol.seconds import seconds_member
from oauthclient.protocol.strict_json import text_member
from oauthclient.protocol.text import shown
from oauthclient.protocol.token import read_success
from oauthclient.protocol.urls import secure_url, split
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from oauthclient.protocol.authorization_request import Wish
    from oauthclient.protocol.wire import Response

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"

_DEFAULT_INTERVAL: Final = 5.0  # seconds (section 3.2)
_LONGEST_USER_CODE: Final = 64  # characters; a person is to type it
_OF_THE_BROWSER: Final = ("response_type", "response_mode", "code_challenge", "code_challenge_method")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAuthorization:
    """The codes of one login by way of another device.

    `user_code` can be shown as it is. `expires_in`, `interval`: seconds, the latter to pass before each question.
    `ends`: when the codes do, in seconds of the steady clock.
    """

    device_code: Secret
    user_code: str = field(repr=False)
    verification_uri: str
    verification_uri_complete: str | None = field(repr=False)
    expires_in: float
    interval: float
    ends: float


def device_parameters(wish: Wish, *, told_by: str) -> list[tuple[str, str]]:
    """The parameters of a device authorization request: those of any login, but for what leads a browser back.

    RFC 8628 names `scope` alone, and lets a server ignore what it does not know; many know the others as well.
    """
    parameters = request_parameters(
        wish, client_id="", redirect_uri="", told_by=told_by, state="", nonce="", verifier="", jkt=""
    )
    return [pair for pair in parameters if pair[0] not in _OF_THE_BROWSER]


def read_device_authorization(response: Response, *, loopback: bool, what: str) -> DeviceAuthorization:
    """The codes in an answer of the device authorization endpoint (section 3.2).

    `loopback` allows http on loopback addresses. Raises ErrorResponse, and InvalidResponse with the codes of
    `parse_object`, or `missing_member`, `wrong_type`, `malformed_user_code`, `insecure_verification_uri`.
    """
    document = read_success(response, what=what)
    device_code = Secret(text_member(document, "device_code", what=what, required=True))
    user_code = text_member(document, "user_code", what=what, required=True).strip()
    uri = text_member(document, "verification_uri", what=what, required=True)
    complete = text_member(document, "verification_uri_complete", what=what)
    expires_in = seconds_member(document, "expires_in", what=what)
    interval = seconds_member(document, "interval", what=what)
    del document  # see parse_object
    if expires_in is None:
        raise InvalidResponse(f'The member "expires_in" is missing in {what}.', code="missing_member")
    if not device_code:
        raise InvalidResponse(f"The device_code in {what} is empty.", code="missing_member")
    if not user_code or len(user_code) > _LONGEST_USER_CODE or shown(user_code) != user_code:
        raise InvalidResponse(f"The user_code in {what} is none that could be shown.", code="malformed_user_code")
    return DeviceAuthorization(
        device_code=device_code,
        user_code=user_code,
        verification_uri=_shown_uri(uri, "verification_uri", loopback=loopback, what=what),
        verification_uri_complete=None
        if complete is None
        else _shown_uri(complete, "verification_uri_complete", loopback=loopback, what=what),
        expires_in=expires_in,
        interval=interval or _DEFAULT_INTERVAL,  # none at all would be a storm
        ends=response.sent.steady + expires_in,
    )


def _shown_uri(uri: str, name: str, *, loopback: bool, what: str) -> str:
    """`uri`, if a person may be sent there; unlike an endpoint it may have a fragment, as pages do."""
    named = f"the {name} in {what}"
    split(uri, what=named, error=InvalidResponse, code="insecure_verification_uri")
    bare = uri.partition("#")[0]
    secure_url(bare, what=named, loopback=loopback, error=InvalidResponse, code="insecure_verification_uri")
    return uri
