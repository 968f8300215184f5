"""The UserInfo endpoint of the embedded server (OpenID Connect Core 1.0, section 5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oauthclient.jose import jwt
from oauthclient.jose.algorithms import SIGNING
from oauthclient.jose.kinds import USERINFO
from oauthclient.testing.admission import admit, challenge, with_nonce
from oauthclient.testing.endpoint import Endpoint
from oauthclient.testing.http import Response, json_response
from oauthclient.testing.proofs import ProofChecker
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from oauthclient.testing.authorization_server import AuthorizationServer
    from oauthclient.testing.http import Request
    from oauthclient.testing.nonces import Nonces


class UserInfoEndpoint:
    """Tells what is known about the person, to whoever presents a token for the server itself with the scope `openid`.

    `claims`: what is known, by subject. `accepts_bearer`: whether a token that is bound to nothing is let in. `nonces`,
    `proofs`: what is demanded of proofs, apart from those at the other endpoints (RFC 9449, section 8).
    The answer is signed for a client with a `userinfo_signed_response_alg`.
    """

    def __init__(self, server: AuthorizationServer, base: str) -> None:
        self.claims: dict[str, dict[str, Any]] = {}
        self.accepts_bearer = True
        self.userinfo_endpoint = f"{base}/userinfo"
        self.nonces: Nonces = server.api_nonces(self.userinfo_endpoint)
        self.proofs = ProofChecker(now=server.now, nonces=self.nonces)
        self._server = server

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """The one of it, by name."""
        endpoint = Endpoint(
            self.userinfo_endpoint,
            self._respond,
            ("GET", "POST"),
            self._metadata,
            self._refuse,
            alias="userinfo_endpoint",
        )
        return {"userinfo": endpoint}

    def _metadata(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, section 3."""
        return {
            "userinfo_endpoint": self.userinfo_endpoint,
            "userinfo_signing_alg_values_supported": list(SIGNING),
        }

    def _respond(self, request: Request) -> Response:
        """The claims (section 5.3.2), as JSON or signed."""
        server = self._server
        token, nonce = admit(
            request,
            tokens=server.tokens,
            audience=server.targets.own,
            now=server.now(),
            proofs=self.proofs,
            accepts_bearer=self.accepts_bearer,
        )
        if "openid" not in token.scope:
            raise RefusedError("insufficient_scope", "The access token lacks openid.")
        subject, client_id = str(token.claims["sub"]), str(token.claims["client_id"])
        claims = {"sub": subject, **self.claims.get(subject, {})}
        algorithm = server.clients[client_id].userinfo_signed_response_alg
        if algorithm is None:
            return with_nonce(json_response(200, claims), nonce)
        signed = jwt.issue(USERINFO, server.keys.signing(algorithm), {"iss": server.issuer, "aud": client_id, **claims})
        return with_nonce(Response(200, (("Content-Type", "application/jwt"),), signed.encode()), nonce)

    def _refuse(self, request: Request, refused: RefusedError) -> Response:
        """Section 5.3.3."""
        return challenge(
            request,
            refused,
            dpop=self._server.dpop != "absent",
            proofs=self.proofs,
            accepts_bearer=self.accepts_bearer,
            scope="openid",
        )
