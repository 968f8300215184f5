"""A registered client: what the server answered, what is kept of it, how it is managed (RFC 7591, 3.2; RFC 7592)."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from oauthclient.errors import ConfigurationError, InvalidKey, InvalidResponse, NotOffered
from oauthclient.jose.algorithms import ALGORITHMS, SIGNING, exact
from oauthclient.jose.jwk import public_members, thumbprint
from oauthclient.protocol.client_metadata import FORBIDDEN
from oauthclient.protocol.strict_json import parse_object, text_member
from oauthclient.protocol.token import read_error, read_success
from oauthclient.protocol.urls import secure_url
from oauthclient.protocol.wire import Request
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.errors import OAuthError
    from oauthclient.protocol.wire import Response

_CREATED: Final = 201
_BEARER: Final = re.compile(r"[\x21-\x7E]+")
_CREDENTIALS: Final = FORBIDDEN | {"client_id", "client_secret"}
# Without these no client could work; a server that answers with credentials alone has taken them as they were asked.
_TAKEN_AS_ASKED: Final = ("jwks", "redirect_uris", "token_endpoint_auth_method")
_PINS: Final = ("token_endpoint_auth_signing_alg", "request_object_signing_alg")
_BY_CODE: Final = {
    "invalid_redirect_uri": "Ask for redirect URIs that this server allows: for a native app, those of RFC 8252.",
    "invalid_client_metadata": "Leave out or change what the server names; it may list what it supports.",
    "invalid_software_statement": "Get another software statement from whoever issued it.",
    "unapproved_software_statement": "This server does not trust the issuer of the software statement.",
}
_WITHOUT_MANAGEMENT: Final = "What this server registered can only be changed by its administrator (RFC 7592)."


class Note(NamedTuple):
    """Written before a registration access token is sent, cleared with the answer; found later: "outcome unknown".

    `method`: GET, PUT or DELETE. `written_at`: seconds since 1970.
    """

    token_hash: str
    method: str
    written_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One registered client, immutable: each change is a new one, stored in place of the last.

    `metadata`: what the server says it registered, without credentials. `client_secret_expires_at`: seconds since 1970,
    None for never. `key`, `next_key`, `previous_key`: thumbprints of the client's keys: that which signs, one that is
    about to be added at the server, one about to be dropped.
    """

    issuer: str
    client_id: str
    client_secret: Secret | None = None
    client_secret_expires_at: float | None = None
    registration_access_token: Secret | None = None
    registration_client_uri: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    key: str | None = None
    next_key: str | None = None
    previous_key: str | None = None
    note: Note | None = None

    @property
    def token_endpoint_auth_method(self) -> str:
        """How the client is registered to authenticate (RFC 7591, section 2). Raises InvalidResponse (`wrong_type`)."""
        method = text_member(self.metadata, "token_endpoint_auth_method", what="the registration")
        return method or "client_secret_basic"

    @property
    def keys(self) -> tuple[str, ...]:
        """The thumbprints of all keys that are kept for it."""
        return tuple(key for key in (self.key, self.next_key, self.previous_key) if key is not None)

    @property
    def jwks(self) -> list[dict[str, Any]]:
        """The public keys that the server has of it."""
        jwks = self.metadata.get("jwks")
        keys = jwks.get("keys") if isinstance(jwks, dict) else None
        return [jwk for jwk in keys if isinstance(jwk, dict)] if isinstance(keys, list) else []

    @property
    def pinned(self) -> frozenset[str]:
        """The algorithms that it is registered to sign with, where it says so; then no other will do."""
        named = (self.metadata.get(name) for name in _PINS)
        return frozenset(exact(alg) for alg in named if isinstance(alg, str))

    @property
    def signing_jwk(self) -> dict[str, Any] | None:
        """The public half of the key that signs, as it is registered."""
        return next((jwk for jwk in self.jwks if self.key is not None and thumbprint_of(jwk) == self.key), None)

    @property
    def signing_algorithm(self) -> str | None:
        """What the key that signs is for: as registered with it, for it, or as its type says."""
        jwk = self.signing_jwk
        if jwk is None:
            return next(iter(self.pinned), None)
        fitting = [name for name in SIGNING if (ALGORITHMS[name].kty, ALGORITHMS[name].crv) == _kind(jwk)]
        named = exact(str(jwk.get("alg")))
        return named if named in fitting else next((name for name in fitting if name in self.pinned), fitting[0])

    def secret_expired(self, now: float) -> bool:
        """Whether the client secret is of no more use at this moment."""
        expires_at = self.client_secret_expires_at
        return self.client_secret is not None and expires_at is not None and now >= expires_at

    def noted(self, method: str, now: float) -> Registration:
        """The registration with the note that its registration access token is about to be sent.

        A token that is in flight already keeps the time since when its outcome is unknown.
        """
        if self.registration_access_token is None:
            return self
        hash_ = hashlib.sha256(self.registration_access_token.reveal().encode()).hexdigest()
        since = now if self.note is None else self.note.written_at
        return replace(self, note=Note(hash_, method, since))

    def management(self, *, loopback: bool) -> tuple[str, Secret]:
        """Where it is managed, and the registration access token (RFC 7592, section 3).

        Raises NotOffered (`management_not_offered`), or InvalidResponse (`insecure_url`, `malformed_token`) where the
        server named a URL or a token that no secret may be sent to, or in.
        """
        uri, token = self.registration_client_uri, self.registration_access_token
        if uri is None or token is None:
            raise NotOffered(
                "The server gave the registration no way to be managed.",
                code="management_not_offered",
                hint=_WITHOUT_MANAGEMENT,
            )
        secure_url(uri, what="the registration_client_uri", loopback=loopback, error=InvalidResponse)
        if not _BEARER.fullmatch(token.reveal()):
            raise InvalidResponse("The registration access token cannot stand in a header.", code="malformed_token")
        return uri, token

    def update_body(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """All members of an update, which replaces what is registered (RFC 7592, section 2.2); None removes one."""
        body = {**self.metadata, **changes, "client_id": self.client_id}
        if self.client_secret is not None:
            body["client_secret"] = self.client_secret.reveal()
        return {name: value for name, value in body.items() if value is not None and name not in FORBIDDEN}

    def after(
        self, response: Response, *, what: str, asked: Mapping[str, Any]
    ) -> tuple[Registration, InvalidResponse | None]:
        """The registration after an answer to a read or an update, and what is wrong with that, to raise once stored.

        The credentials in it count whatever is wrong, for they are the only ones left. Raises for another answer.
        """
        document = read_success(response, what=what)
        credentials = replace(self, **_management_credentials(document), note=None)
        if document.get("client_id") != self.client_id:
            changed = InvalidResponse(
                f"Another client_id stands in {what}, where it must not change (RFC 7592, section 2).",
                code="client_id_changed",
            )
            return credentials, changed
        return replace(credentials, **_secret(document), metadata=_metadata(document, asked)), None


class Unregistered(NamedTuple):
    """What is kept where there is no registration: the thumbprints of keys made for one, or left over from one.

    `planned`: they wait to be registered; else the client has been deleted, and they are to follow.
    """

    keys: tuple[str, ...]
    planned: bool


def read_registration_response(
    response: Response, *, issuer: str, asked: Mapping[str, Any], key: str | None, what: str
) -> Registration:
    """The registration in a client information response (RFC 7591, section 3.2.1); some servers answer 200, not 201.

    `asked`: the members of the request. `key`: the thumbprint of the key registered. Raises ErrorResponse or
    InvalidResponse.
    """
    if response.status == _CREATED:
        document = parse_object(response.body, what=what)
    else:
        document = read_success(response, what=what)
    client_id = document.get("client_id")
    if not isinstance(client_id, str) or not client_id:
        del document  # it may hold secrets, and would stand in the traceback
        raise InvalidResponse(f"There is no client_id in {what}.", code="missing_member")
    return Registration(
        issuer=issuer,
        client_id=client_id,
        key=key,
        metadata=_metadata(document, asked),
        **_management_credentials(document),
        **_secret(document),
    )


def registration_request(endpoint: str, document: Mapping[str, Any], initial_access_token: Secret | None) -> Request:
    """The request that registers a client (RFC 7591, section 3.1). Raises ConfigurationError."""
    if initial_access_token is not None and not _BEARER.fullmatch(initial_access_token.reveal()):
        raise ConfigurationError("The initial access token cannot stand in a header.", code="malformed_token")
    return management_request("POST", endpoint, initial_access_token, document)


def management_request(method: str, uri: str, token: Secret | None, body: Mapping[str, Any] | None = None) -> Request:
    """A read, an update or a delete at the client configuration endpoint (RFC 7592, section 2).

    Raises ConfigurationError (`not_json`).
    """
    content = b"" if body is None else _json(body)
    headers = {"Accept": "application/json"} | ({} if body is None else {"Content-Type": "application/json"})
    del body  # it may hold a client secret, and would stand in the traceback
    if content is None:
        raise ConfigurationError(
            "JSON cannot hold this client metadata.", code="not_json", hint="Give JSON values only."
        )
    if token is None:
        return Request(method, uri, headers, content)
    return Request(method, uri, {**headers, "Authorization": f"Bearer {token.reveal()}"}, content)


def refused(response: Response, *, what: str) -> OAuthError:
    """The error that an answer other than the wanted one stands for, with what to do about it."""
    error = read_error(response, what=what)
    error.hint = _BY_CODE.get(error.code, error.hint)
    return error


def _kind(jwk: Mapping[str, Any]) -> tuple[str, str]:
    return jwk["kty"], jwk.get("crv", "")


def thumbprint_of(jwk: Mapping[str, Any]) -> str | None:
    """The thumbprint of a public JWK (RFC 7638), or None for one of another kind or none at all."""
    try:
        return thumbprint(public_members(jwk))
    except InvalidKey:
        return None


def _json(body: Mapping[str, Any]) -> bytes | None:
    try:
        return json.dumps(body, allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError):
        return None


def _management_credentials(document: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer renews; what it leaves out stays."""
    found: dict[str, Any] = {}
    token, uri = document.get("registration_access_token"), document.get("registration_client_uri")
    if isinstance(token, str) and token:
        found["registration_access_token"] = Secret(token)
    if isinstance(uri, str) and uri:
        found["registration_client_uri"] = uri
    return found


def _secret(document: Mapping[str, Any]) -> dict[str, Any]:
    secret, expires_at = document.get("client_secret"), document.get("client_secret_expires_at")
    if not isinstance(secret, str) or not secret:
        return {}
    ends = isinstance(expires_at, int | float) and expires_at > 0  # 0 is never (RFC 7591, section 3.2.1)
    return {"client_secret": Secret(secret), "client_secret_expires_at": float(expires_at or 0) if ends else None}


def _metadata(document: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """What holds: the answer's word, not the request's (RFC 7591, section 3.2.1)."""
    silent = {name: asked[name] for name in _TAKEN_AS_ASKED if name in asked}
    if document.get("client_secret"):
        silent.pop("token_endpoint_auth_method", None)  # a secret was not what that asked for
    return {**silent, **{name: value for name, value in document.items() if name not in _CREDENTIALS}}
