"""A server, two APIs and a client that does everything by hand, so that it can do each thing wrong."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from oauthclient.jose.encoding import base64url
from oauthclient.jose.jwt import issue
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.kinds import CLIENT_ASSERTION, REQUEST_OBJECT
from oauthclient.jose.proof import Prover, ath
from oauthclient.testing import AuthorizationServer, Clock, Network, ProtectedAPI, Request, Response
from oauthclient.testing.misbehaviour import OMIT

if TYPE_CHECKING:
    from oauthclient.jose.certificate import Certificate

NOW = 1_800_000_000
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class World:
    client_key = SigningKey.generate()
    proof_key = SigningKey.generate()
    other_key = SigningKey.generate()

    def __init__(self, issuer: str = "https://as.example.com", apis: str = "https://api.example.com") -> None:
        self.clock = Clock(lambda: NOW)
        self.server = AuthorizationServer(issuer, now=self.clock)
        self.orders = ProtectedAPI(self.server, f"{apis}/orders", scope="read write")
        self.stock = ProtectedAPI(self.server, f"{apis}/stock", scope="count")
        self.network = Network(self.server, self.orders, self.stock)
        self.server.register("svc", key=self.client_key)

    def assertion(self, *, key: Any = None, alg: str | None = None, **claims: Any) -> str:
        now = int(self.clock())
        standard = {"iss": "svc", "sub": "svc", "aud": self.server.issuer, "iat": now, "exp": now + 60}
        return issue(
            CLIENT_ASSERTION, key or self.client_key, standard | {"jti": secrets.token_urlsafe()} | claims, alg=alg
        )

    def proof(self, method: str, url: str, *, key: SigningKey | None = None, **claims: Any) -> str:
        standard = {"htm": method, "htu": url, "iat": int(self.clock()), "jti": secrets.token_urlsafe()}
        return Prover(key or self.proof_key).proof(**(standard | claims))

    def token_proof(self, **claims: Any) -> str:
        return self.proof("POST", self.server.token_endpoint, **claims)

    def form(self, **changes: Any) -> dict[str, Any]:
        form = {
            "grant_type": "client_credentials",
            "resource": self.orders.identifier,
            "client_assertion_type": ASSERTION_TYPE,
        } | changes
        if "client_assertion" not in form:
            form["client_assertion"] = self.assertion()
        return {name: value for name, value in form.items() if value is not OMIT}

    def unauthenticated(self, **changes: Any) -> dict[str, Any]:
        return self.form(**({"client_assertion": OMIT, "client_assertion_type": OMIT} | changes))

    def post(
        self,
        form: dict[str, Any],
        *headers: tuple[str, str],
        url: str | None = None,
        certificate: Certificate | None = None,
    ) -> Response:
        fields = (("Content-Type", "application/x-www-form-urlencoded"), *headers)
        url, body = url or self.server.token_endpoint, urlencode(form, doseq=True).encode()
        return self.server.handle(Request("POST", url, fields, body, certificate.der if certificate else b""))

    def ask(self, *, proof: str | None = None, **form: Any) -> Response:
        return self.post(self.form(**form), ("DPoP", self.token_proof() if proof is None else proof))

    def access_token(self, **form: Any) -> str:
        response = self.ask(**form)
        assert response.status == 200, response.body
        return str(document(response)["access_token"])

    def call(
        self,
        access_token: str,
        url: str = "https://api.example.com/orders/17",
        *,
        method: str = "GET",
        api: ProtectedAPI | None = None,
        scheme: str = "DPoP",
        body: bytes = b"",
        proof: str | None = None,
        **claims: Any,
    ) -> Response:
        if proof is None:
            proof = self.proof(method, url.partition("?")[0], **({"ath": ath(access_token)} | claims))
        headers = (("Authorization", f"{scheme} {access_token}"), ("DPoP", proof))
        return (api or self.orders).handle(Request(method, url, headers, body))


class App:
    """A public client on somebody's laptop, at the server of a world, that does its login by hand."""

    redirect_uri = "http://127.0.0.1:4711/callback"
    verifier = "v" * 43
    key = SigningKey.generate()

    def __init__(self, world: World) -> None:
        self.world = world
        self.server = world.server
        self.client = self.server.register(
            "app", key=self.key, method="none", redirect_uris=["http://127.0.0.1/callback"]
        )

    def parameters(self, **changes: Any) -> dict[str, Any]:
        parameters = {
            "client_id": "app",
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "openid read count",
            "resource": [self.world.orders.identifier, self.world.stock.identifier],
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": base64url(hashlib.sha256(self.verifier.encode()).digest()).decode(),
            "code_challenge_method": "S256",
        } | changes
        return {name: value for name, value in parameters.items() if value is not OMIT}

    def url(self, **changes: Any) -> str:
        return f"{self.server.authorization_endpoint}?{urlencode(self.parameters(**changes), doseq=True)}"

    def request_object(self, *, signer: SigningKey | None = None, **changes: Any) -> str:
        now = int(self.world.clock())
        standard = {"iss": "app", "aud": self.server.issuer, "iat": now, "nbf": now, "exp": now + 60}
        claims = self.parameters() | standard | {"jti": secrets.token_urlsafe()} | changes
        return issue(REQUEST_OBJECT, signer or self.key, {n: v for n, v in claims.items() if v is not OMIT})

    def answered(self, **changes: Any) -> dict[str, str]:
        """What the browser brings back, in the URL."""
        return came_back(self.server.person.approve(self.url(**changes)))

    def push(self, *headers: tuple[str, str], **changes: Any) -> Response:
        url = self.server.pushed_authorization_request_endpoint
        return self.world.post(self.parameters(**changes), *headers, url=url)

    def token(self, *headers: tuple[str, str], proof: str | None = None, **form: Any) -> Response:
        kept = {name: value for name, value in ({"client_id": "app"} | form).items() if value is not OMIT}
        return self.world.post(kept, ("DPoP", proof or self.world.token_proof()), *headers)

    def exchange(self, code: str, /, *, proof: str | None = None, **changes: Any) -> Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "resource": self.world.orders.identifier,
        }
        return self.token(proof=proof, **(form | changes))

    def refresh(self, refresh_token: str, /, *, proof: str | None = None, **changes: Any) -> Response:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "resource": self.world.orders.identifier,
        }
        return self.token(proof=proof, **(form | changes))

    def log_in(self, **changes: Any) -> dict[str, Any]:
        """The members of the token response that a login ends with."""
        response = self.exchange(self.answered(**changes)["code"])
        assert response.status == 200, response.body
        return document(response)


def came_back(url: str) -> dict[str, str]:
    parameters = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert all(len(values) == 1 for values in parameters.values())
    return {name: values[0] for name, values in parameters.items()}


def document(response: Response) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    parsed = json.loads(response.body)
    assert isinstance(parsed, dict)
    return parsed


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def app(world: World) -> App:
    return App(world)


@pytest.fixture
def brought() -> Any:
    """The parameters of a callback URL, each of which must be there once."""
    return came_back


@pytest.fixture
def read() -> Any:
    """The JSON object of an answer."""
    return document


@pytest.fixture
def refused() -> Any:
    """Status and error code of a token endpoint's answer."""
    return lambda response: (response.status, document(response)["error"])


@pytest.fixture
def challenged() -> Any:
    """Status, and the `error` of the first challenge, of an API's answer."""
    from oauthclient.protocol.challenges import parse_challenges

    def look(response: Response) -> tuple[int, str | None]:
        challenges = parse_challenges(response.values("WWW-Authenticate"))
        return response.status, challenges[0].parameters.get("error") if challenges else None

    return look
