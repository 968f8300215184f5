"""What ties an access token to the ID token beside it (OpenID Connect Core section 3.1.3.6)."""

from __future__ import annotations

import hashlib
from typing import Final

from oauthclient.errors import InvalidJWT
from oauthclient.jose.algorithms import ALGORITHMS
from oauthclient.jose.encoding import base64url
from oauthclient.jose.proof import token_octets

# Ed25519 names no hash beside itself: it is the one inside it (RFC 8032 section 5.1), as servers have it.
_WITHIN_ED25519: Final = "sha512"


def at_hash(access_token: str, alg: str) -> str:
    """The `at_hash` of `access_token` in an ID token signed with `alg`: the left half of its hash, base64url.

    Raises InvalidResponse (`access_token_not_ascii`), InvalidJWT (`algorithm_not_allowed`) for an unknown `alg`.
    """
    if alg not in ALGORITHMS:
        raise InvalidJWT("No hash belongs to the algorithm of the ID token.", code="algorithm_not_allowed")
    digest = hashlib.new(ALGORITHMS[alg].hash_name or _WITHIN_ED25519, token_octets(access_token)).digest()
    return base64url(digest[: len(digest) // 2]).decode("ascii")
