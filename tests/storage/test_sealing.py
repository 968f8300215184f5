"""Sealing: AES-256-GCM (NIST SP 800-38D), and scrypt for passphrases (RFC 7914)."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.jose.sealing import key_from_passphrase, seal, unseal

_KEY = bytes(range(32))
octets = st.binary(max_size=200)


@given(octets, octets)
def test_what_was_sealed_is_unsealed(plaintext: bytes, associated: bytes) -> None:
    assert unseal(_KEY, seal(_KEY, plaintext, associated), associated) == plaintext


def test_it_is_aes_256_gcm_with_the_nonce_before_the_ciphertext() -> None:
    sealed = seal(_KEY, b"text", b"about")
    assert AESGCM(_KEY).decrypt(sealed[:12], sealed[12:], b"about") == b"text"


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert len({seal(_KEY, b"text", b"about") for _ in range(100)}) == 100


@given(octets, st.data())
def test_no_bit_of_it_can_be_another(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(_KEY, plaintext, b"about"))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    assert unseal(_KEY, bytes(sealed), b"about") is None


@given(st.data())
def test_nothing_can_be_missing(data: st.DataObject) -> None:
    sealed = seal(_KEY, b"text", b"about")
    assert unseal(_KEY, sealed[: data.draw(st.integers(0, len(sealed) - 1))], b"about") is None


def test_the_key_and_what_it_is_about_must_be_the_same() -> None:
    sealed = seal(_KEY, b"text", b"about")
    assert unseal(bytes(32), sealed, b"about") is None
    assert unseal(_KEY, sealed, b"about it") is None


def test_a_passphrase_gives_the_same_key_with_the_same_salt_only() -> None:
    key = key_from_passphrase("correct horse", b"s" * 16)
    assert len(key) == 32
    assert key_from_passphrase("correct horse", b"s" * 16) == key
    assert key_from_passphrase("correct horse", b"t" * 16) != key
    assert key_from_passphrase("correct hors", b"s" * 16) != key


def test_it_is_scrypt_with_32_mib() -> None:
    """As hashlib has it, told the parameters that the documentation names."""
    hashlib = pytest.importorskip("hashlib")
    expected = hashlib.scrypt("pässword".encode(), salt=b"s" * 16, n=2**15, r=8, p=1, maxmem=2**26, dklen=32)
    assert key_from_passphrase("pässword", b"s" * 16) == expected
