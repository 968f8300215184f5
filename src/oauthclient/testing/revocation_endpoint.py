"""The revocation endpoint of the embedded server (RFC 7009, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oauthclient.testing.endpoint import Endpoint
from oauthclient.testing.http import Response
from oauthclient.testing.parameters import first_values
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from oauthclient.testing.authorization_server import AuthorizationServer
    from oauthclient.testing.clients import Client
    from oauthclient.testing.http import Request


class RevocationEndpoint:
    """Revokes tokens: with a refresh token all of its login, with an access token that alone.

    `access_tokens`: whether it revokes these too, else `unsupported_token_type` (section 2.2.1).
    """

    def __init__(self, server: AuthorizationServer, base: str) -> None:
        self.access_tokens = True
        self.revocation_endpoint = f"{base}/revoke"
        self._server = server

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """The one of it, by name."""
        endpoint = Endpoint(
            self.revocation_endpoint, self._respond, metadata=self._metadata, alias="revocation_endpoint"
        )
        return {"revocation": endpoint}

    def _metadata(self) -> dict[str, Any]:
        """RFC 8414, section 2."""
        return {"revocation_endpoint": self.revocation_endpoint}

    def _respond(self, request: Request) -> Response:
        """An empty 200, for a token that is unknown as well (section 2.2)."""
        server = self._server
        client, parameters = server.authenticated(request)
        proof = server.proof(request)
        token = first_values(parameters).get("token")
        if token is None:
            raise RefusedError("invalid_request", "token is missing (RFC 7009, 2.1).")
        self._revoke(token, client)
        nonce = None if proof is None else server.nonces.after_success(proof.claims.get("nonce"))
        return Response(200).with_header("DPoP-Nonce", nonce)

    def _revoke(self, token: str, client: Client) -> None:
        """Whatever `token_type_hint` says: the search goes over all tokens (section 2.1)."""
        refresh_token = self._server.refresh_tokens.find(token)
        if refresh_token is not None:
            _check_owner(refresh_token.login.client_id, client)
            self._server.refresh_tokens.end(refresh_token.login)
            return
        access_token = next((one for one in self._server.tokens.issued if one.access_token == token), None)
        if access_token is not None:
            _check_owner(access_token.claims["client_id"], client)
            if not self.access_tokens:
                raise RefusedError("unsupported_token_type", "This server does not revoke access tokens.")
            self._server.tokens.revoke(token)


def _check_owner(client_id: str, client: Client) -> None:
    if client_id != client.client_id:
        raise RefusedError("invalid_request", "The token is another client's (RFC 7009, 2.1).")
