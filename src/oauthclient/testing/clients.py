"""Clients that are registered with the embedded authorization server (RFC 7591, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from oauthclient.jose.certificate import Certificate
from oauthclient.jose.jwks import KeySet
from oauthclient.testing.certificate_authentication import certificates_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthclient.jose.signers import Signer
    from oauthclient.secret import Secret

Method = Literal[
    "private_key_jwt",
    "client_secret_jwt",
    "client_secret_basic",
    "client_secret_post",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
]

CLIENT_CREDENTIALS = "client_credentials"
AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"  # noqa: S105  # the name of a grant type
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(slots=True)
class Client:
    """One client. Its members can be changed while the server runs.

    `keys` verify its assertions and its request objects; a client may have none.
    `scope`: the scopes it may have, or None for every scope of a resource. `grant_types`: what it may use, or
    None for everything the server offers. `redirect_uris`: compared exactly, but for the port where the host is a
    loopback address (RFC 8252, section 7.3). The others are named as in its metadata: `dpop_bound_access_tokens`
    (RFC 9449, section 5.2), `require_signed_request_object` (RFC 9101, section 10.5),
    `require_pushed_authorization_requests` (RFC 9126, section 6), `id_token_signed_response_alg` (OpenID Connect
    Registration, section 2), `userinfo_signed_response_alg` (the same; None: as JSON),
    `authorization_signed_response_alg` (JARM, section 3), `tls_client_certificate_bound_access_tokens` (RFC 8705,
    section 3.4), and of the `tls_client_auth_...` one for a client with `tls_client_auth` (RFC 8705, section 2.1.2).
    `certificates`: those of a client with `self_signed_tls_client_auth` (the same, section 2.2).
    """

    client_id: str
    method: Method
    keys: KeySet
    secret: Secret | None = None
    scope: frozenset[str] | None = None
    grant_types: frozenset[str] | None = None
    redirect_uris: tuple[str, ...] = ()
    dpop_bound_access_tokens: bool = False
    require_signed_request_object: bool = False
    require_pushed_authorization_requests: bool = False
    id_token_signed_response_alg: str = "ES256"  # noqa: S105  # an algorithm
    userinfo_signed_response_alg: str | None = None
    authorization_signed_response_alg: str = "ES256"
    certificates: tuple[Certificate, ...] = ()
    tls_client_certificate_bound_access_tokens: bool = False
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None

    def may_use(self, grant_type: str) -> bool:
        """Whether it is registered for a grant type."""
        return self.grant_types is None or grant_type in self.grant_types


def key_set(keys: Signer | KeySet | Certificate | Mapping[str, Any]) -> KeySet:
    """The public keys of a signer, of a certificate, of one JWK or of a JWK set (RFC 7517)."""
    if isinstance(keys, KeySet):
        return keys
    if isinstance(keys, Certificate):
        return KeySet.of(keys.public_jwk)
    if not isinstance(keys, Mapping):
        return KeySet.of(published(keys))
    return KeySet.from_jwks(keys) if "keys" in keys else KeySet.of(keys)


def certificates_of(keys: Signer | KeySet | Certificate | Mapping[str, Any] | None) -> tuple[Certificate, ...]:
    """The certificates among the keys of a client: itself, or those in an `x5c`. Raises InvalidKey."""
    if isinstance(keys, Certificate):
        return (keys,)
    return certificates_in(keys.get("keys", [keys])) if isinstance(keys, Mapping) else ()


def default_method(key: object, secret: object, subject: Mapping[str, object]) -> Method:
    """The method that these credentials are for."""
    if subject:
        return "tls_client_auth"
    if isinstance(key, Certificate):
        return "self_signed_tls_client_auth"
    return "private_key_jwt" if key is not None else "none" if secret is None else "client_secret_basic"


def scope_set(scope: str | Iterable[str]) -> frozenset[str]:
    """The scopes of a space-delimited list or of an iterable (RFC 6749, section 3.3)."""
    return frozenset(scope.split() if isinstance(scope, str) else scope)


def published(signer: Signer) -> dict[str, str]:
    """The public JWK of a signer with its `alg`, and its `kid` if it has one (RFC 7517, section 4)."""
    kid = signer.kid
    return {**signer.public_jwk, "alg": signer.algorithm} | ({"kid": kid} if kid is not None else {})
