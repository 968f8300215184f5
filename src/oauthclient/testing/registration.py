"""Dynamic client registration and its management (RFC 7591; RFC 7592; OpenID Connect Registration, section 2)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

from oauthclient.errors import InvalidResponse
from oauthclient.jose.jwks import KeySet
from oauthclient.protocol.strict_json import parse_object
from oauthclient.protocol.urls import without_query
from oauthclient.secret import Secret
from oauthclient.testing.certificate_authentication import SUBJECT_MEMBERS, certificates_in
from oauthclient.testing.client_metadata import read_client_metadata
from oauthclient.testing.clients import Client
from oauthclient.testing.endpoint import Endpoint
from oauthclient.testing.http import Response
from oauthclient.testing.records import claims_of
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from oauthclient.testing.authorization_server import AuthorizationServer
    from oauthclient.testing.http import Request

Rotation = Literal["never", "on update", "single use"]

_ISSUED: Final = frozenset(
    {"client_id_issued_at", "client_secret_expires_at", "registration_access_token", "registration_client_uri"}
)


@dataclass(slots=True)
class _Registered:
    token: Secret
    metadata: dict[str, Any] = field(repr=False)
    issued_at: int
    expires_at: int


class RegistrationEndpoint:
    """Registers clients, and lets each manage itself at a URL of its own.

    `offered`: it stands in the metadata. `initial_access_tokens`: what one must present to register, None for nothing
    (RFC 7591, section 3). `single_use`: each of them registers one client. `rotation`: when a registration access token
    is replaced: `"never"`, `"on update"`, or `"single use"` at every request that it was good for, even one that is
    refused then. `methods`: what can be done with a client. `software_statements`: those that are trusted.
    `secret_lifetime`: of client secrets, in seconds, None for ever. `status`: of a registration that succeeds.
    """

    def __init__(self, server: AuthorizationServer, base: str) -> None:
        self.registration_endpoint = f"{base}/register"
        self.offered = True
        self.initial_access_tokens: set[str] | None = None
        self.single_use = False
        self.rotation: Rotation = "on update"
        self.methods: set[str] = {"GET", "PUT", "DELETE"}
        self.software_statements: set[str] = set()
        self.secret_lifetime: int | None = None
        self.status = 201
        self._server = server
        self._registered: dict[str, _Registered] = {}

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """Where clients register, and below it a URL for each (RFC 7592, appendix B)."""
        methods = ("GET", "POST", "PUT", "DELETE")
        return {
            "registration": Endpoint(
                self.registration_endpoint,
                self._respond,
                methods,
                self._metadata,
                self._refuse,
                below=True,
                alias="registration_endpoint",
            )
        }

    def _metadata(self) -> dict[str, Any]:
        return {"registration_endpoint": self.registration_endpoint} if self.offered else {}

    def _respond(self, request: Request) -> Response:
        """Register a client, or do with one what the method says."""
        url = without_query(self._server.conventional(request.url))
        client_id = url.removeprefix(self.registration_endpoint).removeprefix("/")
        if not client_id:
            return self._register(request) if request.method == "POST" else Response(405, (("Allow", "POST"),))
        known = self._authorized(request, client_id)
        if request.method not in self.methods:
            return Response(405, (("Allow", ", ".join(sorted(self.methods))),))
        if self.rotation == "single use":
            known.token = _token()
        if request.method == "DELETE":
            del self._registered[client_id]
            self._server.clients.pop(client_id, None)
            return Response(204, (("Cache-Control", "no-store"),))
        if request.method == "PUT":
            self._update(request, client_id, known)
        return self._information(request, client_id, known)

    def _refuse(self, request: Request, refused: RefusedError) -> Response:
        """An error answer (RFC 7591, section 3.2.2; RFC 6750, section 3)."""
        response = self._server.answer(
            {"error": refused.error, "error_description": refused.description}, proof=None, status=refused.status or 400
        )
        if refused.status != HTTPStatus.UNAUTHORIZED:
            return response
        challenge = "Bearer" if request.header("Authorization") is None else f'Bearer error="{refused.error}"'
        return response.with_header("WWW-Authenticate", challenge)

    def _register(self, request: Request) -> Response:
        presented = _bearer(request)
        if self.initial_access_tokens is not None:
            if presented not in self.initial_access_tokens:
                raise _invalid_token("The initial access token is missing or unknown (RFC 7591, 3).")
            if self.single_use:
                self.initial_access_tokens.discard(presented)
        metadata = self._read(_document(request))
        client_id = secrets.token_urlsafe(12)
        now = self._server.now()
        expires_at = 0 if self.secret_lifetime is None else int(now) + self.secret_lifetime
        known = _Registered(_token(), metadata, int(now), expires_at)
        self._put(client_id, metadata, None)
        self._registered[client_id] = known
        return self._information(request, client_id, known, status=self.status)

    def _update(self, request: Request, client_id: str, known: _Registered) -> None:
        """Replace the metadata, all of it (RFC 7592, section 2.2)."""
        document = _document(request)
        client = self._server.clients[client_id]
        forbidden = sorted(_ISSUED.intersection(document))
        if forbidden:
            raise _invalid(f"An update holds no {', '.join(forbidden)} (RFC 7592, 2.2).")
        if document.pop("client_id", None) != client_id:
            raise _invalid("The client_id is missing, or another client's (RFC 7592, 2.2).")
        secret = document.pop("client_secret", None)
        if secret is not None and (client.secret is None or client.secret.reveal() != secret):
            raise _invalid("The client_secret is not the one that was issued (RFC 7592, 2.2).")
        known.metadata = self._read(document)
        self._put(client_id, known.metadata, client)
        if self.rotation == "on update":
            known.token = _token()

    def _read(self, document: dict[str, Any]) -> dict[str, Any]:
        """The metadata to register; what a trusted software statement says comes first (RFC 7591, section 2.3)."""
        statement = document.get("software_statement")
        if statement is not None:
            claims = claims_of(statement) if isinstance(statement, str) else None
            if claims is None or "iss" not in claims:
                raise RefusedError("invalid_software_statement", "The software statement is no JWT with an iss.")
            if statement not in self.software_statements:
                raise RefusedError("unapproved_software_statement", "The software statement is not trusted.")
            document = {**document, **{name: value for name, value in claims.items() if name != "iss"}}
        return read_client_metadata(document, self._server.metadata_document())

    def _put(self, client_id: str, metadata: dict[str, Any], before: Client | None) -> None:
        """Let the server know the client; a secret that it has stays."""
        method = metadata["token_endpoint_auth_method"]
        secret = None
        if method.startswith("client_secret"):
            secret = before.secret if before is not None and before.secret is not None else _token()
        jwks = metadata.get("jwks", {"keys": []})
        client = Client(
            client_id,
            method,
            keys=KeySet.from_jwks(jwks),
            certificates=certificates_in(jwks["keys"]),
            secret=secret,
            scope=frozenset(metadata["scope"].split()) if "scope" in metadata else None,
            grant_types=frozenset(metadata["grant_types"]),
            redirect_uris=tuple(metadata.get("redirect_uris", ())),
        )
        settings = {name: metadata[name] for name in _SETTINGS if name in metadata}
        self._server.clients[client_id] = replace(client, **settings)

    def _information(self, request: Request, client_id: str, known: _Registered, *, status: int = 200) -> Response:
        """The client information response (RFC 7591, section 3.2.1; RFC 7592, section 3)."""
        # Below the URL that was called: who came by the alias manages itself there, as at node-oidc-provider.
        url = without_query(request.url).removesuffix(f"/{client_id}")
        document: dict[str, Any] = {
            "client_id": client_id,
            "client_id_issued_at": known.issued_at,
            "registration_access_token": known.token.reveal(),
            "registration_client_uri": f"{url}/{client_id}",
            **known.metadata,
        }
        secret = self._server.clients[client_id].secret
        if secret is not None:
            document |= {"client_secret": secret.reveal(), "client_secret_expires_at": known.expires_at}
        return self._server.answer(document, proof=None, status=status)

    def _authorized(self, request: Request, client_id: str) -> _Registered:
        known = self._registered.get(client_id)
        presented = _bearer(request)
        if known is None or presented is None or known.token != Secret(presented):
            raise _invalid_token("The registration access token is missing or unknown (RFC 7592, 2.1).")
        return known


# What a client's metadata says about how the server is to treat it, by the names of Client's members.
_SETTINGS: Final = (
    "dpop_bound_access_tokens",
    "require_signed_request_object",
    "require_pushed_authorization_requests",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "tls_client_certificate_bound_access_tokens",
    *SUBJECT_MEMBERS,
)


def _document(request: Request) -> dict[str, Any]:
    media_type = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise _invalid("The body is no JSON (RFC 7591, 3.1).")
    try:
        return parse_object(request.body, what="the client metadata")
    except InvalidResponse as error:
        raise _invalid(error.message) from None


def _bearer(request: Request) -> str | None:
    values = request.values("Authorization")
    if not values:
        return None
    scheme, _, token = values[0].partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or not token:
        raise _invalid_token("The Authorization header is not one Bearer token (RFC 6750, 2.1).")
    return token


def _token() -> Secret:
    return Secret(secrets.token_urlsafe(32))


def _invalid(description: str) -> RefusedError:
    return RefusedError("invalid_client_metadata", description)


def _invalid_token(description: str) -> RefusedError:
    return RefusedError("invalid_token", description, status=401)
