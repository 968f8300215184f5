r"""A service calls two APIs, told message by message: what is sent, what it proves, what comes back.

python examples/demo.py     against a server in this process; with --mutual-tls, by a client certificate
python examples/demo.py --issuer https://as.example.com --client-id stock-sync --key client.pem \
    --resource https://api.example.com/orders orders.read --resource https://api.example.com/stock stock.read

The second is against a server of yours, where each resource answers a GET. With --certificate tokens are bound to that,
and not to a DPoP key; without --key it is what authenticates, too.
"""

from __future__ import annotations

import os
import sys
import time

import httpx
from narration import malice, words
from stage import Stage, UnexpectedError, arguments, embedded, given, known_by, written

from oauthclient import OAuthClient, OAuthError, PrivateKeyJWT, RequestRefused, Resource, TLSFailed
from oauthclient.cli.narration.anatomy import Line, challenge, form_of, json_of, read_jwt
from oauthclient.cli.narration.recorder import Exchange, Log, Recorder
from oauthclient.cli.narration.terminal import Terminal

REFUSED = (400, 401, 403)


class Demo:
    """The story. Each step goes on where the one before it ended."""

    def __init__(self, stage: Stage, out: Terminal) -> None:
        self.stage = stage
        self.out = out
        self.log = Log()
        self.constraint = stage.constraint
        self.words = stage.constraint.words
        by_key = isinstance(stage.authentication, PrivateKeyJWT)
        self.identity = words.ASSERTION if by_key else words.CERTIFIED
        self.first, self.second = stage.resources
        self.oauth = self.client(self.log)
        self.auth = self.oauth.client_credentials(self.first, self.second)
        self.api = httpx.Client(auth=self.auth, transport=self.recorder(self.log))
        self.earlier: dict[str, httpx.Request] = {}
        self.said: set[str] = set()
        self.faults = 0

    def client(self, log: Log) -> OAuthClient:
        """A client of the server whose messages to it go into `log`."""
        return OAuthClient(
            self.stage.issuer,
            client_id=self.stage.client_id,
            authentication=self.stage.authentication,
            binding=self.constraint.binding,
            transport=self.recorder(log),
            insecure_loopback=self.stage.insecure_loopback,
        )

    def recorder(self, log: Log) -> Recorder:
        """Connections of the service, seen by us."""
        return Recorder(log, self.constraint.connect(self.stage.trust))

    def run(self) -> None:
        """Tell all of it. Raises UnexpectedError if something was not as told, OAuthError, httpx.HTTPError."""
        began = time.monotonic()
        steps = [
            ("Discovery: what the server says of itself", self.discovery),
            ("A token for the first API", self.token),
            (self.words.a_call, self.call),
            ("The second API: another token", self.second_api),
            (self.words.another_call, self.cached),
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
                Line("service", stage.client_id, f"known there by {known_by(stage.authentication)}"),
            )
        )
        self.out.code(
            "oauth = OAuthClient(",
            f'    "{stage.issuer}",',
            f'    client_id="{stage.client_id}",',
            f"    authentication={written(stage.authentication)},",
            f"    binding={self.constraint.source},",
            ")",
            "auth = oauth.client_credentials(",
            f"    {_source(self.first)},",
            f"    {_source(self.second)},",
            ")",
            *self.constraint.client,
        )
        self.out.say("That is the whole program. Nothing has been sent yet.")

    def discovery(self) -> None:
        """The metadata (RFC 8414)."""
        self.out.code("oauth.discover()")
        metadata = self.oauth.discover()
        self.tell()
        if metadata.issuer != self.stage.issuer:
            raise UnexpectedError("The metadata is another issuer's.")
        missing = self.constraint.missing(metadata)
        if missing:
            raise UnexpectedError(missing)
        self.out.proves(self.words.issuer)
        if metadata.token_endpoint != json_of(self.log.exchanges[-1].response)["token_endpoint"]:
            self.out.say("Tokens are asked for at its alias of the token endpoint:")
            self.out.facts([Line("alias", metadata.token_endpoint, words.ALIAS)])

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
        self.conclude(self.words.cached)

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
        """What a stolen request is good for (RFC 9449, section 11; RFC 8705, section 3)."""
        self.out.say(self.words.stolen)
        for what, request, client in self.constraint.attempts(self.earlier["call"], self.second.url, self.stage.trust):
            self.out.say(what)
            try:
                response = client.send(request)
            except TLSFailed as error:  # an API that takes no such certificate at all
                self.out.outcome(error.message, good=True)
                continue
            reason = ": ".join(challenge(response).values())
            refused = response.status_code in REFUSED
            self.out.outcome(f"{response.status_code} {reason}", good=refused)
            self.faults += not refused
        self.conclude(self.words.useless)

    def malice(self) -> None:
        """Tricks of the server, each played on a client that knows nothing of it yet."""
        server = self.stage.embedded
        if server is None:
            return
        for what, command, play in malice.tricks(server, by_certificate=self.constraint.by_certificate):
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
        tokens = sum("access_token" in json_of(response) for _, response in exchanges)
        self.out.facts(
            (
                Line("requests for metadata", str(self.count("metadata"))),
                Line(
                    "requests for tokens", str(self.count("token")), f"{tokens} tokens came of them, each for one API"
                ),
                Line("calls", str(self.count("call"))),
                *self.constraint.summary([exchange.request for exchange in exchanges if _kind(exchange) != "metadata"]),
                Line("seconds", f"{seconds:.1f}"),
            )
        )
        if not self.constraint.kept:
            self.fault("Not every request has proved what it should have.")

    def tell(self) -> None:
        """Show what was sent since the last time, and what came back."""
        for exchange in self.log.new():
            request, response = exchange
            kind = _kind(exchange)
            alike = f"{kind} {request.url}"
            earlier = self.earlier.get(alike) or self.earlier.get(kind)
            self.out.request(request, earlier)
            if kind == "token":
                self.explain(*((self.identity, self.words.binding) if earlier is None else (self.words.fresh,)))
            elif kind == "call":
                self.explain(self.words.call)
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
            if jwt is not None and jwt.claims.get("cnf") != self.constraint.cnf:
                self.fault(f"The token is not bound to {self.constraint.bound_to}.")
            self.explain(self.words.bound)

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


def main() -> None:
    """Run the demo; status 1 if something was not as told."""
    settings = arguments()
    out = Terminal(sys.stdout, os.environ)
    try:
        with embedded(mutual_tls=settings.mutual_tls) if settings.issuer is None else given(settings) as stage:
            Demo(stage, out).run()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read along has seen enough
    except (OAuthError, UnexpectedError, httpx.HTTPError, OSError) as error:
        out.fails(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
