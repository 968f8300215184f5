"""rfc7523bis, section 4: one server must not be able to use at another what was signed for it."""

from __future__ import annotations

import pytest

from oauthclient.errors import ConfigurationError
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.audiences import serve
from oauthclient.protocol.authentication import PrivateKeyJWT
from oauthclient.protocol.grants import SelfIssuedAssertion

A, B = "https://a.example", "https://b.example"


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.generate()


def test_one_key_may_serve_several_issuers_by_their_names(key: SigningKey) -> None:
    serve(key, A, None)
    serve(key, B, None)
    serve(key, B, B)


def test_a_key_for_one_issuer_may_name_it_as_that_wishes(key: SigningKey) -> None:
    serve(key, A, f"{A}/token")
    serve(key, A, f"{A}/token")
    serve(key, A, None)


@pytest.mark.parametrize("audiences", [(f"{A}/token", None), (None, f"{B}/token"), (B, A)])
def test_a_shared_key_may_not(key: SigningKey, audiences: tuple[str | None, str | None]) -> None:
    serve(key, A, audiences[0])
    with pytest.raises(ConfigurationError) as refused:
        serve(key, B, audiences[1])
    assert refused.value.code == "shared_key_audience"
    assert A in str(refused.value)
    assert B in str(refused.value)
    assert refused.value.hint


def test_what_was_refused_is_not_remembered(key: SigningKey) -> None:
    serve(key, A, f"{A}/token")
    with pytest.raises(ConfigurationError):
        serve(key, B, None)
    serve(key, A, f"{A}/token")


def test_the_same_key_in_another_object_is_the_same_key() -> None:
    pem = _pem()
    serve(SigningKey.from_pem(pem), A, f"{A}/token")
    with pytest.raises(ConfigurationError):
        serve(SigningKey.from_pem(pem), B, None)


def test_other_keys_do_not_matter(key: SigningKey) -> None:
    serve(key, A, f"{A}/token")
    serve(SigningKey.generate(), B, f"{B}/token")


def test_an_unknown_issuer_cannot_be_told_apart(key: SigningKey) -> None:
    serve(key, None, "https://somewhere.example")
    serve(key, A, f"{A}/token")


def test_authentication_and_grants_count_together(key: SigningKey) -> None:
    PrivateKeyJWT(key, audience=f"{A}/token").serve(A)
    with pytest.raises(ConfigurationError):
        SelfIssuedAssertion("someone", key=key).serve(B)


def test_any_signer_will_do() -> None:
    """One that lives in a KMS may be neither hashable nor weakly referable."""
    serve(_Remote("of-a-kms"), A, f"{A}/token")
    with pytest.raises(ConfigurationError):
        serve(_Remote("of-a-kms"), B, None)


class _Remote:
    __slots__ = ("thumbprint",)
    __hash__ = None
    algorithm = "ES256"
    kid = None
    public_jwk: dict[str, str] = {}  # noqa: RUF012  # it stands for none

    def __init__(self, thumbprint: str) -> None:
        self.thumbprint = thumbprint

    def __eq__(self, other: object) -> bool:
        return self is other

    def sign(self, message: bytes) -> bytes:
        raise NotImplementedError


def _pem() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
