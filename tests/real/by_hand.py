"""A client written out with httpx and joserfc alone, to judge the real server without the library."""

import base64
import hashlib
import time
import uuid
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.real.harness import RealServer
from tests.real.identities import Client
from tests.real.person import Person

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ByHand:
    """A client of the real server, by its name there or one that registered itself, with a DPoP key of its own."""

    def __init__(self, real: RealServer, client: str | Client, http: httpx.Client) -> None:
        self.real = real
        self.identity = client if isinstance(client, Client) else real.clients[client]
        self.http = http
        self.dpop_key = ECKey.generate_key("P-256")
        self.nonce = ""
        self.metadata: dict[str, Any] = self.discover().json()
        # RFC 8705, section 5: who presents a certificate does it where one is asked for.
        self.endpoints: dict[str, Any] = self.metadata | (
            self.metadata["mtls_endpoint_aliases"] if self.identity.issued else {}
        )
        self.token_endpoint: str = self.endpoints["token_endpoint"]

    def discover(self, suffix: str = "openid-configuration") -> httpx.Response:
        """The metadata (OpenID Connect Discovery, section 4)."""
        return self.http.get(f"{self.real.issuer}/.well-known/{suffix}")

    def assertion(self, issuer: Client | None = None, **claims: object) -> str:
        """An assertion (RFC 7523, section 3) of this client, or of another issuer."""
        issuer = issuer or self.identity
        now = int(time.time())
        told = {"iss": issuer.client_id, "sub": issuer.client_id, "aud": self.real.issuer, "iat": now}
        told |= {"exp": now + 60, "jti": str(uuid.uuid4())} | claims
        return jwt.encode({"alg": issuer.algorithm}, told, issuer.key, algorithms=[issuer.algorithm])

    def proof(self, method: str, url: str, **claims: object) -> str:
        """A DPoP proof (RFC 9449, section 4.2)."""
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": self.dpop_key.as_dict(private=False)}
        told = {"htm": method, "htu": url, "iat": int(time.time()), "jti": str(uuid.uuid4())} | claims
        return jwt.encode(header, told, self.dpop_key, algorithms=["ES256"])

    def send(self, endpoint: str, form: dict[str, str], *, proof: bool = False) -> httpx.Response:
        """One request with the client's authentication (RFC 6749, section 2.3.1; RFC 7523, 2.2) in or beside it."""
        auth = httpx.Auth()
        match self.identity.method:
            case "private_key_jwt" | "client_secret_jwt":
                form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()} | form
            case "client_secret_basic":
                auth = httpx.BasicAuth(_form_encoded(self.identity.client_id), _form_encoded(self.identity.secret))
            case "client_secret_post":
                form = {"client_id": self.identity.client_id, "client_secret": self.identity.secret} | form
            case _:
                form = {"client_id": self.identity.client_id} | form
        headers = {}
        if proof:
            nonce = {"nonce": self.nonce} if self.nonce else {}
            headers["DPoP"] = self.proof("POST", endpoint, **nonce)
        answer = self.http.post(endpoint, data=form, auth=auth, headers=headers)
        self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
        return answer

    def ask(self, **form: str) -> httpx.Response:
        """One token request."""
        return self.send(self.token_endpoint, {"grant_type": "client_credentials"} | form, proof=self.identity.bound)

    def token(self, **form: str) -> dict[str, Any]:
        """A token answer, after the nonce challenge if there is one (RFC 9449, section 8)."""
        answer = self.ask(**form)
        if answer.status_code == 400 and answer.json()["error"] == "use_dpop_nonce":
            answer = self.ask(**form)
        told: dict[str, Any] = answer.json()
        assert answer.status_code == 200, told
        return told

    def headers(self, token: str, method: str, url: str, **claims: object) -> dict[str, str]:
        """What an API request carries (RFC 9449, section 7.1)."""
        ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        return {"Authorization": f"DPoP {token}", "DPoP": self.proof(method, url, **{"ath": ath} | claims)}

    def bearer(self, token: str, url: str) -> httpx.Response:
        """An API request without a proof (RFC 6750, section 2.1), as with tokens bound to a certificate."""
        return self.http.get(url, headers={"Authorization": f"Bearer {token}"})

    def call(self, token: str, url: str, method: str = "GET", **claims: object) -> httpx.Response:
        """An API request with a fresh proof."""
        return self.http.request(method, url, headers=self.headers(token, method, url.partition("?")[0], **claims))


def authorize(real: RealServer, url: str, *, user: str = "", refuse: str = "") -> str:
    """What comes of an authorization request when a person follows it: the callback URL, which is not called.

    `user`: who logs in; else the request's `login_hint`, else alice; "deny" says no. `refuse`: scopes not granted.
    """
    with Person(real, user=user, refuse=refuse) as person:
        return person.authorize(url)


def _form_encoded(text: str) -> str:
    return str(httpx.QueryParams({"x": text}))[2:]
