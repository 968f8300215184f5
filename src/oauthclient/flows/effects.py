"""What a story may ask the world for. One driver answers; a test answers with whatever it wants to see told."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from oauthclient.protocol.wire import Instant, Request, Response

if TYPE_CHECKING:
    from oauthclient.flows.slot import Slot
    from oauthclient.protocol.token import Token

T = TypeVar("T")

Story = Generator["Effect[Any]", Any, T]


class Effect(Generic[T]):
    """A question to the world whose answer is a `T`. Ask it with `yield from`."""

    __slots__ = ()

    def __iter__(self) -> Generator[Effect[Any], Any, T]:
        reply: T = yield self
        return reply


class Send(Effect[Response]):
    """Send a request to the authorization server. Raises Unreachable or InvalidResponse into the story."""

    __slots__ = ("request",)

    def __init__(self, request: Request) -> None:
        self.request = request


class Now(Effect[Instant]):
    """Tell the time."""

    __slots__ = ()


class FreshID(Effect[str]):
    """A new identifier with 128 random bits, for a `jti`."""

    __slots__ = ()


class Jitter(Effect[float]):
    """A random number from 0 to 1, to spread what would otherwise happen at once."""

    __slots__ = ()


class Ask(Effect[T]):
    """Call a function of the user's program, which may take its time."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], T]) -> None:
        self.function = function


class Once(Effect[T]):
    """The result of another story, told once however many ask for it at the same time."""

    __slots__ = ("key", "story")

    def __init__(self, key: Hashable, story: Callable[[], Story[T]]) -> None:
        self.key = key
        self.story = story


class Load(Effect["Token | None"]):
    """The token stored in a slot."""

    __slots__ = ("slot",)

    def __init__(self, slot: Slot) -> None:
        self.slot = slot


class Save(Effect[None]):
    """Store a token in a slot."""

    __slots__ = ("slot", "token")

    def __init__(self, slot: Slot, token: Token) -> None:
        self.slot = slot
        self.token = token
