"""URLs that secrets may go to: which are safe, and which are the same (RFC 3986, sections 3, 6 and 7)."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from oauthclient.errors import ConfigurationError, OAuthError, UnsafeURL
from oauthclient.protocol.text import shown

_URL: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.\-]*+)://([^/?#]*+)([^?#]*+)(?:\?([^#]*+))?(?:#(.*+))?"
)  # RFC 3986, appendix B
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9\-._~]++)(?::([0-9]{0,5}))?")
_NOT_IN_A_URL: Final = re.compile(r"[^\x21-\x7e]")
_UP_TO_AUTHORITY: Final = re.compile(r"[^/?#]*+//[^/?#]*+")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_HIGHEST_PORT: Final = 65535
_SLASHES_BEFORE_PATH: Final = 2


class Parts(NamedTuple):
    """An absolute URL. `origin` is normalised (section 6.2); `path`, `query`, `fragment` are as written."""

    scheme: str
    host: str
    origin: str
    path: str
    query: str | None
    fragment: str | None


def split(url: object, *, what: str, error: type[OAuthError], code: str | None = None) -> Parts:
    """The parts of an absolute URL that has a host and can be read in one way only.

    Raises `error` with `code` (by default its own) for anything else: userinfo, a backslash before the query,
    a character outside printable ASCII, a host that is neither a name nor an IP address, a port out of range.
    """
    match = _URL.fullmatch(url) if isinstance(url, str) and not _NOT_IN_A_URL.search(url) else None
    if match is None:
        raise error(
            f"{displayed(url)} cannot be {what}: it is not an absolute URL in ASCII.",
            code=code,
            hint="Write https://host/path, an international host in its xn-- form, the rest percent-encoded.",
        )
    scheme, authority, path, query, fragment = match.groups()
    if "\\" in authority or "\\" in path:
        raise error(f"{displayed(url)} cannot be {what}: it holds a backslash.", code=code)
    if "@" in authority:
        raise error(
            f"{displayed(url)} cannot be {what}: it holds userinfo (RFC 3986, section 7.6).",
            code=code,
            hint="Leave out what stands before the @.",
        )
    scheme = scheme.lower()
    host_and_port = _AUTHORITY.fullmatch(authority)
    if host_and_port is None or not _is_host(host_and_port[1]) or not _is_port(host_and_port[2]):
        raise error(f"{displayed(url)} cannot be {what}: its host or port is not valid.", code=code)
    host = host_and_port[1].lower()
    port = int(host_and_port[2] or 0)
    normalised = f"{scheme}://{host}" if port in (0, _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{port}"
    return Parts(scheme, host, normalised, path, query, fragment)


def secure_url(
    url: str,
    *,
    what: str,
    loopback: bool = False,
    error: type[OAuthError] = ConfigurationError,
    code: str = "insecure_url",
) -> str:
    """`url`, byte for byte, if it is an absolute https URL without userinfo and fragment.

    With `loopback`, http is allowed too on 127.0.0.0/8, [::1] and localhost. `what` names the URL in errors:
    "the issuer". Raises `error` with `code`. (RFC 8414, section 2; RFC 6749, sections 3.1 and 3.2.)
    """
    parts = split(url, what=what, error=error, code=code)
    if parts.scheme != "https" and not (loopback and parts.scheme == "http" and is_loopback(parts.host)):
        where = "http is for loopback addresses only" if loopback else "its scheme is not https"
        raise error(f"{displayed(url)} cannot be {what}: {where}.", code=code, hint="Use https.")
    if parts.fragment is not None:
        raise error(f"{displayed(url)} cannot be {what}: it holds a fragment.", code=code)
    return url


def is_loopback(host: str) -> bool:
    """Whether `host` (lower case, an IPv6 address in brackets) is 127.0.0.0/8, [::1] or localhost."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    # Not `is_loopback`: for an IPv4 address mapped into IPv6 its answer differs between Python versions.
    return address in _LOOPBACK if isinstance(address, ipaddress.IPv4Address) else int(address) == 1


_LOOPBACK: Final = ipaddress.IPv4Network("127.0.0.0/8")


def is_ambiguous(path: str) -> bool:
    r"""Whether `path`, decoded once, holds a backslash or a `.` or `..` segment (with `;parameters`, too).

    Servers differ in whether they decode before they resolve dot segments (RFC 3986, section 6.2.2), and some
    drop path parameters first.
    """
    decoded = unquote(path)
    return "\\" in decoded or any(segment.partition(";")[0] in {".", ".."} for segment in decoded.split("/"))


def origin(url: str) -> str:
    """The origin of `url`, scheme and host in lower case, a default port dropped: "https://as.example.com:8443".

    Raises `UnsafeURL` where the authority can be read in two ways.
    """
    match = _UP_TO_AUTHORITY.match(url)
    return _origin(match[0] if match else url)


@lru_cache(maxsize=256)
def _origin(url: str) -> str:
    return split(url, what="the URL of a request", error=UnsafeURL).origin


def without_query(url: str) -> str:
    """All of `url` before its query and fragment, otherwise untouched."""
    return url.partition("#")[0].partition("?")[0]


def target_uri(url: str) -> str:
    """The `htu` of a proof for a request to `url` (RFC 9449, section 4.2): percent-encoding and all else untouched.

    But for an empty path, which is sent as "/" (RFC 9110, section 4.2.3): some servers compare octet by octet.
    """
    bare = without_query(url)
    return bare if bare.count("/") > _SLASHES_BEFORE_PATH else f"{bare}/"


def displayed(url: object) -> str:
    """`url` as an error may show it: without userinfo, query and fragment, which may hold secrets."""
    bare = without_query(str(url))
    match = _URL.fullmatch(bare)
    if match is None or not _AUTHORITY.fullmatch(match[2]):
        bare = bare.rpartition("@")[2]
    return shown(bare) or "An empty URL"


def _is_port(port: str | None) -> bool:
    return not port or 1 <= int(port) <= _HIGHEST_PORT


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return True
    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True
