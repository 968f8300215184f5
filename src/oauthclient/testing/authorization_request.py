"""Authorization requests as a server reads them (RFC 6749, 4.1.1; RFC 7636, 4.3; OpenID Connect Core, 3.1.2.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from oauthclient.errors import OAuthError
from oauthclient.protocol.urls import is_loopback, split
from oauthclient.testing.clients import AUTHORIZATION_CODE
from oauthclient.testing.details import read_details
from oauthclient.testing.parameters import first_values
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from oauthclient.testing.clients import Client
    from oauthclient.testing.details import Details
    from oauthclient.testing.parameters import Parameters
    from oauthclient.testing.targets import Target, Targets

RESPONSE_MODES: Final = ("query", "form_post", "query.jwt", "form_post.jwt", "jwt")

_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 octets in base64url: an S256 challenge, a thumbprint


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where the answer to an authorization request goes, and how."""

    client: Client
    redirect_uri: str
    response_mode: str
    state: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An authorization request that may be shown to a person. `jkt`: the key its code is bound to."""

    way_back: WayBack
    target: Target
    code_challenge: str
    nonce: str | None = field(repr=False)
    jkt: str | None
    details: Details | None
    prompt: frozenset[str]
    max_age: int | None
    acr: str | None
    login_hint: str | None


class RefusedOnTheWayBackError(RefusedError):
    """An authorization request is refused, and the client may be told (RFC 6749, section 4.1.2.1)."""

    def __init__(self, refused: RefusedError, way_back: WayBack) -> None:
        super().__init__(refused.error, refused.description)
        self.way_back = way_back


def read_authorization_request(
    parameters: Parameters,
    client: Client,
    *,
    targets: Targets,
    details_types: Collection[str] | None,
    jkt: str | None,
) -> AuthorizationRequest:
    """The request that the parameters make. `jkt`: of the proof that came with them, if there was one.

    Raises RefusedError where it cannot be trusted whom to tell, else RefusedOnTheWayBackError.
    """
    single = first_values(parameters)
    redirect_uri = single.get("redirect_uri")
    if redirect_uri is None or not any(_same_redirect(redirect_uri, known) for known in client.redirect_uris):
        raise RefusedError("invalid_request", "The redirect_uri is missing, or not registered (RFC 6749, 3.1.2.4).")
    response_mode = single.get("response_mode", "query")
    if response_mode not in RESPONSE_MODES:
        raise RefusedError("invalid_request", "The response_mode is unknown.")
    way_back = WayBack(
        client, redirect_uri, "query.jwt" if response_mode == "jwt" else response_mode, single.get("state")
    )
    try:
        _check_code_flow(single, client)
        return AuthorizationRequest(
            way_back,
            target=targets.authorize(parameters, client),
            code_challenge=_code_challenge(single),
            nonce=single.get("nonce"),
            jkt=_bound_key(single, jkt),
            details=_details(single, details_types),
            prompt=_prompt(single),
            max_age=_max_age(single),
            acr=single.get("acr_values", "").partition(" ")[0] or None,
            login_hint=single.get("login_hint"),
        )
    except RefusedError as refused:
        raise RefusedOnTheWayBackError(refused, way_back) from None


def _same_redirect(redirect_uri: str, registered: str) -> bool:
    """Equal byte for byte, but for the port of a loopback address (RFC 8252, section 7.3; RFC 9700, section 2.1)."""
    if redirect_uri == registered:
        return True
    try:
        parts = [split(url, what="a redirect URI", error=OAuthError) for url in (redirect_uri, registered)]
    except OAuthError:
        return False
    if not all(part.scheme == "http" and is_loopback(part.host) and part.host != "localhost" for part in parts):
        return False
    one, other = ((part.host, part.path, part.query, part.fragment) for part in parts)
    return one == other


def _check_code_flow(single: Mapping[str, str], client: Client) -> None:
    if single.get("response_type") != "code":
        raise RefusedError("unsupported_response_type", "Only the code flow is offered.")
    if not client.may_use(AUTHORIZATION_CODE):
        raise RefusedError("unauthorized_client", "The client is not registered for the code flow.")
    if "registration" in single:
        raise RefusedError("registration_not_supported", "Clients do not register on the way.")


def _code_challenge(single: Mapping[str, str]) -> str:
    if single.get("code_challenge_method") != "S256":
        raise RefusedError("invalid_request", "PKCE with S256 is required (RFC 7636, 4.4.1; RFC 9700, 2.1.1).")
    challenge = single.get("code_challenge", "")
    if not _DIGEST.fullmatch(challenge):
        raise RefusedError("invalid_request", "The code_challenge is missing or no S256 challenge.")
    return challenge


def _bound_key(single: Mapping[str, str], jkt: str | None) -> str | None:
    """RFC 9449, sections 10 and 10.1."""
    named = single.get("dpop_jkt")
    if named is not None and not _DIGEST.fullmatch(named):
        raise RefusedError("invalid_request", "dpop_jkt is no thumbprint.")
    if named is not None and jkt is not None and named != jkt:
        raise RefusedError("invalid_request", "dpop_jkt and the DPoP proof are of different keys (RFC 9449, 10.1).")
    return named or jkt


def _details(single: Mapping[str, str], types: Collection[str] | None) -> Details | None:
    text = single.get("authorization_details")
    return None if text is None else read_details(text, types)


def _prompt(single: Mapping[str, str]) -> frozenset[str]:
    prompt = frozenset(single.get("prompt", "").split())
    if "none" in prompt and len(prompt) > 1:
        raise RefusedError("invalid_request", "prompt=none goes with no other value.")
    return prompt


def _max_age(single: Mapping[str, str]) -> int | None:
    text = single.get("max_age")
    if text is None:
        return None
    if not text.isdecimal():
        raise RefusedError("invalid_request", "max_age is no number of seconds.")
    return int(text)
