"""What comes of a person's login: a family of tokens that lives and dies as one (RFC 9700, section 4.14.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oauthclient.testing.targets import Target


@dataclass(slots=True, eq=False)
class Login:
    """One person's consent for one client, and what became of it.

    `target`: all resources and scopes that were granted. `auth_time`: seconds since the epoch. `offline`: a refresh
    token is given. `jkt`, `x5t_s256`: the key and the certificate that refresh tokens of public clients are bound to
    (RFC 9449, section 5; RFC 8705, section 4). `tokens`: how often it brought tokens. `ended`: nothing of it is
    accepted any more.
    """

    client_id: str
    subject: str
    target: Target
    auth_time: int
    nonce: str | None = field(default=None, repr=False)
    acr: str | None = None
    authorization_details: Sequence[dict[str, Any]] | None = None
    offline: bool = False
    jkt: str | None = None
    x5t_s256: str | None = None
    tokens: int = 0
    ended: bool = False
    access_tokens: list[str] = field(default_factory=list, repr=False)
