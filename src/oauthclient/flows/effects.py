"""What a story may ask the world for. One driver answers; a test answers with whatever it wants to see told."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from oauthclient.protocol.wire import Instant, Request, Response

if TYPE_CHECKING:
    from oauthclient.flows.slot import Slot
    from oauthclient.protocol.grants import Grant
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.token import Token
    from oauthclient.secret import Secret

T = TypeVar("T")

Story = Generator["Effect[Any]", Any, T]


class Effect(Generic[T]):
    """A question to the world whose answer is a `T`. Ask it with `yield from`."""

    __slots__ = ()

    def __iter__(self) -> Generator[Effect[Any], Any, T]:
        reply: T = yield self
        return reply


class Held(Protocol):
    """A lease that is held."""

    def release(self) -> None:
        """Let others have it. Calling it twice is no error."""


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

    def __init__(self, slot: Slot[Grant]) -> None:
        self.slot = slot


class Save(Effect[None]):
    """Store a token in a slot."""

    __slots__ = ("slot", "token")

    def __init__(self, slot: Slot[Grant], token: Token) -> None:
        self.slot = slot
        self.token = token


class Read(Effect["Mapping[str, Any] | None"]):
    """The stored record of a name, or None where there is none. Raises StorageError where there is one all the same."""

    __slots__ = ("name",)

    def __init__(self, name: Name) -> None:
        self.name = name


class Write(Effect[None]):
    """Store a record in place of the one before, whole or not at all. Raises StorageUnwritable."""

    __slots__ = ("name", "record")

    def __init__(self, name: Name, record: Mapping[str, Any]) -> None:
        self.name = name
        self.record = record


class Persist(Effect[None]):
    """Store a record that must not be lost, under a lease that is kept until it is stored or the process ends.

    Raises StorageUnwritable, so that it is heard of, while the attempts go on; who reads meanwhile reads this record.
    """

    __slots__ = ("lease", "name", "record")

    def __init__(self, name: Name, record: Mapping[str, Any], lease: Held) -> None:
        self.name = name
        self.record = record
        self.lease = lease


class Erase(Effect[None]):
    """Delete a record, if it is there."""

    __slots__ = ("name",)

    def __init__(self, name: Name) -> None:
        self.name = name


class CheckWritable(Effect[None]):
    """Try whether a record could be stored now. Raises StorageUnwritable."""

    __slots__ = ("name",)

    def __init__(self, name: Name) -> None:
        self.name = name


class Lease(Effect["Held"]):
    """Be the only one, among all processes, to change a record; release it with a plain call, in `finally`."""

    __slots__ = ("name",)

    def __init__(self, name: Name) -> None:
        self.name = name


class LoadKey(Effect["Secret | None"]):
    """A private key from where keys are kept."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class SaveKey(Effect[None]):
    """Put a private key where keys are kept."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Secret) -> None:
        self.name = name
        self.value = value


class DeleteKey(Effect[None]):
    """Delete a private key, if it is there."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Sleep(Effect[None]):
    """Let some seconds pass."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
