"""rfc7523bis, section 4: the audience of an assertion is the issuer, as one string."""

from __future__ import annotations

import pytest

from oauthclient.errors import ConfigurationError
from oauthclient.protocol.occasion import Occasion


def occasion(issuer: str | None) -> Occasion:
    return Occasion(issuer=issuer, client_id="svc", endpoint="https://as.example.com/token", issued_at=1, jti="j")


def test_the_audience_is_the_issuer_byte_for_byte() -> None:
    assert occasion("https://as.example.com/").audience(None) == "https://as.example.com/"


def test_unless_a_setting_says_otherwise() -> None:
    assert occasion("https://as.example.com").audience("https://as.example.com/token") == "https://as.example.com/token"
    assert occasion(None).audience("https://old.example") == "https://old.example"


def test_it_can_be_the_url_that_is_called() -> None:
    """RFC 7523, section 3: the token endpoint's URL may be used; of an alias, that one."""
    assert occasion("https://as.example.com").audience("endpoint") == "https://as.example.com/token"


def test_without_an_issuer_it_has_to_be_set() -> None:
    with pytest.raises(ConfigurationError) as refused:
        occasion(None).audience(None)
    assert refused.value.code == "no_audience"
    assert "`audience`" in refused.value.hint
