"""Tells stories to a test: their effects are answered from a script, one after the other, without threads or sleep."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from oauthclient.flows.effects import Ask, FreshID, Jitter, Load, Now, Once, Save, Send
from oauthclient.flows.server import Server
from oauthclient.flows.slot import Slot
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.authentication import PrivateKeyJWT
from oauthclient.protocol.binding import DPoP
from oauthclient.protocol.grants import ClientCredentials
from oauthclient.protocol.metadata import ServerMetadata
from oauthclient.protocol.wire import Instant, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from oauthclient.protocol.token import Token

ISSUER = "https://as.example.com"
ENDPOINT = f"{ISSUER}/token"
KEY = SigningKey.generate()
DOCUMENT = {
    "issuer": ISSUER,
    "token_endpoint": ENDPOINT,
    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
    "dpop_signing_alg_values_supported": ["ES256"],
}

Answer = Response | Exception


class World:
    """Two clocks, a store and a script of answers. `sent` are the requests, `effects` the names of all effects."""

    def __init__(self, *answers: Answer) -> None:
        self.wall, self.steady = 1_800_000_000.0, 1_000.0
        self.answers = list(answers)
        self.sent: list[Request] = []
        self.effects: list[str] = []
        self.store: dict[Slot, Token] = {}
        self.ids = 0

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def tell(self, story: Generator[Any, Any, Any]) -> Any:
        """What the story returns, or raises."""
        telling = Telling(self, story)
        while not telling.over:
            telling.step()
        return telling.result()

    def answer(self, effect: object) -> Any:
        self.effects.append(type(effect).__name__)
        match effect:
            case Send(request=request):
                return self._send(request)
            case Now():
                return Instant(self.wall, self.steady)
            case FreshID():
                self.ids += 1
                return f"id-{self.ids}"
            case Jitter():
                return 0.5
            case Ask(function=function):
                return function()
            case Once(story=story):
                return self.tell(story())
            case Load(slot=slot):
                return self.store.get(slot)
            case Save(slot=slot, token=token):
                self.store[slot] = token
                return None
        raise AssertionError(effect)

    def _send(self, request: Request) -> Response:
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        moment = Instant(self.wall, self.steady)
        return Response(
            answer.status, answer.headers, answer.body, sent=moment, received=moment, certificate=request.certificate
        )


class Telling:
    """One story, told an effect at a time."""

    def __init__(self, world: World, story: Generator[Any, Any, Any]) -> None:
        self._world = world
        self._story = story
        self._value: Any = None
        self._error: BaseException | None = None
        self.over = False
        self.effect: Any = None
        self._go_on(lambda: story.send(None))

    def step(self) -> None:
        """Answer the effect that the story has come to."""
        try:
            reply = self._world.answer(self.effect)
        except Exception as error:  # noqa: BLE001  # into the story, as the driver does
            failure = error
            self._go_on(lambda: self._story.throw(failure))
        else:
            self._go_on(lambda: self._story.send(reply))

    def step_to(self, *kinds: type) -> None:
        """Answer effects up to the next one of these kinds."""
        while not self.over and not isinstance(self.effect, kinds):
            self.step()

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value

    def _go_on(self, resume: Callable[[], Any]) -> None:
        try:
            self.effect = resume()
        except StopIteration as told:
            self._value = told.value
            self.over = True
        except Exception as error:  # noqa: BLE001  # for result() to raise
            self._error = error
            self.over = True


def respond(status: int = 200, document: Any = None, **headers: str) -> Response:
    """An answer with a JSON document; headers with underscores."""
    moment = Instant(0.0, 0.0)
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, body, sent=moment, received=moment)


def token_answer(token: str = "t0k3n", **members: Any) -> Response:
    return respond(200, {"access_token": token, "token_type": "DPoP", "expires_in": 3600} | members)


def error_answer(code: str, status: int = 400, **headers: str) -> Response:
    return respond(status, {"error": code}, **headers)


def metadata_answer(**members: Any) -> Response:
    return respond(200, DOCUMENT | members)


def make_server(**settings: Any) -> Server:
    """A server whose metadata is yet to be discovered."""
    return Server(
        **(
            {
                "issuer": ISSUER,
                "client_id": "svc",
                "authentication": PrivateKeyJWT(KEY),
                "binding": DPoP(),
                "told_by": "resource",
                "parameters": {},
                "loopback": False,
                "metadata": None,
            }
            | settings
        )
    )


def by_hand(**members: Any) -> ServerMetadata:
    return ServerMetadata.from_document(DOCUMENT | members)


def make_slot(**changes: Any) -> Slot:
    return Slot(
        **(
            {
                "issuer": ISSUER,
                "client_id": "svc",
                "grant": ClientCredentials(),
                "told_by": "resource",
                "target": "https://api.example.com/orders",
                "scope": "read",
                "thumbprint": "jkt",
            }
            | changes
        )
    )


def form(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.body.decode(), strict_parsing=True)


def proof(request: Request) -> dict[str, Any]:
    return claims(request.headers["DPoP"])


def assertion(request: Request) -> dict[str, Any]:
    return claims(form(request)["client_assertion"][0])


def claims(jwt: str) -> dict[str, Any]:
    payload = jwt.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return read
