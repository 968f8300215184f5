"""Why an answer that a repeat might have mended came back as it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class NotRepeated(StrEnum):
    """The reason, for a program to branch on."""

    BODY_NOT_REPLAYABLE = "body_not_replayable"
    """The body was a generator or a file. Send the request again with a new one: nonce and token are renewed."""
    REPEATED_ALREADY = "repeated_already"
    """A repeat with a new nonce or a new token got the same answer."""
    CERTIFICATE_NOT_PRESENTED = "certificate_not_presented"
    """The token is bound to a client certificate (RFC 8705), and the HTTP client is not known to present that."""
    TOKEN_TOO_NEW = "token_too_new"  # noqa: S105  # a reason
    """The rejected token is seconds old: another one would fare no better."""


def not_repeated(response: Any) -> NotRepeated | None:
    """Why the request of this httpx or httpx2 response was not sent again, or None where that was not in question."""
    reason = response.extensions.get("oauthclient")
    return reason if isinstance(reason, NotRepeated) else None
