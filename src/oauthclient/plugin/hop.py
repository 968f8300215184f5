"""One request on the wire: signed when its URL is known, and its answer judged (RFC 9449, section 7; RFC 6750)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from oauthclient import time
from oauthclient.engine.driver import fresh_id
from oauthclient.errors import AlreadyAuthorized, ConfigurationError, NotOffered, UnsafeURL
from oauthclient.plugin.families import replayable
from oauthclient.plugin.verdict import NotRepeated
from oauthclient.protocol.text import shown
from oauthclient.protocol.token import Token
from oauthclient.protocol.urls import displayed, origin, target_uri
from oauthclient.protocol.wire import Instant
from oauthclient.tls.transport import EXTENSION as CLIENT_CERTIFICATE

if TYPE_CHECKING:
    from oauthclient.engine.flights import Flight
    from oauthclient.jose.proof import Prover
    from oauthclient.plugin.target import Target
    from oauthclient.protocol.clock import ServerClock
    from oauthclient.protocol.resources import ResourceMap

EXTENSION: Final = "oauthclient"  # of a request: the hop that signed it; of a response: why it was not repeated
_LOG: Final = logging.getLogger("oauthclient")
_REPEATS: Final = 2  # a hop is sent at most three times, and at most twice for the same cause
_OLD_ENOUGH: Final = 10.0  # seconds after which a 401 without a reason is taken to mean the token


class Hop:
    """A request that carries a token to `target`, sent at most three times: first, for a nonce, with a new token."""

    __slots__ = (
        "_bound",
        "_keeper",
        "_learned",
        "_mended",
        "_nonce",
        "_origin",
        "_resources",
        "_sent",
        "_stale",
        "_url",
        "request",
        "target",
        "token",
    )

    def __init__(self, request: Any, target: Target, url: str, resources: ResourceMap[Target]) -> None:
        self.request = request
        self.target = target
        self.token: Token | None = None
        self._url = url
        self._resources = resources
        self._stale = False
        self._learned = False
        self._origin = ""
        self._bound: tuple[Prover, ServerClock] | None = None
        self._nonce: str | None = None
        self._mended: tuple[str, ...] = ()
        self._sent = (0.0, 0.0)
        self._keeper = target.keeper  # opens the target: only then is its prover known
        prover = target.prover
        if prover is not None:  # nonces and clocks are of no concern to a bearer token
            self._origin = origin(url)
            self._bound = prover, target.clocks.of(self._origin)

    def prepare(self) -> Flight[Token] | None:
        """Sign the request with the token at hand, or say which flight will bring one to `write` with."""
        keeper = self._keeper
        token = keeper.token
        if token is None or time.wall() >= token.renew_wall or time.steady() >= token.renew_steady:
            needed = keeper.need()
            if not isinstance(needed, Token):
                return needed
            token = needed
        self.write(token)
        return None

    def write(self, token: Token) -> None:
        """Put `token`, and a fresh proof where it is bound, into the request.

        Raises AlreadyAuthorized where the program put an Authorization header there before.
        """
        request = self.request
        headers = request.headers
        before = len(headers)  # tells whether one stood there; looking for it would decode every header first
        headers["Authorization"] = token.authorization.reveal()
        if self.token is None and len(headers) <= before:
            del headers["Authorization"]
            raise AlreadyAuthorized(f"A request to {displayed(self._url)} already carries an Authorization header.")
        self.token = token
        if token.certificate is not None:
            request.extensions[CLIENT_CERTIFICATE] = token.certificate
        if self._bound is not None:
            prover, clock = self._bound
            target = self.target
            wall, steady = self._sent = time.wall(), time.steady()
            self._learned = False
            self._nonce = nonce = target.nonces.newest(self._origin, with_token=True)
            headers["DPoP"] = prover.proof(
                request.method,
                target.htu(target_uri(self._url)),
                clock.issued_at(wall, steady),
                fresh_id(),
                token.ath,
                nonce,
            )
        request.extensions[EXTENSION] = self

    def inside(self, url: str) -> bool:
        """Whether `url` lies in the resource that this hop's token is for, and in no narrower one."""
        try:
            return self._resources.find(url) is self.target
        except UnsafeURL:
            return False

    def followed(self, request: Any) -> Hop:
        """The hop that httpx made of this one by following a redirect inside the resource: with a stale proof."""
        hop = Hop(request, self.target, str(request.url), self._resources)
        hop.token = self.token
        hop._sent = self._sent  # of the same class
        hop._stale = True
        return hop

    def judge(self, response: Any) -> bool:
        """Take what the answer to this hop tells, and say whether the hop is to be sent again.

        An answer that a repeat could mend, but that is not repeated, says why in its extensions. Raises NotOffered
        where the resource server accepts no proof of this key.
        """
        if self._bound is not None:
            self.learn(response)
        if response.status_code not in (400, 401):
            self._keeper.accepted()
            return False
        cause = self._cause(response, learned=self._learned)
        if cause is None:
            return False
        self._stale = False
        obstacle = self._obstacle(cause, response)
        if obstacle is not None:
            response.extensions[EXTENSION] = obstacle
            return False
        self._mended = (*self._mended, cause)
        return True

    def learn(self, response: Any) -> None:
        """Keep the nonce of an answer, and the server's time, which may turn out to be another than was thought."""
        if self._bound is None:
            return
        clock = self._bound[1]
        headers = response.headers
        for name, value in headers.raw:  # `get` decodes every header first, to guess the encoding of all
            if name.lower() == b"dpop-nonce":
                self.target.nonces.keep(self._origin, value.decode("latin-1"), with_token=True)
        if response.status_code in (400, 401) or clock.due(self._sent[1]):
            sent = Instant(*self._sent)
            if clock.learn(headers.get("date"), headers.get("age"), sent=sent, received=time.now()):
                self._learned = True

    def _obstacle(self, cause: str, response: Any) -> NotRepeated | None:
        """What stands against a repeat. The token that was rejected is retired all the same, if it is old enough."""
        if cause in self._mended or len(self._mended) == _REPEATS:
            return self._hint(cause, response) or NotRepeated.REPEATED_ALREADY
        if cause == "token" and (self.token is None or not self._keeper.reject(self.token)):
            return self._hint(cause, response) or NotRepeated.TOKEN_TOO_NEW
        return None if replayable(self.request) else NotRepeated.BODY_NOT_REPLAYABLE

    def _hint(self, cause: str, response: Any) -> NotRepeated | None:
        """What is likely the matter where another token fared no better: nobody presented the certificate."""
        if cause != "token" or self.token is None or self.token.certificate is None:
            return None
        if CLIENT_CERTIFICATE in response.extensions:
            return None
        _LOG.warning(
            "%s rejected a token that is bound to a client certificate, which the HTTP client is not known to present. "
            "Make it with certificate.client(httpx.Client, auth=...).",
            displayed(self._url),
        )
        return NotRepeated.CERTIFICATE_NOT_PRESENTED

    def _cause(self, response: Any, *, learned: bool) -> str | None:
        """What, if anything, a repeat would do better."""
        from oauthclient.protocol.challenges import parse_challenges

        challenges = [
            challenge.parameters
            for challenge in parse_challenges(response.headers.get_list("www-authenticate"))
            if challenge.scheme in ("dpop", "bearer")
        ]
        errors = {parameters["error"] for parameters in challenges if "error" in parameters}
        unauthorized = response.status_code == 401  # noqa: PLR2004  # the other status is 400
        if self._stale:
            return "redirect" if errors or unauthorized else None
        if self._bound is not None:
            prover, clock = self._bound
            if "use_dpop_nonce" in errors:
                newest = self.target.nonces.newest(self._origin, with_token=True)
                return "nonce" if newest != self._nonce else None
            self._check_algorithms(challenges, prover.algorithm)
            if "invalid_dpop_proof" in errors:
                if clock.refused:
                    raise ConfigurationError(f"{self._origin} refused a proof. {clock.complaint()}", code="clock_off")
                return "clock" if learned else None
        if not unauthorized:
            return None
        return "token" if "invalid_token" in errors or not (errors or self._fresh()) else None

    def _fresh(self) -> bool:
        return self.token is not None and self.token.age(time.steady()) < _OLD_ENOUGH

    def _check_algorithms(self, challenges: list[dict[str, str]], algorithm: str) -> None:
        """Whether the resource server takes proofs of our key at all (RFC 9449, section 7.1)."""
        for listed in (parameters["algs"].split() for parameters in challenges if "algs" in parameters):
            if listed and algorithm not in listed:
                raise NotOffered(
                    f"{self._origin} accepts DPoP proofs signed with {shown(' '.join(listed))}, not {algorithm}.",
                    code="algorithm_not_offered",
                    hint="DPoP(algorithm=...) makes a key for an algorithm that it accepts.",
                )
