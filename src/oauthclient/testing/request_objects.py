"""Signed authorization requests (RFC 9101, sections 4 to 6, 10.8)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from oauthclient.errors import InvalidJWT
from oauthclient.jose import jwt
from oauthclient.jose.algorithms import SIGNING
from oauthclient.jose.kinds import REQUEST_OBJECT
from oauthclient.testing.refusal import RefusedError
from oauthclient.testing.replays import Replays

if TYPE_CHECKING:
    from oauthclient.testing.clients import Client
    from oauthclient.testing.parameters import Parameters

_JSON = frozenset({"claims", "authorization_details"})
_OF_THE_JWT = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})


class RequestObjects:
    """Verifies request objects with the keys of their client, each for one use.

    `audiences`: what may stand in `aud`. `algorithms`: what they may be signed with.
    """

    def __init__(self, audiences: set[str]) -> None:
        self.audiences = audiences
        self.algorithms: tuple[str, ...] = (*SIGNING, "EdDSA")
        self._replays = Replays()

    def read(self, compact: str, client: Client, *, now: float) -> Parameters:
        """The parameters in it, which are the only ones that count (section 6.3). `invalid_request_object`."""
        try:
            claims = jwt.verify(
                REQUEST_OBJECT,
                compact,
                client.keys,
                algorithms=self.algorithms,
                issuer=client.client_id,
                audience=self.audiences,
                now=now,
            ).claims
        except InvalidJWT as error:
            raise _invalid(f"The request object does not verify: {error}") from None
        if not self._replays.first_use(client.client_id, claims["jti"], now=now, until=float(claims["exp"])):
            raise _invalid("The request object was used before (its jti is known).")
        return {
            name: [_text(name, each) for each in (value if _is_several(name, value) else [value])]
            for name, value in claims.items()
            if name not in _OF_THE_JWT
        }


def _is_several(name: str, value: object) -> bool:
    return isinstance(value, list) and name in {"resource", "audience"}


def _text(name: str, value: Any) -> str:
    """A member as the parameter it stands for (RFC 9101, section 4: numbers and JSON are no strings there)."""
    if name in _JSON and not isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _invalid(f"The member {name} is neither a string nor a number.")


def _invalid(description: str) -> RefusedError:
    return RefusedError("invalid_request_object", description)
