"""Where the browser is sent with the answer (RFC 8252, sections 7.3 and 8.10; RFC 9700, section 2.1)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final, final

from oauthclient.errors import ConfigurationError
from oauthclient.protocol.text import shown

_HASH: Final = 11  # characters, of six bits each
_HOSTS: Final = {"127.0.0.1": ("127.0.0.1",), "[::1]": ("::1",), "localhost": ("127.0.0.1", "::1")}
_PATH: Final = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*+")
_HIGHEST_PORT: Final = 65535
_HTTP: Final = 80


def redirect_path(issuer: str) -> str:
    """The redirect path of `issuer`: constant, and no other issuer's (RFC 9700, section 4.4.2.2: mix-up)."""
    return "/callback/" + urlsafe_b64encode(sha256(issuer.encode()).digest()).decode()[:_HASH]


@final
class RedirectTarget:
    """A redirect URI on the loopback interface whose port is known only once it is listened to.

    `path`: usually `redirect_path(issuer)`. `host`: 127.0.0.1, [::1], or localhost for a server that knows only that
    (RFC 8252, section 8.3, advises against it). `port`: a fixed one, or 0 for any that is free.

    Raises ConfigurationError (`invalid_redirect_target`).
    """

    __slots__ = ("host", "path", "port")

    def __init__(self, path: str, *, host: str = "127.0.0.1", port: int = 0) -> None:
        host = "[::1]" if host == "::1" else host.lower()
        if host not in _HOSTS:
            raise _invalid(f"the host {shown(host)} is not 127.0.0.1, [::1] or localhost")
        if not 0 <= port <= _HIGHEST_PORT:
            raise _invalid(f"{port} is not a port")
        if not _PATH.fullmatch(path):
            raise _invalid("its path must begin with a slash and be of plain characters")
        self.host: Final = host
        self.port: Final = port
        self.path: Final = path

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses to listen on: both for localhost, since a browser may try either first."""
        return _HOSTS[self.host]

    def uri(self, port: int) -> str:
        """The `redirect_uri` while `port` is listened to; with 0, the one to register, which names no port."""
        return f"http://{self.host}:{port}{self.path}" if port else f"http://{self.host}{self.path}"

    def authorities(self, port: int) -> frozenset[str]:
        """What a browser that goes to `uri(port)` sends as `Host` (RFC 9110, section 7.2)."""
        named = f"{self.host}:{port}"
        return frozenset((named, self.host)) if port == _HTTP else frozenset((named,))

    def registered(self) -> tuple[str, ...]:
        """The `redirect_uris` to register (RFC 7591, section 2): with neither port nor choice of address, both of them.

        A server must accept any port at these (RFC 8252, section 7.3).
        """
        hosts = ("localhost",) if self.host == "localhost" else ("127.0.0.1", "[::1]")
        return tuple(RedirectTarget(self.path, host=host).uri(self.port) for host in hosts)


def _invalid(why: str) -> ConfigurationError:
    return ConfigurationError(f"This cannot be a redirect URI: {why}.", code="invalid_redirect_target")
