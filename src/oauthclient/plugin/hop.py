"""One request on the wire: signed when its URL is known, and its answer judged (RFC 9449, section 7; RFC 6750)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from oauthclient.engine import time
from oauthclient.engine.driver import fresh_id
from oauthclient.errors import NotOffered, UnsafeURL
from oauthclient.plugin.families import replayable
from oauthclient.plugin.verdict import NotRepeated
from oauthclient.protocol.token import Token
from oauthclient.protocol.urls import origin, without_query
from oauthclient.protocol.wire import Instant

if TYPE_CHECKING:
    from oauthclient.engine.flights import Flight
    from oauthclient.plugin.target import Target
    from oauthclient.protocol.challenges import Challenge
    from oauthclient.protocol.clock import ServerClock
    from oauthclient.protocol.resources import ResourceMap

EXTENSION: Final = "oauthclient"  # of a request: the hop that signed it; of a response: why it was not repeated
_OLD_ENOUGH: Final = 10.0  # seconds after which a 401 without a reason is taken to mean the token


class Hop:
    """A request that carries a token to `target`, sent at most once for each of three causes: first, nonce, new token."""

    __slots__ = (
        "_clock",
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
        self._origin = origin(url)
        self._clock: ServerClock = target.clocks.of(self._origin)
        self._nonce: str | None = None
        self._mended: tuple[str, ...] = ()
        self._sent = (0.0, 0.0)

    def prepare(self) -> Flight[Token] | None:
        """Sign the request with the token at hand, or say which flight will bring one to `write` with."""
        keeper = self.target.keeper
        token = keeper.token
        if token is None or time.wall() >= token.renew_wall or time.steady() >= token.renew_steady:
            needed = keeper.need()
            if not isinstance(needed, Token):
                return needed
            token = needed
        self.write(token)
        return None

    def write(self, token: Token) -> None:
        """Put `token`, and a fresh proof where it is bound, into the request."""
        wall, steady = self._sent = time.wall(), time.steady()
        request = self.request
        target = self.target
        self.token = token
        headers = request.headers
        prover = target.prover
        if prover is not None:
            self._nonce = nonce = target.nonces.newest(self._origin, with_token=True)
            headers["DPoP"] = prover.proof(
                request.method,
                target.htu(without_query(self._url)),
                self._clock.issued_at(wall, steady),
                fresh_id(),
                token.ath,
                nonce,
            )
        headers["Authorization"] = token.authorization.reveal()
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

        An answer that a repeat could mend, but that is not repeated, says why in its extensions. Raises NotOffered where
        the resource server accepts no proof of this key.
        """
        status = response.status_code
        learned = False
        nonce = date = age = None
        complaint = status in (400, 401)
        for name, value in response.headers.raw:
            lowered = name.lower()
            if lowered == b"dpop-nonce":
                nonce = value.decode("latin-1")
            elif lowered == b"date":
                date = value
            elif lowered == b"age":
                age = value
        if nonce is not None and self.target.prover is not None:
            self.target.nonces.keep(self._origin, nonce, with_token=True)
        if date is not None and (complaint or self._clock.due(self._sent[1])):
            learned = self._clock.learn(
                date.decode("latin-1"),
                None if age is None else age.decode("latin-1"),
                sent=Instant(*self._sent),
                received=time.now(),
            )
        if not complaint:
            self.target.keeper.accepted()
            return False
        cause = "redirect" if self._stale else self._cause(response, learned=learned)
        self._stale = False
        if cause is None:
            return False
        if cause in self._mended:
            return self._leave(response, NotRepeated.REPEATED_ALREADY)
        if cause == "token" and (self.token is None or not self.target.keeper.reject(self.token)):
            return self._leave(response, NotRepeated.TOKEN_TOO_NEW)
        if not replayable(self.request):
            return self._leave(response, NotRepeated.BODY_NOT_REPLAYABLE)
        self._mended = (*self._mended, cause)
        return True

    def _cause(self, response: Any, *, learned: bool) -> str | None:
        """What, if anything, a repeat would do better."""
        from oauthclient.protocol.challenges import find, parse_challenges

        challenges = parse_challenges(response.headers.get_list("www-authenticate"))
        challenge = find(challenges, ("dpop", "bearer"))
        error = None if challenge is None else challenge.parameters.get("error")
        prover = self.target.prover
        if prover is not None:
            newest = self.target.nonces.newest(self._origin, with_token=True)
            if error == "use_dpop_nonce":
                return "nonce" if newest != self._nonce else None
            self._check_algorithms(find(challenges, ("dpop",)), prover.algorithm)
            if error == "invalid_dpop_proof":
                return "clock" if learned else None
        if response.status_code != 401 or error == "insufficient_scope":  # noqa: PLR2004
            return None
        if error == "invalid_token":
            return "token"
        return "token" if error is None and not self._fresh() else None

    def _fresh(self) -> bool:
        return self.token is not None and self.token.age(time.steady()) < _OLD_ENOUGH

    def _check_algorithms(self, challenge: Challenge | None, algorithm: str) -> None:
        listed = "" if challenge is None else challenge.parameters.get("algs", "")
        if listed and algorithm not in listed.split():
            raise NotOffered(
                f"{self._origin} accepts DPoP proofs signed with {listed}, not {algorithm}.",
                code="algorithm_not_offered",
                hint=f"DPoP(algorithm={listed.split()[0]!r}) makes a key for an algorithm it accepts.",
            )

    @staticmethod
    def _leave(response: Any, reason: NotRepeated) -> bool:
        response.extensions[EXTENSION] = reason
        return False
