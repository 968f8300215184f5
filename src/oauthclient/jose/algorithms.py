"""The algorithms: what each needs and what it may be used for (RFC 7518 sections 3.1, 4.1 and 5.1, RFC 9864)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

WEAKEST_RSA_BITS: Final = 2048
"""The smallest RSA modulus that signs or verifies (RFC 7518, sections 3.3 and 3.5)."""


class Algorithm(NamedTuple):
    """One value of a JWS's `alg` header parameter.

    `crv`: the one curve it works on, or "". `hash_name`: as hashlib and cryptography name it, or "" where the
    algorithm has its own. `octets`: the length of an ECDSA coordinate, or the least length of an HMAC key.
    `standing`: keys are made for the `offered`; those `by_name` sign only when named; the others only verify.
    """

    name: str
    kty: Literal["OKP", "EC", "RSA", "oct"]
    crv: str
    hash_name: str
    octets: int
    standing: Literal["offered", "by_name", "verify_only", "secret"]


# "none" is not in the table, and so nowhere (RFC 8725 section 3.2).
_ALL: Final = (
    Algorithm("Ed25519", "OKP", "Ed25519", "", 32, "offered"),
    Algorithm("ES256", "EC", "P-256", "sha256", 32, "offered"),
    Algorithm("ES384", "EC", "P-384", "sha384", 48, "offered"),
    Algorithm("ES512", "EC", "P-521", "sha512", 66, "offered"),
    Algorithm("PS256", "RSA", "", "sha256", 0, "offered"),
    Algorithm("PS384", "RSA", "", "sha384", 0, "offered"),
    Algorithm("PS512", "RSA", "", "sha512", 0, "offered"),
    # PKCS #1 v1.5 signatures: only for servers that know nothing better.
    Algorithm("RS256", "RSA", "", "sha256", 0, "by_name"),
    Algorithm("RS384", "RSA", "", "sha384", 0, "verify_only"),
    Algorithm("RS512", "RSA", "", "sha512", 0, "verify_only"),
    # The older name of Ed25519 (RFC 8037); an Ed25519 key may write it, no key is made for it.
    Algorithm("EdDSA", "OKP", "Ed25519", "", 32, "verify_only"),
    Algorithm("HS256", "oct", "", "sha256", 32, "secret"),
    Algorithm("HS384", "oct", "", "sha384", 48, "secret"),
    Algorithm("HS512", "oct", "", "sha512", 64, "secret"),
)

ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType({a.name: a for a in _ALL})
"""Every algorithm of this library by its `alg` value."""

OFFERED: Final[tuple[str, ...]] = tuple(a.name for a in _ALL if a.standing == "offered")
"""What a client's key may be made for, in order of preference."""

SIGNING: Final[tuple[str, ...]] = OFFERED + tuple(a.name for a in _ALL if a.standing == "by_name")
"""What a private key may sign with: the offered, and RS256 when asked for by name."""

VERIFYING: Final[tuple[str, ...]] = SIGNING + tuple(a.name for a in _ALL if a.standing == "verify_only")
"""The asymmetric algorithms that are verified."""

HMAC: Final[tuple[str, ...]] = tuple(a.name for a in _ALL if a.standing == "secret")
"""What a shared secret signs with, for `client_secret_jwt` only."""

KEY_MANAGEMENT: Final[Mapping[str, Literal["EC", "RSA"]]] = MappingProxyType(
    {"ECDH-ES+A256KW": "EC", "ECDH-ES+A128KW": "EC", "ECDH-ES": "EC", "RSA-OAEP-256": "RSA"}
)
"""What a JWE's content key is agreed on or encrypted with, in order of preference, and the type of key it needs.

RSA1_5 can be attacked (RFC 8725 section 3.2); `dir` and PBES2 need secrets or passwords that are shared.
"""

CONTENT_ENCRYPTION: Final = ("A256GCM", "A128GCM", "A256CBC-HS512", "A128CBC-HS256")
"""What a JWE's content is encrypted with, in order of preference."""


def exact(alg: str) -> str:
    """`alg`, with the older name `EdDSA` read as the `Ed25519` it means here (RFC 9864 section 2.2)."""
    return "Ed25519" if alg == "EdDSA" else alg
