"""The token endpoint of the embedded server (RFC 6749, section 3.2; RFC 9449, section 5; RFC 8705, 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oauthclient.testing.details import narrowed
from oauthclient.testing.grants import GrantRequest
from oauthclient.testing.parameters import first_values
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.testing.authorization_server import AuthorizationServer
    from oauthclient.testing.clients import Client
    from oauthclient.testing.grants import GrantHandler
    from oauthclient.testing.http import Request, Response
    from oauthclient.testing.logins import Login
    from oauthclient.testing.targets import Target


class TokenEndpoint:
    """Answers token requests, by the grant handlers of the server."""

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server

    def respond(self, request: Request) -> Response:
        """A token, or RefusedError."""
        server = self._server
        client, parameters = server.authenticated(request)
        form = first_values(parameters)
        handler = self._handler(form, client)
        proof = server.proof(request, demanded=server.dpop == "required" or client.dpop_bound_access_tokens)
        jkt = None if proof is None else proof.thumbprint
        x5t_s256 = server.bound_certificate(request, client)
        now = server.now()
        grant = handler(GrantRequest(client, form, jkt, now, x5t_s256))
        if grant.login is None:
            target = server.targets.select(parameters, client, grant.scope)
            details = None
        else:
            target = server.targets.narrow(parameters, grant.login.target, grant.scope)
            details = narrowed(form.get("authorization_details"), grant.login.authorization_details)
        claims: dict[str, Any] = {
            **grant.claims,
            "sub": grant.subject,
            "client_id": client.client_id,
            "aud": target.audience[0] if len(target.audience) == 1 else list(target.audience),
            "iat": int(now),
            "exp": int(now) + server.lifetime,
        }
        scope = " ".join(sorted(target.scope))
        if scope:
            claims["scope"] = scope
        confirmation = {"jkt": jkt, "x5t#S256": x5t_s256}
        if any(confirmation.values()):
            claims["cnf"] = {name: value for name, value in confirmation.items() if value is not None}
        if details is not None:
            claims["authorization_details"] = details
        token = server.tokens.issue(claims)
        document: dict[str, Any] = {
            "access_token": token.access_token,
            "token_type": "Bearer" if jkt is None else "DPoP",
            "expires_in": server.lifetime,
        }
        if scope and (grant.login is not None or _differs(form, target)):
            document["scope"] = scope
        if details is not None:
            document["authorization_details"] = details
        if grant.login is not None:
            if client.method == "none":
                # RFC 9449, section 5; RFC 8705, section 4: nothing else says who may use its refresh tokens.
                grant.login.jkt, grant.login.x5t_s256 = jkt, x5t_s256
            document |= self._of_login(grant.login, client, token.access_token, now)
        return server.answer(document, proof=proof)

    def _handler(self, form: Mapping[str, str], client: Client) -> GrantHandler:
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise RefusedError("invalid_request", "grant_type is missing.")
        if grant_type not in self._server.grants:
            raise RefusedError("unsupported_grant_type", "This server does not know the grant type.")
        if not client.may_use(grant_type):
            raise RefusedError("unauthorized_client", "The client is not registered for this grant type.")
        return self._server.grants[grant_type]

    def _of_login(self, login: Login, client: Client, access_token: str, now: float) -> dict[str, str]:
        """The refresh token and the ID token that go with an access token, as far as they are due."""
        members = {}
        login.access_tokens.append(access_token)
        if login.offline and (login.tokens == 0 or self._server.refresh_tokens.rotation == "rotate"):
            members["refresh_token"] = self._server.refresh_tokens.issue(login, now)
        id_token = self._server.id_tokens.issue(login, client, access_token=access_token, now=now)
        if id_token is not None:
            members["id_token"] = id_token
        login.tokens += 1
        return members


def _differs(form: Mapping[str, str], target: Target) -> bool:
    """Whether the answer must tell the scope (RFC 6749, section 5.1)."""
    return frozenset(form.get("scope", "").split()) != target.scope
