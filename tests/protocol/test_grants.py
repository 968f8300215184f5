"""Grants: RFC 6749, section 4.4; RFC 7523, sections 2.1 and 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from oauthclient.errors import ConfigurationError, InvalidKey
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.authentication import PrivateKeyJWT
from oauthclient.protocol.grants import ClientCredentials, Grant, IssuedAssertion, SelfIssuedAssertion
from oauthclient.protocol.occasion import Occasion
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = 1_800_000_000
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def occasion(issuer: str | None = "https://as.example.com") -> Occasion:
    return Occasion(issuer=issuer, client_id="svc", endpoint="https://as.example.com/token", issued_at=NOW, jti="fresh")


def assertion(grant: Grant) -> str:
    ((name, value),) = grant.parameters(occasion())
    assert name == "assertion"
    assert isinstance(value, Secret)
    return value.reveal()


def read(grant: Grant, key: SigningKey) -> Any:
    return jwt.decode(assertion(grant), ECKey.import_key(key.public_jwk))


def test_client_credentials_add_nothing() -> None:
    assert list(ClientCredentials().parameters(occasion())) == []
    assert ClientCredentials.grant_type == "client_credentials"


def test_equal_grants_share_their_tokens_and_others_do_not() -> None:
    key = SigningKey.generate()
    assert ClientCredentials() == ClientCredentials()
    assert hash(ClientCredentials()) == hash(ClientCredentials())
    assert SelfIssuedAssertion("one", key=key) != SelfIssuedAssertion("one", key=key)
    assert ClientCredentials() != SelfIssuedAssertion("one", key=key)


def test_a_subclass_of_client_credentials_is_not_the_same_grant() -> None:
    class More(ClientCredentials):
        def parameters(self, occasion: Occasion) -> Iterable[tuple[str, str | Secret]]:
            return (("tenant", "other"),)

    assert ClientCredentials() != More()
    assert More() != ClientCredentials()


def test_a_self_issued_assertion_speaks_of_its_subject() -> None:
    key = SigningKey.generate()
    token = read(SelfIssuedAssertion("someone", key=key, claims={"department": "sales"}), key)
    assert token.claims == {
        "department": "sales",
        "iss": "svc",
        "sub": "someone",
        "aud": "https://as.example.com",
        "jti": "fresh.grant",
        "iat": NOW,
        "exp": NOW + 60,
    }
    assert SelfIssuedAssertion.grant_type == JWT_BEARER


def test_further_claims_do_not_take_the_place_of_what_rfc_7523_wants() -> None:
    key = SigningKey.generate()
    token = read(SelfIssuedAssertion("someone", key=key, claims={"sub": "root", "exp": NOW * 2, "aud": "x"}), key)
    assert (token.claims["sub"], token.claims["exp"]) == ("someone", NOW + 60)
    assert token.claims["aud"] == "https://as.example.com"


def test_issuer_audience_and_lifetime_can_be_set() -> None:
    key = SigningKey.generate()
    grant = SelfIssuedAssertion("someone", key=key, issuer="https://idp.example", audience="urn:as", lifetime=10)
    claims = read(grant, key).claims
    assert (claims["iss"], claims["aud"], claims["exp"]) == ("https://idp.example", "urn:as", NOW + 10)


def test_it_is_not_taken_for_the_clients_authentication() -> None:
    """RFC 8725, section 3.11: of one key, in one request, with a `jti` of its own."""
    key = SigningKey.generate()
    grant = read(SelfIssuedAssertion("someone", key=key), key)
    ((_, _), (_, _), (_, secret)) = PrivateKeyJWT(key).credentials(occasion()).form
    assert isinstance(secret, Secret)
    client = jwt.decode(secret.reveal(), ECKey.import_key(key.public_jwk))
    assert grant.header["typ"] != client.header["typ"]
    assert grant.claims["jti"] != client.claims["jti"]


def test_it_needs_an_audience() -> None:
    with pytest.raises(ConfigurationError) as refused:
        SelfIssuedAssertion("someone", key=SigningKey.generate()).parameters(occasion(issuer=None))
    assert refused.value.code == "no_audience"


def test_claims_that_are_no_json_are_refused() -> None:
    with pytest.raises((ConfigurationError, InvalidKey)):
        SelfIssuedAssertion("someone", key=SigningKey.generate(), claims={"x": object()}).parameters(occasion())


def test_an_issued_assertion_is_fetched_for_every_request() -> None:
    """One that something else made is asked for again from its callable."""
    made = iter(["one", Secret("two")])
    grant = IssuedAssertion(lambda: next(made))
    assert [assertion(grant), assertion(grant)] == ["one", "two"]
    assert grant.grant_type == JWT_BEARER


def test_a_grant_of_ones_own_has_one_method_to_write() -> None:
    with pytest.raises(NotImplementedError):
        Grant().parameters(occasion())
