"""Many connections at once on one thread, bounded in number, size and time (RFC 9112, section 9)."""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

from oauthclient.login.request import Request, read

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST: Final = 64  # connections; past that the oldest goes
PATIENCE: Final = 10.0  # seconds for a whole request, and again for its answer
_PIECE: Final = 64 * 1024


@final
class Connection:
    """One connection, for one request. `begun`: a part of the answer has been sent; `answered`: all of it."""

    __slots__ = ("answered", "begun", "ends_at", "received", "sending", "socket")

    def __init__(self, connected: socket.socket) -> None:
        self.socket: Final = connected
        self.ends_at = time.monotonic() + PATIENCE
        self.received = bytearray()
        self.sending = bytearray()
        self.begun = False
        self.answered = False


@final
class Connections:
    """The connections to some listening sockets. Browsers open some that they never use: none waits for another.

    All calls come from one thread at a time, except `wake()`. `quiet`: nothing happened in the last turn.
    """

    __slots__ = ("_bell", "_listening", "_open", "_rope", "_selector", "quiet")

    def __init__(self, listening: Sequence[socket.socket]) -> None:
        self._listening: Final = tuple(listening)
        self._open: dict[socket.socket, Connection] = {}
        self._selector: Final = selectors.DefaultSelector()
        self.quiet = False
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        for each in self._listening:
            self._selector.register(each, selectors.EVENT_READ, each)

    def turn(self, seconds: float) -> list[tuple[Connection, Request | int]]:
        """Wait at most `seconds` for something to happen; each request that is now whole, or the status to refuse it.

        Each is to be answered before the next turn.
        """
        asked: list[tuple[Connection, Request | int]] = []
        events = self._selector.select(seconds)
        self.quiet = not events
        for key, event in events:
            if isinstance(key.data, Connection):
                if key.fileobj not in self._open:
                    continue  # it has just been dropped
                if event & selectors.EVENT_WRITE:
                    self._push(key.data)
                elif (request := self._pull(key.data)) is not None:
                    asked.append((key.data, request))
            elif isinstance(key.data, socket.socket):
                self._accept(key.data)
            else:
                self._bell.recv(_PIECE)
        now = time.monotonic()
        for connection in [each for each in self._open.values() if each.ends_at <= now]:
            self._drop(connection)
        return asked

    def send(self, connection: Connection, data: bytes, *, more: bool = False) -> None:
        """Send a part of the answer, as soon as the other side takes it; without `more` it is the last, for good."""
        if connection.socket in self._open and not connection.answered:
            connection.sending += data
            connection.begun = True
            connection.answered = not more
            connection.ends_at = time.monotonic() + PATIENCE
            self._push(connection)

    def wake(self) -> None:
        """End a turn that waits: for any thread."""
        with suppress(OSError):  # full, so it rings; or closed, so nobody waits
            self._rope.send(b"\0")

    def close(self) -> None:
        """Break all connections, and listen no more."""
        for each in (*self._open, *self._listening, self._bell, self._rope):
            each.close()
        self._open.clear()
        self._selector.close()

    def _accept(self, listening: socket.socket) -> None:
        if len(self._open) >= MOST:
            self._make_room()
        try:
            connected, _ = listening.accept()
        except (BlockingIOError, ConnectionError):
            return  # it is gone already
        except OSError:
            self._make_room()  # the process has no descriptor left
            return
        connected.setblocking(False)
        self._open[connected] = connection = Connection(connected)
        self._selector.register(connected, selectors.EVENT_READ, connection)

    def _pull(self, connection: Connection) -> Request | int | None:
        try:
            piece = connection.socket.recv(_PIECE)
        except BlockingIOError:
            return None
        except OSError:
            piece = b""
        if not piece:
            self._drop(connection)
        elif not connection.answered:
            connection.received += piece
            return read(connection.received)
        return None

    def _push(self, connection: Connection) -> None:
        try:
            with suppress(BlockingIOError):
                del connection.sending[: connection.socket.send(connection.sending)]
            if connection.sending:
                self._selector.modify(connection.socket, selectors.EVENT_WRITE, connection)
                return
            if connection.answered:
                # What still comes is read away, or a reset could destroy the answer on its way (section 9.6).
                connection.socket.shutdown(socket.SHUT_WR)
            self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
        except OSError:
            self._drop(connection)

    def _make_room(self) -> None:
        """Drop the oldest connection, and rather one that waits for no answer."""
        if self._open:
            self._drop(min(self._open.values(), key=lambda connection: connection.begun))

    def _drop(self, connection: Connection) -> None:
        del self._open[connection.socket]
        self._selector.unregister(connection.socket)
        connection.socket.close()
