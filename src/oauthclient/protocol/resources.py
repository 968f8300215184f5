"""Which token may go to which URL (RFC 8707, section 2; RFC 9700, section 4.9; RFC 3986, section 6.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from urllib.parse import parse_qsl

from oauthclient.errors import ConfigurationError, UnsafeURL
from oauthclient.protocol.text import shown
from oauthclient.protocol.urls import displayed, is_ambiguous, secure_url, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ABSOLUTE_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*+:[\x21-\x22\x24-\x7e]++")
_SCOPE_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]++")  # RFC 6749, section 3.3


class Resource:
    """An API that gets a token of its own.

    `url` and `also` are the prefixes its token may go to: https (http on loopback), whole path segments, and
    where a prefix has a query, exactly these values for its parameters. `identifier` is what the
    authorization server is told (RFC 8707, section 2), byte for byte; by default `url`. `scope` is one
    string, or several, or None.

    Raises `ConfigurationError` with the code `insecure_url`, `ambiguous_url`, `invalid_identifier` or
    `invalid_scope`.
    """

    __slots__ = ("also", "identifier", "scope", "url")

    def __init__(
        self,
        url: str,
        *,
        identifier: str | None = None,
        also: str | Iterable[str] = (),
        scope: str | Iterable[str] | None = None,
    ) -> None:
        self.url: Final = _prefix(url)
        self.also: Final = tuple(map(_prefix, (also,) if isinstance(also, str) else also))
        self.identifier: Final = url if identifier is None else _identifier(identifier)
        self.scope: Final = None if scope is None else _scope(scope)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return NotImplemented
        return self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        url, identifier, also, scope = self._all()
        return f"Resource({url!r}, identifier={identifier!r}, also={also!r}, scope={scope!r})"

    def _all(self) -> tuple[str, str, tuple[str, ...], str | None]:
        return (self.url, self.identifier, self.also, self.scope)


def _prefix(url: str) -> str:
    what = "the URL of a resource"
    if is_ambiguous(split(url, what=what, error=ConfigurationError, code="insecure_url").path):
        raise ConfigurationError(
            f"{displayed(url)} cannot be {what}: it holds a dot segment or a backslash.",
            code="ambiguous_url",
            hint="Write the path without them.",
        )
    return secure_url(url, what=what, loopback=True)


def _identifier(identifier: str) -> str:
    if not _ABSOLUTE_URI.fullmatch(identifier):
        raise ConfigurationError(
            f"{shown(identifier)!r} cannot identify a resource: it is not an absolute URI without a fragment "
            "(RFC 8707, section 2).",
            code="invalid_identifier",
        )
    return identifier


def _scope(scope: str | Iterable[str]) -> str | None:
    tokens = (scope if isinstance(scope, str) else " ".join(scope)).split()
    for token in tokens:
        if not _SCOPE_TOKEN.fullmatch(token):
            raise ConfigurationError(
                f"{shown(token)!r} cannot be a scope (RFC 6749, section 3.3).", code="invalid_scope"
            )
    return " ".join(tokens) or None


T = TypeVar("T")
U = TypeVar("U")

_Query = tuple[tuple[str, str], ...]

# A URL that needs no second look: up to its query nothing that could be userinfo, an escape or a backslash
# (nor `/.`, which `find` looks for). The HTTP libraries have brought scheme, host and port into normal form.
_PLAIN: Final = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:/\[\]]*+(?:[?#]|\Z)")
_AFTER_PREFIX: Final = frozenset(("", "/", "?", "#"))


class ResourceMap(Generic[T]):
    """Finds what belongs to the resource a URL lies in: the one with the longest prefix in whole segments.

    Raises `ConfigurationError` with the code `overlapping_resources` where two resources have one prefix.
    """

    __slots__ = ("_entries", "_lengths", "_table")

    def __init__(self, entries: Iterable[tuple[Resource, T]]) -> None:
        self._entries: Final = tuple(entries)
        table: dict[str, dict[_Query, T]] = {}
        for resource, value in self._entries:
            # As a set: one resource may name a prefix twice, two resources may not name the same.
            for base, query in {_normalised(url) for url in (resource.url, *resource.also)}:
                if query in table.setdefault(base, {}):
                    raise _overlapping(base)
                table[base][query] = value
        # Of two prefixes with one path, the one that asks for more of the query is the longer.
        self._table: Final = {
            base: tuple(sorted(queries.items(), key=lambda item: -len(item[0]))) for base, queries in table.items()
        }
        self._lengths: Final = tuple(sorted({len(base) for base in table}, reverse=True))

    def find(self, url: str) -> T | None:
        """What belongs to the resource that `url` lies in, or None outside every resource.

        Raises `UnsafeURL` where `url` could be read in two ways (userinfo, a backslash, dot segments once
        decoded, a host that is none), and with the code `cleartext_url` where only its http keeps it out of a
        resource.
        """
        if "/." not in url and _PLAIN.match(url) is not None:
            found = self._look_up(url)
            if found is not None:
                return found
        return self._find_strictly(url)

    def values(self) -> Iterator[T]:
        """What belongs to each resource."""
        return (value for _, value in self._entries)

    def joined(self, other: ResourceMap[U]) -> ResourceMap[T | U]:
        """A map with the resources of both.

        Raises `ConfigurationError` with the code `overlapping_resources` where a prefix of one starts with a
        prefix of the other: which issuer's token to send would be undecided.
        """
        for base in (*filter(other._covers, self._table), *filter(self._covers, other._table)):
            raise _overlapping(base)
        return ResourceMap((*self._entries, *other._entries))

    def __repr__(self) -> str:
        return f"ResourceMap({', '.join(resource.url for resource, _ in self._entries)})"

    def _look_up(self, url: str) -> T | None:
        for length in self._lengths:
            if url[length : length + 1] in _AFTER_PREFIX:
                for query, value in self._table.get(url[:length], ()):
                    if not query or _carries(url, query):
                        return value
        return None

    def _find_strictly(self, url: str) -> T | None:
        what = "the URL of a request with a token"
        parts = split(url, what=what, error=UnsafeURL)
        if is_ambiguous(parts.path):
            raise UnsafeURL(f"{displayed(url)} cannot be {what}: it holds a dot segment or a backslash.")
        rest = parts.path if parts.query is None else f"{parts.path}?{parts.query}"
        found = self._look_up(parts.origin + rest)
        if found is not None or parts.scheme != "http":
            return found
        if self._look_up(parts.origin.replace("http", "https", 1) + rest) is not None:
            raise UnsafeURL(
                f"{displayed(url)} cannot be {what}: http would show the token to the network.",
                code="cleartext_url",
                hint="Use https.",
            )
        return None

    def _covers(self, base: str) -> bool:
        return any(
            base[length : length + 1] in _AFTER_PREFIX and base[:length] in self._table for length in self._lengths
        )


def _normalised(url: str) -> tuple[str, _Query]:
    """A prefix without its trailing slash, and the query parameters that it asks for."""
    parts = split(url, what="the URL of a resource", error=ConfigurationError)
    return parts.origin + parts.path.removesuffix("/"), _parameters(parts.query or "")


def _parameters(query: str) -> _Query:
    return tuple(sorted(parse_qsl(query, keep_blank_values=True)))


def _carries(url: str, query: _Query) -> bool:
    """Whether the query of `url` has these values, and no others, for the names in `query`.

    No others, because of a parameter given twice one server reads the first value, another the last.
    """
    names = {name for name, _ in query}
    found = _parameters(url.partition("#")[0].partition("?")[2])
    return tuple(pair for pair in found if pair[0] in names) == query


def _overlapping(base: str) -> ConfigurationError:
    return ConfigurationError(
        f"Two resources claim {displayed(base)}: which token should go there is undecided.",
        code="overlapping_resources",
        hint="Give each resource a prefix of its own.",
    )
