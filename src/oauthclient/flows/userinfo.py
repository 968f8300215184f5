"""Asking who the person is, with an access token and a proof as at any API (OpenID Connect Core 1.0, section 5.3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from oauthclient.errors import InvalidResponse, NotOffered
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.effects import FreshID, Now, Send
from oauthclient.flows.found_again import found_again
from oauthclient.flows.mended import Sent, mended
from oauthclient.flows.server_keys import verified
from oauthclient.protocol.id_token import acceptable_algorithms
from oauthclient.protocol.urls import target_uri
from oauthclient.protocol.userinfo import is_jwt, read_plain, read_refusal, read_signed, userinfo_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.jose.jwks import KeySet
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.token import Token
    from oauthclient.protocol.wire import Response


def userinfo(server: Server, token: Token, *, subject: str, registered: str | None = None) -> Story[Mapping[str, Any]]:
    """What the server says about `subject`, the `sub` of the ID token.

    `token`: one for the server itself, asked for without `resource`. `registered`: the client's
    `userinfo_signed_response_alg`; with it nothing but a JWT so signed is accepted, without it JSON, or a JWT of any
    algorithm that the server lists.

    Raises NotOffered (`userinfo_not_offered`), ErrorResponse (`invalid_token` where the token is no longer good),
    InvalidJWT, InvalidResponse (`subject_mismatch`, `not_signed`), Unreachable.
    """

    def ask(metadata: ServerMetadata) -> Story[Response]:
        return (yield from _presented(server, _endpoint(metadata), token, signed=registered is not None))

    response = yield from found_again(server, ask)
    what = f"the UserInfo of {server.name}"
    if response.status != 200:  # noqa: PLR2004  # the one status of success
        raise read_refusal(response, what=what)
    if not is_jwt(response):
        if registered is not None:
            raise InvalidResponse(f"Instead of {what} as a signed JWT came something else.", code="not_signed")
        return read_plain(response, subject=subject, what=what)
    metadata = yield from known_metadata(server)
    algorithms = acceptable_algorithms(metadata.userinfo_signing_alg_values_supported, registered=registered)
    now = yield from Now()

    def verify(keys: KeySet) -> Mapping[str, Any]:
        return read_signed(
            response,
            keys,
            issuer=server.issuer,
            client_id=server.client_id,
            subject=subject,
            algorithms=algorithms,
            now=server.told_time(now),
            what=what,
        )

    return (yield from verified(server, metadata, verify))


def _presented(server: Server, endpoint: str, token: Token, *, signed: bool) -> Story[Response]:
    """The answer to the token, with a proof where it is bound; repeated once for a nonce and once for the clock.

    The nonces are those of requests with an access token, which servers may keep apart (RFC 9449, section 8.2).
    """
    prover = None if token.ath is None else server.binding.prover(server.name)

    def send(issued_at: int, nonce: str | None) -> Story[Sent]:
        proof = None
        if prover is not None:
            htu = server.binding.htu(target_uri(endpoint))
            proof = prover.proof("GET", htu, issued_at, (yield from FreshID()), token.ath, nonce)
        response = yield from Send(userinfo_request(endpoint, token, proof=proof, signed=signed))
        return Sent(response, proved=proof is not None, timed=False)

    return (
        yield from mended(server, endpoint, send, refusal=partial(read_refusal, what="the answer"), with_token=True)
    )


def _endpoint(metadata: ServerMetadata) -> str:
    if metadata.userinfo_endpoint is None:
        raise NotOffered("The authorization server names no userinfo_endpoint.", code="userinfo_not_offered")
    return metadata.userinfo_endpoint
