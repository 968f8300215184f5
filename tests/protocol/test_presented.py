"""What a program says of its client certificate at one server: RFC 8705, sections 3.4 and 5."""

from __future__ import annotations

from typing import Any

import pytest

from oauthclient import (
    ClientCertificate,
    ConfigurationError,
    MutualTLS,
    NativeApp,
    OAuthClient,
    PublicClient,
    Resource,
)
from tests.testing.certificates import self_signed_pem

CERTIFICATE = ClientCertificate.from_pem(self_signed_pem())
ALIAS = {"token_endpoint": "https://mtls.as.example.com/token"}


def refused(make: Any = OAuthClient, **settings: Any) -> ConfigurationError:
    """What is said when the client is made, before anything is sent."""
    usual: dict[str, Any] = (
        {"client_id": "svc", "authentication": PublicClient()}
        if make is OAuthClient
        else {"name": "App", "resources": [Resource("https://api.example.com")]}
    )
    with pytest.raises(ConfigurationError) as refusal:
        make("https://as.example.com", **(usual | settings))
    return refusal.value


@pytest.mark.parametrize("make", [OAuthClient, NativeApp])
@pytest.mark.parametrize(
    ("aliases", "code"),
    [
        (["token_endpoint"], "unknown_setting"),
        ("token_endpoint", "unknown_setting"),
        ({17: None}, "unknown_setting"),
        ({"jwks_uri": None}, "unknown_setting"),
        ({"token_endpoint": 17}, "insecure_url"),
        ({"token_endpoint": ""}, "insecure_url"),
        ({"token_endpoint": "http://mtls.as.example.com/token"}, "insecure_url"),
        ({"token_endpoint": "https://u:p@mtls.as.example.com/token"}, "insecure_url"),
    ],
)
def test_aliases_that_cannot_be_are_an_error_of_the_program_and_said_at_once(
    make: Any, aliases: Any, code: str
) -> None:
    error = refused(make, binding=MutualTLS(CERTIFICATE), mtls_endpoint_aliases=aliases)
    assert (error.code, "mtls_endpoint_aliases=" in str(error)) == (code, True)


@pytest.mark.parametrize("make", [OAuthClient, NativeApp])
@pytest.mark.parametrize("settings", [{}, {"certificate": CERTIFICATE}], ids=["none", "for the connection alone"])
def test_aliases_that_nobody_would_use_are_not_passed_over(make: Any, settings: dict[str, Any]) -> None:
    assert "MutualTLS" in refused(make, mtls_endpoint_aliases=ALIAS, **settings).hint


def test_an_alias_on_this_machine_may_do_without_tls_where_that_is_allowed() -> None:
    OAuthClient(
        "http://127.0.0.1:8000",
        client_id="svc",
        authentication=PublicClient(),
        binding=MutualTLS(CERTIFICATE),
        insecure_loopback=True,
        mtls_endpoint_aliases={"token_endpoint": "http://127.0.0.1:8001/token"},
    )


@pytest.mark.parametrize("told", [None, False, "true", 1])
def test_only_true_says_that_a_client_is_registered_for_bound_tokens(told: object) -> None:
    """Section 3.4: the default is false, and servers repeat it."""
    with pytest.raises(ConfigurationError) as refusal:
        MutualTLS(CERTIFICATE).check_registered({"tls_client_certificate_bound_access_tokens": told})
    assert refusal.value.code == "binding_not_registered"
    MutualTLS(CERTIFICATE).check_registered({"tls_client_certificate_bound_access_tokens": True})
