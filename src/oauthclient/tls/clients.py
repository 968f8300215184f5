"""HTTP clients that present a client certificate, with all their other settings kept (RFC 8705, section 3)."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

from oauthclient.errors import ConfigurationError
from oauthclient.protocol.text import shown
from oauthclient.tls.contexts import context, trust
from oauthclient.tls.proxies import environment_proxies
from oauthclient.tls.transport import Pools, transport_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.protocol.presented import Presented

C = TypeVar("C")

_OF_CONNECTIONS: Final[tuple[str, ...]] = ("http1", "http2", "limits")  # a client's, which its transports get too
_OF_TRANSPORTS: Final[tuple[str, ...]] = ("retries", "uds", "local_address", "socket_options")


def client(certificate: Presented, kind: type[C], settings: Mapping[str, Any]) -> C:
    """See `ClientCertificate.client`."""
    family, asynchronous = _family_of(kind)
    rest = dict(settings)
    for name in ("cert", "transport"):
        if rest.pop(name, None) is not None:
            raise ConfigurationError(
                f"{name}= would take the place of the client certificate.",
                code="certificate_replaced",
                hint="Leave it out; proxy=, mounts=, http2=, limits= and retries= are kept.",
            )
    trust_env = bool(rest.get("trust_env", True))
    trusted = trust(rest.pop("verify", None), family, trust_env=trust_env)
    http2 = bool(rest.get("http2", False))
    of_each = {name: rest[name] for name in _OF_CONNECTIONS if name in rest}
    of_each |= {name: rest.pop(name) for name in _OF_TRANSPORTS if name in rest}
    make: Any = family.AsyncHTTPTransport if asynchronous else family.HTTPTransport

    def through(proxy: Any) -> Any:
        pools = Pools(
            certificate,
            lambda generation: context(generation, trusted, http2=http2),
            # The environment's CA settings are none of a transport that has its context.
            functools.partial(_transport, make, {**of_each, "proxy": proxy, "trust_env": False}),
        )
        return transport_class(family, asynchronous=asynchronous)(pools)

    proxy = rest.pop("proxy", None)
    proxies = {"all://": proxy} if proxy is not None else environment_proxies(family) if trust_env else {}
    mounts = {pattern: None if url is None else through(url) for pattern, url in proxies.items()}
    mounts |= rest.pop("mounts", None) or {}
    make_client: Any = kind
    made: C = make_client(transport=through(None), mounts=mounts, **rest)
    return made


def _transport(make: Any, settings: dict[str, Any], verify: Any) -> Any:
    return make(verify=verify, **settings)


def _family_of(kind: type) -> tuple[Any, bool]:
    for name in ("httpx", "httpx2"):
        family: Any = sys.modules.get(name)
        if family is not None and isinstance(kind, type):
            if issubclass(kind, family.Client):
                return family, False
            if issubclass(kind, family.AsyncClient):
                return family, True
    raise ConfigurationError(
        f"{shown(getattr(kind, '__name__', kind))} is no class of HTTP clients.",
        code="unusable_client",
        hint="Give httpx.Client, httpx.AsyncClient, httpx2.Client, httpx2.AsyncClient or a subclass of one.",
    )
