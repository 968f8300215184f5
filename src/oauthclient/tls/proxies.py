"""The proxies of the environment, as each HTTP library reads them: only where it makes its transports itself."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.request import getproxies


def environment_proxies(family: Any) -> dict[str, str | None]:
    """What HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name, by pattern of `mounts`; None for no proxy.

    A word of NO_PROXY that the library cannot make a pattern of is left out.
    """
    named = getproxies()
    without = [host.strip() for host in named.get("no", "").split(",") if host.strip()]
    if "*" in without:
        return {}
    proxies = {f"{scheme}://": named[scheme] for scheme in ("http", "https", "all") if named.get(scheme)}
    if not proxies:
        return {}
    found: dict[str, str | None] = {
        pattern: proxy if "://" in proxy else f"http://{proxy}" for pattern, proxy in proxies.items()
    }
    for host in without:
        pattern = _httpx(host) if family.__name__ == "httpx" else _httpx2(host)
        if pattern is not None and _is_pattern(pattern, family):
            found[pattern] = None
    return found


def _httpx(host: str) -> str:
    """What a word of NO_PROXY means: a URL, one address, or a domain with all that is below it."""
    if "://" in host:
        return host
    address = host.partition("/")[0]
    if _is(IPv4Address, address) or host.lower() == "localhost":
        return f"all://{host}"
    return f"all://[{host}]" if _is(IPv6Address, address) else f"all://*{host}"


def _httpx2(host: str) -> str | None:
    """The same where networks are known too, and a domain may begin with an asterisk."""
    address, slash, bits = host.partition("/")
    if slash and "://" not in host:
        if _is(IPv6Address, address):
            return f"all://[{address}]/{bits}"
        return f"all://{host}" if _is(IPv4Address, address) or host.startswith("[") else None
    return f"all://{host}" if host.startswith(("[", "*.")) and "://" not in host else _httpx(host)


def _is(kind: type[IPv4Address | IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _is_pattern(pattern: str, family: Any) -> bool:
    try:
        family.Client(transport=family.BaseTransport(), mounts={pattern: None}, trust_env=False)
    except (ValueError, family.InvalidURL):
        return False
    return True
