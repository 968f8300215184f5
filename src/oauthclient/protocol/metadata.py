"""Authorization server metadata: where it is, what it says (RFC 8414; OpenID Connect Discovery 1.0, 4)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import ConfigurationError, InvalidResponse, OAuthError
from oauthclient.protocol.strict_json import parse_object, text_member, texts_member
from oauthclient.protocol.text import shown
from oauthclient.protocol.urls import displayed, secure_url, split

if TYPE_CHECKING:
    from collections.abc import Mapping


class ServerMetadata:
    """What an authorization server says about itself (RFC 8414, section 2; RFC 9449, section 5.1).

    A value is None where the server does not say; the defaults that RFC 8414 names are not filled in, for
    servers forget to say what they can do. `issuer` is None only in metadata given by hand. `document` is all
    of the metadata, read-only.
    """

    __slots__ = (
        "document",
        "dpop_signing_alg_values_supported",
        "grant_types_supported",
        "issuer",
        "jwks_uri",
        "token_endpoint",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
    )

    def __init__(self, document: Mapping[str, Any], *, what: str, loopback: bool) -> None:
        self.document: Final[Mapping[str, Any]] = MappingProxyType(dict(document))
        issuer = text_member(document, "issuer", what=what)
        if issuer is not None:
            checked_issuer(issuer, loopback=loopback, error=InvalidResponse)
        self.issuer: Final = issuer
        token_endpoint = _endpoint(document, "token_endpoint", what=what, loopback=loopback)
        if token_endpoint is None:
            raise InvalidResponse(f"There is no token_endpoint in {what}.", code="missing_endpoint")
        self.token_endpoint: Final = token_endpoint
        self.jwks_uri: Final = _endpoint(document, "jwks_uri", what=what, loopback=loopback)
        self.grant_types_supported: Final = texts_member(document, "grant_types_supported", what=what)
        self.token_endpoint_auth_methods_supported: Final = texts_member(
            document, "token_endpoint_auth_methods_supported", what=what
        )
        self.token_endpoint_auth_signing_alg_values_supported: Final = texts_member(
            document, "token_endpoint_auth_signing_alg_values_supported", what=what
        )
        self.dpop_signing_alg_values_supported: Final = texts_member(
            document, "dpop_signing_alg_values_supported", what=what
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, loopback: bool = False) -> ServerMetadata:
        """Metadata given by hand, or from elsewhere; `loopback` allows http on loopback addresses.

        Raises `InvalidResponse` with the code `missing_endpoint` (no `token_endpoint`), `insecure_endpoint`,
        `invalid_issuer` or `wrong_type`.
        """
        return cls(document, what="the metadata", loopback=loopback)

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
    return ServerMetadata(document, what=what, loopback=loopback)
