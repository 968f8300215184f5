"""RFC 8707 and RFC 9700, 4.9: a token goes to no URL outside its resource."""

from __future__ import annotations

import copy

import pytest

from oauthclient.errors import ConfigurationError, UnsafeURL
from oauthclient.protocol.resources import Resource, ResourceMap

API = "https://api.example.com"


def found(prefix: str, url: str) -> bool:
    return ResourceMap([(Resource(prefix), "token")]).find(url) is not None


def code_of(*arguments: object, **settings: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Resource(*arguments, **settings)
    return caught.value.code


def test_the_identifier_is_the_url_byte_for_byte_unless_it_is_given() -> None:
    assert Resource("https://API.example.com:443/A%2f/").identifier == "https://API.example.com:443/A%2f/"
    assert Resource(API).identifier == API
    assert Resource(API, identifier="urn:example:api").identifier == "urn:example:api"
    assert Resource(API, identifier="api://d0c1/").identifier == "api://d0c1/"


@pytest.mark.parametrize("identifier", ["", "api", "/orders", "https:", "urn:a b", "urn:a#b", "urn:ü", ":x", "1:x"])
def test_an_identifier_is_an_absolute_uri_without_a_fragment(identifier: str) -> None:
    assert code_of(API, identifier=identifier) == "invalid_identifier"


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (None, None),
        ("", None),
        ([], None),
        ("read", "read"),
        (" read  write ", "read write"),
        (["read", "write"], "read write"),
        (("read" for _ in range(1)), "read"),
        (["urn:x/y", "a:b"], "urn:x/y a:b"),
    ],
)
def test_a_scope_is_one_string_or_several(scope: str | None, expected: str | None) -> None:
    assert Resource(API, scope=scope).scope == expected


@pytest.mark.parametrize("scope", ['a"b', "a\\b", "a\x00b", "ü"])
def test_a_scope_has_the_characters_of_rfc_6749(scope: str) -> None:
    assert code_of(API, scope=scope) == "invalid_scope"


@pytest.mark.parametrize(
    "url",
    [
        "api.example.com",
        "http://api.example.com",
        "http://127.1/",
        "https://user@api.example.com",
        "https://api.example.com#x",
        "https://api.example.com\\orders",
        "https://bücher.example",
        "",
        None,
    ],
)
def test_an_insecure_prefix_is_refused(url: str) -> None:
    assert code_of(url) == "insecure_url"
    assert code_of(API, also=[url]) == "insecure_url"


@pytest.mark.parametrize("path", ["/a/../b", "/%2e%2e/b", "/.", "/a%5Cb", "/..;/b"])
def test_an_ambiguous_prefix_is_refused(path: str) -> None:
    assert code_of(API + path) == "ambiguous_url"


def test_resources_are_equal_when_all_of_them_is() -> None:
    one = Resource(API, identifier="urn:a", also=["https://b.example"], scope="read")
    assert one == Resource(API, identifier="urn:a", also="https://b.example", scope=["read"])
    assert hash(one) == hash(copy.copy(one))
    assert one != Resource(API, identifier="urn:a", also="https://b.example", scope="write")
    assert one != Resource(API, identifier="urn:b", also="https://b.example", scope="read")
    assert one != Resource(API, identifier="urn:a", scope="read")
    assert one != API
    assert repr(one) == (
        "Resource('https://api.example.com', identifier='urn:a', also=('https://b.example',), scope='read')"
    )


@pytest.mark.parametrize("prefix", [f"{API}/orders", f"{API}/orders/", "HTTPS://API.EXAMPLE.COM:443/orders"])
@pytest.mark.parametrize(
    "url",
    [
        f"{API}/orders",
        f"{API}/orders/",
        f"{API}/orders/17",
        f"{API}/orders?a=b",
        f"{API}/orders#f",
        f"{API}/orders/17?next=/../x",
        f"{API}/orders/17?mail=a@b%20c\\d",
        f"{API}/orders/17#@",
        f"{API}/orders/a%2Fb",
        f"{API}/orders/%252e%252e/",
        f"{API}/orders/.well-known/x",
        f"{API}/orders/@me",
        f"{API}/orders//",
        f"{API}:443/orders",
        f"{API}:/orders",
        "https://API.Example.com/orders/17",
    ],
)
def test_a_url_inside_is_found(prefix: str, url: str) -> None:
    assert found(prefix, url)


@pytest.mark.parametrize("prefix", [f"{API}/orders", f"{API}/orders/"])
@pytest.mark.parametrize(
    "url",
    [
        API,
        f"{API}/",
        f"{API}/order",
        f"{API}/orders2",
        f"{API}/orders-old/1",
        f"{API}/orders;v=1",
        f"{API}/orders%2F17",
        f"{API}/Orders",
        f"{API}//orders",
        f"{API}/stock?x=/orders",
        f"{API}:8443/orders",
        f"{API}./orders",
        f"{API}.evil.com/orders",
        "https://evil.com/orders",
        "https://evilapi.example.com/orders",
        "https://evil.com/https://api.example.com/orders",
        "https://evil.com?https://api.example.com/orders",
        "wss://api.example.com/orders",
    ],
)
def test_a_url_outside_is_not(prefix: str, url: str) -> None:
    assert not found(prefix, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com@evil.com/orders",
        "https://user@api.example.com/orders",
        "https://user:hunter2@api.example.com/orders?hunter2",
        "https://api.example.com\\@evil.com/orders",
        "https://api.example.com\\.evil.com/orders",
        f"{API}/orders\\..\\stock",
        f"{API}/orders/a\\..\\..\\stock",
        f"{API}/orders/%5C..%5Cstock",
        f"{API}/orders/../stock",
        f"{API}/orders/%2e%2e/stock",
        f"{API}/orders/%2E./stock",
        f"{API}/orders/.%2e",
        f"{API}/orders/%2e",
        f"{API}/orders/..%2fstock",
        f"{API}/orders/..;/stock",
        f"{API}/orders/ü",
        "https://api%2eexample.com/orders",
        "https://api.example.com%2forders/",
        "https://api.example.com:port/orders",
        "https://api.exa mple.com/orders",
        "https:/api.example.com/orders",
        "/orders",
        "",
    ],
)
def test_a_url_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(UnsafeURL) as caught:
        found(f"{API}/orders", url)
    assert caught.value.code == "unsafe_url"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://api.example.com/orders/1", "http://API.example.com:80/orders"])
def test_a_token_does_not_go_out_in_the_clear(url: str) -> None:
    with pytest.raises(UnsafeURL) as caught:
        found(f"{API}/orders", url)
    assert caught.value.code == "cleartext_url"
    assert not found(f"{API}/orders", "http://elsewhere.example/orders")


def test_http_is_for_loopback() -> None:
    assert found("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a/b")
    assert found("http://[::1]:8080", "http://[::1]:8080/")
    assert not found("http://127.0.0.1:8080/a", "https://127.0.0.1:8080/a")


def test_the_longest_prefix_wins() -> None:
    resources = ResourceMap(
        [
            (Resource(API), "all"),
            (Resource(f"{API}/orders"), "orders"),
            (Resource(f"{API}/orders/archive/"), "archive"),
            (Resource("https://b.example", also=[f"{API}/stock", f"{API}/stock/"]), "b"),
        ]
    )
    assert resources.find(f"{API}/orders/1") == "orders"
    assert resources.find(f"{API}/orders/archive") == "archive"
    assert resources.find(f"{API}/orders/archive2") == "orders"
    assert resources.find(f"{API}/ordersarchive") == "all"
    assert resources.find(f"{API}?x") == "all"
    assert resources.find(f"{API}/stock/1") == "b"
    assert resources.find("https://b.example") == "b"
    assert resources.find("https://c.example/") is None


def test_a_map_of_no_resource_finds_nothing() -> None:
    empty: ResourceMap[str] = ResourceMap([])
    assert empty.find(API) is None


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("/x?tenant=1", True),
        ("/x/y?a=b&tenant=1&c#f", True),
        ("/x?%74enant=%31", True),
        ("/x", False),
        ("/x?tenant=2", False),
        ("/x?tenant=11", False),
        ("/x?tenant", False),
        ("/x#?tenant=1", False),
        ("/x?tenant=1&tenant=2", False),  # one server reads the first, another the last
        ("/x?tenant=1&%74enant=2", False),
        ("/x?Tenant=1", False),
    ],
)
def test_the_query_of_a_resource_has_to_be_there(*, url: str, inside: bool) -> None:
    assert found(f"{API}/x?tenant=1", API + url) is inside
    assert found(f"{API}/x/?tenant=1", API + url) is inside


def test_of_one_path_the_prefix_that_asks_for_more_of_the_query_wins() -> None:
    resources = ResourceMap(
        [(Resource(f"{API}/x"), 0), (Resource(f"{API}/x?a=1"), 1), (Resource(f"{API}/x?b=2&a=1"), 2)]
    )
    assert resources.find(f"{API}/x?c") == 0
    assert resources.find(f"{API}/x?a=1") == 1
    assert resources.find(f"{API}/x?a=1&b=2") == 2


@pytest.mark.parametrize(
    "same",
    [API, f"{API}/", "https://API.example.com:443", "https://b.example?y=2&x=1", "https://b.example?x=1&y=2"],
)
def test_two_resources_of_one_prefix_are_refused(same: str) -> None:
    one = Resource(API, also="https://b.example?x=1&y=2")
    with pytest.raises(ConfigurationError) as caught:
        ResourceMap([(one, 1), (Resource(same, identifier="urn:other"), 2)])
    assert caught.value.code == "overlapping_resources"


def test_joined_maps_find_in_both() -> None:
    joined = ResourceMap([(Resource(f"{API}/a"), 1)]).joined(ResourceMap([(Resource(f"{API}/ab"), "two")]))
    assert joined.find(f"{API}/a/x") == 1
    assert joined.find(f"{API}/ab/x") == "two"


@pytest.mark.parametrize(
    ("one", "other"),
    [("/a", "/a/"), ("/a", "/a/b"), ("/a/b/c", "/a"), ("", "/a"), ("/a?x=1", "/a"), ("/a", "")],
)
def test_joined_maps_may_not_overlap(one: str, other: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ResourceMap([(Resource(API + one), 1)]).joined(ResourceMap([(Resource(API + other), 2)]))
    assert caught.value.code == "overlapping_resources"
