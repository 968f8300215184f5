"""Authorization server metadata: where it is, what it says (RFC 8414; OpenID Connect Discovery 1.0, 4)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from oauthclient.errors import ConfigurationError, InvalidResponse, OAuthError
from oauthclient.protocol.strict_json import flag_member, parse_object, text_member, texts_member
from oauthclient.protocol.text import shown
from oauthclient.protocol.urls import displayed, secure_url, split

_ENDPOINTS: Final = (
    "authorization_endpoint",
    "device_authorization_endpoint",
    "end_session_endpoint",
    "jwks_uri",
    "pushed_authorization_request_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
)
# Those that a client calls directly, so that an alias means something (RFC 8705, section 5).
ALIASED: Final = (
    "device_authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
)
_LISTS: Final = (
    "authorization_signing_alg_values_supported",
    "code_challenge_methods_supported",
    "dpop_signing_alg_values_supported",
    "grant_types_supported",
    "id_token_signing_alg_values_supported",
    "request_object_signing_alg_values_supported",
    "response_modes_supported",
    "scopes_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "userinfo_signing_alg_values_supported",
)
_FLAGS: Final = (
    "authorization_response_iss_parameter_supported",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "tls_client_certificate_bound_access_tokens",
)


class ServerMetadata:
    """What an authorization server says about itself (RFC 8414, section 2; RFC 9449, 5.1; RFC 8705, 3.3 and 5).

    A value is None where the server does not say; the defaults that RFC 8414 names are not filled in, for
    servers forget to say what they can do. `issuer` is None only in metadata given by hand. `document` is all
    of the metadata, read-only. `openid_only`: it was found at an OpenID Connect Discovery URL.
    """

    issuer: str | None
    token_endpoint: str
    authorization_endpoint: str | None
    device_authorization_endpoint: str | None
    end_session_endpoint: str | None
    jwks_uri: str | None
    pushed_authorization_request_endpoint: str | None
    registration_endpoint: str | None
    revocation_endpoint: str | None
    userinfo_endpoint: str | None
    authorization_signing_alg_values_supported: tuple[str, ...] | None
    code_challenge_methods_supported: tuple[str, ...] | None
    dpop_signing_alg_values_supported: tuple[str, ...] | None
    grant_types_supported: tuple[str, ...] | None
    id_token_signing_alg_values_supported: tuple[str, ...] | None
    request_object_signing_alg_values_supported: tuple[str, ...] | None
    response_modes_supported: tuple[str, ...] | None
    scopes_supported: tuple[str, ...] | None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] | None
    userinfo_signing_alg_values_supported: tuple[str, ...] | None
    authorization_response_iss_parameter_supported: bool | None
    require_pushed_authorization_requests: bool | None
    require_signed_request_object: bool | None
    tls_client_certificate_bound_access_tokens: bool | None

    __slots__ = (*_ENDPOINTS, *_LISTS, *_FLAGS, "document", "issuer", "openid_only")

    def __init__(self, document: Mapping[str, Any], *, what: str, loopback: bool, openid_only: bool = False) -> None:
        self.document: Final[Mapping[str, Any]] = MappingProxyType(dict(document))
        self.openid_only: Final = openid_only
        self.issuer = text_member(document, "issuer", what=what)
        if self.issuer is not None:
            checked_issuer(self.issuer, loopback=loopback, error=InvalidResponse)
        for name in _ENDPOINTS:
            setattr(self, name, _endpoint(document, name, what=what, loopback=loopback))
        for name in _LISTS:
            setattr(self, name, texts_member(document, name, what=what))
        for name in _FLAGS:
            setattr(self, name, flag_member(document, name, what=what))
        if not self.token_endpoint:
            raise InvalidResponse(f"There is no token_endpoint in {what}.", code="missing_endpoint")

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, loopback: bool = False) -> ServerMetadata:
        """Metadata given by hand, or from elsewhere; `loopback` allows http on loopback addresses.

        Raises `InvalidResponse` with the code `missing_endpoint` (no `token_endpoint`), `insecure_endpoint`,
        `invalid_issuer` or `wrong_type`.
        """
        return cls(document, what="the metadata", loopback=loopback)

    def aliased(self, overrides: Mapping[str, str | None], *, loopback: bool = False) -> ServerMetadata:
        """The metadata for a client that presents a certificate: with the `mtls_endpoint_aliases` as the endpoints.

        `overrides`: URLs to go to instead, by endpoint; None for the conventional one. An alias for what no client
        calls directly means nothing (RFC 8705, section 5). Raises InvalidResponse: `wrong_type`, `insecure_endpoint`.
        """
        told = self.document.get("mtls_endpoint_aliases") or {}
        if not isinstance(told, Mapping):
            raise InvalidResponse("The mtls_endpoint_aliases in the metadata are not an object.", code="wrong_type")
        aliases = {**told, **overrides}
        chosen = {name: aliases[name] for name in ALIASED if aliases.get(name) is not None}
        return ServerMetadata(
            {**self.document, **chosen},
            what="the metadata with its mtls_endpoint_aliases",
            loopback=loopback,
            openid_only=self.openid_only,
        )

    def __repr__(self) -> str:
        return f"ServerMetadata(issuer={self.issuer!r}, token_endpoint={self.token_endpoint!r})"


def _endpoint(document: Mapping[str, Any], name: str, *, what: str, loopback: bool) -> str | None:
    url = text_member(document, name, what=what)
    if url is None:
        return None
    return secure_url(
        url, what=f"the {name} in {what}", loopback=loopback, error=InvalidResponse, code="insecure_endpoint"
    )


def checked_issuer(issuer: str, *, loopback: bool = False, error: type[OAuthError] = ConfigurationError) -> str:
    """`issuer`, byte for byte, if it is an https URL without query and fragment (RFC 8414, section 2).

    `loopback` allows http on loopback addresses. Raises `error` with the code `invalid_issuer`.
    """
    secure_url(issuer, what="an issuer", loopback=loopback, error=error, code="invalid_issuer")
    if "?" in issuer:
        raise error(
            f"{displayed(issuer)} cannot be an issuer: it has a query (RFC 8414, section 2).",
            code="invalid_issuer",
        )
    return issuer


def well_known_urls(issuer: str) -> tuple[str, ...]:
    """Where the metadata of `issuer` (see `checked_issuer`) may be, in the order in which to ask.

    RFC 8414, section 3.1 (before the path), the same with the suffix of its section 5, and OpenID Connect
    Discovery, section 4.1 (after the path). Raises `ConfigurationError` with the code `invalid_issuer`.
    """
    path = split(checked_issuer(issuer, loopback=True), what="an issuer", error=ConfigurationError).path
    host = issuer.removesuffix(path)
    path = path.removesuffix("/")
    candidates = (
        f"{host}/.well-known/oauth-authorization-server{path}",
        f"{host}/.well-known/openid-configuration{path}",
        f"{host}{path}/.well-known/openid-configuration",
    )
    return tuple(dict.fromkeys(candidates))


def read_metadata(body: bytes, *, issuer: str, url: str, loopback: bool) -> ServerMetadata:
    """The metadata in `body`, which `url` answered with status 200, if it is that of `issuer`.

    Raises `InvalidResponse` with a code of `parse_object`, of `ServerMetadata.from_document`, or
    `error_in_metadata` (an `error` member where there should be none) or `issuer_mismatch` (section 3.3).
    """
    what = f"the metadata at {displayed(url)}"
    document = parse_object(body, what=what)
    if document.get("error") is not None:
        raise InvalidResponse(f"Instead of {what} came an error: {shown(document['error'])}", code="error_in_metadata")
    found = text_member(document, "issuer", what=what, required=True)
    if found != issuer:
        same_but_slash = found.removesuffix("/") == issuer.removesuffix("/")
        raise InvalidResponse(
            f"The issuer in {what} is {shown(found)}, not {issuer} (RFC 8414, section 3.3).",
            code="issuer_mismatch",
            hint=f'They differ by a slash: if it is the one you mean, write "{shown(found)}".'
            if same_but_slash
            else "",
        )
    return ServerMetadata(
        document, what=what, loopback=loopback, openid_only="/.well-known/openid-configuration" in url
    )
