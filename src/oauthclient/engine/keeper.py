"""The keeper of one slot: its token is replaced before it expires, once for all who ask, and never in a storm."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from oauthclient import time
from oauthclient.engine.flights import own
from oauthclient.errors import AuthorizationServerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.engine.flights import Flight
    from oauthclient.protocol.token import Token

_FIRST_PAUSE: Final = 1.0  # seconds after a failed token request, doubling
_LONGEST_PAUSE: Final = 60.0
_LONGEST_RETRY_AFTER: Final = 3600.0  # a server's wish beyond that is a mistake
_YOUNG: Final = 10.0  # seconds in which a rejected token is not replaced, doubling with each one replaced in vain
_OLDEST_YOUNG: Final = 300.0


class Keeper:
    """The token of one slot, if there is one, and what to do when there is none or it grows old.

    `fly` starts the flight that replaces the token it is given. `token` is read without a lock on every request.
    """

    __slots__ = ("_failure", "_fly", "_pause", "_try_again", "_young", "token")

    def __init__(self, fly: Callable[[Keeper, Token | None], Flight[Token]]) -> None:
        self.token: Token | None = None
        self._fly = fly
        self._failure: Exception | None = None
        self._pause = _FIRST_PAUSE
        self._try_again = 0.0
        self._young = 0.0

    def need(self) -> Token | Flight[Token]:
        """A token to present now, or the flight that will bring one.

        A token past most of its life is still presented, while a flight replaces it. Raises what the last token request
        failed with, for as long as another one would only make a storm.
        """
        token = self.token
        now = time.now()
        if token is not None and token.usable(now.wall, now.steady):
            old = now.wall >= token.renew_wall or now.steady >= token.renew_steady
            if old and now.steady >= self._try_again:
                self._fly(self, token)
            return token
        self.hold()
        return self._fly(self, token)

    def hold(self) -> None:
        """Raise what the last token request failed with, for as long as another one would only make a storm.

        A flight asks again when it starts: who looked before the last one failed may have started it after that.
        """
        failure = self._failure
        if failure is not None and time.steady() < self._try_again:
            raise own(failure)

    def reject(self, token: Token) -> bool:
        """A resource server rejected `token`; whether another one is worth a try.

        The first one rejected is replaced, whatever its age. If its successor is rejected as soon as it is issued, the
        fault lies elsewhere: that one is not replaced before ten seconds have passed, then twenty, up to five minutes.
        """
        if self.token is not token or token.retired:
            return True  # another request has met the same rejection before
        if token.age(time.steady()) < self._young:
            return False
        self._young = min(max(self._young * 2, _YOUNG), _OLDEST_YOUNG)
        token.retire()
        return True

    def accepted(self) -> None:
        """A resource server accepted a token of this slot."""
        if self._young > _YOUNG:  # noqa: PLR1730  # this is asked after every request, and `min` is a call
            self._young = _YOUNG

    def landed(self, token: Token) -> None:
        """A flight brought `token`."""
        self.token = token
        self._failure = None
        self._pause = _FIRST_PAUSE
        self._try_again = 0.0

    def failed(self, error: Exception) -> None:
        """A flight brought `error`, which stands for a while."""
        wish = error.retry_after if isinstance(error, AuthorizationServerError) else None
        if not wish:  # nor does a server that says "at once" deserve a storm
            wish = self._pause * random.uniform(0.75, 1.25)  # noqa: S311  # spreads load, guards nothing
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        self._try_again = time.steady() + min(wish, _LONGEST_RETRY_AFTER)
        self._failure = own(error)
