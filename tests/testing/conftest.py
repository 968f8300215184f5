"""A server, two APIs and a client that does everything by hand, so that it can do each thing wrong."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest

from oauthclient.jose.jwt import issue
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.kinds import CLIENT_ASSERTION
from oauthclient.jose.proof import Prover, ath
from oauthclient.testing import AuthorizationServer, Clock, Network, ProtectedAPI, Request, Response
from oauthclient.testing.misbehaviour import OMIT

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

    def post(self, form: dict[str, Any], *headers: tuple[str, str], url: str | None = None) -> Response:
        from urllib.parse import urlencode

        fields = (("Content-Type", "application/x-www-form-urlencoded"), *headers)
        url = url or self.server.token_endpoint
        return self.server.handle(Request("POST", url, fields, urlencode(form, doseq=True).encode()))

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


def document(response: Response) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    parsed = json.loads(response.body)
    assert isinstance(parsed, dict)
    return parsed


@pytest.fixture
def world() -> World:
    return World()


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
