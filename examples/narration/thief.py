"""Somebody who has read a whole request, token and proof, and tries to use it (RFC 9449, sections 1 and 11)."""

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
    from collections.abc import Iterator


class Attempt(NamedTuple):
    """What the thief tried, in words, and the request."""

    what: str
    request: httpx.Request


def attempts(stolen: httpx.Request, elsewhere: str) -> Iterator[Attempt]:
    """Ways to use a stolen request. `elsewhere`: a URL that another token is for.

    The thief does not use this library: a plain httpx client and a JWT library will do.
    """
    token = stolen.headers["Authorization"].partition(" ")[2]
    proof = stolen.headers["DPoP"]
    here = str(stolen.url)
    yield Attempt("The token alone, as a bearer token", _request(here, f"Bearer {token}"))
    yield Attempt("The token alone, without a proof", _request(here, f"DPoP {token}"))
    yield Attempt("The token with a good proof, signed by the thief's own key", _forged(stolen, token))
    yield Attempt("The whole request once more, proof included", _request(here, f"DPoP {token}", proof))
    yield Attempt("Token and proof at another URL of the same API", _request(f"{here}/more", f"DPoP {token}", proof))
    yield Attempt("Token and proof at the other API", _request(elsewhere, f"DPoP {token}", proof))


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
