"""A login that has begun and waits for its answer: what must be remembered meanwhile (RFC 6749, section 4.1)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from oauthclient.errors import ConfigurationError, InvalidKey
from oauthclient.protocol.session import Granted
from oauthclient.secret import Secret

_VERSION: Final = 1
_SECRETS: Final = ("state", "nonce", "verifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One login under way. Good for one answer; keep it where only the person who began the login can reach it.

    `signed_answer`: the answer must come as a JWT (JARM), for that was asked for. `began_at`: seconds since 1970.
    `dump` makes a secret string of it, for a web backend to keep in its own session, and `load` reads that again.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    state: Secret
    nonce: Secret
    verifier: Secret
    jkt: str
    targets: tuple[Granted, ...]
    scope: str
    max_age: int | None
    began_at: float
    signed_answer: bool = False

    def dump(self) -> str:
        """All of it as JSON text: a secret."""
        members = {
            name: value.reveal() if isinstance(value, Secret) else value
            for name, value in ((name, getattr(self, name)) for name in self.__slots__)
        }
        return json.dumps({"version": _VERSION, **members})

    @classmethod
    def load(cls, text: str) -> Pending:
        """What `dump` made. Raises ConfigurationError for anything else."""
        try:
            members: dict[str, Any] = json.loads(text)
            if members.pop("version") == _VERSION:
                members["targets"] = tuple(Granted(*target) for target in members["targets"])
                members.update({name: Secret(members[name]) for name in _SECRETS})
                return cls(**members)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidKey):
            pass
        raise ConfigurationError("This is no login under way.", code="not_a_pending_login", hint="Begin it again.")
