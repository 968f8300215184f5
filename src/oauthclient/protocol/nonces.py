"""The nonces servers hand out for DPoP proofs (RFC 9449, sections 8 and 9)."""

from __future__ import annotations

import re
from typing import Final

# NQCHAR (RFC 6749, appendix A), as RFC 9449, section 8.1 wants; longer ones are an attack on our requests' size.
_NONCE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,4096}")


class Nonces:
    """The newest nonce by origin and role: requests with an access token have one slot, all others another."""

    __slots__ = ("_newest",)

    def __init__(self) -> None:
        self._newest: dict[tuple[str, bool], str] = {}

    def newest(self, origin: str, *, with_token: bool) -> str | None:
        """The nonce to send, if one is known."""
        return self._newest.get((origin, with_token))

    def keep(self, origin: str, nonce: str | None, *, with_token: bool) -> None:
        """Remember the nonce of an answer, be it an error or a success; a malformed one is ignored."""
        if nonce is not None and _NONCE.fullmatch(nonce):
            self._newest[origin, with_token] = nonce
