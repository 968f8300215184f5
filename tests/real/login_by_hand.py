"""A client that logs people in, written out with httpx and joserfc alone."""

import base64
import hashlib
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from joserfc import jwe, jwt
from joserfc.jwk import KeySet

from tests.real.by_hand import ByHand
from tests.real.harness import RealServer
from tests.real.identities import Client

REDIRECT_URI = "http://127.0.0.1:49152/callback"


class LoginByHand(ByHand):
    """A client in the authorization code flow (RFC 6749, section 4.1, with PKCE: RFC 7636)."""

    def __init__(self, real: RealServer, client: str | Client, http: httpx.Client) -> None:
        super().__init__(real, client, http)
        self.verifier = secrets.token_urlsafe(32)
        self.state = secrets.token_urlsafe(8)
        self.oidc_nonce = secrets.token_urlsafe(8)

    def parameters(self, **changes: str) -> dict[str, str]:
        """An authorization request, bound to the DPoP key (RFC 9449, section 10)."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        usual = {
            "client_id": self.identity.client_id,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid offline_access read",
            "prompt": "consent",
            "state": self.state,
            "nonce": self.oidc_nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "dpop_jkt": self.dpop_key.thumbprint(),
        }
        return usual | changes

    def front(self, parameters: dict[str, Any]) -> str:
        """The URL for the browser."""
        return f"{self.metadata['authorization_endpoint']}?{urlencode(parameters, doseq=True)}"

    def signed(self, parameters: dict[str, Any]) -> str:
        """The request object (RFC 9101, section 4)."""
        now = int(time.time())
        claims = {"iss": self.identity.client_id, "aud": self.real.issuer, "iat": now, "nbf": now, "exp": now + 60}
        header = {"alg": self.identity.algorithm, "typ": "oauth-authz-req+jwt"}
        return jwt.encode(header, claims | parameters, self.identity.key, algorithms=[self.identity.algorithm])

    def encrypted(self, request: str, alg: str) -> str:
        """A request object that only the server can read (RFC 9101, section 6.1)."""
        keys = self.key_set()
        key = next(key for key in keys if key.as_dict().get("use") == "enc" and (key.kid or "").startswith(alg))
        header = {"alg": alg, "enc": "A256GCM", "cty": "oauth-authz-req+jwt", "kid": key.kid}
        return jwe.encrypt_compact(header, request.encode(), key, algorithms=[alg, "A256GCM"])

    def push(self, parameters: dict[str, Any], *, proof: bool = False) -> httpx.Response:
        """A pushed authorization request (RFC 9126, section 2.1)."""
        return self.send(self.metadata["pushed_authorization_request_endpoint"], parameters, proof=proof)

    def pushed(self, parameters: dict[str, Any]) -> str:
        """The URL for the browser of a request that was pushed."""
        answer = self.push(parameters)
        assert answer.status_code == 201, answer.text
        return self.front({"client_id": self.identity.client_id, "request_uri": answer.json()["request_uri"]})

    def key_set(self) -> KeySet:
        """The server's public keys."""
        return KeySet.import_key_set(self.http.get(self.metadata["jwks_uri"]).json())

    def verified(self, token: str, alg: str) -> dict[str, Any]:
        """The claims of what the server signed."""
        return jwt.decode(token, self.key_set(), algorithms=[alg]).claims

    def redeem(self, callback: str, **form: str) -> dict[str, Any]:
        """The token answer for the code in a callback URL."""
        answer = parameters_of(callback)
        assert (answer["state"], answer["iss"]) == (self.state, self.real.issuer)
        usual = {"code": answer["code"], "redirect_uri": REDIRECT_URI, "code_verifier": self.verifier}
        return self.token(grant_type="authorization_code", **(usual | form))

    def refresh(self, refresh_token: str, **form: str) -> httpx.Response:
        """One refresh, after the nonce challenge if there is one."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token} | form
        answer = self.ask(**form)
        if answer.status_code == 400 and answer.json()["error"] == "use_dpop_nonce":
            answer = self.ask(**form)
        return answer


def register(real: RealServer, http: httpx.Client, *, token: str = "", **metadata: Any) -> dict[str, Any]:
    """A client that registers itself (RFC 7591, section 3): the server's answer. A native, public one by default."""
    usual = {key: value for key, value in real.clients["native"].metadata.items() if key != "client_id"}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    endpoint = http.get(f"{real.issuer}/.well-known/openid-configuration").json()["registration_endpoint"]
    answer = http.post(endpoint, json=usual | metadata, headers=headers)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def parameters_of(url: str) -> dict[str, str]:
    """The parameters of a URL, none of which is there twice."""
    pairs = parse_qsl(urlsplit(url).query, strict_parsing=True)
    assert len(pairs) == len(dict(pairs)), url
    return dict(pairs)
