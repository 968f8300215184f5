"""RFC 8414 and OpenID Connect Discovery: where metadata is found, and which is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oauthclient.errors import ConfigurationError, InvalidResponse
from oauthclient.protocol.metadata import ServerMetadata, checked_issuer, read_metadata, well_known_urls

ISSUER = "https://as.example.com"
URL = f"{ISSUER}/.well-known/oauth-authorization-server"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks.json",
    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    "token_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA"],
    "dpop_signing_alg_values_supported": ["ES256"],
    "grant_types_supported": ["client_credentials"],
    "ui_locales_supported": ["fr-CA"],
}


def read(document: object, *, issuer: str = ISSUER, loopback: bool = False) -> ServerMetadata:
    return read_metadata(json.dumps(document).encode(), issuer=issuer, url=URL, loopback=loopback)


def refusal(document: object, *, issuer: str = ISSUER) -> InvalidResponse:
    with pytest.raises(InvalidResponse) as caught:
        read(document, issuer=issuer)
    return caught.value


@pytest.mark.parametrize(
    ("issuer", "urls"),
    [
        (
            "https://as.example.com",
            (
                "https://as.example.com/.well-known/oauth-authorization-server",
                "https://as.example.com/.well-known/openid-configuration",
            ),
        ),
        (
            "https://as.example.com/",
            (
                "https://as.example.com/.well-known/oauth-authorization-server",
                "https://as.example.com/.well-known/openid-configuration",
            ),
        ),
        *(
            (
                issuer,
                (
                    "https://as.example.com:8443/.well-known/oauth-authorization-server/realms/one",
                    "https://as.example.com:8443/.well-known/openid-configuration/realms/one",
                    "https://as.example.com:8443/realms/one/.well-known/openid-configuration",
                ),
            )
            for issuer in (
                "https://as.example.com:8443/realms/one",
                "https://as.example.com:8443/realms/one/",
            )
        ),
    ],
)
def test_metadata_is_looked_for_in_the_order_of_the_specifications(issuer: str, urls: tuple[str, ...]) -> None:
    assert well_known_urls(issuer) == urls


@pytest.mark.parametrize(
    "issuer",
    [
        "as.example.com",
        "http://as.example.com",
        "https://as.example.com?tenant=1",
        "https://as.example.com/?",
        "https://as.example.com/#x",
        "https://user@as.example.com",
    ],
)
def test_an_issuer_is_an_https_url_without_query_and_fragment(issuer: str) -> None:
    for check in (checked_issuer, well_known_urls):
        with pytest.raises(ConfigurationError) as caught:
            check(issuer)
        assert caught.value.code == "invalid_issuer"


def test_an_issuer_on_loopback_has_to_be_asked_for() -> None:
    assert checked_issuer("http://127.0.0.1:8080/as", loopback=True) == "http://127.0.0.1:8080/as"
    with pytest.raises(ConfigurationError):
        checked_issuer("http://127.0.0.1:8080/as")


def test_metadata_is_read() -> None:
    metadata = read(DOCUMENT)
    assert metadata.issuer == ISSUER
    assert metadata.token_endpoint == f"{ISSUER}/token"
    assert metadata.jwks_uri == f"{ISSUER}/jwks.json"
    assert metadata.token_endpoint_auth_methods_supported == ("private_key_jwt",)
    assert metadata.token_endpoint_auth_signing_alg_values_supported == ("ES256", "EdDSA")
    assert metadata.dpop_signing_alg_values_supported == ("ES256",)
    assert metadata.grant_types_supported == ("client_credentials",)
    assert metadata.document == DOCUMENT
    assert ISSUER in repr(metadata)


def test_what_a_server_does_not_say_is_none() -> None:
    metadata = ServerMetadata.from_document({"token_endpoint": f"{ISSUER}/token"})
    assert metadata.issuer is None
    assert metadata.jwks_uri is None
    assert metadata.token_endpoint_auth_methods_supported is None
    assert metadata.token_endpoint_auth_signing_alg_values_supported is None
    assert metadata.dpop_signing_alg_values_supported is None
    assert metadata.grant_types_supported is None


def test_the_document_cannot_be_changed_from_either_side() -> None:
    document = {"token_endpoint": f"{ISSUER}/token"}
    metadata = ServerMetadata.from_document(document)
    document["token_endpoint"] = "https://evil.example"
    assert metadata.document["token_endpoint"] == f"{ISSUER}/token"
    with pytest.raises(TypeError):
        metadata.document["token_endpoint"] = "https://evil.example"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token_endpoint": None}, "missing_endpoint"),
        ({"token_endpoint": "http://as.example.com/token"}, "insecure_endpoint"),
        ({"token_endpoint": "/token"}, "insecure_endpoint"),
        ({"token_endpoint": "https://as.example.com/token#x"}, "insecure_endpoint"),
        ({"token_endpoint": "https://as.example.com@evil.com/token"}, "insecure_endpoint"),
        ({"jwks_uri": "http://127.0.0.1/jwks"}, "insecure_endpoint"),
        ({"jwks_uri": ["https://as.example.com/jwks"]}, "wrong_type"),
        ({"token_endpoint": 1}, "wrong_type"),
        ({"token_endpoint_auth_methods_supported": "private_key_jwt"}, "wrong_type"),
        ({"token_endpoint_auth_signing_alg_values_supported": [1]}, "wrong_type"),
        ({"dpop_signing_alg_values_supported": {"ES256": True}}, "wrong_type"),
        ({"grant_types_supported": "client_credentials"}, "wrong_type"),
        ({"issuer": 1}, "wrong_type"),
        ({"issuer": None}, "missing_member"),
        ({"issuer": "https://evil.example"}, "issuer_mismatch"),
        ({"issuer": "https://AS.example.com"}, "issuer_mismatch"),
        ({"issuer": "https://as.example.com:443"}, "issuer_mismatch"),
        ({"error": "not_found", "error_description": "x"}, "error_in_metadata"),
        ({"error": {"code": 404}}, "error_in_metadata"),
    ],
)
def test_faulty_metadata_is_refused(change: dict[str, Any], code: str) -> None:
    error = refusal(DOCUMENT | change)
    assert error.code == code
    assert URL in str(error)


def test_a_body_that_is_no_object_is_refused() -> None:
    assert refusal([]).code == "not_an_object"


@pytest.mark.parametrize(("asked", "said"), [(ISSUER, f"{ISSUER}/"), (f"{ISSUER}/", ISSUER)])
def test_an_issuer_that_differs_by_a_slash_is_proposed_and_never_accepted(asked: str, said: str) -> None:
    error = refusal(DOCUMENT | {"issuer": said}, issuer=asked)
    assert error.code == "issuer_mismatch"
    assert f'"{said}"' in error.hint


def test_another_issuer_is_not_proposed() -> None:
    assert refusal(DOCUMENT | {"issuer": "https://evil.example"}).hint == ""


def test_text_from_the_server_is_shown_without_control_characters() -> None:
    for change in ({"error": "\x1b[2J"}, {"issuer": "\x1b[2J" + "x" * 5000}):
        message = str(refusal(DOCUMENT | change))
        assert "\x1b" not in message
        assert len(message) < 1000


def test_a_hand_written_issuer_is_checked_too() -> None:
    with pytest.raises(InvalidResponse) as caught:
        ServerMetadata.from_document({"issuer": f"{ISSUER}?x", "token_endpoint": f"{ISSUER}/token"})
    assert caught.value.code == "invalid_issuer"


def test_http_on_loopback_has_to_be_asked_for() -> None:
    document = {"issuer": "http://127.0.0.1:1", "token_endpoint": "http://127.0.0.1:1/token"}
    assert read(document, issuer="http://127.0.0.1:1", loopback=True).token_endpoint == "http://127.0.0.1:1/token"
    assert ServerMetadata.from_document(document, loopback=True).issuer == "http://127.0.0.1:1"
    with pytest.raises(InvalidResponse):
        ServerMetadata.from_document(document)
