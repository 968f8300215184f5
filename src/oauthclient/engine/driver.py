"""The driver: answers the effects of a story, one after the other, until it is told."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any, TypeVar

from oauthclient import time
from oauthclient.engine.flights import Flights
from oauthclient.engine.play import Play
from oauthclient.errors import OAuthError, StorageError
from oauthclient.flows.effects import Ask, Effect, FreshID, Jitter, Load, Now, Once, Save, Send, Sleep

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.engine.stored import Stored
    from oauthclient.engine.transport import Transport
    from oauthclient.flows.effects import Story
    from oauthclient.storage.memory import TokenStore

T = TypeVar("T")


class Driver:
    """Runs stories against one transport, one store of tokens, and what is stored of sessions, if there are any."""

    def __init__(self, transport: Transport, store: TokenStore, stored: Stored | None = None) -> None:
        self._transport = transport
        self._store = store
        self._stored = stored
        self.flights = Flights()

    def run(self, story: Story[T]) -> T:
        """What `story` returns; or raises."""
        play = Play(story)
        while (effect := play.next()) is not None:
            try:
                play.reply = self._answer(effect)
            except Exception as error:  # noqa: BLE001  # it is the story's to judge
                play.failure = error
        return play.result

    def _answer(self, effect: Effect[Any]) -> object:  # noqa: C901  # one case for each effect
        match effect:
            case Send(request=request):
                return self._transport.send(request)
            case Now():
                return time.now()
            case FreshID():
                return fresh_id()
            case Jitter():
                return random.random()  # noqa: S311  # spreads load, guards nothing
            case Load(slot=slot):
                return _by_program(lambda: self._store.load(slot))
            case Save(slot=slot, token=token):
                return _by_program(lambda: self._store.save(slot, token))
            case Ask(function=function):
                return function()
            case Once(key=key, story=story):
                return self._once(key, story)
            case Sleep(seconds=seconds):
                time.sleep(seconds)
                return None
        if self._stored is not None:
            return self._stored.answer(effect)
        raise AssertionError(f"An effect without an answer: {type(effect).__name__}")

    def _once(self, key: Any, story: Callable[[], Story[T]]) -> T:
        return self.flights.join(key, lambda: self.run(story())).result()


def _by_program(use: Callable[[], T]) -> T:
    """What a token store of the program's own does; whatever it raises becomes an error of ours."""
    try:
        return use()
    except OAuthError:
        raise
    except Exception as error:
        raise StorageError(
            f"The program's own token store failed: {type(error).__name__}.", code="store_failed"
        ) from error


def fresh_id() -> str:
    """128 random bits in hexadecimal (RFC 9449, section 4.2, wants at least 96)."""
    return os.urandom(16).hex()
