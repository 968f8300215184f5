"""Clients that are registered with the embedded authorization server (RFC 7591, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from oauthclient.jose.jwks import KeySet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthclient.jose.signers import Signer
    from oauthclient.secret import Secret

Method = Literal["private_key_jwt", "client_secret_jwt", "client_secret_basic", "client_secret_post", "none"]

CLIENT_CREDENTIALS = "client_credentials"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(slots=True)
class Client:
    """One client. Its members can be changed while the server runs.

    `scope`: the scopes it may have, or None for every scope of a resource. `grant_types`: what it may use, or
    None for everything the server offers. `dpop_bound_access_tokens`: a token request without a proof is
    refused (RFC 9449, section 5.2).
    """

    client_id: str
    method: Method
    keys: KeySet | None = None
    secret: Secret | None = None
    scope: frozenset[str] | None = None
    grant_types: frozenset[str] | None = None
    dpop_bound_access_tokens: bool = False


def key_set(keys: Signer | KeySet | Mapping[str, Any]) -> KeySet:
    """The public keys of a signer, of one JWK or of a JWK set (RFC 7517)."""
    if isinstance(keys, KeySet):
        return keys
    if not isinstance(keys, Mapping):
        return KeySet.of(_public(keys))
    return KeySet.from_jwks(keys) if "keys" in keys else KeySet.of(keys)


def scope_set(scope: str | Iterable[str]) -> frozenset[str]:
    """The scopes of a space-delimited list or of an iterable (RFC 6749, section 3.3)."""
    return frozenset(scope.split() if isinstance(scope, str) else scope)


def _public(signer: Signer) -> dict[str, str]:
    kid = signer.kid
    return {**signer.public_jwk, "alg": signer.algorithm} | ({"kid": kid} if kid is not None else {})
