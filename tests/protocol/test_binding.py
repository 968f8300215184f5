"""What a token is bound to: RFC 9449, sections 4 and 5.1; RFC 6750."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from oauthclient.errors import ConfigurationError, InvalidKey, NotOffered
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.binding import Bearer, Binding, DPoP
from oauthclient.protocol.metadata import ServerMetadata

ISSUER = "https://as.example.com"


def metadata(**members: Any) -> ServerMetadata:
    return ServerMetadata.from_document({"token_endpoint": f"{ISSUER}/token"} | members)


@pytest.mark.parametrize("members", [{}, {"dpop_signing_alg_values_supported": []}])
def test_a_server_that_does_not_offer_dpop_is_refused_naming_bearer(members: dict[str, Any]) -> None:
    with pytest.raises(NotOffered) as refused:
        DPoP().check(metadata(**members))
    assert refused.value.code == "binding_not_offered"
    assert "Bearer()" in refused.value.hint
    assert "assume_supported" in refused.value.hint


def test_unless_the_program_knows_better() -> None:
    DPoP(assume_supported=True).check(metadata())


def test_an_algorithm_that_is_not_listed_is_refused_all_the_same() -> None:
    with pytest.raises(NotOffered) as refused:
        DPoP(assume_supported=True).check(metadata(dpop_signing_alg_values_supported=["PS256", "EdDSA"]))
    assert refused.value.code == "algorithm_not_offered"
    assert "ES256" in str(refused.value)
    assert "DPoP(algorithm='PS256')" in refused.value.hint


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "Ed25519", "PS256"])
def test_the_proofs_are_signed_with_the_algorithm_asked_for(algorithm: str) -> None:
    binding = DPoP(algorithm=algorithm)
    binding.check(metadata(dpop_signing_alg_values_supported=[algorithm]))
    assert binding.prover(ISSUER).algorithm == algorithm


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RSA", ""])
def test_an_unknown_algorithm_makes_no_key(algorithm: str) -> None:
    with pytest.raises(InvalidKey):
        DPoP(algorithm=algorithm).prover(ISSUER)


def test_each_issuer_sees_a_key_of_its_own() -> None:
    binding = DPoP()
    first = binding.prover(ISSUER)
    assert binding.prover(ISSUER) is first
    assert binding.prover("https://other.example").thumbprint != first.thumbprint


def test_a_given_key_is_the_one_used() -> None:
    key = SigningKey.generate("ES384")
    assert DPoP(key).prover(ISSUER).thumbprint == key.thumbprint
    assert DPoP(key).prover(ISSUER).algorithm == "ES384"
    with pytest.raises(ConfigurationError) as refused:
        DPoP(key, algorithm="PS256")
    assert refused.value.code == "algorithm_mismatch"


def test_threads_that_meet_at_the_first_use_get_one_key() -> None:
    """Two keys for one issuer would be a token that no proof fits."""
    for _ in range(10):
        binding = DPoP()
        together = threading.Barrier(8)
        seen: list[str] = []

        def use(binding: DPoP = binding, together: threading.Barrier = together, seen: list[str] = seen) -> None:
            together.wait()
            seen.append(binding.prover(ISSUER).thumbprint)

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(seen)) == 1


def test_the_longest_prefix_of_the_map_stands_in_the_proof() -> None:
    """For gateways that rewrite paths."""
    binding = DPoP(htu={"https://api.example.com/": "https://inner/", "https://api.example.com/v1/": "https://one/"})
    assert binding.htu("https://api.example.com/v1/orders") == "https://one/orders"
    assert binding.htu("https://api.example.com/v2") == "https://inner/v2"
    assert binding.htu("https://elsewhere.example/v1/") == "https://elsewhere.example/v1/"


def test_without_a_map_the_url_is_untouched() -> None:
    for binding in (DPoP(), Bearer()):
        assert binding.htu("https://API.example.com/%7Ea/../b") == "https://API.example.com/%7Ea/../b"


def test_bearer_asks_nothing_and_proves_nothing() -> None:
    Bearer().check(metadata())
    assert Bearer().prover(ISSUER) is None


def test_the_schemes_are_those_of_the_registry() -> None:
    assert DPoP.token_type == "DPoP"
    assert Bearer.token_type == "Bearer"


def test_a_binding_of_ones_own_has_two_methods_to_write() -> None:
    for incomplete in (lambda: Binding().check(metadata()), lambda: Binding().prover(ISSUER)):
        with pytest.raises(NotImplementedError):
            incomplete()


def test_no_repr_shows_the_key() -> None:
    binding = DPoP()
    assert repr(binding) == "DPoP(ES256)"
    assert "kid" not in repr(binding.prover(ISSUER))
    assert repr(Bearer()) == "Bearer()"
