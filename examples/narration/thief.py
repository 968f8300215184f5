"""Somebody who has read a whole request, token and all, and tries to use it (RFC 9449, section 11; RFC 8705, 3)."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from typing import TYPE_CHECKING, NamedTuple

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from oauthclient.cli.narration import anatomy

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from oauthclient import ClientCertificate

    Trust = Callable[[], ssl.SSLContext]


class Attempt(NamedTuple):
    """What the thief tried, in words, the request, and the client that sends it."""

    what: str
    request: httpx.Request
    client: httpx.Client


def without_key(stolen: httpx.Request, elsewhere: str, trust: Trust) -> Iterator[Attempt]:
    """Ways to use a stolen request whose token is bound to a key. `elsewhere`: a URL that another token is for.

    The thief does not use this library: a plain httpx client and a JWT library will do.
    """
    token = _token(stolen)
    proof = stolen.headers["DPoP"]
    here = str(stolen.url)
    with httpx.Client(verify=trust(), trust_env=False) as plain:
        yield Attempt("The token alone, as a bearer token", _request(here, f"Bearer {token}"), plain)
        yield Attempt("The token alone, without a proof", _request(here, f"DPoP {token}"), plain)
        yield Attempt("The token with a good proof, signed by the thief's own key", _forged(stolen, token), plain)
        yield Attempt("The whole request once more, proof included", _request(here, f"DPoP {token}", proof), plain)
        more = _request(f"{here}/more", f"DPoP {token}", proof)
        yield Attempt("Token and proof at another URL of the same API", more, plain)
        yield Attempt("Token and proof at the other API", _request(elsewhere, f"DPoP {token}", proof), plain)


def without_certificate(
    stolen: httpx.Request, elsewhere: str, trust: Trust, another: ClientCertificate
) -> Iterator[Attempt]:
    """The same where it is bound to a certificate. `another`: one of the thief's own."""
    token = _token(stolen)
    here = str(stolen.url)
    plain = httpx.Client(verify=trust(), trust_env=False)
    certified = another.client(httpx.Client, verify=trust, trust_env=False)
    with plain, certified:
        yield Attempt("The whole request once more, without a certificate", _request(here, f"Bearer {token}"), plain)
        who = another.current().subject
        yield Attempt(f"With a certificate of the thief's own, {who}", _request(here, f"Bearer {token}"), certified)
        yield Attempt("The same at the other API", _request(elsewhere, f"Bearer {token}"), certified)


def _token(stolen: httpx.Request) -> str:
    token: str = stolen.headers["Authorization"].partition(" ")[2]
    return token


def _request(url: str, authorization: str, proof: str | None = None) -> httpx.Request:
    # Only GET: whoever runs this against a server of their own would not like to see it work with DELETE.
    return httpx.Request("GET", url, headers={"Authorization": authorization} | ({"DPoP": proof} if proof else {}))


def _forged(stolen: httpx.Request, token: str) -> httpx.Request:
    key = ECKey.generate_key("P-256")
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    hashed = hashlib.sha256(token.encode()).digest()
    claims = {
        "htm": "GET",
        "htu": str(stolen.url.copy_with(query=None)),
        "iat": int(time.time()),
        "jti": str(uuid.uuid4()),
        "ath": base64.urlsafe_b64encode(hashed).rstrip(b"=").decode(),
    }
    known = anatomy.read_jwt(stolen.headers["DPoP"])
    if known is not None and "nonce" in known.claims:  # where the API wants one, the thief has read it too
        claims["nonce"] = known.claims["nonce"]
    return _request(str(stolen.url), f"DPoP {token}", jwt.encode(header, claims, key))
