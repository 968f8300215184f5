"""A request that is repeated once for each cause that a repeat can mend: a nonce (RFC 9449, section 8), or the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from oauthclient.flows.effects import Now
from oauthclient.protocol.urls import origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.errors import AuthorizationServerError
    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.wire import Response


class Sent(NamedTuple):
    """An answer, and what the request held: a proof, and something else that has a time in it."""

    response: Response
    proved: bool
    timed: bool


def mended(
    server: Server,
    endpoint: str,
    send: Callable[[int, str | None], Story[Sent]],
    *,
    refusal: Callable[[Response], AuthorizationServerError],
    with_token: bool,
    only_nonce: bool = False,
) -> Story[Response]:
    """The answer to what `send` sends, given the `iat` and the nonce to sign, anew for every repeat.

    `refusal` reads an answer of 400 or 401. `with_token`: which of the server's nonces count. `only_nonce`: nothing
    else is worth sending it twice.
    """
    place = origin(endpoint)
    clock = server.clocks.of(place)
    causes: set[str] = set()
    while True:
        now = yield from Now()
        nonce = server.nonces.newest(place, with_token=with_token)
        response, proved, timed = yield from send(clock.issued_at(now.wall, now.steady), nonce)
        headers = response.headers
        server.nonces.keep(place, headers.get("dpop-nonce"), with_token=with_token)
        learned = clock.learn(headers.get("date"), headers.get("age"), sent=response.sent, received=response.received)
        error = refusal(response).code if response.status in (400, 401) else None
        cause = None
        if error == "use_dpop_nonce" and proved:
            cause = "nonce" if server.nonces.newest(place, with_token=with_token) != nonce else None
        elif learned and not only_nonce and (error == "invalid_dpop_proof" or (error == "invalid_client" and timed)):
            cause = "clock"
        if cause is None or cause in causes:
            return response
        causes.add(cause)
