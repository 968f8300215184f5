"""An API in the process that accepts sender-constrained access tokens (RFC 6750; RFC 9449, section 7; RFC 8705, 3)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, urlsplit

from oauthclient.protocol.urls import without_query
from oauthclient.testing.admission import admit, challenge, with_nonce
from oauthclient.testing.clients import scope_set
from oauthclient.testing.host import Host, prefix_length
from oauthclient.testing.http import Pause, Response, json_response
from oauthclient.testing.proofs import ProofChecker
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from oauthclient.testing.authorization_server import AuthorizationServer
    from oauthclient.testing.http import Request
    from oauthclient.testing.nonces import Nonces
    from oauthclient.testing.tokens import IssuedToken


class ProtectedAPI(Host):
    """An API that owns all URLs under `url` and lets in whoever proves possession of a token's key, or certificate.

    It is made known to the authorization server as the resource `identifier` (by default `url`) with the
    scopes `scope`. What it answers to a request it lets in: under `url`, `/echo` the request's own body and
    content type; `/events?count=3&pause=0.1` so many server-sent events, `pause` seconds apart;
    `/redirect?to=...&status=307` a redirect; everything else a JSON object that tells what it saw: `method`,
    `url`, `subject`, `client_id`, `scope`, `body`. Each URL is its endpoint `"resource"`.

    Settings, to be changed at any time: `required_scope`; `accepts_bearer`: whether a token that is bound to
    neither is let in; `nonces`: one object for all APIs of an origin, as clients keep them by origin;
    `proofs`.
    """

    main_endpoint: ClassVar[str] = "resource"

    def __init__(
        self,
        server: AuthorizationServer,
        url: str = "https://api.example.com",
        *,
        identifier: str | None = None,
        scope: str | Iterable[str] = (),
        now: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(now=now or server.now)
        self.url = url
        self.identifier = url if identifier is None else identifier
        self.required_scope = ""
        self.accepts_bearer = True
        self.nonces: Nonces = server.api_nonces(url)
        self.proofs = ProofChecker(now=self.now, nonces=self.nonces)
        self._server = server
        self._base = url.rstrip("/")
        server.targets.scopes[self.identifier] = scope_set(scope)

    def claim(self, url: str) -> int:
        """As `Host.claim`: all URLs under its own."""
        return prefix_length(self._base, url)

    def respond(self, request: Request) -> Response:
        """Check the token, the proof and the scope, then answer by the path."""
        token, nonce = admit(
            request,
            tokens=self._server.tokens,
            audience=self.identifier,
            now=self.now(),
            proofs=self.proofs,
            accepts_bearer=self.accepts_bearer,
        )
        missing = scope_set(self.required_scope) - token.scope
        if missing:
            raise RefusedError("insufficient_scope", f"The access token lacks {' '.join(sorted(missing))}.")
        return with_nonce(self._answer(request, token), nonce)

    def refuse(self, request: Request, refused: RefusedError) -> Response:
        """A challenge (RFC 6750, section 3; RFC 9449, section 7.1)."""
        return challenge(
            request,
            refused,
            dpop=self._server.dpop != "absent",
            proofs=self.proofs,
            accepts_bearer=self.accepts_bearer,
            scope=self.required_scope,
        )

    def _answer(self, request: Request, token: IssuedToken) -> Response:
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        match without_query(request.url)[len(self._base) :]:
            case "/echo":
                content_type = request.header("Content-Type") or "application/octet-stream"
                return Response(200, (("Content-Type", content_type),), request.body)
            case "/events":
                events = _Events(int(query.get("count", "3")), float(query.get("pause", "0")))
                return Response(200, (("Content-Type", "text/event-stream"),), events)
            case "/redirect" if "to" in query:
                return Response(int(query.get("status", "307")), (("Location", query["to"]),))
        return json_response(
            200,
            {
                "method": request.method,
                "url": request.url,
                "subject": token.claims["sub"],
                "client_id": token.claims["client_id"],
                "scope": " ".join(sorted(token.scope)),
                "body": request.body.decode("utf-8", "replace"),
            },
        )


class _Events:
    """Server-sent events, each with its number."""

    def __init__(self, count: int, pause: float) -> None:
        self._count = count
        self._pause = pause

    def __iter__(self) -> Iterator[bytes | Pause]:
        for number in range(1, self._count + 1):
            if number > 1 and self._pause:
                yield Pause(self._pause)
            yield f"id: {number}\ndata: {json.dumps({'number': number})}\n\n".encode()
