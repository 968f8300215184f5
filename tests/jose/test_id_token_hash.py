import hashlib

import pytest

from oauthclient.errors import InvalidJWT, InvalidResponse
from oauthclient.jose.algorithms import ALGORITHMS
from oauthclient.jose.encoding import base64url
from oauthclient.jose.id_token_hash import at_hash


def test_the_example_of_openid_connect_core_a_4() -> None:
    assert at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_hash_is_that_of_the_algorithm_and_half_of_it(alg: str) -> None:
    """For Ed25519 the one inside it, as oidc-provider has it."""
    bits = "512" if alg.startswith("Ed") else alg[-3:]
    digest = hashlib.new(f"sha{bits}", b"token").digest()
    assert at_hash("token", alg) == base64url(digest[: int(bits) // 16]).decode()


@pytest.mark.parametrize("alg", ["none", "ES256K", ""])
def test_an_algorithm_that_is_not_ours_has_no_hash(alg: str) -> None:
    with pytest.raises(InvalidJWT) as caught:
        at_hash("token", alg)
    assert caught.value.code == "algorithm_not_allowed"


def test_a_token_that_is_not_ascii_is_refused() -> None:
    with pytest.raises(InvalidResponse) as caught:
        at_hash("t\u00f6ken", "RS256")
    assert caught.value.code == "access_token_not_ascii"
