"""Typed use of what a service writes down: the client, its settings, its grants, its results."""

from collections.abc import Iterable
from typing import assert_type

import httpx

from oauthclient import (
    Auth,
    Bearer,
    ClientAuthentication,
    ClientSecretBasic,
    ClientSecretJWT,
    ClientSecretPost,
    Credentials,
    DPoP,
    ErrorResponse,
    Grant,
    IssuedAssertion,
    MemoryStore,
    OAuthClient,
    OAuthError,
    Occasion,
    PrivateKeyJWT,
    PublicClient,
    Resource,
    Secret,
    SelfIssuedAssertion,
    ServerMetadata,
    SigningKey,
    Token,
)

key = SigningKey.from_pem(b"...", passphrase="...")
assert_type(key, SigningKey)
assert_type(SigningKey.generate("Ed25519", kid="one"), SigningKey)
assert_type(SigningKey.from_jwk({"kty": "EC"}), SigningKey)

ways: list[ClientAuthentication] = [
    PrivateKeyJWT(key, audience="https://as.example.com/token", typ="JWT"),
    ClientSecretBasic("secret"),
    ClientSecretPost(Secret("secret")),
    ClientSecretJWT("secret", algorithm="HS512"),
    PublicClient(),
]
oauth = OAuthClient(
    "https://as.example.com",
    client_id="stock-sync",
    authentication=ways[0],
    binding=DPoP(key, htu={"https://a": "https://b"}),
    target="audience",
    parameters={"tenant": "acme"},
    verify="ca.pem",
    timeout=5,
    store=MemoryStore(),
)
OAuthClient(None, client_id="x", authentication=ways[1], binding=Bearer(), metadata={"token_endpoint": "https://as"})

orders = Resource("https://api.example.com/orders", scope=["read", "write"], also="https://mirror.example.com")
auth = oauth.client_credentials(orders, Resource("https://api.example.com/stock"), outside="anonymous")
assert_type(auth, Auth)
assert_type(auth | oauth.client_credentials(orders), Auth)


class Passkey(Grant):
    """A grant of the program's own."""

    grant_type = "urn:example:passkey"

    def parameters(self, occasion: Occasion) -> Iterable[tuple[str, str | Secret]]:
        """What it adds to a token request."""
        return [("passkey", Secret(occasion.jti))]


class APIKey(ClientAuthentication):
    """An authentication of the program's own."""

    method = "client_secret_post"

    def credentials(self, occasion: Occasion) -> Credentials:
        """What one request carries."""
        return Credentials(form=(("client_id", occasion.client_id), ("client_secret", Secret("..."))))


grants: list[Grant] = [
    SelfIssuedAssertion("alice", key=key, claims={"role": "clerk"}),
    IssuedAssertion(lambda: "eyJ..."),
    Passkey(),
]
assert_type(oauth.grant(grants[0], orders), Auth)

token = auth.token("https://api.example.com/orders/17")
assert_type(token, Token)
assert_type(token.scope, str | None)
assert_type(token.expires_at, float | None)
assert_type(token.access_token, str)
assert_type(oauth.discover(), ServerMetadata)


async def main() -> None:
    """The same without blocking."""
    assert_type(await auth.token_async("https://api.example.com/orders/17"), Token)
    assert_type(await oauth.discover_async(), ServerMetadata)


try:
    with oauth, httpx.Client(auth=auth) as api:
        api.get("https://api.example.com/orders/17")
except ErrorResponse as refusal:
    assert_type(refusal.code, str)
    assert_type(refusal.status, int)
    assert_type(refusal.retry_after, float | None)
except OAuthError as error:
    assert_type((error.code, error.hint), tuple[str, str])
