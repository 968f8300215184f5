"""The unit of most figures: one ES256 signature, to the r || s of a JWS (RFC 7518, section 3.4), and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from collections.abc import Callable


def raw_signature() -> Callable[[], bytes]:
    """Signs 500 bytes, as long as a proof's signing input is, with cryptography alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    algorithm = ec.ECDSA(SHA256())
    message = b"m" * 500

    def sign() -> bytes:
        r, s = decode_dss_signature(key.sign(message, algorithm))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign
