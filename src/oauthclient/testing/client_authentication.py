"""How the embedded server authenticates clients (RFC 6749, section 2.3; RFC 7523, section 3; RFC 8705, 2)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from oauthclient.errors import InvalidJWT, InvalidKey
from oauthclient.jose import jwt
from oauthclient.jose.algorithms import HMAC, SIGNING
from oauthclient.jose.kinds import CLIENT_ASSERTION
from oauthclient.jose.signers import SharedSecret
from oauthclient.secret import Secret
from oauthclient.testing.certificate_authentication import CERTIFICATE_METHODS, check_certificate
from oauthclient.testing.records import claims_of, header_of
from oauthclient.testing.refusal import RefusedError
from oauthclient.testing.replays import Replays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.jwks import KeySet
    from oauthclient.testing.clients import Client, Method
    from oauthclient.testing.http import Request

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_CLOCK_LEEWAY: Final = 10  # seconds


class ClientAuthentication:
    """Finds out which client sent a request, by exactly the method it is registered with.

    `audiences`: what may stand in the `aud` of a client assertion, always alone (rfc7523bis, section 4).
    `algorithms`: what client assertions may be signed with
    (`token_endpoint_auth_signing_alg_values_supported`).
    """

    def __init__(self, clients: Mapping[str, Client], audiences: set[str]) -> None:
        self._clients = clients
        self.audiences = audiences
        self.algorithms: tuple[str, ...] = (*SIGNING, "EdDSA", *HMAC)
        self._replays = Replays()

    def authenticate(self, request: Request, form: Mapping[str, str], now: float) -> Client:
        """The client, or `invalid_client`. `form`: the parameters of the request, each once."""
        attempts = self._attempts(request, form)
        if len(attempts) > 1:
            raise RefusedError("invalid_request", "More than one authentication method (RFC 6749, 2.3).")
        method = attempts[0] if attempts else "none"
        if method == "client_secret_basic":
            client_id, secret = _basic(request)
            client = self._client(client_id, method)
            self._check_secret(client, secret)
        elif method == "client_secret_post":
            client = self._client(form.get("client_id"), method)
            self._check_secret(client, form["client_secret"])
        elif method == "none":
            client = self._without_attempt(request, form.get("client_id"), now)
        else:
            client = self._by_assertion(form, now)
        if form.get("client_id", client.client_id) != client.client_id:
            raise RefusedError("invalid_request", "client_id names another client than the one authenticated.")
        return client

    def _attempts(self, request: Request, form: Mapping[str, str]) -> list[Method | None]:
        """The methods that the request tries; None stands for either of the two with an assertion."""
        attempts: list[Method | None] = []
        if request.header("Authorization") is not None:
            attempts.append("client_secret_basic")
        if "client_secret" in form:
            attempts.append("client_secret_post")
        if "client_assertion" in form or "client_assertion_type" in form:
            attempts.append(None)
        return attempts

    def _client(self, client_id: str | None, method: Method) -> Client:
        client = self._clients.get(client_id or "")
        if client is None:
            raise _invalid_client("The client is unknown, or did not name itself.")
        if client.method != method:
            raise _invalid_client(f"The client is registered for {client.method} and tried {method}.")
        return client

    def _without_attempt(self, request: Request, client_id: str | None, now: float) -> Client:
        """A public client, or one that the connection speaks for; both must name themselves (RFC 8705, section 2)."""
        client = self._clients.get(client_id or "")
        if client is not None and client.method in CERTIFICATE_METHODS:
            check_certificate(client, request.client_certificate, now)
            return client
        return self._client(client_id, "none")

    def _check_secret(self, client: Client, secret: str) -> None:
        if client.secret is None or client.secret != Secret(secret):
            raise _invalid_client("The client secret is wrong.")

    def _by_assertion(self, form: Mapping[str, str], now: float) -> Client:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise _invalid_client("client_assertion_type is missing or unknown (RFC 7521, 4.2).")
        assertion = form.get("client_assertion", "")
        # Read before it is verified, only to know whose keys must verify it.
        subject = (claims_of(assertion) or {}).get("sub")
        algorithm = (header_of(assertion) or {}).get("alg")
        hashed = algorithm in HMAC
        client = self._client(
            subject if isinstance(subject, str) else None,
            "client_secret_jwt" if hashed else "private_key_jwt",
        )
        keys = _verifying_keys(client, str(algorithm))
        try:
            verified = jwt.verify(
                CLIENT_ASSERTION,
                assertion,
                keys,
                algorithms=[name for name in self.algorithms if (name in HMAC) == hashed],
                issuer=client.client_id,
                audience=self.audiences,
                now=now,
                leeway=_CLOCK_LEEWAY,
            )
        except InvalidJWT as error:
            raise _invalid_client(f"The client assertion does not verify: {error}") from None
        jti, exp = str(verified.claims["jti"]), float(verified.claims["exp"])
        if not self._replays.first_use(client.client_id, jti, now=now, until=exp + _CLOCK_LEEWAY):
            raise _invalid_client("The client assertion was used before (its jti is known).")
        return client


def _basic(request: Request) -> tuple[str, str]:
    """Client identifier and secret, both form-decoded (RFC 6749, section 2.3.1)."""
    values = request.values("Authorization")
    scheme, _, credentials = values[0].partition(" ")
    if len(values) > 1 or scheme.lower() != "basic":
        raise _invalid_client("The Authorization header is not one Basic credential.")
    try:
        client_id, _, secret = b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise _invalid_client("The Basic credentials cannot be read.") from None
    return unquote_plus(client_id), unquote_plus(secret)


def _verifying_keys(client: Client, algorithm: str) -> KeySet | SharedSecret:
    if client.secret is not None:
        try:
            return SharedSecret(client.secret, algorithm)
        except InvalidKey as error:
            raise _invalid_client(f"The client secret cannot verify {algorithm}: {error}") from None
    return client.keys


def _invalid_client(description: str) -> RefusedError:
    return RefusedError("invalid_client", description, status=401)
