"""Pushed authorization requests (RFC 9126, sections 2 to 4)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from oauthclient.testing.authorization_request import AuthorizationRequest
    from oauthclient.testing.authorization_server import AuthorizationServer
    from oauthclient.testing.http import Request, Response

_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
_CREDENTIALS: Final = frozenset({"client_assertion", "client_assertion_type", "client_secret"})


class PushedRequests:
    """Takes authorization requests over the back channel; each `request_uri` is for one use.

    `lifetime`: of a `request_uri`, in seconds. `required`: no others are taken
    (`require_pushed_authorization_requests`).
    """

    def __init__(self, server: AuthorizationServer) -> None:
        self.lifetime = 60
        self.required = False
        self._server = server
        self._waiting: dict[str, tuple[AuthorizationRequest, float]] = {}

    def metadata(self) -> dict[str, Any]:
        """What the metadata says of them (section 5)."""
        return {
            "pushed_authorization_request_endpoint": self._server.pushed_authorization_request_endpoint,
            "require_pushed_authorization_requests": self.required,
        }

    def respond(self, request: Request) -> Response:
        """A `request_uri` for the request in the body; what is wrong with it is told here and now."""
        server = self._server
        client, parameters = server.authenticated(request)
        if "request_uri" in parameters:
            raise RefusedError("invalid_request", "A pushed request holds no request_uri (RFC 9126, 2.1).")
        proof = server.proof(request)
        asked = server.authorization.read(
            {name: values for name, values in parameters.items() if name not in _CREDENTIALS},
            client,
            jkt=None if proof is None else proof.thumbprint,
        )
        request_uri = _PREFIX + secrets.token_urlsafe(24)
        self._waiting[request_uri] = (asked, server.now() + self.lifetime)
        return server.answer({"request_uri": request_uri, "expires_in": self.lifetime}, proof=proof, status=201)

    def take(self, request_uri: str, client_id: str) -> AuthorizationRequest:
        """The request that was pushed, this once; or `invalid_request_uri`."""
        asked, until = self._waiting.get(request_uri, (None, 0.0))
        if asked is None or asked.way_back.client.client_id != client_id:
            raise RefusedError("invalid_request_uri", "The request_uri is unknown, used, or another client's.")
        del self._waiting[request_uri]
        if self._server.now() >= until:
            raise RefusedError("invalid_request_uri", "The request_uri has expired.")
        return asked
