"""An authorization server in the process, strict about what it is sent (RFC 6749, RFC 8414, RFC 9449, RFC 8705)."""

from __future__ import annotations

import time
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack
from urllib.parse import urlsplit

from oauthclient.errors import ConfigurationError
from oauthclient.jose.algorithms import SIGNING
from oauthclient.jose.jwks import KeySet
from oauthclient.protocol.urls import origin, without_query
from oauthclient.secret import Secret
from oauthclient.testing.authorization_endpoint import AuthorizationEndpoint
from oauthclient.testing.certificate_authentication import (
    CERTIFICATE_METHODS,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH,
    CertificateSubject,
    check_subject,
)
from oauthclient.testing.certificate_binding import CertificateBinding, bound_to
from oauthclient.testing.client_authentication import ClientAuthentication
from oauthclient.testing.clients import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    JWT_BEARER,
    REFRESH_TOKEN,
    Client,
    certificates_of,
    default_method,
    key_set,
    scope_set,
)
from oauthclient.testing.codes import AuthorizationCodes
from oauthclient.testing.device_codes import DEVICE_CODE, DeviceCodes
from oauthclient.testing.device_endpoint import DeviceEndpoint
from oauthclient.testing.endpoint import Endpoint
from oauthclient.testing.grants import GrantHandler, JWTBearer, client_credentials
from oauthclient.testing.host import Host, moved, prefix_length
from oauthclient.testing.http import Response, json_response
from oauthclient.testing.id_tokens import IDTokens
from oauthclient.testing.nonces import Nonces
from oauthclient.testing.parameters import first_values, form_parameters
from oauthclient.testing.person import Person
from oauthclient.testing.proofs import ProofChecker
from oauthclient.testing.pushed_requests import PushedRequests
from oauthclient.testing.refresh_tokens import RefreshTokens
from oauthclient.testing.refusal import RefusedError
from oauthclient.testing.registration import RegistrationEndpoint
from oauthclient.testing.revocation_endpoint import RevocationEndpoint
from oauthclient.testing.server_keys import ServerKeys
from oauthclient.testing.targets import IDENTITY, Targets
from oauthclient.testing.token_endpoint import TokenEndpoint
from oauthclient.testing.tokens import Tokens
from oauthclient.testing.userinfo_endpoint import UserInfoEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from oauthclient.jose.certificate import Certificate
    from oauthclient.jose.jwt import VerifiedProof
    from oauthclient.jose.signers import Signer
    from oauthclient.testing.clients import Method
    from oauthclient.testing.http import Request
    from oauthclient.testing.parameters import Parameters

_NO_STORE = (("Cache-Control", "no-store"),)


class AuthorizationServer(Host):
    """An authorization server.

    It verifies client assertions, request objects, proofs, nonces, targets and scopes, and refuses what is used twice.
    Its endpoints for `instead` and `amend` are the names in `endpoints`, `"token"` being the default, and `"metadata"`
    and `"unknown"`.

    Settings, to be changed at any time: `dpop`: `"offered"`, `"required"` (RFC 9449, section 5), or `"absent"`: neither
    in the metadata nor understood. `nonces`, `proofs`: what is demanded of DPoP proofs. `targets`: the resources and
    how they are named. `keys`: what it signs with. `tokens`: their format. `lifetime`: of access tokens, in seconds.
    `authentication`: the audiences and algorithms of client assertions. `jwt_bearer`: who may assert a subject.
    `person`: who logs in. `authorization`, `pushed_requests`: what is demanded of authorization requests. `codes`,
    `refresh_tokens`, `id_tokens`: what comes of a login. `device`, `revocation`, `userinfo`: logins by way of another
    device, what is revoked, what is known about a person. `registration`: how clients register themselves. `grants`:
    the handler of each grant type.

    `mtls`: whether it asks for certificates; without it, it sees none. `mtls_base`: a URL such as
    "https://mtls.as.example.com" under which the endpoints that clients call directly have aliases (RFC 8705, section
    5); then these ask for certificates, and the others do not, whatever `mtls` says. `certificate_binding`: what it
    does for clients that registered for certificate-bound tokens: `"required"` refuses those that present none, `"if
    presented"` gives them an unbound token (section 3.4), `"never"` promises to bind and does not, `"absent"` neither
    promises nor binds.

    `metadata_at`: where the metadata is found: `"rfc8414"`, `"oidc"` (appended) and
    `"oidc inserted"`. `metadata`: members that are added to the document, or removed from it (None).
    """

    main_endpoint: ClassVar[str] = "token"

    def __init__(self, issuer: str = "https://as.example.com", *, now: Callable[[], float] = time.time) -> None:
        super().__init__(now=now)
        self._base = base = issuer.rstrip("/")
        self.issuer = issuer
        self.token_endpoint = f"{base}/token"
        self.authorization_endpoint = f"{base}/authorize"
        self.pushed_authorization_request_endpoint = f"{base}/par"
        self.jwks_uri = f"{base}/jwks"
        self.clients: dict[str, Client] = {}
        self.dpop: Literal["offered", "required", "absent"] = "offered"
        self.mtls = False
        self.mtls_base: str | None = None
        self.certificate_binding: CertificateBinding = "required"
        self.nonces = Nonces()
        self.proofs = ProofChecker(now=now, nonces=self.nonces)
        self.targets = Targets(issuer)
        self.keys = ServerKeys()
        self.tokens = Tokens(issuer, self.keys)
        self.lifetime = 300
        self.authentication = ClientAuthentication(self.clients, {issuer})
        self.jwt_bearer = JWTBearer({issuer, self.token_endpoint})
        self.person = Person(self)
        self.authorization = AuthorizationEndpoint(self)
        self.pushed_requests = PushedRequests(self)
        self.refresh_tokens = RefreshTokens(self.tokens)
        self.codes = AuthorizationCodes(self.refresh_tokens)
        self.id_tokens = IDTokens(issuer, self.keys)
        self._api_nonces: dict[str, Nonces] = {}
        self.device = DeviceEndpoint(self, DeviceCodes(self.refresh_tokens), base)
        self.revocation = RevocationEndpoint(self, base)
        self.userinfo = UserInfoEndpoint(self, base)
        self.registration = RegistrationEndpoint(self, base)
        self.grants: dict[str, GrantHandler] = {
            CLIENT_CREDENTIALS: client_credentials,
            JWT_BEARER: self.jwt_bearer,
            AUTHORIZATION_CODE: self.codes,
            REFRESH_TOKEN: self.refresh_tokens,
            DEVICE_CODE: self.device.codes,
        }
        self.endpoints: dict[str, Endpoint] = {
            "token": Endpoint(self.token_endpoint, TokenEndpoint(self).respond, alias="token_endpoint"),
            "jwks": Endpoint(self.jwks_uri, lambda _request: json_response(200, self.keys.jwks), ("GET",)),
            "authorization": Endpoint(
                self.authorization_endpoint,
                self.authorization.respond,
                ("GET", "POST"),
                self.authorization.metadata,
                self.authorization.refuse,
            ),
            "par": Endpoint(
                self.pushed_authorization_request_endpoint,
                self.pushed_requests.respond,
                metadata=self.pushed_requests.metadata,
                alias="pushed_authorization_request_endpoint",
            ),
            **self.device.endpoints,
            **self.revocation.endpoints,
            **self.userinfo.endpoints,
            **self.registration.endpoints,
        }
        self.metadata_at = {"rfc8414", "oidc"}
        self.metadata: dict[str, Any] = {}

    def register(
        self,
        client_id: str,
        *,
        key: Signer | KeySet | Certificate | Mapping[str, Any] | None = None,
        secret: str | Secret | None = None,
        method: Method | None = None,
        scope: str | Iterable[str] | None = None,
        grant_types: Iterable[str] | None = None,
        redirect_uris: Iterable[str] = (),
        tls_client_certificate_bound_access_tokens: bool = False,
        **subject: Unpack[CertificateSubject],
    ) -> Client:
        """Register a client, or replace it.

        `key`: its signing key, a public JWK or a JWK set, for `private_key_jwt`, and for request objects whatever the
        method; or a certificate, or JWKs with an `x5c`, for `self_signed_tls_client_auth`. `secret`: for
        `client_secret_basic`, or another `method`. One `tls_client_auth_...` is for that method (RFC 8705, section
        2.1.2). With none of these it is a public client (`none`). `scope`: what it may have at most, None for
        everything. `grant_types`: what it may use, None for everything. `redirect_uris`: where it may be answered.
        `tls_client_certificate_bound_access_tokens`: its tokens are bound to the certificate of its connection (RFC
        8705, section 3.4). Raises ConfigurationError if these do not fit.
        """
        certificates = certificates_of(key)
        method = method or default_method(key, secret, subject)
        needed = {SELF_SIGNED_TLS_CLIENT_AUTH: bool(certificates), "private_key_jwt": key is not None}
        fits = method.startswith("client_secret") == (secret is not None)
        if not fits or bool(subject) != (method == TLS_CLIENT_AUTH) or not needed.get(method, True):
            raise ConfigurationError(f"{method} does not go with the credentials that were given.", code="credentials")
        if subject:
            check_subject(subject)
        client = Client(
            client_id,
            method,
            keys=KeySet(()) if key is None else key_set(key),
            secret=None if secret is None else Secret(secret),
            scope=None if scope is None else scope_set(scope),
            grant_types=None if grant_types is None else frozenset(grant_types),
            redirect_uris=tuple(redirect_uris),
            certificates=certificates,
            tls_client_certificate_bound_access_tokens=tls_client_certificate_bound_access_tokens,
            **subject,
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
            "grant_types_supported": list(self.grants),
            "scopes_supported": sorted(IDENTITY.union(*self.targets.scopes.values())),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(SIGNING),
            "token_endpoint_auth_methods_supported": [
                "private_key_jwt",
                "client_secret_jwt",
                "client_secret_basic",
                "client_secret_post",
                *(CERTIFICATE_METHODS if self._asks_for_certificates else ()),
                "none",
            ],
            "token_endpoint_auth_signing_alg_values_supported": list(self.authentication.algorithms),
            "protected_resources": list(self.targets.scopes),
        }
        for endpoint in self.endpoints.values():
            document.update(endpoint.metadata())
        if self.dpop != "absent":
            document["dpop_signing_alg_values_supported"] = list(self.proofs.algorithms)
        if self._asks_for_certificates and self.certificate_binding != "absent":
            document["tls_client_certificate_bound_access_tokens"] = True
        if self.mtls_base is not None:
            document["mtls_endpoint_aliases"] = {
                endpoint.alias: moved(endpoint.url, self._base, self.mtls_base)
                for endpoint in self.endpoints.values()
                if endpoint.alias in document
            }
        return {name: value for name, value in (document | self.metadata).items() if value is not None}

    def authenticated(self, request: Request) -> tuple[Client, Parameters]:
        """The client that sent a form to an endpoint, and the parameters in it. Raises RefusedError."""
        parameters = form_parameters(request)
        return self.authentication.authenticate(request, first_values(parameters), self.now()), parameters

    def proof(self, request: Request, *, demanded: bool = False) -> VerifiedProof | None:
        """The DPoP proof of a request without an access token; None where there is none, or DPoP is unknown."""
        if self.dpop == "absent":
            return None
        if not request.values("DPoP"):
            if demanded:
                raise RefusedError("invalid_dpop_proof", "A DPoP proof is required (RFC 9449, 5).")
            return None
        return self.proofs.check(request, access_token=None)

    def bound_certificate(self, request: Request, client: Client) -> str | None:
        """The thumbprint of the certificate that this client's tokens are bound to, or None. Raises RefusedError."""
        return bound_to(request, client, self.certificate_binding if self._asks_for_certificates else "absent")

    def conventional(self, url: str) -> str:
        """The URL without the aliases: that of an endpoint for its alias, any other unchanged (RFC 8705, section 5)."""
        alias_of = None if self.mtls_base is None else moved(url, self.mtls_base, self._base)
        if alias_of is not None and any(one.alias and one.owns(alias_of) for one in self.endpoints.values()):
            return alias_of
        return url

    def answer(self, document: Mapping[str, Any], *, proof: VerifiedProof | None, status: int = 200) -> Response:
        """A JSON object that is not to be cached, with the nonce for the client's next proof if it needs another."""
        response = json_response(status, document, _NO_STORE)
        nonce = None if proof is None else self.nonces.after_success(proof.claims.get("nonce"))
        return response if nonce is None else response.with_header("DPoP-Nonce", nonce)

    def rotate_keys(self, *, forget: bool = False, same_kid: bool = False) -> None:
        """Sign with new keys from now on, as `ServerKeys.rotate` says."""
        self.keys.rotate(forget=forget, same_kid=same_kid)

    def claim(self, url: str) -> int:
        """As `Host.claim`: its endpoints, and what lies under the issuer, or where its aliases are."""
        known = self._endpoint_at(url)
        # So that an issuer without a path owns what no other host of its origin does.
        bases = [self._base] if self.mtls_base is None else [self._base, self.mtls_base.rstrip("/")]
        return len(url) if known else max(prefix_length(base, url) for base in bases)

    def handle(self, request: Request) -> Response:
        """As `Host.handle`; where it asks for no certificate it sees none, whatever the connection has."""
        if request.client_certificate and not self._asks_for_certificate_at(request.url):
            request = replace(request, client_certificate=b"")
        return super().handle(request)

    def endpoint(self, request: Request) -> str:
        """As `Host.endpoint`."""
        return self._endpoint_at(request.url) or "unknown"

    def respond(self, request: Request) -> Response:
        """Answer at one of the endpoints."""
        name = self.endpoint(request)
        if name == "unknown":
            return Response(404)
        if name == "metadata":
            return json_response(200, self.metadata_document()) if request.method == "GET" else Response(405)
        return self.endpoints[name].answer(request)

    def refuse(self, request: Request, refused: RefusedError) -> Response:
        """An error answer as the endpoint has it, by default that of the token endpoint (RFC 6749, section 5.2)."""
        refuse = self.endpoints[self.endpoint(request)].refuse
        if refuse is not None:
            return refuse(request, refused)
        document = {"error": refused.error, "error_description": refused.description}
        response = json_response(refused.status or 400, document, _NO_STORE)
        if refused.error == "use_dpop_nonce":
            response = response.with_header("DPoP-Nonce", self.nonces.current)
        if refused.status == HTTPStatus.UNAUTHORIZED and request.header("Authorization") is not None:
            response = response.with_header("WWW-Authenticate", 'Basic realm="token"')
        return response

    @property
    def _asks_for_certificates(self) -> bool:
        return self.mtls or self.mtls_base is not None

    def _asks_for_certificate_at(self, url: str) -> bool:
        return self.mtls if self.mtls_base is None else self.conventional(url) != url

    def _endpoint_at(self, url: str) -> str | None:
        parts = urlsplit(self.issuer)
        path = parts.path.rstrip("/")
        root = f"{parts.scheme}://{parts.netloc}"
        candidates = {
            "rfc8414": f"{root}/.well-known/oauth-authorization-server{path}",
            "oidc inserted": f"{root}/.well-known/openid-configuration{path}",
            "oidc": f"{root}{path}/.well-known/openid-configuration",
        }
        if without_query(url) in {candidates[place] for place in self.metadata_at}:
            return "metadata"
        url = self.conventional(url)
        return next((name for name, endpoint in self.endpoints.items() if endpoint.owns(url)), None)
