"""The keys an authorization server signs with, read again when they are others now (RFC 7517; OIDC Core, 10.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from oauthclient.errors import InvalidJWT, InvalidResponse
from oauthclient.flows.effects import Now, Once, Send
from oauthclient.jose.jwks import KeySet
from oauthclient.protocol.strict_json import parse_object
from oauthclient.protocol.urls import displayed
from oauthclient.protocol.wire import get

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.metadata import ServerMetadata

T = TypeVar("T")

_BURST: Final = 3  # readings at once, for keys that rotate
_PAUSE: Final = 60.0  # seconds between two readings after that: a forged kid must not make us a flood
_OTHER_KEYS: Final = ("unknown_key", "bad_signature")


def verified(server: Server, metadata: ServerMetadata, verify: Callable[[KeySet], T]) -> Story[T]:
    """What `verify` makes of the server's keys; told a second time with newer ones if the first do not fit."""
    if server.keys is not None:
        try:
            return verify(server.keys)
        except InvalidJWT as error:
            if error.code not in _OTHER_KEYS or not (yield from _may_read(server)):
                raise
    return verify((yield from Once(("keys", server.issuer), lambda: _read(server, metadata))))


def _may_read(server: Server) -> Story[bool]:
    now = yield from Now()
    server.keys_read = [moment for moment in server.keys_read if now.steady - moment < _BURST * _PAUSE]
    return len(server.keys_read) < _BURST or now.steady - server.keys_read[-1] >= _PAUSE


def _read(server: Server, metadata: ServerMetadata) -> Story[KeySet]:
    if metadata.jwks_uri is None:
        raise InvalidResponse(
            f"The metadata of {server.issuer} names no jwks_uri, so nothing it signs can be verified.",
            code="missing_endpoint",
        )
    now = yield from Now()
    response = yield from Send(get(metadata.jwks_uri))
    what = f"the keys at {displayed(metadata.jwks_uri)}"
    if response.status != 200:  # noqa: PLR2004  # the one status of success
        raise InvalidResponse(f"Instead of {what} came HTTP status {response.status}.", code="unexpected_status")
    keys = KeySet.from_jwks(parse_object(response.body, what=what))
    server.keys = keys
    server.keys_read.append(now.steady)
    return keys
