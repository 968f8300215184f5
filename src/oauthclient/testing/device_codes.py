"""Device codes, and the grant they are (RFC 8628, sections 3.4 and 3.5)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from oauthclient.testing.clients import REFRESH_TOKEN
from oauthclient.testing.grants import Grant
from oauthclient.testing.logins import Login
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oauthclient.testing.clients import Client
    from oauthclient.testing.grants import GrantRequest
    from oauthclient.testing.refresh_tokens import RefreshTokens
    from oauthclient.testing.targets import Target

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"

_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # section 6.1: no vowels, so no words
_SLOWER: Final = 5.0  # seconds that each `slow_down` adds (section 3.5)


@dataclass(slots=True, eq=False)
class DeviceLogin:
    """One login by way of another device, and what became of it.

    `interval`: what must pass between two polls by now, in seconds. `polls`, `too_fast`: how many came, and how many of
    them too early. `refusal`: the error it ends with. `login`: once the person has agreed.
    """

    client: Client
    device_code: str = field(repr=False)
    user_code: str
    target: Target
    until: float
    interval: float
    last_poll: float
    prompt: frozenset[str] = frozenset()
    acr: str | None = None
    login_hint: str | None = None
    details: Sequence[dict[str, Any]] | None = None
    polls: int = 0
    too_fast: int = 0
    refusal: str | None = None
    login: Login | None = None
    used: bool = False


class DeviceCodes:
    """Issues device codes and is the grant of that name. Each is for one client and for one use.

    `lifetime`, `interval`: in seconds, of the codes that are issued from now on. `issued`: all of them, oldest first.
    """

    def __init__(self, refresh_tokens: RefreshTokens) -> None:
        self.lifetime = 600
        self.interval = 5.0
        self.issued: list[DeviceLogin] = []
        self._refresh_tokens = refresh_tokens

    def issue(self, client: Client, target: Target, now: float) -> DeviceLogin:
        """The codes for a request of this client."""
        asked = DeviceLogin(
            client,
            secrets.token_urlsafe(32),
            f"{_four_letters()}-{_four_letters()}",
            target,
            until=now + self.lifetime,
            interval=self.interval,
            last_poll=now,
        )
        self.issued.append(asked)
        return asked

    def waiting(self, user_code: str, now: float) -> DeviceLogin | None:
        """The login that a person may decide about with this code, however they write it (section 6.1)."""
        typed = user_code.upper().replace("-", "").replace(" ", "")
        for asked in reversed(self.issued):
            if asked.user_code.replace("-", "") == typed:
                open_still = asked.login is None and asked.refusal is None and now < asked.until
                return asked if open_still else None
        return None

    def agree(self, asked: DeviceLogin, *, subject: str, now: float) -> None:
        """The person says yes."""
        scope, client = asked.target.scope, asked.client
        asked.login = Login(
            client.client_id,
            subject,
            asked.target,
            int(now),
            acr=asked.acr,
            authorization_details=asked.details,
            offline=client.may_use(REFRESH_TOKEN) and self._refresh_tokens.offered(scope, asked.prompt),
        )

    def __call__(self, request: GrantRequest) -> Grant:
        """The grant that the code is; or why it is none yet, or never (section 3.5)."""
        device_code = request.form.get("device_code")
        if device_code is None:
            raise RefusedError("invalid_request", "device_code is missing (RFC 8628, 3.4).")
        asked = next((one for one in self.issued if one.device_code == device_code), None)
        if asked is None or asked.client.client_id != request.client.client_id or asked.used:
            raise RefusedError("invalid_grant", "The device_code is unknown, used, or another client's.")
        asked.polls += 1
        since, asked.last_poll = request.now - asked.last_poll, request.now
        if request.now >= asked.until:
            raise RefusedError("expired_token", "The device_code has expired.")
        if since < asked.interval:
            asked.too_fast += 1
            asked.interval += _SLOWER
            raise RefusedError("slow_down", "That was too soon after the poll before.")
        if asked.refusal is not None:
            raise RefusedError(asked.refusal, "The person at the other device, or a policy, said no.")
        if asked.login is None:
            raise RefusedError("authorization_pending", "The person has not decided yet.")
        asked.used = True
        return Grant(asked.login.subject, login=asked.login)


def _four_letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(4))
