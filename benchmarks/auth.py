"""The auth object that is measured: a token in the cache, from the embedded server, asked for before the clock runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient import OAuthClient, PrivateKeyJWT, Resource, SigningKey
from oauthclient.testing import AuthorizationServer, Network, ProtectedAPI

if TYPE_CHECKING:
    from oauthclient import Auth, Bearer, DPoP, MutualTLS

_ISSUER = "https://as.example.com"


def auth_with_token(url: str, binding: DPoP | Bearer | MutualTLS) -> Auth:
    """An auth object for the API at `url` that holds its token."""
    key = SigningKey.generate("ES256")
    server = AuthorizationServer(_ISSUER)
    server.lifetime = 24 * 3600
    server.mtls = binding.certificate is not None
    server.register("bench", key=key, tls_client_certificate_bound_access_tokens=server.mtls)
    network = Network(server, ProtectedAPI(server, url, scope="read"))
    client = OAuthClient(
        _ISSUER,
        client_id="bench",
        authentication=PrivateKeyJWT(key),
        binding=binding,
        transport=network.transport(binding.certificate),
    )
    auth = client.client_credentials(Resource(url, scope="read"))
    auth.token(url)
    return auth
