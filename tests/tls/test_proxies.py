"""The proxies of the environment are those that each HTTP library would go by itself."""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

import httpx
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oauthclient.tls.proxies import environment_proxies

NAMES = st.sampled_from(["example.com", ".example.com", "*.example.com", "*", "localhost", "LOCALHOST", "a b", "ü.de"])
ADDRESSES = st.sampled_from(
    ["127.0.0.1", "10.0.0.0/8", "10.0.0.0/99", "::1", "fe80::/10", "[::1]", "[fe80::]/10", "[", "1.2.3", "::/x"]
)
URLS = st.sampled_from(["http://a.example", "https://b.example:8443", "all://*", "://", "http://[", "x/y"])
WORDS = st.one_of(NAMES, ADDRESSES, URLS, st.text(st.sampled_from("ab.*:/[]-1% ,"), max_size=8))
PROXIES = st.sampled_from(["", "http://proxy.example:3128", "proxy.example:3128", "socks5://proxy.example"])


def by_itself(family: Any) -> dict[str, str | None] | None:
    """What the library would mount, or None where it would fail."""
    try:
        proxies: dict[str, str | None] = family._utils.get_environment_proxies()
        patterns = [family._utils.URLPattern(pattern) for pattern in proxies]
    except (ValueError, family.InvalidURL):
        return None
    return proxies if patterns and any(proxies.values()) else {}


@pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])
@given(proxies=st.dictionaries(st.sampled_from(["http", "https", "all"]), PROXIES), words=st.lists(WORDS, max_size=5))
@example(proxies={"https": "proxy.example:3128"}, words=["*.example.com", "10.0.0.0/8", "::1", "localhost"])
def test_they_are_what_the_library_would_choose(family: Any, proxies: dict[str, str], words: list[str]) -> None:
    environment = {f"{scheme}_proxy": url for scheme, url in proxies.items()} | {"no_proxy": ",".join(words)}
    with mock.patch.dict(os.environ, environment, clear=True):
        expected = by_itself(family)
        found = environment_proxies(family)
    if expected is not None:
        assert found == expected


@pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_word_that_cannot_be_read_is_left_out(family: Any) -> None:
    environment = {"https_proxy": "http://proxy.example", "no_proxy": "::1/x,a.example"}
    with mock.patch.dict(os.environ, environment, clear=True):
        assert environment_proxies(family) == {"https://": "http://proxy.example", "all://*a.example": None}
