"""Tokens kept in this process and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from oauthclient.flows.slot import Slot
    from oauthclient.protocol.grants import Grant
    from oauthclient.protocol.token import Token


class TokenStore(Protocol):
    """Where tokens are kept, by slot. Called on flights only, so it may block."""

    def load(self, slot: Slot[Grant], /) -> Token | None:
        """The token in `slot`, if any."""

    def save(self, slot: Slot[Grant], token: Token, /) -> None:
        """Put `token` into `slot`, in place of the one before."""


class MemoryStore:
    """A dictionary; each operation on it is atomic."""

    __slots__ = ("_tokens",)

    def __init__(self) -> None:
        self._tokens: dict[Slot[Grant], Token] = {}

    def load(self, slot: Slot[Grant], /) -> Token | None:
        """The token in `slot`, if any."""
        return self._tokens.get(slot)

    def save(self, slot: Slot[Grant], token: Token, /) -> None:
        """Put `token` into `slot`, in place of the one before, and of those that a former certificate bound."""
        if slot.certificate and slot not in self._tokens:
            for other in list(self._tokens):
                if other._replace(certificate=slot.certificate) == slot:
                    self._tokens.pop(other, None)
        self._tokens[slot] = token
