"""What a client asks to be registered as (RFC 7591, section 2; OpenID Connect Registration, section 2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from oauthclient.errors import ConfigurationError, NotOffered
from oauthclient.jose.algorithms import OFFERED, VERIFYING
from oauthclient.protocol.authentication import listed_spelling
from oauthclient.protocol.urls import is_loopback, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.signers import Signer
    from oauthclient.protocol.metadata import ServerMetadata

AUTHORIZATION_CODE: Final = "authorization_code"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105  # the name of a grant type

# What software can do without a person: its own key, else no credentials, which leaves refresh tokens bound to the
# DPoP key (RFC 9449, section 5); a secret, though issued to this one instance, is the last choice.
_METHODS: Final = ("private_key_jwt", "none", "client_secret_basic", "client_secret_post")
# Where the server does not list algorithms: ES256 is what most of them can (RFC 7518, section 3.1).
_UNLISTED: Final = ("ES256",)

FORBIDDEN: Final = frozenset(
    {
        "client_id_issued_at",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri",
    }
)
"""Members of an answer that no request may hold (RFC 7592, section 2.2)."""

_MADE_HERE: Final = FORBIDDEN | {
    "application_type",
    "client_id",
    "client_secret",
    "dpop_bound_access_tokens",
    "grant_types",
    "jwks",
    "jwks_uri",
    "redirect_uris",
    "request_object_signing_alg",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "response_types",
    "scope",
    "software_statement",
    "tls_client_certificate_bound_access_tokens",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    """What a program wants registered, in the words of RFC 7591; a None is chosen by what the server offers.

    `require_signed_request_object` (RFC 9101, section 10.5) and `require_pushed_authorization_requests` (RFC 9126,
    section 6) promise what will be done, so that nobody else can do with less. `public_keys`: JWKs to publish beside
    the one that signs, such as one to encrypt to, or a client certificate's (RFC 8705, section 2.2.2). `members`: the
    app's own: `client_name`, `contacts`, `software_id`...

    Raises ConfigurationError: `reserved_member`, `unsafe_redirect_uri`.
    """

    redirect_uris: tuple[str, ...] = ()
    application_type: Literal["native", "web"] = "native"
    grant_types: tuple[str, ...] = (AUTHORIZATION_CODE, REFRESH_TOKEN)
    scope: str | None = None
    token_endpoint_auth_method: str | None = None
    dpop_bound_access_tokens: bool = True
    tls_client_certificate_bound_access_tokens: bool = False
    require_signed_request_object: bool | None = None
    require_pushed_authorization_requests: bool | None = None
    software_statement: str | None = None
    public_keys: tuple[Mapping[str, Any], ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_reserved(self.members)
        for uri in self.redirect_uris:
            _check_redirect_uri(uri, self.application_type)


class Choice(NamedTuple):
    """What was chosen for one server.

    `method`: of client authentication. `algorithm`: of the key to make, None where no key is of use.
    """

    method: str
    algorithm: str | None
    signs_requests: bool


def choose(wanted: ClientMetadata, metadata: ServerMetadata, *, own: Signer | None = None) -> Choice:
    """How to authenticate at a server, and with what key; `own`: one that the program brings.

    Raises NotOffered: `authentication_not_offered`, `algorithm_not_offered`.
    """
    algorithms = OFFERED if own is None else (own.algorithm,)
    assertions = _common(algorithms, metadata.token_endpoint_auth_signing_alg_values_supported)
    requests = _requests(wanted, metadata, algorithms)
    method = _method(wanted, metadata, can_assert=bool(assertions))
    if method == "private_key_jwt":
        if not assertions:
            raise _no_algorithm(
                "client assertions", algorithms, metadata.token_endpoint_auth_signing_alg_values_supported
            )
        # One key for both purposes where one algorithm serves both.
        algorithm = next((name for name in assertions if name in requests), assertions[0])
        return Choice(method, algorithm, signs_requests=algorithm in requests)
    return Choice(method, requests[0] if requests else None, signs_requests=bool(requests))


def registration_document(
    wanted: ClientMetadata, choice: Choice, metadata: ServerMetadata, signer: Signer | None
) -> dict[str, Any]:
    """The members of a registration request (RFC 7591, section 3.1).

    `signer`: the key whose public half is registered, where `choice` names an algorithm.
    """
    by_code = AUTHORIZATION_CODE in wanted.grant_types
    document: dict[str, Any] = {
        **wanted.members,
        "application_type": wanted.application_type,
        "redirect_uris": list(wanted.redirect_uris) or None,
        "grant_types": list(wanted.grant_types),
        "response_types": ["code"] if by_code else [],  # left out, it would mean "code" (RFC 7591, section 2)
        "scope": wanted.scope,
        "token_endpoint_auth_method": choice.method,
        "dpop_bound_access_tokens": wanted.dpop_bound_access_tokens or None,
        "tls_client_certificate_bound_access_tokens": wanted.tls_client_certificate_bound_access_tokens or None,
        "software_statement": wanted.software_statement,
    }
    keys = [dict(jwk) for jwk in wanted.public_keys]
    if signer is not None:
        spelling = listed_spelling(signer.algorithm, metadata.token_endpoint_auth_signing_alg_values_supported)
        if choice.method == "private_key_jwt":
            document["token_endpoint_auth_signing_alg"] = spelling
        if choice.signs_requests and by_code:
            listed = metadata.request_object_signing_alg_values_supported
            document["require_signed_request_object"] = True
            document["request_object_signing_alg"] = listed_spelling(signer.algorithm, listed)
        keys.insert(0, published(signer, alg=spelling))
    document["jwks"] = {"keys": keys} if keys else None
    if by_code:
        pushes = wanted.require_pushed_authorization_requests
        offered = metadata.pushed_authorization_request_endpoint is not None
        document["require_pushed_authorization_requests"] = (offered if pushes is None else pushes) or None
        document.setdefault("id_token_signed_response_alg", _id_token_algorithm(metadata))
    return {name: value for name, value in document.items() if value is not None}


def published(signer: Signer, *, alg: str) -> dict[str, str]:
    """The public JWK to register (RFC 7517, section 4). `alg`: its algorithm as the server spells it."""
    jwk = {**signer.public_jwk, "use": "sig", "alg": alg}
    return jwk if signer.kid is None else {**jwk, "kid": signer.kid}


def _method(wanted: ClientMetadata, metadata: ServerMetadata, *, can_assert: bool) -> str:
    listed = metadata.token_endpoint_auth_methods_supported
    if wanted.token_endpoint_auth_method is not None:
        candidates: tuple[str, ...] = (wanted.token_endpoint_auth_method,)
    else:
        candidates = _METHODS if can_assert else _METHODS[1:]
    for method in candidates:
        if listed is None or method in listed:
            return method
    raise NotOffered(
        f"The authorization server lists {', '.join(listed or ()) or 'nothing'} to authenticate clients by, "
        f"not {' or '.join(candidates)}.",
        code="authentication_not_offered",
        hint="Register the client by hand, with what the server's administrator gives you.",
    )


def _requests(wanted: ClientMetadata, metadata: ServerMetadata, algorithms: tuple[str, ...]) -> tuple[str, ...]:
    """The algorithms that request objects could be signed with; none where they are not to be signed."""
    if wanted.require_signed_request_object is False or AUTHORIZATION_CODE not in wanted.grant_types:
        return ()
    listed = metadata.request_object_signing_alg_values_supported
    needed = wanted.require_signed_request_object or metadata.require_signed_request_object
    if listed is None and not needed:
        return ()
    common = _common(algorithms, listed)
    if needed and not common:
        raise _no_algorithm("request objects", algorithms, listed)
    return common


def _common(algorithms: tuple[str, ...], listed: tuple[str, ...] | None) -> tuple[str, ...]:
    if listed is None:
        return tuple(name for name in algorithms if name in _UNLISTED) or algorithms[:1]
    return tuple(name for name in algorithms if listed_spelling(name, listed) in listed)


def _no_algorithm(what: str, algorithms: tuple[str, ...], listed: tuple[str, ...] | None) -> NotOffered:
    return NotOffered(
        f"The authorization server accepts {what} signed with {', '.join(listed or ()) or 'nothing'}, "
        f"not {', '.join(algorithms)}.",
        code="algorithm_not_offered",
        hint="Use a key for one of its algorithms; RS256 only with a key made for it by name.",
    )


def _id_token_algorithm(metadata: ServerMetadata) -> str | None:
    """What ID tokens shall be signed with, the best that is listed; RS256 is what every server can (Core, 3.1.3.7)."""
    listed = metadata.id_token_signing_alg_values_supported or ()
    return next((name for name in (*OFFERED, "EdDSA", *VERIFYING) if name in listed), None)


def _refuse_reserved(members: Mapping[str, Any]) -> None:
    reserved = sorted(_MADE_HERE.intersection(members))
    if reserved:
        raise ConfigurationError(
            f"{', '.join(reserved)} cannot stand among the app's own members of a registration.",
            code="reserved_member",
            hint="There are settings of that name, or the server issues them.",
        )


def _check_redirect_uri(uri: str, application_type: str) -> None:
    """RFC 8252, sections 7 and 8.3; RFC 9700, section 2.6: https, a native app's loopback address or own scheme."""
    parts = None if ":/" not in uri else split(_with_host(uri), what="a redirect URI", error=ConfigurationError)
    if parts is not None and "#" not in uri:
        loopback = parts.scheme == "http" and is_loopback(parts.host)
        own_scheme = application_type == "native" and "." in parts.scheme
        if parts.scheme == "https" or loopback or own_scheme:
            return
    raise ConfigurationError(
        "A redirect URI is https, http on a loopback address, or has a scheme of the app's own; and has no fragment.",
        code="unsafe_redirect_uri",
        hint="A native app registers http://127.0.0.1/path and http://[::1]/path, without a port.",
    )


def _with_host(uri: str) -> str:
    """`com.example.app:/callback` with a host, for it has none (RFC 8252, section 7.1)."""
    scheme, _, rest = uri.partition(":")
    return uri if rest.startswith("//") else f"{scheme}://none{rest}"
