"""One request to an endpoint of the authorization server, repeated once for each cause that a repeat can mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.flows.effects import FreshID, Now, Send
from oauthclient.protocol.occasion import Occasion
from oauthclient.protocol.token import read_error
from oauthclient.protocol.urls import origin, without_query
from oauthclient.protocol.wire import Form, post

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.wire import Response


def call(
    server: Server, metadata: ServerMetadata, endpoint: str, fill: Callable[[Form, Occasion], Story[None]]
) -> Story[Response]:
    """The answer of `endpoint` to a form that `fill` fills, authenticated, and with a proof where tokens are bound.

    A nonce that the server asks for (RFC 9449, section 8), and a clock that was found to be off, cause one repeat each,
    in which the form, the assertion and the proof are all new: servers count them as used up.
    """
    place = origin(endpoint)
    clock = server.clocks.of(place)
    mended: set[str] = set()
    while True:
        now = yield from Now()
        occasion = Occasion(
            issuer=server.issuer or None,
            client_id=server.client_id,
            endpoint=endpoint,
            issued_at=clock.issued_at(now.wall, now.steady),
            jti=(yield from FreshID()),
            algorithms=metadata.token_endpoint_auth_signing_alg_values_supported,
        )
        form = Form()
        yield from fill(form, occasion)
        credentials = server.authentication.credentials(occasion)
        form.add(credentials.form)
        headers = dict(credentials.headers)
        sent_nonce = server.nonces.newest(place, with_token=False)
        prover = server.binding.prover(server.issuer)
        if prover is not None:
            jti = yield from FreshID()
            htu = server.binding.htu(without_query(endpoint))
            headers["DPoP"] = prover.proof("POST", htu, occasion.issued_at, jti, None, sent_nonce)
        response = yield from Send(post(endpoint, form, headers))
        cause = _mendable(server, place, response, sent_nonce)
        if cause is None or cause in mended:
            return response
        mended.add(cause)


def _mendable(server: Server, place: str, response: Response, sent_nonce: str | None) -> str | None:
    """Take what an answer tells in its headers, and say what, if anything, a repeat would do better."""
    server.nonces.keep(place, response.headers.get("dpop-nonce"), with_token=False)
    learned = server.clocks.of(place).learn(
        response.headers.get("date"),
        response.headers.get("age"),
        sent=response.sent,
        received=response.received,
    )
    if response.status not in (400, 401):
        return None
    error = read_error(response, what="the answer").code
    if error == "use_dpop_nonce" and server.nonces.newest(place, with_token=False) != sent_nonce:
        return "nonce"
    if learned and error in ("invalid_dpop_proof", "invalid_client"):
        return "clock"
    return None
