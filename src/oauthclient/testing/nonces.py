"""The nonces that a server of `oauthclient.testing` demands in DPoP proofs (RFC 9449, sections 8 and 9)."""

from __future__ import annotations

import secrets
from typing import Literal

from oauthclient.testing.refusal import RefusedError

NonceMode = Literal["off", "required", "rolling", "never satisfied"]


class Nonces:
    """One server's nonces.

    `mode`: `"off"` demands none; `"required"` demands one, the same until `roll()`; `"rolling"` gives a new
    one with each success; `"never satisfied"` answers every proof with `use_dpop_nonce` and a new nonce. A
    setting that can be changed at any time. `window`: how many of the newest nonces are accepted.
    """

    __slots__ = ("_recent", "mode", "window")

    def __init__(self, mode: NonceMode = "off", *, window: int = 8) -> None:
        self.mode: NonceMode = mode
        self.window = window
        self._recent = [secrets.token_urlsafe(16)]

    @property
    def current(self) -> str:
        """The nonce that proofs should carry now."""
        return self._recent[-1]

    def roll(self, *, forget: bool = False) -> str:
        """Make a new nonce. The earlier ones are still accepted, but for `forget=True`."""
        kept = [] if forget else self._recent[1 - self.window :] if self.window > 1 else []
        self._recent = [*kept, secrets.token_urlsafe(16)]
        return self.current

    def check(self, nonce: object) -> None:
        """Refuse a proof whose nonce was not given out recently (RFC 9449, section 8)."""
        if self.mode == "never satisfied":
            self.roll()
            raise RefusedError("use_dpop_nonce", "This server is never satisfied with a nonce.")
        if self.mode != "off" and nonce not in self._recent:
            raise RefusedError("use_dpop_nonce", "The DPoP proof needs the nonce of the DPoP-Nonce header.")

    def after_success(self, nonce: object) -> str | None:
        """The nonce that a success tells the client, if not the one it used (RFC 9449, section 8.2)."""
        if self.mode == "rolling":
            return self.roll()
        return self.current if self.mode == "required" and nonce != self.current else None
