"""A token goes to no URL outside its resource, by an oracle that is slow and works another way."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import httpx
from hypothesis import example, given
from hypothesis import strategies as st

from oauthclient.errors import UnsafeURL
from oauthclient.protocol.resources import Resource, ResourceMap

PREFIXES = [
    "https://api.example.com/a",
    "https://api.example.com/a/b/",
    "https://api.example.com:8443",
    "http://127.0.0.1:80/a",
    "https://[::1]/a%2Fb",
]
RESOURCES = ResourceMap((Resource(prefix), prefix) for prefix in PREFIXES)

PIECES = r"""
    https:// http:// HTTPS:// api.example.com API.example.com 127.0.0.1 [::1] evil.com :443 :8443 :80 :
    / / /a /b a b // @ \ . .. %2e %2E %2f %2F %5c %25 % ? # ; & = %40 %00
"""
pieces = st.sampled_from([*PIECES.split(), " ", "\t", "\n", "ü", "\uff0e", "\u2024", "\u3002"])
urls = st.builds(
    lambda start, rest: start + "".join(rest),
    st.sampled_from([*PREFIXES, "https://api.example.com", "https://", ""]),
    st.lists(pieces, max_size=8),
)


def contains(prefix: str, url: str) -> bool:
    resource, request = urlsplit(prefix), urlsplit(url)
    if "@" in request.netloc or (request.scheme, request.hostname) != (resource.scheme, resource.hostname):
        return False
    default = {"https": 443, "http": 80}[resource.scheme]
    if (request.port or default) != (resource.port or default):
        return False
    if {".", ".."} & set(unquote(request.path).replace("\\", "/").split("/")):
        return False
    wanted = resource.path.removesuffix("/").split("/")[1:]
    return request.path.split("/")[1 : len(wanted) + 1] == wanted


@given(urls)
@example("https://api.example.com@evil.com/a")
@example("https://api.example.com:8443/a/..%2f")
def test_no_url_outside_its_resource_is_ever_matched(url: str) -> None:
    try:
        prefix = RESOURCES.find(url)
    except UnsafeURL:
        return
    if prefix is not None:
        assert contains(prefix, url)
        assert prefix == max((other for other in PREFIXES if contains(other, url)), key=len)


@given(urls)
def test_httpx_connects_to_no_other_host_than_the_one_matched(url: str) -> None:
    try:
        prefix, sent = RESOURCES.find(url), httpx.URL(url)
    except (httpx.InvalidURL, UnsafeURL):
        return
    if prefix is not None:
        assert sent.host == urlsplit(prefix).hostname
        assert contains(prefix, str(sent))


@given(urls)
def test_no_spelling_of_httpx_turns_a_url_outside_into_one_inside(url: str) -> None:
    """The hot path is given URLs as httpx spells them."""
    try:
        sent = str(httpx.URL(url))
        prefix = RESOURCES.find(sent)
    except (httpx.InvalidURL, UnsafeURL):
        return
    if prefix is not None:
        assert contains(prefix, sent)


@given(
    prefix=st.sampled_from(PREFIXES),
    segments=st.lists(st.text("abc-_~;:@!'()*,=$&+\u00fc%", min_size=1, max_size=5), max_size=5),
    slash=st.booleans(),
)
def test_a_prefix_and_harmless_segments_are_found_through_httpx(
    *, prefix: str, segments: list[str], slash: bool
) -> None:
    escaped = [segment.replace("%", "%25") for segment in segments]
    sent = str(httpx.URL("/".join([prefix.removesuffix("/"), *escaped]) + "/" * slash))
    found = RESOURCES.find(sent)
    assert found is not None
    assert found.startswith(prefix)
    assert contains(found, sent)


@given(st.lists(st.text("ab", max_size=2), max_size=6), st.integers(1, 60))
def test_many_resources_are_told_apart(path: list[str], count: int) -> None:
    prefixes = [f"https://api.example.com/{index:b}".replace("0", "a/").replace("1", "b/") for index in range(count)]
    resources = ResourceMap((Resource(prefix), prefix) for prefix in prefixes)
    url = "https://api.example.com/" + "/".join(path)
    inside = [prefix for prefix in prefixes if contains(prefix, url)]
    assert resources.find(url) == max(inside, key=len, default=None)
