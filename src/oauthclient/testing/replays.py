"""What may be used once: the `jti` of proofs and assertions (RFC 9449, section 11.1; RFC 7523, section 3)."""

from __future__ import annotations


class Replays:
    """The identifiers that were used, each remembered until the thing it identifies is too old anyhow."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[tuple[str, ...], float] = {}

    def first_use(self, *identifier: str, now: float, until: float) -> bool:
        """Whether this is the first use. `now` and `until` (when to forget it) in seconds since the epoch."""
        # Only the oldest are looked at: they are the first to go, and looking at all would take longer with each.
        while self._until and self._until[oldest := next(iter(self._until))] < now:
            del self._until[oldest]
        if identifier in self._until:
            return False
        self._until[identifier] = until
        return True
