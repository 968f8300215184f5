"""Authorization requests: in the open, pushed (RFC 9126), signed (RFC 9101), always with PKCE (RFC 7636)."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from oauthclient.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from oauthclient.protocol.session import Granted

Openly = list[tuple[str, str]]

_LIFETIME: Final = 300  # seconds that a signed request stays good; a person may take their time on the way to it
_PARSED: Final = ("claims", "authorization_details", "max_age")  # no strings in a request object (RFC 9101, section 4)
_RESERVED: Final = frozenset(
    [
        "client_id",
        "response_type",
        "redirect_uri",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginParameters:
    """What a login may ask for, as OpenID Connect Core, section 3.1.2.1, and RFC 9396 name it.

    `max_age`: seconds. `parameters`: further ones, for this server.
    """

    prompt: str | None = None
    max_age: int | None = None
    acr_values: str | None = None
    login_hint: str | None = None
    ui_locales: str | None = None
    claims: Mapping[str, Any] | None = None
    authorization_details: Sequence[Mapping[str, Any]] | None = None
    response_mode: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish(LoginParameters):
    """All that a login asks for (RFC 6749, section 4.1.1).

    `targets`: the resources and the scope for each. `scope`: what is asked for beside theirs, such as `openid`.
    """

    targets: tuple[Granted, ...]
    scope: str = ""

    def scopes(self) -> str:
        """All scopes asked for, each once, in order."""
        wanted = [self.scope, *(target.scope or "" for target in self.targets)]
        return " ".join(dict.fromkeys(" ".join(wanted).split()))


def request_parameters(  # each is a parameter of its own
    wish: Wish,
    *,
    client_id: str,
    redirect_uri: str,
    told_by: str,
    state: str,
    nonce: str,
    verifier: str,
    jkt: str,
) -> Openly:
    """The parameters of an authorization request. `jkt` binds the code to a DPoP key (RFC 9449, section 10)."""
    scopes = wish.scopes()
    parameters: list[tuple[str, str | None]] = [
        ("client_id", client_id),
        ("response_type", "code"),
        ("redirect_uri", redirect_uri),
        ("scope", scopes),
        ("state", state),
        ("nonce", nonce if "openid" in scopes.split() else None),
        ("code_challenge", challenge(verifier)),
        ("code_challenge_method", "S256"),
        ("dpop_jkt", jkt),
        ("response_mode", wish.response_mode),
        ("prompt", wish.prompt),
        ("max_age", None if wish.max_age is None else str(wish.max_age)),
        ("acr_values", wish.acr_values),
        ("login_hint", wish.login_hint),
        ("ui_locales", wish.ui_locales),
        ("claims", None if wish.claims is None else _json(wish.claims)),
        ("authorization_details", None if wish.authorization_details is None else _details(wish.authorization_details)),
    ]
    if told_by != "scope":
        parameters += [(told_by, target.target) for target in wish.targets]
    made = [(name, value) for name, value in parameters if value]
    forbidden = wish.parameters.keys() & _RESERVED.union(name for name, _ in made)  # RFC 6749, 3.1: none comes twice
    if forbidden:
        raise ConfigurationError(
            f"A login makes {', '.join(sorted(forbidden))} itself.",
            code="reserved_parameter",
            hint="Leave these out of parameters=.",
        )
    return [*made, *((name, value) for name, value in wish.parameters.items() if value)]


def request_object_claims(parameters: Openly, *, issuer: str, now: int, jti: str) -> dict[str, Any]:
    """The claims of a request object (RFC 9101, section 4): the same parameters, and to whom, by whom, for how long.

    A parameter that stands several times becomes an array, JSON in a parameter becomes JSON, `max_age` a number.
    """
    claims: dict[str, Any] = {}
    for name, value in parameters:
        member: Any = _parsed(name, value) if name in _PARSED else value
        if name not in claims:
            claims[name] = member
        elif isinstance(claims[name], list):
            claims[name].append(member)
        else:
            claims[name] = [claims[name], member]
    client_id = claims["client_id"]
    return {**claims, "iss": client_id, "aud": issuer, "jti": jti, "iat": now, "nbf": now, "exp": now + _LIFETIME}


def front_channel_url(authorization_endpoint: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Where the browser is sent; a query that the endpoint has of its own stays (RFC 6749, section 3.1)."""
    return f"{authorization_endpoint}{'&' if '?' in authorization_endpoint else '?'}{urlencode(list(parameters))}"


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, section 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def _details(value: object) -> str:
    """RFC 9396, section 2: an array of objects, each with its `type`."""
    if isinstance(value, list | tuple) and all(isinstance(one, dict) and one.get("type") for one in value):
        return _json(value)
    raise ConfigurationError(
        "authorization_details= is a list of dictionaries that each have a type.",
        code="invalid_authorization_details",
        hint="See RFC 9396, section 2; the API's documentation names its types.",
    )


def _json(value: object) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        pass
    raise ConfigurationError("claims= and authorization_details= hold JSON values only.", code="not_json")


def _parsed(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        pass
    raise ConfigurationError(f"The parameter {name} is not JSON.", code="not_json")
