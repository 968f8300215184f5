"""Auth that is right on every hop, redirects included: each request is signed once its URL is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from oauthclient.plugin.auth import Auth, follow

if TYPE_CHECKING:
    import httpx

C = TypeVar("C", bound="httpx.Client | httpx.AsyncClient | Any")


def attach(client: C, auth: Auth) -> C:
    """Make `auth` the auth of `client`, and sign redirected hops too; returns `client`.

    A hop inside the resource of the request that the program made gets a proof of its own. Any other goes without token
    and proof, into another resource of ours as well: or one API could aim our token at another (RFC 9700, section 4.9).
    `client` is an httpx or httpx2 Client or AsyncClient; its redirect settings stay as they are.
    """
    client.auth = auth
    hooks = client.event_hooks
    hook = _follow_async if hasattr(client, "aclose") else follow
    if hook not in hooks["request"]:
        client.event_hooks = {**hooks, "request": [*hooks["request"], hook]}
    return client


async def _follow_async(request: Any) -> None:
    follow(request)
