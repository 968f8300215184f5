"""An authorization server in the process, strict about what it is sent (RFC 6749, RFC 8414, RFC 9449)."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

from oauthclient.errors import ConfigurationError
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.urls import origin, without_query
from oauthclient.secret import Secret
from oauthclient.testing.client_authentication import ClientAuthentication
from oauthclient.testing.clients import CLIENT_CREDENTIALS, JWT_BEARER, Client, key_set, scope_set
from oauthclient.testing.grants import GrantHandler, GrantRequest, JWTBearer, client_credentials
from oauthclient.testing.host import Host, prefix_length
from oauthclient.testing.http import Response, json_response
from oauthclient.testing.nonces import Nonces
from oauthclient.testing.proofs import ProofChecker
from oauthclient.testing.refusal import RefusedError
from oauthclient.testing.targets import Target, Targets
from oauthclient.testing.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from oauthclient.jose.jwt import VerifiedProof
    from oauthclient.jose.signers import Signer
    from oauthclient.testing.clients import Method
    from oauthclient.testing.http import Request

_NO_STORE = (("Cache-Control", "no-store"),)
_REPEATABLE = frozenset({"resource", "audience"})  # RFC 8707, section 2; RFC 8693, section 2.1


class AuthorizationServer(Host):
    """An authorization server.

    It verifies client assertions, proofs, nonces, targets and scopes, and refuses what is used twice. Its
    endpoints for `instead` and `amend`: `"metadata"`, `"jwks"`, `"token"` (the default) and `"unknown"`.

    Settings, to be changed at any time: `dpop`: `"offered"`, `"required"` (RFC 9449, section 5), or
    `"absent"`: neither in the metadata nor understood. `nonces`, `proofs`: what is demanded of DPoP proofs.
    `targets`: the resources and how they are named. `tokens`: their format. `lifetime`: of access tokens, in
    seconds. `authentication`: the audiences and algorithms of client assertions. `jwt_bearer`: who may assert
    a subject. `grants`: the handler of each grant type. `metadata_at`: where the metadata is found:
    `"rfc8414"`, `"oidc"` (appended) and `"oidc inserted"`. `metadata`: members that are added to the
    document, or removed from it (None).
    """

    main_endpoint: ClassVar[str] = "token"

    def __init__(self, issuer: str = "https://as.example.com", *, now: Callable[[], float] = time.time) -> None:
        super().__init__(now=now)
        base = issuer.rstrip("/")
        self.issuer = issuer
        self.token_endpoint = f"{base}/token"
        self.jwks_uri = f"{base}/jwks"
        self.clients: dict[str, Client] = {}
        self.dpop: Literal["offered", "required", "absent"] = "offered"
        self.nonces = Nonces()
        self.proofs = ProofChecker(now=now, nonces=self.nonces)
        self.targets = Targets()
        self.tokens = Tokens(issuer, SigningKey.generate("ES256", kid="as-1"))
        self.lifetime = 300
        self.authentication = ClientAuthentication(self.clients, {issuer})
        self.jwt_bearer = JWTBearer({issuer, self.token_endpoint})
        self.grants: dict[str, GrantHandler] = {
            CLIENT_CREDENTIALS: client_credentials,
            JWT_BEARER: self.jwt_bearer,
        }
        self.metadata_at = {"rfc8414", "oidc"}
        self.metadata: dict[str, Any] = {}
        self._api_nonces: dict[str, Nonces] = {}

    def register(
        self,
        client_id: str,
        *,
        key: Signer | KeySet | Mapping[str, Any] | None = None,
        secret: str | Secret | None = None,
        method: Method | None = None,
        scope: str | Iterable[str] | None = None,
        grant_types: Iterable[str] | None = None,
    ) -> Client:
        """Register a client, or replace it.

        `key`: its signing key, a public JWK or a JWK set, for `private_key_jwt`. `secret`: for
        `client_secret_basic`, or another `method`. With neither it is a public client (`none`). `scope`: what
        it may have at most, None for everything. `grant_types`: what it may use, None for everything. Raises
        ConfigurationError if these do not fit.
        """
        method = method or (
            "private_key_jwt" if key is not None else "none" if secret is None else "client_secret_basic"
        )
        if (method == "private_key_jwt") != (key is not None) or method.startswith("client_secret") != (
            secret is not None
        ):
            raise ConfigurationError(f"{method} does not go with the credentials that were given.", code="credentials")
        client = Client(
            client_id,
            method,
            keys=KeySet(()) if key is None else key_set(key),
            secret=None if secret is None else Secret(secret),
            scope=None if scope is None else scope_set(scope),
            grant_types=None if grant_types is None else frozenset(grant_types),
        )
        self.clients[client_id] = client
        return client

    def trust(self, issuer: str, keys: Signer | KeySet | Mapping[str, Any]) -> None:
        """Accept assertions of this issuer, signed with these keys, as a grant (RFC 7523, section 2.1)."""
        self.jwt_bearer.trusted[issuer] = key_set(keys)

    def api_nonces(self, url: str) -> Nonces:
        """The nonces of all APIs at a URL's origin: clients keep them by origin (RFC 9449, section 9)."""
        return self._api_nonces.setdefault(origin(url), Nonces())

    def metadata_document(self) -> dict[str, Any]:
        """The metadata (RFC 8414, section 2)."""
        document: dict[str, Any] = {
            "issuer": self.issuer,
            "token_endpoint": self.token_endpoint,
            "jwks_uri": self.jwks_uri,
            "response_types_supported": [],
            "grant_types_supported": list(self.grants),
            "scopes_supported": sorted(frozenset[str]().union(*self.targets.scopes.values())),
            "token_endpoint_auth_methods_supported": [
                "private_key_jwt",
                "client_secret_jwt",
                "client_secret_basic",
                "client_secret_post",
                "none",
            ],
            "token_endpoint_auth_signing_alg_values_supported": list(self.authentication.algorithms),
            "protected_resources": list(self.targets.scopes),
        }
        if self.dpop != "absent":
            document["dpop_signing_alg_values_supported"] = list(self.proofs.algorithms)
        return {name: value for name, value in (document | self.metadata).items() if value is not None}

    def claim(self, url: str) -> int:
        """As `Host.claim`: its endpoints, and what lies under the issuer."""
        known = self._endpoint_at(without_query(url))
        # So that an issuer without a path owns what no other host of its origin does.
        return len(url) if known else prefix_length(self.issuer.rstrip("/"), url)

    def endpoint(self, request: Request) -> str:
        """As `Host.endpoint`."""
        return self._endpoint_at(without_query(request.url)) or "unknown"

    def respond(self, request: Request) -> Response:
        """Answer at one of the endpoints."""
        endpoint = self.endpoint(request)
        if endpoint == "token":
            return self._token(request)
        if endpoint == "unknown":
            return Response(404)
        if request.method != "GET":
            return Response(405, (("Allow", "GET"),))
        return json_response(200, self.metadata_document() if endpoint == "metadata" else self.tokens.jwks)

    def refuse(self, request: Request, refused: RefusedError) -> Response:
        """An error answer of the token endpoint (RFC 6749, section 5.2)."""
        document = {"error": refused.error, "error_description": refused.description}
        response = json_response(refused.status or 400, document, _NO_STORE)
        if refused.error == "use_dpop_nonce":
            response = response.with_header("DPoP-Nonce", self.nonces.current)
        if refused.status == HTTPStatus.UNAUTHORIZED and request.header("Authorization") is not None:
            response = response.with_header("WWW-Authenticate", 'Basic realm="token"')
        return response

    def _endpoint_at(self, url: str) -> str | None:
        parts = urlsplit(self.issuer)
        path = parts.path.rstrip("/")
        root = f"{parts.scheme}://{parts.netloc}"
        candidates = {
            "rfc8414": f"{root}/.well-known/oauth-authorization-server{path}",
            "oidc inserted": f"{root}/.well-known/openid-configuration{path}",
            "oidc": f"{root}{path}/.well-known/openid-configuration",
        }
        if url in {candidates[place] for place in self.metadata_at}:
            return "metadata"
        return {self.token_endpoint: "token", self.jwks_uri: "jwks"}.get(url)

    def _token(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(405, (("Allow", "POST"),))
        parameters = _parameters(request)
        form = {name: values[0] for name, values in parameters.items()}
        now = self.now()
        client = self.authentication.authenticate(request, form, now)
        handler = self._grant_handler(form, client)
        proof = self._proof(request, client)
        jkt = None if proof is None else proof.thumbprint
        grant = handler(GrantRequest(client, form, jkt, now))
        target = self.targets.select(parameters, client, grant.scope)
        claims: dict[str, Any] = {
            **grant.claims,
            "sub": grant.subject,
            "client_id": client.client_id,
            "aud": target.audience[0] if len(target.audience) == 1 else list(target.audience),
            "iat": int(now),
            "exp": int(now) + self.lifetime,
        }
        scope = " ".join(sorted(target.scope))
        if scope:
            claims["scope"] = scope
        if jkt is not None:
            claims["cnf"] = {"jkt": jkt}
        token = self.tokens.issue(claims)
        document: dict[str, Any] = {
            "access_token": token.access_token,
            "token_type": "Bearer" if jkt is None else "DPoP",
            "expires_in": self.lifetime,
        }
        if scope and _scope_differs(form, target):
            document["scope"] = scope
        response = json_response(200, document, _NO_STORE)
        nonce = None if proof is None else self.nonces.after_success(proof.claims.get("nonce"))
        return response if nonce is None else response.with_header("DPoP-Nonce", nonce)

    def _grant_handler(self, form: Mapping[str, str], client: Client) -> GrantHandler:
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise RefusedError("invalid_request", "grant_type is missing.")
        if grant_type not in self.grants:
            raise RefusedError("unsupported_grant_type", "This server does not know the grant type.")
        if client.grant_types is not None and grant_type not in client.grant_types:
            raise RefusedError("unauthorized_client", "The client is not registered for this grant type.")
        return self.grants[grant_type]

    def _proof(self, request: Request, client: Client) -> VerifiedProof | None:
        if self.dpop == "absent":
            return None
        if not request.values("DPoP"):
            if self.dpop == "required" or client.dpop_bound_access_tokens:
                raise RefusedError("invalid_dpop_proof", "A DPoP proof is required (RFC 9449, 5).")
            return None
        return self.proofs.check(request, access_token=None)


def _scope_differs(form: Mapping[str, str], target: Target) -> bool:
    """Whether the answer must tell the scope (RFC 6749, section 5.1)."""
    return frozenset(form.get("scope", "").split()) != target.scope


def _parameters(request: Request) -> dict[str, list[str]]:
    """The parameters of a token request, each once (RFC 6749, section 3.2), without those that are empty."""
    media_type = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise RefusedError("invalid_request", "The body is no form.")
    if urlsplit(request.url).query:
        raise RefusedError("invalid_request", "Parameters belong into the body (RFC 6749, 2.3.1).")
    try:
        pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise RefusedError("invalid_request", "The form is malformed.") from None
    parameters: dict[str, list[str]] = {}
    for name, value in pairs:
        if value:
            parameters.setdefault(name, []).append(value)
    for name, values in parameters.items():
        if len(values) > 1 and name not in _REPEATABLE:
            raise RefusedError("invalid_request", f"{name} stands there more than once (RFC 6749, 3.2).")
    return parameters
