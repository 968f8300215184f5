from typing import Any

import pytest
from joserfc.jws import JWSRegistry

from oauthclient.jose.algorithms import ALGORITHMS, HMAC, OFFERED, SIGNING, VERIFYING, exact


def test_keys_are_offered_for_modern_algorithms_only() -> None:
    assert OFFERED == ("Ed25519", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512")


def test_rs256_signs_only_by_name() -> None:
    assert set(SIGNING) - set(OFFERED) == {"RS256"}


def test_what_is_verified_is_another_list() -> None:
    assert set(VERIFYING) - set(SIGNING) == {"EdDSA", "RS384", "RS512"}


def test_none_is_nowhere() -> None:
    assert not any(name.lower() == "none" for name in ALGORITHMS)


def test_no_hmac_algorithm_is_among_the_asymmetric() -> None:
    assert set(HMAC).isdisjoint(VERIFYING)


@pytest.mark.parametrize("name", [*VERIFYING, *HMAC])
def test_the_table_agrees_with_joserfc(name: Any) -> None:
    theirs, ours = JWSRegistry.algorithms[name], ALGORITHMS[name]
    assert theirs.key_type == ours.kty
    if ours.kty == "EC":
        assert theirs.curve == ours.crv
    if ours.hash_name:
        assert theirs.algorithm_security == int(ours.hash_name.removeprefix("sha"))


def test_eddsa_is_read_as_ed25519() -> None:
    assert (exact("EdDSA"), exact("ES256")) == ("Ed25519", "ES256")
