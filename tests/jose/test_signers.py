import hashlib
import hmac
import pickle
from typing import Any

import pytest

from oauthclient.errors import InvalidKey
from oauthclient.jose.signers import SharedSecret
from oauthclient.secret import Secret


@pytest.mark.parametrize(
    ("algorithm", "octets", "digest"),
    [("HS256", 32, hashlib.sha256), ("HS384", 48, hashlib.sha384), ("HS512", 64, hashlib.sha512)],
)
def test_a_secret_needs_as_many_octets_as_its_hash(algorithm: str, octets: int, digest: Any) -> None:
    """RFC 7518 section 3.2, RFC 8725 section 3.5."""
    secret = "s" * octets
    signer = SharedSecret(Secret(secret), algorithm)
    assert signer.algorithm == algorithm
    assert signer.kid is None
    assert signer.sign(b"message") == hmac.new(secret.encode(), b"message", digest).digest()
    with pytest.raises(InvalidKey) as caught:
        SharedSecret(Secret(secret[1:]), algorithm)
    assert caught.value.code == "weak_secret"


def test_octets_are_counted_in_utf_8() -> None:
    assert SharedSecret(Secret("é" * 16)).algorithm == "HS256"


@pytest.mark.parametrize("algorithm", ["none", "ES256", "HS1", "", None])
def test_a_secret_signs_by_hmac_only(algorithm: Any) -> None:
    with pytest.raises(InvalidKey) as caught:
        SharedSecret(Secret("s" * 64), algorithm)
    assert caught.value.code == "unsupported_algorithm"


def test_a_secret_that_has_no_utf_8_is_refused() -> None:
    with pytest.raises(InvalidKey) as caught:
        SharedSecret(Secret("\ud800" * 64))
    assert caught.value.code == "weak_secret"


def test_a_mac_is_verified_whole() -> None:
    signer = SharedSecret(Secret("s" * 32))
    mac = signer.sign(b"message")
    assert signer.verify(b"message", mac)
    assert not any(signer.verify(b"message", forged) for forged in (b"", mac[:-1], mac + b"\0", mac[::-1]))


def test_a_shared_secret_shows_and_pickles_nothing() -> None:
    signer = SharedSecret(Secret("s" * 32))
    assert repr(signer) == "SharedSecret(algorithm='HS256')"
    with pytest.raises(TypeError):
        pickle.dumps(signer)
