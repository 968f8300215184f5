"""What a server saw and answered, for a test to look at."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from oauthclient.jose.certificate import x5t_s256

if TYPE_CHECKING:
    from oauthclient.testing.http import Request, Response

_PARTS = 3  # header, payload, signature (RFC 7515, section 3.1)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    `endpoint`: which endpoint of the server it met (`"metadata"`, `"jwks"`, `"token"`, `"resource"`, ...).
    `error` and `description`: why the server itself refused it, or None where it did not. `scripted`: the
    answer was not the server's own but one that the test had laid ready.

    The claims below are read as they were sent, without verifying anything: that is what the server did, and
    `error` is its judgement.
    """

    endpoint: str
    request: Request
    response: Response
    error: str | None = None
    description: str | None = field(default=None, repr=False)
    scripted: bool = False

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.response.status

    @property
    def form(self) -> dict[str, list[str]]:
        """The parameters of a form body (RFC 6749, appendix B)."""
        return parse_qs(self.request.body.decode("utf-8", "replace"), keep_blank_values=True)

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters in the URL."""
        return parse_qs(urlsplit(self.request.url).query, keep_blank_values=True)

    @property
    def grant_type(self) -> str | None:
        """The grant type of a token request (RFC 6749, section 3.2)."""
        return self.form.get("grant_type", [None])[0]

    @property
    def request_object(self) -> dict[str, Any] | None:
        """The claims of the request object in the form or the URL (RFC 9101), or None if none can be read."""
        return claims_of({**self.query, **self.form}.get("request", [None])[0])

    @property
    def proof(self) -> dict[str, Any] | None:
        """The claims of the DPoP proof (RFC 9449, section 4.2), or None without one that can be read."""
        return claims_of(self.request.header("DPoP"))

    @property
    def assertion(self) -> dict[str, Any] | None:
        """The claims of the client assertion (RFC 7523, section 2.2), or None if none can be read."""
        return claims_of(self.form.get("client_assertion", [None])[0])

    @property
    def x5t_s256(self) -> str | None:
        """The thumbprint of the certificate that the server saw on the connection (RFC 8705, 3.1), or None."""
        certificate = self.request.client_certificate
        return x5t_s256(certificate) if certificate else None

    @property
    def scheme(self) -> str | None:
        """The authentication scheme of the `Authorization` header, in lower case."""
        value = self.request.header("Authorization")
        return None if value is None else value.partition(" ")[0].lower()

    @property
    def access_token(self) -> str | None:
        """The access token that was presented, or None."""
        if self.scheme not in {"dpop", "bearer"}:
            return None
        return (self.request.header("Authorization") or "").partition(" ")[2].strip()

    @property
    def token(self) -> dict[str, Any] | None:
        """The claims of the access token that was presented, where it is a JWT (RFC 9068)."""
        return claims_of(self.access_token)


def header_of(jwt: str | None) -> dict[str, Any] | None:
    """The header of a JWT, unverified: for records and for choosing keys, never for trust."""
    return _part(jwt, 0)


def claims_of(jwt: str | None) -> dict[str, Any] | None:
    """The claims of a JWT, unverified: for records and for choosing keys, never for trust."""
    return _part(jwt, 1)


def _part(jwt: str | None, index: int) -> dict[str, Any] | None:
    parts = (jwt or "").split(".")
    if len(parts) != _PARTS:
        return None
    try:
        document = json.loads(urlsafe_b64decode(parts[index] + "=" * (-len(parts[index]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
