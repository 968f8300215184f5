"""Auth that is right on every hop, redirects included: each request is signed once its URL is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from oauthclient.errors import ConfigurationError
from oauthclient.plugin.auth import Auth, follow, learn
from oauthclient.plugin.families import presents_none

if TYPE_CHECKING:
    import httpx

C = TypeVar("C", bound="httpx.Client | httpx.AsyncClient | Any")


def attach(client: C, auth: Auth, *, presents_certificate: bool = False) -> C:
    """Make `auth` the auth of `client`, and sign redirected hops too; returns `client`.

    A hop inside the resource of the request that the program made gets a proof of its own. Any other goes without token
    and proof, into another resource of ours as well: or one API could aim our token at another (RFC 9700, section 4.9).
    `client` is an httpx or httpx2 Client or AsyncClient; its redirect settings stay as they are. Nonces are learned
    before the program's own response hooks run, which may raise.

    Raises ConfigurationError (`certificate_not_presented`) where tokens are bound to a client certificate (RFC 8705)
    and `client` goes there by its library's own transport, which presents none; unless `presents_certificate` says that
    its SSLContext was made with one.
    """
    if not presents_certificate and any(presents_none(client, url) for url in auth.certified):
        raise ConfigurationError(
            f"Tokens are bound to a client certificate, and this {type(client).__name__} presents none.",
            code="certificate_not_presented",
            hint="Make it with certificate.client(httpx.Client, ...), which keeps all other settings; or say "
            "attach(..., presents_certificate=True) if its own SSLContext presents the certificate.",
        )
    client.auth = auth
    hooks = client.event_hooks
    before, after = (_follow_async, _learn_async) if hasattr(client, "aclose") else (follow, learn)
    if before not in hooks["request"]:
        # The other one comes first: a hook of the program's that raises for a 401 would keep the nonce in it from us.
        client.event_hooks = {
            "request": [*hooks["request"], before],
            "response": [after, *hooks["response"]],
        }
    return client


async def _follow_async(request: Any) -> None:
    follow(request)


async def _learn_async(response: Any) -> None:
    learn(response)
