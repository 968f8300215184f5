"""Client metadata as the embedded server reads it, strictly (RFC 7591, 2; RFC 8252, 8; RFC 8705, 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import OAuthError
from oauthclient.jose.jwk import PRIVATE_MEMBERS, public_members
from oauthclient.protocol.urls import is_loopback, split
from oauthclient.testing.certificate_authentication import (
    SELF_SIGNED_TLS_CLIENT_AUTH,
    SUBJECT_MEMBERS,
    TLS_CLIENT_AUTH,
    certificates_in,
    check_subject,
)
from oauthclient.testing.clients import AUTHORIZATION_CODE
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS: Final = frozenset(
    {
        "client_name",
        "client_uri",
        "logo_uri",
        "tos_uri",
        "policy_uri",
        "scope",
        "software_id",
        "software_version",
        "software_statement",
        "application_type",
        "token_endpoint_auth_method",
        *SUBJECT_MEMBERS,
    }
)
_LISTS: Final = frozenset({"redirect_uris", "grant_types", "response_types", "contacts"})
_FLAGS: Final = frozenset(
    {
        "dpop_bound_access_tokens",
        "require_signed_request_object",
        "require_pushed_authorization_requests",
        "tls_client_certificate_bound_access_tokens",
    }
)
# Each of these must be one of what the server's metadata lists under the other name.
_LISTED: Final = {
    "token_endpoint_auth_method": "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg": "token_endpoint_auth_signing_alg_values_supported",
    "request_object_signing_alg": "request_object_signing_alg_values_supported",
    "id_token_signed_response_alg": "id_token_signing_alg_values_supported",
    "userinfo_signed_response_alg": "userinfo_signing_alg_values_supported",
    "authorization_signed_response_alg": "authorization_signing_alg_values_supported",
    "grant_types": "grant_types_supported",
    "response_types": "response_types_supported",
}
_DEFAULTS: Final[Mapping[str, Any]] = {
    "application_type": "web",
    "grant_types": [AUTHORIZATION_CODE],
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_basic",
}


def read_client_metadata(document: Mapping[str, Any], server: Mapping[str, Any]) -> dict[str, Any]:
    """What is registered of the members in `document`; unknown ones are dropped (RFC 7591, section 2).

    `server`: the server's own metadata. Raises RefusedError with `invalid_client_metadata` or `invalid_redirect_uri`.
    """
    known = {name: value for name, value in document.items() if _is_known(name) and value is not None}
    for name, value in known.items():
        _check_type(name, value)
    metadata = {**_DEFAULTS, **known}
    for name, listing in _LISTED.items():
        values = metadata.get(name, [])
        for value in values if isinstance(values, list) else [values]:
            if value not in server.get(listing, ()):
                raise _invalid(f"{name}: the server does not support {value}.")
    if (AUTHORIZATION_CODE in metadata["grant_types"]) != ("code" in metadata["response_types"]):
        raise _invalid("grant_types and response_types do not go together (RFC 7591, 2.1).")
    _check_keys(document, metadata)
    _check_redirect_uris(metadata)
    return metadata


def _is_known(name: str) -> bool:
    bare = name.partition("#")[0]  # a language may follow (RFC 7591, section 2.2)
    return bare in _TEXTS | _LISTS | _FLAGS or name in _LISTED or name == "jwks"


def _check_type(name: str, value: object) -> None:
    if name in _FLAGS:
        fits = isinstance(value, bool)
    elif name in _LISTS:
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
    elif name == "jwks":
        fits = isinstance(value, dict) and isinstance(value.get("keys"), list)
    else:
        fits = isinstance(value, str)
    if not fits:
        raise _invalid(f"{name} is of the wrong type.")


def _check_keys(document: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    if "jwks_uri" in document:
        raise _invalid("Keys are registered by value here, not by jwks_uri.")
    keys = metadata.get("jwks", {"keys": []})["keys"]
    for jwk in keys:
        if not isinstance(jwk, dict) or PRIVATE_MEMBERS & jwk.keys():
            raise _invalid("The jwks holds what is no public key.")
        try:
            public_members(jwk)
        except OAuthError as error:
            raise _invalid(f"A key in the jwks cannot be used: {error}") from None
    method = metadata["token_endpoint_auth_method"]
    try:
        certificates = certificates_in(keys)
        if method == TLS_CLIENT_AUTH:
            check_subject(metadata)
    except OAuthError as error:
        raise _invalid(str(error)) from None
    if method == SELF_SIGNED_TLS_CLIENT_AUTH and not certificates:
        raise _invalid("self_signed_tls_client_auth needs a key with an x5c in the jwks (RFC 8705, 2.2.2).")
    if method == "private_key_jwt" and not keys:
        raise _invalid("private_key_jwt needs a key in the jwks.")
    if metadata.get("require_signed_request_object") and not keys:
        raise _invalid("Signed request objects need a key in the jwks.")


def _check_redirect_uris(metadata: Mapping[str, Any]) -> None:
    uris = metadata.get("redirect_uris", [])
    if AUTHORIZATION_CODE in metadata["grant_types"] and not uris:
        raise RefusedError("invalid_redirect_uri", "redirect_uris is missing.")
    native = metadata["application_type"] == "native"
    for uri in uris:
        if not _is_fit(uri, native=native):
            raise RefusedError("invalid_redirect_uri", "A redirect URI is not one of RFC 8252, 7, or has a fragment.")


def _is_fit(uri: str, *, native: bool) -> bool:
    scheme, _, rest = uri.partition(":")
    if "#" in uri or not rest:
        return False
    if native and "." in scheme:
        return rest.startswith("/")
    try:
        parts = split(uri, what="a redirect URI", error=OAuthError)
    except OAuthError:
        return False
    return parts.scheme == "https" or (native and parts.scheme == "http" and is_loopback(parts.host))


def _invalid(description: str) -> RefusedError:
    return RefusedError("invalid_client_metadata", description)
