"""Octets sealed under a key of 256 bits, and such a key from a passphrase (NIST SP 800-38D; RFC 7914)."""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_OCTETS: Final = 32
SALT_OCTETS: Final = 16

_NONCE_OCTETS: Final = 12
# 32 MiB and about a tenth of a second: what RFC 7914, section 2, calls interactive, doubled for the years since.
_COST: Final = 1 << 15
_BLOCKS: Final = 8
_LANES: Final = 1


def seal(key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    """`plaintext` under AES-256-GCM: a random nonce of 96 bits, then the ciphertext with its tag.

    Random nonces are safe for 2^32 messages under one key (NIST SP 800-38D, section 8.3): a file written once a second
    would take 136 years.
    """
    nonce = os.urandom(_NONCE_OCTETS)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)


def unseal(key: bytes, sealed: bytes, associated_data: bytes) -> bytes | None:
    """What was sealed, or None where the key, the associated data or any bit of `sealed` is another."""
    if len(sealed) < _NONCE_OCTETS:
        return None
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:], associated_data)
    except InvalidTag:
        return None


def key_from_passphrase(passphrase: str, salt: bytes) -> bytes:
    """The key of 256 bits that scrypt (RFC 7914) makes of `passphrase` in UTF-8 and `salt`, 16 random octets."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    octets = passphrase.encode("utf-8", "surrogatepass")
    return Scrypt(salt=salt, length=KEY_OCTETS, n=_COST, r=_BLOCKS, p=_LANES).derive(octets)
