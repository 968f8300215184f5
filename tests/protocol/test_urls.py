"""RFC 3986: which URLs may carry a secret, and which are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import ConfigurationError, InvalidResponse, UnsafeURL
from oauthclient.protocol.urls import displayed, is_ambiguous, is_loopback, origin, secure_url, without_query


@pytest.mark.parametrize(
    "url",
    [
        "https://as.example.com",
        "https://as.example.com/",
        "HTTPS://AS.Example.com:443/Path%2f?q=%zz",
        "https://as.example.com:8443/a?b=c",
        "https://xn--bcher-kva.example/%C3%BC",
        "https://[2001:db8::1]:8443/",
        "https://192.0.2.1",
        "https://service_a.internal/",
        "https://as.example.com/@user?mail=a@b",
    ],
)
def test_a_secure_url_comes_back_byte_for_byte(url: str) -> None:
    assert secure_url(url, what="the issuer") == url


REFUSED = [
    "",
    "as.example.com",
    "//as.example.com",
    "https:",
    "https://",
    "https:/as.example.com",
    "https:///path",
    "https://:443",
    "http://as.example.com",
    "ftp://as.example.com",
    "https://user@as.example.com",
    "https://user:hunter2@as.example.com/",
    "https://api.example.com\\@evil.com/",
    "https://api.example.com/a\\b",
    "https:\\\\as.example.com",
    "https://as.example.com#",
    "https://as.example.com/#fragment",
    "https://as.example.com/ ",
    " https://as.example.com/",
    "https://as.example.com/\n",
    "https://as.exam\tple.com/",
    "https://bücher.example/",
    "https://as.example.com/ü",
    "https://as%2eexample.com/",
    "https://as.example.com:0/",
    "https://as.example.com:65536/",
    "https://as.example.com:44x/",
    "https://as.example.com:٤٤٣/",
    "https://[::1/",
    "https://[fe80::1%25eth0]/",
    "https://[1.2.3.4]/",
    "https://[:::]/",
    "https://a,b/",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("url", REFUSED)
@pytest.mark.parametrize("loopback", [False, True])
def test_any_other_url_is_refused(*, url: str, loopback: bool) -> None:
    with pytest.raises(ConfigurationError, match="the issuer") as caught:
        secure_url(url, what="the issuer", loopback=loopback)
    assert caught.value.code == "insecure_url"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", [b"https://as.example.com", None, 443])
def test_what_is_no_string_is_refused(url: object) -> None:
    with pytest.raises(ConfigurationError):
        secure_url(url, what="the issuer")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://user@as.example.com", "userinfo"),
        ("https://api.example.com\\@evil.com/", "backslash"),
        ("https://as.example.com/#x", "fragment"),
        ("https://as.example.com:0/", "host or port"),
        ("https://bücher.example/", "xn--"),
        ("http://as.example.com", "Use https"),
    ],
)
def test_a_refusal_says_why(url: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        secure_url(url, what="the issuer")


def test_error_class_and_code_are_the_callers() -> None:
    with pytest.raises(InvalidResponse) as caught:
        secure_url("http://as.example.com", what="the jwks_uri", error=InvalidResponse, code="insecure_endpoint")
    assert caught.value.code == "insecure_endpoint"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "http://127.8.9.10:80/x",
        "http://[::1]:9000/",
        "http://LOCALHOST/",
        "http://localhost:1/",
    ],
)
def test_http_is_for_loopback_and_only_when_asked_for(url: str) -> None:
    assert secure_url(url, what="the issuer", loopback=True) == url
    with pytest.raises(ConfigurationError):
        secure_url(url, what="the issuer")


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "127.1",  # a resolver may read these as it likes
        "0x7f.0.0.1",
        "2130706433",
        "127.0.0.01",
        "127.0.0.1.",
        "127.0.0.1.example.com",
        "localhost.example.com",
        "localhost.",
        "128.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::2]",
    ],
)
def test_what_only_looks_like_loopback_is_not(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ConfigurationError):
        secure_url(f"http://{host}/", what="the issuer", loopback=True)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://API.example.com", "https://api.example.com"),
        ("HTTPS://api.example.com:443/a?b#c", "https://api.example.com"),
        ("https://api.example.com:/a", "https://api.example.com"),
        ("https://api.example.com:0443/a", "https://api.example.com"),
        ("https://api.example.com:8443?b", "https://api.example.com:8443"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("http://127.0.0.1:443/", "http://127.0.0.1:443"),
        ("https://127.0.0.1:80/", "https://127.0.0.1:80"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("https://api.example.com?https://evil.com/", "https://api.example.com"),
    ],
)
def test_an_origin_is_scheme_host_and_port_in_one_spelling(url: str, expected: str) -> None:
    assert origin(url) == expected
    assert origin(expected) == expected


@pytest.mark.parametrize("url", ["", "/path", "https://", "https://a@b/", "https://a\\b/", "https://a b/"])
def test_what_has_no_clear_origin_is_refused(url: str) -> None:
    for _ in range(2):  # a refusal is not cached as an answer
        with pytest.raises(UnsafeURL):
            origin(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/a%2Fb%c3?x=1#y", "https://api.example.com/a%2Fb%c3"),
        ("https://api.example.com/a#y?x=1", "https://api.example.com/a"),
        ("https://api.example.com?x=1?y", "https://api.example.com"),
    ],
)
def test_htu_is_the_url_without_query_and_fragment(url: str, expected: str) -> None:
    assert without_query(url) == expected


@pytest.mark.parametrize(
    "path",
    ["/..", "/a/../b", "/a/.", "/./a", "/%2e%2E/a", "/.%2e", "/a%2f..%2fb", "/a%5Cb", "/..;/b", "/..%3bx/b"],
)
def test_a_path_with_dot_segments_or_a_backslash_once_decoded_is_ambiguous(path: str) -> None:
    assert is_ambiguous(path)


@pytest.mark.parametrize(
    "path", ["", "/", "/a%2Fb", "/.well-known/x", "/...", "/a..b", "/..a", "/%252e%252e/a", "/a;b=..", "/%ff"]
)
def test_any_other_path_is_not(path: str) -> None:
    assert not is_ambiguous(path)


@given(
    st.text(st.characters(codec="ascii"), max_size=12),
    st.sampled_from(["https://", "https:/", "", "//", "https:\\\\"]),
)
def test_an_error_shows_no_password(noise: str, start: str) -> None:
    assert "hunter2" not in displayed(f"{start}user:hunter2@host{noise}")


def test_an_error_shows_a_url_without_its_query_and_control_characters() -> None:
    assert displayed("https://h/@user/x?code=hunter2#hunter2") == "https://h/@user/x"
    assert "\x1b" not in displayed("https://h/\x1b[2J")
    assert displayed("")
