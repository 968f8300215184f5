"""Ours at the real server: a login by way of another device, who it was, its end (RFC 8628, OIDC Core, RFC 7009)."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import pytest

from oauthclient.engine.driver import Driver
from oauthclient.engine.transport import Transport
from oauthclient.errors import ErrorResponse
from oauthclient.flows.effects import Story
from oauthclient.flows.poll import begin_device, poll
from oauthclient.flows.revoke import revoke_all
from oauthclient.flows.server import Server
from oauthclient.flows.userinfo import userinfo
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.authentication import ClientAuthentication, PrivateKeyJWT, PublicClient
from oauthclient.protocol.authorization_request import Wish
from oauthclient.protocol.binding import DPoP
from oauthclient.protocol.end_session import end_session_url
from oauthclient.protocol.session import Granted
from oauthclient.protocol.strict_json import parse_object
from oauthclient.protocol.token import Token, read_token_response
from oauthclient.secret import Secret
from oauthclient.storage.memory import MemoryStore
from tests.real.harness import RealServer
from tests.real.login_by_hand import register
from tests.real.person import Person

WISH = Wish(targets=(), scope="openid offline_access", prompt="consent")


class Program:
    """A program of ours that logs a person in by way of another device. `interval`: seconds; the server says none."""

    def __init__(self, real: RealServer, client_id: str, authentication: ClientAuthentication) -> None:
        self.real = real
        self.transport = Transport(verify=real.tls)
        self.driver = Driver(self.transport, MemoryStore())
        self.server = Server(
            real.issuer,
            client_id=client_id,
            authentication=authentication,
            binding=DPoP(),
            told_by="resource",
            parameters={},
            loopback=False,
            metadata=None,
        )

    def close(self) -> None:
        self.transport.close()

    def tell(self, story: Story[Any]) -> Any:
        return self.driver.run(story)

    def log_in(self, wish: Wish = WISH, *, user: str = "alice", after: float = 0.0) -> tuple[Token, dict[str, Any]]:
        """The token, and the members of the answer. `after`: seconds that the person takes."""
        device = replace(self.tell(begin_device(self.server, wish)), interval=0.2)

        def decide() -> None:
            with Person(self.real, user=user) as person:
                person.approve(device.verification_uri_complete or "")

        decided = threading.Timer(after, decide)
        decided.start()
        try:
            response = self.tell(poll(self.server, device, [("resource", target.target) for target in wish.targets]))
        finally:
            decided.join()
        what = "the answer"
        token = read_token_response(response, binding=DPoP(), asked=None, what=what, jitter=0.5)
        return token, parse_object(response.body, what=what)


@pytest.fixture(params=["native", "native-key"])
def program(real: RealServer, request: pytest.FixtureRequest) -> Iterator[Program]:
    client = real.clients[request.param]
    authentication: ClientAuthentication = PublicClient()
    if client.pem:
        authentication = PrivateKeyJWT(SigningKey.from_pem(client.pem, algorithm=client.algorithm))
    with closing(Program(real, client.client_id, authentication)) as program:
        yield program


def test_a_device_login_waits_for_the_person_and_userinfo_tells_who_it_was(program: Program) -> None:
    before = program.real.stats()["as"]["requested"].get("urn:ietf:params:oauth:grant-type:device_code", 0)
    token, document = program.log_in(user="bob", after=0.7)
    assert {"refresh_token", "id_token"} <= document.keys()
    polls = program.real.stats()["as"]["requested"]["urn:ietf:params:oauth:grant-type:device_code"] - before
    assert polls > 2
    assert program.tell(userinfo(program.server, token, subject="bob"))["sub"] == "bob"


def test_a_device_login_is_for_the_resource_named(program: Program) -> None:
    target = program.real.resource("a")
    token, _ = program.log_in(Wish(targets=(Granted(target, "read"),)))
    assert token.scope == "read"


def test_a_person_who_says_no_ends_it(program: Program) -> None:
    with pytest.raises(ErrorResponse) as caught:
        program.log_in(user="deny")
    assert caught.value.code == "access_denied"


def test_signed_userinfo_is_verified(real: RealServer) -> None:
    with real.client() as http:
        told = register(real, http, userinfo_signed_response_alg="PS256")
    with closing(Program(real, told["client_id"], PublicClient())) as program:
        token, _ = program.log_in()
        claims = program.tell(userinfo(program.server, token, subject="alice", registered="PS256"))
    assert claims["sub"] == "alice"
    assert claims["iss"] == real.issuer


def test_what_is_revoked_is_refused_from_then_on(program: Program) -> None:
    token, document = program.log_in()
    left = program.tell(
        revoke_all(
            program.server,
            [(Secret(document["refresh_token"]), "refresh_token"), (Secret(token.access_token), "access_token")],
        )
    )
    assert left == ()
    with pytest.raises(ErrorResponse) as caught:
        program.tell(userinfo(program.server, token, subject="alice"))
    assert caught.value.code == "invalid_token"


def test_the_server_may_honour_a_jwt_still(program: Program) -> None:
    """Oidc-provider revokes no token that is a JWT: it is told, and no error."""
    token, _ = program.log_in(Wish(targets=(Granted(program.real.resource("a"), "read"),)))
    (left,) = program.tell(revoke_all(program.server, [(Secret(token.access_token), "access_token")]))
    assert (left.token_type, left.code) == ("access_token", "unsupported_token_type")


def test_the_person_is_logged_out_at_the_server(program: Program) -> None:
    _, document = program.log_in()
    assert program.server.metadata is not None
    url = end_session_url(
        program.server.metadata,
        client_id=program.server.client_id,
        id_token_hint=Secret(document["id_token"]),
        post_logout_redirect_uri="http://127.0.0.1/signed-out",
        state="st4te",
    )
    with Person(program.real) as person:
        end = httpx.URL(person.sign_out(url or ""))
    assert (end.path, end.params["state"]) == ("/signed-out", "st4te")
