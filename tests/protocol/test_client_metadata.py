"""What a client asks to be registered as: RFC 7591, section 2; RFC 8252, section 7."""

from __future__ import annotations

from typing import Any

import pytest

from oauthclient.errors import ConfigurationError, NotOffered
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.client_metadata import ClientMetadata, choose, published, registration_document
from oauthclient.protocol.metadata import ServerMetadata

REDIRECT = "http://127.0.0.1/callback/as"
WANTED = ClientMetadata(redirect_uris=(REDIRECT,))
METHODS = "token_endpoint_auth_methods_supported"
ASSERTIONS = "token_endpoint_auth_signing_alg_values_supported"
REQUESTS = "request_object_signing_alg_values_supported"


def server(**members: Any) -> ServerMetadata:
    return ServerMetadata.from_document({"token_endpoint": "https://as.example.com/token", **members})


def document(wanted: ClientMetadata = WANTED, key: SigningKey | None = None, **members: Any) -> dict[str, Any]:
    metadata = server(**members)
    choice = choose(wanted, metadata)
    if key is None and choice.algorithm is not None:
        key = SigningKey.generate(choice.algorithm, kid="k")
    return registration_document(wanted, choice, metadata, key)


@pytest.mark.parametrize(
    ("listed", "method"),
    [
        (None, "private_key_jwt"),
        (["client_secret_basic", "none", "private_key_jwt"], "private_key_jwt"),
        (["client_secret_post", "client_secret_basic", "none"], "none"),
        (["client_secret_post", "client_secret_basic"], "client_secret_basic"),
        (["client_secret_post"], "client_secret_post"),
    ],
)
def test_the_method_is_the_best_that_the_server_lists(listed: list[str] | None, method: str) -> None:
    assert choose(WANTED, server(**{METHODS: listed})).method == method


def test_a_method_asked_for_by_name_must_be_listed() -> None:
    wanted = ClientMetadata(token_endpoint_auth_method="client_secret_jwt")
    assert choose(wanted, server(**{METHODS: ["client_secret_jwt", "none"]})).method == "client_secret_jwt"
    for listed in (["none"], []):
        with pytest.raises(NotOffered) as refusal:
            choose(wanted, server(**{METHODS: listed}))
        assert refusal.value.code == "authentication_not_offered"


@pytest.mark.parametrize(
    ("assertions", "requests", "algorithm"),
    [
        (None, None, "ES256"),
        (["RS256", "PS256", "ES256"], None, "ES256"),
        (["RS256", "PS256"], None, "PS256"),
        (["EdDSA", "ES256"], None, "Ed25519"),
        (["Ed25519", "ES256"], ["ES256"], "ES256"),
        (["Ed25519", "ES256"], ["RS256"], "Ed25519"),
    ],
)
def test_the_keys_algorithm_is_one_that_serves_both_purposes(
    assertions: list[str] | None, requests: list[str] | None, algorithm: str
) -> None:
    assert choose(WANTED, server(**{ASSERTIONS: assertions, REQUESTS: requests})).algorithm == algorithm


def test_rs256_only_with_a_key_made_for_it_by_name() -> None:
    metadata = server(**{METHODS: ["private_key_jwt", "none"], ASSERTIONS: ["RS256"]})
    assert choose(WANTED, metadata).method == "none"
    assert choose(WANTED, metadata, own=SigningKey.generate("RS256")).algorithm == "RS256"
    with pytest.raises(NotOffered) as refusal:
        choose(ClientMetadata(token_endpoint_auth_method="private_key_jwt"), metadata)
    assert refusal.value.code == "algorithm_not_offered"


def test_a_public_client_has_a_key_where_it_can_sign_its_requests() -> None:
    asked = document(**{METHODS: ["none"], REQUESTS: ["ES256"]})
    assert (asked["token_endpoint_auth_method"], asked["require_signed_request_object"]) == ("none", True)
    assert asked["request_object_signing_alg"] == "ES256"
    assert len(asked["jwks"]["keys"]) == 1
    assert "token_endpoint_auth_signing_alg" not in asked


def test_signed_requests_can_be_wanted_or_not() -> None:
    never = ClientMetadata(redirect_uris=(REDIRECT,), require_signed_request_object=False)
    assert "require_signed_request_object" not in document(never, **{REQUESTS: ["ES256"]})
    always = ClientMetadata(redirect_uris=(REDIRECT,), require_signed_request_object=True)
    assert document(always)["require_signed_request_object"] is True
    assert document(require_signed_request_object=True)["require_signed_request_object"] is True
    for wanted, flag in ((always, False), (WANTED, True)):
        with pytest.raises(NotOffered) as refusal:
            choose(wanted, server(**{REQUESTS: ["HS256"], "require_signed_request_object": flag}))
        assert refusal.value.code == "algorithm_not_offered"


def test_all_that_defends_against_downgrade_is_sent() -> None:
    """"""
    key = SigningKey.generate("ES256", kid="k")
    wanted = ClientMetadata(
        redirect_uris=(REDIRECT,),
        scope="openid read",
        tls_client_certificate_bound_access_tokens=True,
        software_statement="e30.e30.c2ln",
        members={"client_name": "App", "client_name#fr": "Appli", "contacts": ["a@example.com"]},
    )
    asked = document(
        wanted,
        key,
        **{ASSERTIONS: ["ES256"], REQUESTS: ["ES256"]},
        pushed_authorization_request_endpoint="https://as.example.com/par",
        id_token_signing_alg_values_supported=["RS256", "EdDSA", "ES256"],
    )
    assert asked == {
        "client_name": "App",
        "client_name#fr": "Appli",
        "contacts": ["a@example.com"],
        "application_type": "native",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "openid read",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": [{**key.public_jwk, "use": "sig", "alg": "ES256", "kid": "k"}]},
        "dpop_bound_access_tokens": True,
        "tls_client_certificate_bound_access_tokens": True,
        "require_signed_request_object": True,
        "request_object_signing_alg": "ES256",
        "require_pushed_authorization_requests": True,
        "id_token_signed_response_alg": "ES256",
        "software_statement": "e30.e30.c2ln",
    }


@pytest.mark.parametrize(
    ("listed", "chosen"),
    [
        (["RS256"], "RS256"),
        (["RS256", "EdDSA"], "EdDSA"),
        (["RS256", "PS512"], "PS512"),
        (["HS256"], None),
        (None, None),
    ],
)
def test_id_tokens_are_to_be_signed_with_the_best_that_is_listed(listed: list[str] | None, chosen: str | None) -> None:
    assert document(id_token_signing_alg_values_supported=listed).get("id_token_signed_response_alg") == chosen


def test_a_client_that_sends_nobody_to_a_browser_registers_nothing_about_it() -> None:
    wanted = ClientMetadata(grant_types=("urn:ietf:params:oauth:grant-type:device_code",))
    asked = document(
        wanted, **{REQUESTS: ["ES256"]}, pushed_authorization_request_endpoint="https://as.example.com/par"
    )
    assert asked["response_types"] == []
    assert asked.keys().isdisjoint(
        {"redirect_uris", "require_pushed_authorization_requests", "require_signed_request_object"}
    )


@pytest.mark.parametrize("spelling", ["EdDSA", "Ed25519"])
def test_an_ed25519_key_is_spelled_as_the_server_does(spelling: str) -> None:
    asked = document(**{ASSERTIONS: [spelling], REQUESTS: ["EdDSA"]})
    assert asked["token_endpoint_auth_signing_alg"] == asked["jwks"]["keys"][0]["alg"] == spelling
    assert asked["request_object_signing_alg"] == "EdDSA"


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256", "RS256"])
def test_what_is_published_is_the_public_half(algorithm: str) -> None:
    key = SigningKey.generate(algorithm)
    assert published(key, alg=algorithm).keys() == {*key.public_jwk, "use", "alg"}


@pytest.mark.parametrize(
    "name", ["client_id", "client_secret", "jwks", "jwks_uri", "redirect_uris", "registration_access_token", "scope"]
)
def test_the_apps_own_members_replace_no_other(name: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        ClientMetadata(members={name: "x"})
    assert refusal.value.code == "reserved_member"


@pytest.mark.parametrize(
    "uri",
    [
        REDIRECT,
        "http://[::1]/cb",
        "http://localhost/cb",
        "https://app.example/cb",
        "com.example.app:/cb",
        "com.a.b://x/cb",
    ],
)
def test_a_native_app_is_answered_on_its_own_machine(uri: str) -> None:
    assert ClientMetadata(redirect_uris=(uri,)).redirect_uris == (uri,)


@pytest.mark.parametrize(
    "uri",
    ["http://app.example/cb", "https://app.example/#x", "myapp:/cb", "javascript:alert(1)", "", "/cb", "x:", "a.b:c"],
)
def test_other_redirect_uris_are_refused(uri: str) -> None:
    with pytest.raises(ConfigurationError):
        ClientMetadata(redirect_uris=(uri,))
    with pytest.raises(ConfigurationError):
        ClientMetadata(redirect_uris=(uri or "com.example.app:/cb",), application_type="web")


def test_a_web_app_has_no_scheme_of_its_own() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        ClientMetadata(redirect_uris=("com.example.app:/cb",), application_type="web")
    assert refusal.value.code == "unsafe_redirect_uri"
