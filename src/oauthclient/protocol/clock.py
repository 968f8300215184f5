"""What time a server thinks it is, learned from its Date header (RFC 9110, section 6.6.1), within strict bounds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from oauthclient.protocol.wire import Instant

_NOTICEABLE: Final = 3.0  # seconds; Date counts whole seconds, and networks take their time
_SLOWEST_EXCHANGE: Final = 5.0  # seconds; a slower one cannot tell when the server looked at its clock
_LARGEST: Final = 24 * 3600.0  # seconds; beyond that it is no drift, and nobody should sign for it
_DISAGREEMENT: Final = 2.0  # seconds between our own two clocks: one of them was set
_LOOK_AGAIN: Final = 60.0  # seconds until an answer that complains of nothing is looked at again
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)  # an IMF-fixdate; the two obsolete forms of RFC 9110, section 5.6.7, teach nothing
_BACKDATED: Final = 1  # seconds; some servers refuse an `iat` that lies milliseconds ahead of them


class ServerClock:
    """The offset of one origin's clock from ours, in seconds; it moves only what we sign for that origin.

    `refused` is an offset too large to be taken, for an error to name.
    """

    __slots__ = ("_look_at", "_taken", "offset", "refused")

    def __init__(self) -> None:
        self.offset = 0.0
        self.refused = 0.0
        self._taken = Instant(0.0, 0.0)
        self._look_at = 0.0

    def time(self, wall: float, steady: float) -> float:
        """What time it is there, as far as that is known."""
        if self.offset:
            taken = self._taken
            if abs((wall - taken.wall) - (steady - taken.steady)) > _DISAGREEMENT:
                self.offset = 0.0
        return wall + self.offset

    def issued_at(self, wall: float, steady: float) -> int:
        """The `iat` to sign now for this origin, back-dated by at most two seconds."""
        return int(self.time(wall, steady)) - _BACKDATED

    def due(self, steady: float) -> bool:
        """Whether an answer that complains of nothing is worth looking at."""
        return steady >= self._look_at

    def learn(self, date: str | None, age: str | None, *, sent: Instant, received: Instant) -> bool:
        """Take the offset from one answer; whether it changed noticeably.

        An answer with `Age` came from a cache and says nothing. The offset is `date` minus the middle of the exchange.
        """
        self._look_at = received.steady + _LOOK_AGAIN
        served = _seconds(date) if date and age is None else None
        took = received.steady - sent.steady
        if served is None or not 0 <= took <= _SLOWEST_EXCHANGE:
            return False
        offset = served - (sent.wall + took / 2)
        self.refused = 0.0
        if abs(offset) < _NOTICEABLE:
            offset = 0.0
        elif abs(offset) > _LARGEST:
            self.refused = offset
            return False
        changed = abs(offset - self.offset) >= _NOTICEABLE
        self.offset = offset
        self._taken = received
        return changed

    def complaint(self) -> str:
        """What to say about the clock in an error about time, or ""."""
        offset = self.refused or self.offset
        if not offset:
            return ""
        direction = "ahead of" if offset > 0 else "behind"
        sentence = f"The server's clock is {abs(offset):.0f} s {direction} this machine's."
        return f"{sentence} That is too far to correct: set this machine's clock." if self.refused else sentence


class ServerClocks:
    """One clock per origin."""

    __slots__ = ("_by_origin",)

    def __init__(self) -> None:
        self._by_origin: dict[str, ServerClock] = {}

    def of(self, origin: str) -> ServerClock:
        """The clock of `origin`."""
        return self._by_origin.get(origin) or self._by_origin.setdefault(origin, ServerClock())


def _seconds(date: str) -> float | None:
    """The POSIX time of an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`, or None for anything else."""
    match = _DATE.fullmatch(date)
    if match is None or match[2] not in _MONTHS:
        return None
    day, _, year, hour, minute, second = match.groups()
    try:
        moment = datetime(
            int(year), _MONTHS.index(match[2]) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
    except ValueError:  # the 31st of February, or a leap second
        return None
    return moment.timestamp()
