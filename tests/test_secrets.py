"""Whatever goes wrong, no secret stands in a repr, a log, an exception or a traceback."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from base64 import b64encode
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import httpx
import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from oauthclient import (
    ClientAuthentication,
    ClientSecretBasic,
    ClientSecretJWT,
    ClientSecretPost,
    Grant,
    IssuedAssertion,
    OAuthClient,
    OAuthError,
    PrivateKeyJWT,
    Resource,
    SelfIssuedAssertion,
    SigningKey,
    attach,
)
from oauthclient.jose.jwt import issue
from oauthclient.jose.kinds import AUTHORIZATION_GRANT
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI, misbehaviour
from tests.showing import Notes, held, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oauthclient.testing import Response

SECRET = "hunter2-and-then-some-more-octets-so-that-it-can-key-a-hash:+%"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
KEY = SigningKey.from_pem(PEM)
PASSPHRASE = "the-passphrase-of-the-key"
SCALAR = f"{PRIVATE.private_numbers().private_value:064x}"
D = b64encode(bytes.fromhex(SCALAR), altchars=b"-_").decode().rstrip("=")


class House:
    """The main job over a real port, so that nothing of the server can be reached from the client's objects."""

    def __init__(self, port: LoopbackPort) -> None:
        self.url = port.url
        self.server = AuthorizationServer(f"{port.url}/as")
        self.orders = ProtectedAPI(self.server, f"{port.url}/orders", scope="read")
        self.stock = ProtectedAPI(self.server, f"{port.url}/stock", scope="read")
        port.serve(Network(self.server, self.orders, self.stock))
        self.errors: list[BaseException] = []
        self.clients: list[OAuthClient] = []

    def client(self, authentication: ClientAuthentication, **settings: Any) -> OAuthClient:
        method = authentication.method
        if method == "private_key_jwt":
            self.server.register("svc", key=KEY)
        else:
            self.server.register("svc", secret=SECRET, method=method)
        settings = {"timeout": 0.3, "insecure_loopback": True} | settings
        client = OAuthClient(f"{self.url}/as", client_id="svc", authentication=authentication, **settings)
        self.clients.append(client)
        return client

    def secrets(self) -> set[str]:
        """Everything that must not be seen, as it is and as it was on the wire."""
        found = {SECRET, quote_plus(SECRET), D, SCALAR, PASSPHRASE}
        found |= {line for line in PEM.splitlines() if "-----" not in line}
        found |= {issued.access_token for issued in self.server.tokens.issued}
        for exchange in (*self.server.requests, *self.orders.requests, *self.stock.requests):
            for name in ("Authorization", "DPoP"):
                found |= {value.partition(" ")[2] or value for value in exchange.request.values(name)}
        for exchange in self.server.requests:
            for name in ("client_assertion", "assertion", "client_secret"):
                found |= set(exchange.form.get(name, ()))
        return found

    def met(self, function: Callable[[], Any]) -> BaseException | None:
        """What `function` raised, kept for the search."""
        try:
            function()
        except Exception as error:  # noqa: BLE001  # each is looked into
            self.errors.append(error)
            return error
        return None


@pytest.fixture
def house() -> Iterator[House]:
    with LoopbackPort() as port:
        house = House(port)
        yield house
        for client in house.clients:
            client.close()


@pytest.fixture
def notes() -> Iterator[Notes]:
    with Notes.of() as kept:
        yield kept


def search(house: House, notes: Notes, *things: object) -> None:
    hidden = house.secrets()
    texts = [*notes.lines, *held(*things)]
    for error in house.errors:
        texts += told(error)
    for text in texts:
        for secret in hidden:
            assert secret not in text, text.replace(secret, "<<< HERE >>>")


def calls(house: House, auth: Any) -> None:
    """The job with each of the families, sync and async, and the token by itself."""

    async def in_a_loop() -> None:
        async with httpx2.AsyncClient(auth=auth, timeout=5) as api:
            await api.get(f"{house.url}/stock/2")

    def call() -> None:
        with httpx.Client(auth=auth, timeout=5) as api:
            api.get(f"{house.url}/orders/1")

    house.met(call)
    house.met(lambda: asyncio.run(in_a_loop()))
    house.met(lambda: auth.token(f"{house.url}/orders"))


def resources(house: House) -> tuple[Resource, ...]:
    return (Resource(f"{house.url}/orders", scope="read"), Resource(f"{house.url}/stock", scope="read"))


AUTHENTICATIONS = {
    "basic": lambda: ClientSecretBasic(SECRET),
    "post": lambda: ClientSecretPost(SECRET),
    "secret jwt": lambda: ClientSecretJWT(SECRET),
    "private key": lambda: PrivateKeyJWT(KEY),
}


@pytest.mark.parametrize("kind", AUTHENTICATIONS)
@pytest.mark.parametrize("nonces", ["off", "required"])
def test_nothing_is_seen_where_all_goes_well(house: House, notes: Notes, kind: str, nonces: Any) -> None:
    house.server.nonces.mode = house.orders.nonces.mode = nonces
    oauth = house.client(AUTHENTICATIONS[kind]())
    auth = oauth.client_credentials(*resources(house))
    calls(house, auth)
    assert house.errors == []
    assert any("POST" in line for line in notes.lines)
    assert len(house.secrets()) > 10
    search(house, notes, oauth, auth, auth.token(f"{house.url}/orders"))


def _leak(response: Response) -> Response:
    """An answer that cannot be read, with the token in it."""
    return misbehaviour.raw(bytes(response.body) + b" and more")  # type: ignore[arg-type]


def _twice(response: Response) -> Response:
    token = json.loads(response.body)["access_token"]  # type: ignore[arg-type]
    return misbehaviour.raw(f'{{"access_token": "{token}", "access_token": "{token}"}}'.encode())


def _nested(response: Response) -> Response:
    token = json.loads(response.body)["access_token"]  # type: ignore[arg-type]
    return misbehaviour.raw(json.dumps({"access_token": [token], "token_type": "DPoP"}).encode())


def _long(response: Response) -> Response:
    return misbehaviour.raw(bytes(response.body) + b" " * 2_000_000)  # type: ignore[arg-type]


EDITS: dict[str, Any] = {
    "a downgrade": misbehaviour.members(token_type="Bearer"),
    "a lifetime that is none": misbehaviour.members(expires_in="soon"),
    "a scope that is none": misbehaviour.members(scope=5),
    "no type": misbehaviour.members(token_type=misbehaviour.OMIT),
    "an error beside the token": misbehaviour.members(error="server_error"),
    "a token that is a list": _nested,
    "a compressed answer": misbehaviour.header("Content-Encoding", "gzip"),
    "not json": _leak,
    "a duplicate": _twice,
    "too long": _long,
    "lost": misbehaviour.lost,
    "cut": misbehaviour.cut(30),
    "slow": misbehaviour.slow(0.5),
}
ANSWERS: dict[str, Any] = {
    "refused": misbehaviour.oauth_error("invalid_client", status=401, description="Who are you?"),
    "html": misbehaviour.html(500),
    "a redirect": misbehaviour.redirect("https://evil.example/token", 307),
    "too many": misbehaviour.too_many_requests(1),
    "not utf-8": misbehaviour.not_utf8(),
    "deep": misbehaviour.deep(),
    "dripping": misbehaviour.dripping(0.05),
    "a nonce again and again": misbehaviour.oauth_error("use_dpop_nonce"),
}


@pytest.mark.parametrize("kind", ["basic", "private key"])
@pytest.mark.parametrize("failure", [*EDITS, *ANSWERS])
def test_nothing_is_seen_when_the_server_fails(house: House, notes: Notes, failure: str, kind: str) -> None:
    if failure in EDITS:
        house.server.amend(EDITS[failure], times=None)
    else:
        house.server.instead(ANSWERS[failure], times=None)
    oauth = house.client(AUTHENTICATIONS[kind]())
    auth = oauth.client_credentials(*resources(house))
    calls(house, auth)
    assert len(house.errors) == 3
    assert all(isinstance(error, OAuthError) for error in house.errors)
    search(house, notes, oauth, auth)


def test_nothing_is_seen_when_the_server_offers_too_little(house: House, notes: Notes) -> None:
    house.server.dpop = "absent"
    oauth = house.client(ClientSecretPost(SECRET))
    auth = oauth.client_credentials(*resources(house))
    calls(house, auth)
    assert len(house.errors) == 3
    search(house, notes, oauth, auth)


API_ANSWERS: dict[str, Any] = {
    "a rejected token": misbehaviour.challenge('DPoP error="invalid_token"'),
    "algorithms": misbehaviour.challenge('DPoP algs="PS256", error="invalid_dpop_proof"'),
    "a redirect out of it": misbehaviour.redirect("https://127.0.0.1:1/evil", 307),
    "no answer": misbehaviour.slow,
}


@pytest.mark.parametrize("failure", API_ANSWERS)
@pytest.mark.parametrize("attached", [False, True])
def test_nothing_is_seen_when_the_api_fails(house: House, notes: Notes, failure: str, *, attached: bool) -> None:
    for api in (house.orders, house.stock):
        if failure == "no answer":
            api.amend(misbehaviour.lost, times=None)
        else:
            api.instead(API_ANSWERS[failure], times=None)
    oauth = house.client(PrivateKeyJWT(KEY))
    auth = oauth.client_credentials(*resources(house))

    def call() -> None:
        with httpx.Client(follow_redirects=True, timeout=5) as api:
            if attached:
                attach(api, auth).get(f"{house.url}/orders/1")
            else:
                api.get(f"{house.url}/orders/1", auth=auth)

    calls(house, auth)
    house.met(call)
    search(house, notes, oauth, auth)


def test_nothing_is_seen_of_requests_that_are_refused(house: House, notes: Notes) -> None:
    oauth = house.client(ClientSecretJWT(SECRET))
    auth = oauth.client_credentials(*resources(house))
    calls(house, auth)
    with httpx.Client(auth=auth) as api:
        house.met(lambda: api.get("https://user:hunter2@elsewhere.example/?token=hunter2"))
        house.met(lambda: api.get(f"{house.url}/orders/%2e%2e/stock?token=hunter2"))
        house.met(lambda: api.get(f"{house.url}/orders", headers={"Authorization": "Bearer hunter2"}))
    assert len(house.errors) == 3
    for error in house.errors:
        assert "hunter2" not in f"{error!r} {error}"
    search(house, notes, oauth, auth)


def _assertion(audience: str) -> str:
    now = int(time.time())
    jti = secrets.token_urlsafe()
    claims = {"iss": "svc", "sub": "someone", "aud": audience, "iat": now, "exp": now + 60, "jti": jti}
    return issue(AUTHORIZATION_GRANT, KEY, claims)


@pytest.mark.parametrize("kind", ["self-issued", "issued"])
@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_seen_of_assertions_that_are_grants(house: House, notes: Notes, kind: str, *, fails: bool) -> None:
    if fails:
        house.server.instead(misbehaviour.oauth_error("invalid_grant"), times=None)
    house.server.trust("svc", KEY)
    self_issued: Grant = SelfIssuedAssertion("someone", key=KEY)
    grant = self_issued if kind == "self-issued" else IssuedAssertion(partial(_assertion, house.server.issuer))
    oauth = house.client(PrivateKeyJWT(KEY))
    auth = oauth.grant(grant, *resources(house))
    calls(house, auth)
    assert bool(house.errors) == fails
    assert any(exchange.form.get("assertion") for exchange in house.server.requests)
    search(house, notes, oauth, auth)


def test_nothing_of_ours_is_seen_when_the_programs_own_code_fails(house: House, notes: Notes) -> None:
    def vault() -> str:
        raise OSError("the vault is sealed")

    oauth = house.client(ClientSecretPost(SECRET))
    auth = oauth.grant(IssuedAssertion(vault), *resources(house))
    calls(house, auth)
    assert all(isinstance(error.__cause__, OSError) for error in house.errors)
    search(house, notes, oauth, auth)


def _encrypted() -> bytes:
    return PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE.encode()))


BAD_KEYS: dict[str, Callable[[], object]] = {
    "broken PEM": lambda: SigningKey.from_pem(PEM.replace("PRIVATE", "PUBLIC")),
    "cut PEM": lambda: SigningKey.from_pem(PEM[:-40]),
    "another algorithm": lambda: SigningKey.from_pem(PEM, algorithm="PS256"),
    "a needless passphrase": lambda: SigningKey.from_pem(PEM, passphrase=PASSPHRASE),
    "a wrong passphrase": lambda: SigningKey.from_pem(_encrypted(), passphrase=PASSPHRASE + "?"),
    "no passphrase": lambda: SigningKey.from_pem(_encrypted()),
    "half a JWK": lambda: SigningKey.from_jwk({"kty": "EC", "crv": "P-256", "d": D}),
    "a JWK that does not fit": lambda: SigningKey.from_jwk({**KEY.public_jwk, "crv": "P-384", "d": D}),
    "a JWK as text": lambda: SigningKey.from_jwk(json.dumps({**KEY.public_jwk, "d": D}) + "x"),
    "a JWK for something else": lambda: SigningKey.from_jwk({**KEY.public_jwk, "d": D, "use": "enc"}),
    "a secret too short": lambda: ClientSecretJWT(SECRET[:20]),
    "a secret that is no text": lambda: ClientSecretBasic(SECRET + "\udcff").credentials(_occasion()),
}


@pytest.mark.parametrize("kind", BAD_KEYS)
def test_nothing_is_seen_of_a_key_that_cannot_be_used(house: House, notes: Notes, kind: str) -> None:
    assert isinstance(house.met(BAD_KEYS[kind]), OAuthError)
    assert all(SECRET[:20] not in text for error in house.errors for text in told(error))
    search(house, notes)


def _occasion() -> Any:
    from oauthclient import Occasion

    return Occasion(
        issuer="https://a.example", client_id="svc", endpoint="https://a.example/token", issued_at=1, jti="j"
    )


def test_the_token_and_the_proof_stand_in_the_request_that_was_sent_and_only_there(house: House, notes: Notes) -> None:
    auth = house.client(PrivateKeyJWT(KEY)).client_credentials(*resources(house))
    with httpx.Client(auth=auth) as api:
        response = api.get(f"{house.url}/orders/1")
    token = house.server.tokens.issued[-1].access_token
    assert response.request.headers["Authorization"] == f"DPoP {token}"
    assert response.request.headers["DPoP"].count(".") == 2
    for thing in (response, response.request, response.request.extensions, response.extensions, auth):
        assert token not in repr(thing)
        assert response.request.headers["DPoP"] not in repr(thing)
    search(house, notes, auth)


def test_the_search_finds_what_it_looks_for(house: House, notes: Notes) -> None:
    """Or all of the above would prove nothing."""

    class Careless:
        def __init__(self) -> None:
            self.secret = [SECRET]

    with pytest.raises(AssertionError):
        search(house, notes, Careless())
    house.met(lambda: json.loads(SECRET))
    with pytest.raises(AssertionError):
        search(house, notes)
    house.errors.clear()
    logging.getLogger("anybody").debug("With %s", SECRET)
    with pytest.raises(AssertionError):
        search(house, notes)
