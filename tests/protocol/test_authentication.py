"""How a client proves who it is: RFC 6749, section 2.3.1; RFC 7523, sections 2.2 and 3; RFC 8414, section 2."""

from __future__ import annotations

from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey
from joserfc.jws import JWSRegistry, extract_compact

from oauthclient.errors import ConfigurationError, InvalidKey, NotOffered
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.authentication import (
    ClientAuthentication,
    ClientSecretBasic,
    ClientSecretJWT,
    ClientSecretPost,
    Credentials,
    PrivateKeyJWT,
    PublicClient,
    listed_spelling,
)
from oauthclient.protocol.metadata import ServerMetadata
from oauthclient.protocol.occasion import Occasion
from oauthclient.protocol.wire import Form
from oauthclient.secret import Secret

NOW = 1_800_000_000
SECRET = "a secret of more than sixty-four octets, for the longest of the three hashes"


def occasion(**changes: Any) -> Occasion:
    return Occasion(
        **(
            {
                "issuer": "https://as.example.com",
                "client_id": "svc",
                "endpoint": "https://as.example.com/token",
                "issued_at": NOW,
                "jti": "fresh",
            }
            | changes
        )
    )


def metadata(**members: Any) -> ServerMetadata:
    return ServerMetadata.from_document({"token_endpoint": "https://as.example.com/token"} | members)


def sent(credentials: Credentials) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(Form(credentials.form).encode().decode()).items()}


def basic(client_id: str, secret: str) -> str:
    (name, value), *more = ClientSecretBasic(secret).credentials(occasion(client_id=client_id)).headers
    assert name == "Authorization"
    assert not more
    scheme, _, encoded = value.partition(" ")
    assert scheme == "Basic"
    return b64decode(encoded, validate=True).decode("ascii")


def test_a_public_client_says_its_name() -> None:
    """RFC 6749, section 3.2.1."""
    assert PublicClient().credentials(occasion()) == Credentials(form=(("client_id", "svc"),))


def test_basic_credentials_are_form_encoded_first() -> None:
    """RFC 6749, section 2.3.1 and appendix B: what RFC 7617 alone would mangle, a colon above all."""
    assert basic("svc", "a b%c+d:e") == "svc:a+b%25c%2Bd%3Ae"
    assert basic("https://app.example/é", "€") == "https%3A%2F%2Fapp.example%2F%C3%A9:%E2%82%AC"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_and_secret_survive_basic(client_id: str, secret: str) -> None:
    name, _, password = basic(client_id, secret).partition(":")
    assert unquote_plus(name) == client_id
    assert unquote_plus(password) == secret


def test_basic_credentials_are_not_in_the_body_too() -> None:
    """RFC 6749, section 2.3: one method per request."""
    assert ClientSecretBasic("s").credentials(occasion()).form == ()


def test_a_secret_that_is_no_text_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidKey) as refused:
        ClientSecretBasic("hunter2\udcff").credentials(occasion())
    assert refused.value.code == "not_unicode"
    assert refused.value.__context__ is None
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("kind", [ClientSecretBasic, ClientSecretPost, ClientSecretJWT])
@pytest.mark.parametrize("nothing", [None, 5, b"hunter2"], ids=repr)
def test_a_secret_that_is_no_string_is_refused_when_it_is_given(kind: Any, nothing: Any) -> None:
    """An environment variable that is not set, above all."""
    with pytest.raises(InvalidKey) as refused:
        kind(nothing)
    assert refused.value.code == "not_a_string"
    assert "hunter2" not in str(refused.value)


def test_post_puts_both_into_the_body() -> None:
    credentials = ClientSecretPost("hunter2").credentials(occasion())
    assert credentials.headers == ()
    assert sent(credentials) == {"client_id": "svc", "client_secret": "hunter2"}


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_an_assertion_says_what_rfc_7523_wants(algorithm: str) -> None:
    key = SigningKey.generate(algorithm)
    form = sent(PrivateKeyJWT(key).credentials(occasion()))
    assert form["client_id"] == "svc"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    public = (ECKey if algorithm == "ES256" else OKPKey).import_key(key.public_jwk)
    token = jwt.decode(form["client_assertion"], public, algorithms=[algorithm])
    assert token.header == {"alg": algorithm, "typ": "client-authentication+jwt"}
    assert token.claims == {
        "iss": "svc",
        "sub": "svc",
        "aud": "https://as.example.com",
        "jti": "fresh",
        "iat": NOW,
        "exp": NOW + 60,
    }


def test_the_assertions_settings_are_the_servers_quirks() -> None:
    key = SigningKey.generate(kid="mine")
    authentication = PrivateKeyJWT(
        key, audience="https://as.example.com/token", typ="JWT", lifetime=30, header={"x5t#S256": "abc"}
    )
    token = jwt.decode(
        sent(authentication.credentials(occasion()))["client_assertion"],
        ECKey.import_key(key.public_jwk),
        registry=JWSRegistry(strict_check_header=False),
    )
    assert token.header == {"alg": "ES256", "typ": "JWT", "kid": "mine", "x5t#S256": "abc"}
    assert token.claims["aud"] == "https://as.example.com/token"
    assert token.claims["exp"] == NOW + 30


def test_every_assertion_has_the_jti_of_its_occasion() -> None:
    authentication = PrivateKeyJWT(SigningKey.generate())
    one, two = (sent(authentication.credentials(occasion(jti=jti)))["client_assertion"] for jti in ("one", "two"))
    assert one != two


def test_an_assertion_needs_an_audience() -> None:
    with pytest.raises(ConfigurationError) as refused:
        PrivateKeyJWT(SigningKey.generate()).credentials(occasion(issuer=None))
    assert refused.value.code == "no_audience"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_client_secret_jwt_is_keyed_with_the_secret(algorithm: str) -> None:
    form = sent(ClientSecretJWT(SECRET, algorithm=algorithm).credentials(occasion()))
    token = jwt.decode(form["client_assertion"], OctKey.import_key(SECRET), algorithms=[algorithm])
    assert token.claims["iss"] == token.claims["sub"] == "svc"
    assert SECRET not in str(form)


@pytest.mark.parametrize(("octets", "algorithm"), [(31, "HS256"), (47, "HS384"), (63, "HS512")])
def test_a_secret_shorter_than_the_hash_makes_no_assertions(octets: int, algorithm: str) -> None:
    """RFC 7518, section 3.2."""
    ClientSecretJWT("x" * (octets + 1), algorithm=algorithm)
    with pytest.raises(InvalidKey) as refused:
        ClientSecretJWT("x" * octets, algorithm=algorithm)
    assert refused.value.code == "weak_secret"


@pytest.mark.parametrize("algorithm", ["none", "ES256", "HS1", ""])
def test_nothing_but_hmac_is_keyed_with_a_secret(algorithm: str) -> None:
    with pytest.raises(InvalidKey) as refused:
        ClientSecretJWT(SECRET, algorithm=algorithm)
    assert refused.value.code == "unsupported_algorithm"


@pytest.mark.parametrize(
    ("listed", "spelling"),
    [
        (None, "Ed25519"),
        ((), "Ed25519"),
        (("ES256",), "Ed25519"),
        (("EdDSA",), "EdDSA"),
        (("EdDSA", "Ed25519"), "Ed25519"),
    ],
)
def test_an_ed25519_key_signs_under_the_name_the_server_lists(listed: tuple[str, ...] | None, spelling: str) -> None:
    """RFC 9864 renamed what older servers call EdDSA."""
    key = SigningKey.generate("Ed25519")
    form = sent(PrivateKeyJWT(key).credentials(occasion(algorithms=listed)))
    header = extract_compact(form["client_assertion"].encode()).headers()
    assert header["alg"] == spelling


def test_no_other_algorithm_has_two_names() -> None:
    assert listed_spelling("ES256", ("EdDSA",)) == "ES256"


METHODS = {
    "none": PublicClient(),
    "client_secret_basic": ClientSecretBasic(SECRET),
    "client_secret_post": ClientSecretPost(SECRET),
    "client_secret_jwt": ClientSecretJWT(SECRET),
    "private_key_jwt": PrivateKeyJWT(SigningKey.generate()),
}


@pytest.mark.parametrize("method", METHODS)
def test_a_method_the_server_does_not_list_is_refused(method: str) -> None:
    METHODS[method].check(metadata())
    METHODS[method].check(metadata(token_endpoint_auth_methods_supported=[method, "x"]))
    for others in ([other for other in METHODS if other != method], []):
        with pytest.raises(NotOffered) as refused:
            METHODS[method].check(metadata(token_endpoint_auth_methods_supported=others))
        assert refused.value.code == "authentication_not_offered"
        assert method in str(refused.value)
        assert all(other in str(refused.value) for other in others)


@pytest.mark.parametrize(
    ("authentication", "accepted"),
    [
        (METHODS["private_key_jwt"], "ES256"),
        (METHODS["client_secret_jwt"], "HS256"),
        (PrivateKeyJWT(SigningKey.generate("Ed25519")), "Ed25519"),
        (PrivateKeyJWT(SigningKey.generate("Ed25519")), "EdDSA"),
    ],
)
def test_an_algorithm_the_server_does_not_list_is_refused(authentication: ClientAuthentication, accepted: str) -> None:
    authentication.check(metadata(token_endpoint_auth_signing_alg_values_supported=["PS256", accepted]))
    for listed in (["PS256"], []):
        with pytest.raises(NotOffered) as refused:
            authentication.check(metadata(token_endpoint_auth_signing_alg_values_supported=listed))
        assert refused.value.code == "algorithm_not_offered"
        assert refused.value.hint


def test_the_algorithms_of_assertions_do_not_concern_other_methods() -> None:
    for method in ("none", "client_secret_basic", "client_secret_post"):
        METHODS[method].check(metadata(token_endpoint_auth_signing_alg_values_supported=["PS256"]))


def test_no_repr_shows_a_secret() -> None:
    for authentication in METHODS.values():
        credentials = authentication.credentials(occasion())
        secrets = [value for _, value in credentials.form if isinstance(value, Secret)]
        seen = repr([authentication, credentials, *secrets, *vars_of(authentication)])
        for secret in (SECRET, *(value.reveal() for value in secrets), *(value for _, value in credentials.headers)):
            assert secret not in seen


def vars_of(thing: object) -> list[object]:
    names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    return [getattr(thing, name) for name in names]
