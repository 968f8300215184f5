"""Where the browser is sent with the answer (RFC 8252, sections 7.3 and 8.10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import ConfigurationError
from oauthclient.login.redirect import RedirectTarget, redirect_path

ISSUER = "https://as.example.com"


def test_the_path_of_an_issuer_is_constant_from_version_to_version() -> None:
    """It is registered at the server: another one would lock its users out."""
    assert redirect_path(ISSUER) == "/callback/hPhi4surPQF"


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_issuers_share_no_path_and_every_path_can_be_used(one, other):
    assert (redirect_path(one) == redirect_path(other)) is (one == other)
    assert RedirectTarget(redirect_path(one)).path == redirect_path(one)


@pytest.mark.parametrize(
    ("host", "addresses", "uri"),
    [
        ("127.0.0.1", ("127.0.0.1",), "http://127.0.0.1:8400/cb"),
        ("[::1]", ("::1",), "http://[::1]:8400/cb"),
        ("::1", ("::1",), "http://[::1]:8400/cb"),
        ("localhost", ("127.0.0.1", "::1"), "http://localhost:8400/cb"),
        ("LOCALHOST", ("127.0.0.1", "::1"), "http://localhost:8400/cb"),
    ],
)
def test_what_is_named_in_the_uri_is_what_is_listened_to(host, addresses, uri):
    target = RedirectTarget("/cb", host=host)
    assert target.addresses == addresses
    assert target.uri(8400) == uri
    assert target.authorities(8400) == {uri.removeprefix("http://").removesuffix("/cb")}


def test_a_browser_leaves_the_port_of_http_out_of_the_host() -> None:
    assert RedirectTarget("/cb", port=80).authorities(80) == {"127.0.0.1:80", "127.0.0.1"}


def test_both_addresses_are_registered_and_no_port_unless_it_is_fixed() -> None:
    assert RedirectTarget("/cb").registered() == ("http://127.0.0.1/cb", "http://[::1]/cb")
    assert RedirectTarget("/cb", host="[::1]").registered() == ("http://127.0.0.1/cb", "http://[::1]/cb")
    assert RedirectTarget("/cb", port=8400).registered() == ("http://127.0.0.1:8400/cb", "http://[::1]:8400/cb")
    assert RedirectTarget("/cb", host="localhost").registered() == ("http://localhost/cb",)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/cb", {"host": "0.0.0.0"}),
        ("/cb", {"host": "192.168.1.7"}),
        ("/cb", {"host": "example.com"}),
        ("/cb", {"port": 65536}),
        ("/cb", {"port": -1}),
        ("cb", {}),
        ("", {}),
        ("/cb?x=1", {}),
        ("/cb#x", {}),
        ("/c b", {}),
        ("/cb\r\nx", {}),
        ("/ç", {}),
    ],
)
def test_anything_but_a_plain_path_on_loopback_is_refused(path, options):
    with pytest.raises(ConfigurationError) as refused:
        RedirectTarget(path, **options)
    assert refused.value.code == "invalid_redirect_target"
