r"""A service calls two APIs, told message by message: what is sent, what it proves, what comes back.

python examples/demo.py     against a server in this process; or against yours, where each resource answers a GET:
python examples/demo.py --issuer https://as.example.com --client-id stock-sync --key client.pem \
    --resource https://api.example.com/orders orders.read --resource https://api.example.com/stock stock.read
"""

from __future__ import annotations

import argparse
import os
import ssl
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
from embedded import CLIENT_ID, Embedded
from narration import malice, thief, words

from oauthclient import DPoP, OAuthClient, OAuthError, PrivateKeyJWT, RequestRefused, Resource, SigningKey
from oauthclient.cli.narration.anatomy import Line, challenge, form_of, json_of, read_jwt
from oauthclient.cli.narration.recorder import Exchange, Log, Recorder
from oauthclient.cli.narration.terminal import Terminal

if TYPE_CHECKING:
    from oauthclient.testing import AuthorizationServer

APIS = 2
REFUSED = (400, 401, 403)


class Stage(NamedTuple):
    """Where the story plays. `embedded`: the server, where it is ours to command."""

    issuer: str
    client_id: str
    key: SigningKey
    resources: tuple[Resource, Resource]
    tls: ssl.SSLContext
    insecure_loopback: bool
    embedded: AuthorizationServer | None = None


class UnexpectedError(Exception):
    """Something that the story tells of did not happen."""


class Demo:
    """The story. Each step goes on where the one before it ended."""

    def __init__(self, stage: Stage, out: Terminal) -> None:
        self.stage = stage
        self.out = out
        self.log = Log()
        self.binding_key = SigningKey.generate("ES256")
        self.first, self.second = stage.resources
        self.oauth = self.client(self.log)
        self.auth = self.oauth.client_credentials(self.first, self.second)
        self.api = httpx.Client(auth=self.auth, transport=Recorder(self.log, tls=stage.tls))
        self.earlier: dict[str, httpx.Request] = {}
        self.said: set[str] = set()
        self.faults = 0

    def client(self, log: Log) -> OAuthClient:
        """A client of the server whose messages to it go into `log`."""
        return OAuthClient(
            self.stage.issuer,
            client_id=self.stage.client_id,
            authentication=PrivateKeyJWT(self.stage.key),
            binding=DPoP(self.binding_key),
            transport=Recorder(log, tls=self.stage.tls),
            insecure_loopback=self.stage.insecure_loopback,
        )

    def run(self) -> None:
        """Tell all of it. Raises UnexpectedError if something was not as told, OAuthError, httpx.HTTPError."""
        began = time.monotonic()
        steps = [
            ("Discovery: what the server says of itself", self.discovery),
            ("A token for the first API", self.token),
            ("A call, with its proof", self.call),
            ("The second API: another token", self.second_api),
            ("Another call: the token is kept, the proof is new", self.cached),
            ("URLs outside both APIs", self.outside),
            ("A thief", self.theft),
        ]
        if self.stage.embedded is not None:
            steps.append(("The server turns malicious, on command", self.malice))
        with self.oauth, self.api:
            self.opening()
            for number, (heading, step) in enumerate(steps, 1):
                self.out.step(f"{number}  {heading}")
                try:
                    step()
                finally:
                    self.tell()  # what was sent before a step failed
        self.out.step("In the end")
        self.summary(time.monotonic() - began)
        if self.faults:
            raise UnexpectedError("Not everything went as it should: see above.")

    def opening(self) -> None:
        """Who takes part, and the program."""
        stage = self.stage
        where = "" if stage.embedded is None else "in this process, on a loopback port"
        self.out.title("A service calls two APIs, each with a sender-constrained token of its own")
        self.out.facts(
            (
                Line("authorization server", stage.issuer, where),
                Line("first API", self.first.url),
                Line("second API", self.second.url),
                Line("service", stage.client_id, f"known there by the public half of its {stage.key.algorithm} key"),
            )
        )
        self.out.code(
            "oauth = OAuthClient(",
            f'    "{stage.issuer}",',
            f'    client_id="{stage.client_id}",',
            "    authentication=PrivateKeyJWT(key),",
            "    binding=DPoP(),",
            ")",
            "auth = oauth.client_credentials(",
            f"    {_source(self.first)},",
            f"    {_source(self.second)},",
            ")",
            "api = httpx.Client(auth=auth)",
        )
        self.out.say("That is the whole program. Nothing has been sent yet.")

    def discovery(self) -> None:
        """The metadata (RFC 8414)."""
        self.out.code("oauth.discover()")
        metadata = self.oauth.discover()
        self.tell()
        if metadata.issuer != self.stage.issuer:
            raise UnexpectedError("The metadata is another issuer's.")
        if not metadata.dpop_signing_alg_values_supported:
            raise UnexpectedError("The server does not offer DPoP (dpop_signing_alg_values_supported).")
        self.out.proves(words.ISSUER)

    def token(self) -> None:
        """A token request, with its nonce challenge where the server makes one (RFC 7523, RFC 8707, RFC 9449)."""
        self.out.code(f'auth.token("{self.first.url}")')
        self.auth.token(self.first.url)
        self.tell()

    def call(self) -> None:
        """A call (RFC 9449, section 7)."""
        url = self.first.url if self.stage.embedded is None else f"{self.first.url}/17"
        self.out.code(f'api.get("{url}")')
        response = self.api.get(url)
        self.tell()
        self.check(response)

    def second_api(self) -> None:
        """A call that needs another token. A server that is not ours is only read from."""
        if self.stage.embedded is None:
            self.out.code(f'api.get("{self.second.url}")')
            response = self.api.get(self.second.url)
        else:
            self.out.code(f'api.put("{self.second.url}/9", json={{"level": 3}})')
            response = self.api.put(f"{self.second.url}/9", json={"level": 3})
        self.tell()
        self.check(response)
        self.conclude(words.TWO_TOKENS)

    def cached(self) -> None:
        """A call for which the token is at hand."""
        before = self.count("token")
        self.call()
        if self.count("token") != before:
            self.fault("A token that was still good was asked for again.")
        self.conclude(words.CACHED)

    def outside(self) -> None:
        """Requests that are refused before anything is sent (RFC 8707, section 2)."""
        base = self.first.url.rstrip("/")
        path = httpx.URL(base).path
        urls = {
            f"https://elsewhere.example{path}": "Another host:",
            f"{base}/%2e%2e/admin": "A way out of the first API, in disguise:",
        }
        if path != "/":
            urls[f"{base}-archive/17"] = "Another path, that only begins alike:"
        sent = len(self.log.exchanges)
        for url, what in urls.items():
            self.out.say(what)
            self.out.code(f'api.get("{url}")')
            try:
                self.api.get(url)
            except RequestRefused as error:
                self.out.outcome(f"{type(error).__name__}: {error.args[0]}", good=True)
            else:
                self.fault("It was sent.")
        if len(self.log.exchanges) != sent:
            self.fault("Something was sent all the same.")
        self.conclude(words.OUTSIDE)

    def theft(self) -> None:
        """What a stolen request is good for (RFC 9449, section 11)."""
        stolen = self.earlier["call"]
        self.out.say(words.STOLEN)
        with httpx.Client(verify=self.stage.tls, trust_env=False) as client:
            for what, request in thief.attempts(stolen, self.second.url):
                response = client.send(request)
                reason = ": ".join(challenge(response).values())
                refused = response.status_code in REFUSED
                self.out.say(what)
                self.out.outcome(f"{response.status_code} {reason}", good=refused)
                self.faults += not refused
        self.conclude(words.USELESS)

    def malice(self) -> None:
        """Tricks of the server, each played on a client that knows nothing of it yet."""
        server = self.stage.embedded
        if server is None:
            return
        for what, command, play in malice.tricks(server):
            play()
            self.out.say(what)
            self.out.code(command)
            with self.client(Log()) as oauth:
                auth = oauth.client_credentials(self.first)
                try:
                    auth.token(self.first.url)
                except OAuthError as error:
                    self.out.outcome(f"{type(error).__name__}: {error}", good=True)
                else:
                    self.fault("The client went along with it.")
            server.behave()
        self.conclude(words.FAIL_CLOSED)

    def summary(self, seconds: float) -> None:
        """What the service has sent, without the thief and the clients that were tricked."""
        exchanges = self.log.exchanges
        proofs = [jwt for jwt in (read_jwt(request.headers.get("DPoP", "")) for request, _ in exchanges) if jwt]
        identifiers = {proof.claims["jti"] for proof in proofs}
        tokens = sum("access_token" in json_of(response) for _, response in exchanges)
        if len(identifiers) != len(proofs):
            self.fault("A proof was used twice.")
        self.out.facts(
            (
                Line("requests for metadata", str(self.count("metadata"))),
                Line(
                    "requests for tokens", str(self.count("token")), f"{tokens} tokens came of them, each for one API"
                ),
                Line("calls", str(self.count("call"))),
                Line("proofs", str(len(proofs)), "a new one for every request to a token endpoint or an API"),
                Line("key of the proofs", self.binding_key.thumbprint, "its private half was in no message"),
                Line("seconds", f"{seconds:.1f}"),
            )
        )

    def tell(self) -> None:
        """Show what was sent since the last time, and what came back."""
        for exchange in self.log.new():
            request, response = exchange
            kind = _kind(exchange)
            alike = f"{kind} {request.url}"
            earlier = self.earlier.get(alike) or self.earlier.get(kind)
            self.out.request(request, earlier)
            if kind == "token":
                self.explain(*((words.ASSERTION, words.BINDING) if earlier is None else (words.FRESH,)))
            elif kind == "call":
                self.explain(words.CALL)
            self.out.response(response, brief=kind == "metadata" and not response.is_success)
            if kind == "token":
                self.explain_answer(response)
            self.earlier[kind] = self.earlier[alike] = request

    def explain_answer(self, response: httpx.Response) -> None:
        """What an answer of the token endpoint means; a token that is a JWT must be bound to our key."""
        document = json_of(response)
        if document.get("error") == "use_dpop_nonce":
            self.explain(words.NONCE)
        if "access_token" in document:
            jwt = read_jwt(str(document["access_token"]))
            if jwt is not None and jwt.claims.get("cnf") != {"jkt": self.binding_key.thumbprint}:
                self.fault("The token is not bound to the key of the proof.")
            self.explain(words.BOUND)

    def explain(self, *texts: str) -> None:
        """Say what a message proves or means, once."""
        for text in texts:
            if text not in self.said:
                self.said.add(text)
                self.out.proves(text)

    def conclude(self, text: str) -> None:
        """Say what a step comes to, as long as everything was as told."""
        if not self.faults:
            self.out.proves(text)

    def check(self, response: httpx.Response) -> None:
        """Go on only with an API that lets us in."""
        if not response.is_success:
            raise UnexpectedError(f"{response.url} answered {response.status_code}.")

    def count(self, kind: str) -> int:
        """How many requests of this kind were sent."""
        return sum(_kind(exchange) == kind for exchange in self.log.exchanges)

    def fault(self, text: str) -> None:
        """Say what was not as it should be, and go on."""
        self.faults += 1
        self.out.fails(text)


def _kind(exchange: Exchange) -> str:
    if "grant_type" in form_of(exchange.request):
        return "token"
    return "call" if "Authorization" in exchange.request.headers else "metadata"


def _source(resource: Resource) -> str:
    scope = "" if resource.scope is None else f', scope="{resource.scope}"'
    return f'Resource("{resource.url}"{scope})'


def _stage(settings: argparse.Namespace) -> Stage:
    (first, *first_scope), (second, *second_scope) = settings.resource
    tls = ssl.create_default_context(cafile=settings.ca) if settings.ca else httpx.create_ssl_context()
    return Stage(
        settings.issuer,
        settings.client_id,
        SigningKey.from_pem(settings.key.read_bytes()),
        (Resource(first, scope=first_scope), Resource(second, scope=second_scope)),
        tls,
        settings.insecure_loopback,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Calls two APIs and shows each message. Without options: embedded.")
    parser.add_argument("--issuer", help="the authorization server; by default one in this process")
    parser.add_argument("--client-id", help="the name it knows the service by")
    parser.add_argument("--key", type=Path, help="PEM file of the private key registered there")
    parser.add_argument("--resource", action="append", nargs="+", metavar=("URL", "SCOPE"), help="an API; give two")
    parser.add_argument("--ca", help="PEM file of a private CA, if the servers' certificates come from one")
    parser.add_argument("--insecure-loopback", action="store_true", help="allow a server on this machine without TLS")
    settings = parser.parse_args()
    needed = (settings.client_id, settings.key, settings.resource)
    if settings.issuer and (not all(needed) or len(settings.resource) != APIS):
        parser.error("--issuer needs --client-id, --key, and --resource twice")
    if not settings.issuer and any(needed):
        parser.error("--client-id, --key and --resource need --issuer")
    return settings


def main() -> None:
    """Run the demo; status 1 if something was not as told."""
    settings = _arguments()
    out = Terminal(sys.stdout, os.environ)
    try:
        if settings.issuer:
            Demo(_stage(settings), out).run()
        else:
            key = SigningKey.generate("ES256")
            with Embedded(key) as embedded:
                apis = (embedded.orders, embedded.stock)
                tls = ssl.create_default_context()
                Demo(Stage(embedded.server.issuer, CLIENT_ID, key, apis, tls, True, embedded.server), out).run()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read along has seen enough
    except (OAuthError, UnexpectedError, httpx.HTTPError, OSError) as error:
        out.fails(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
