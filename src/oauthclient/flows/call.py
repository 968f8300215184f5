"""One request to an endpoint of the authorization server, repeated once for each cause that a repeat can mend."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from oauthclient.errors import GrantFailed, OAuthError, ReauthenticationRequired
from oauthclient.flows.effects import Ask, FreshID, Send
from oauthclient.flows.mended import Sent, mended
from oauthclient.protocol.occasion import Occasion
from oauthclient.protocol.token import read_error
from oauthclient.protocol.urls import target_uri
from oauthclient.protocol.wire import Form, post

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.authentication import Credentials
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.wire import Parameters, Response

T = TypeVar("T")


def call(
    server: Server,
    metadata: ServerMetadata,
    endpoint: str,
    parameters: Callable[[Occasion], Parameters],
    *,
    once: bool = False,
    bound: bool = True,
) -> Story[Response]:
    """The answer of `endpoint` to `parameters`, authenticated, and with a proof where tokens are bound.

    A nonce that the server asks for (RFC 9449, section 8), and a clock that was found to be off, cause one repeat each,
    in which the form, the assertion and the proof are all new: servers count them as used up. `once`: something
    in the form must not be sent twice, but for a nonce, which the server asks for before it looks any further. `bound`:
    False goes without the session's own certificate where that is not to be had any more.
    """

    def send(issued_at: int, nonce: str | None) -> Story[Sent]:
        occasion = Occasion(
            issuer=server.issuer or None,
            client_id=server.client_id,
            endpoint=endpoint,
            issued_at=issued_at,
            jti=(yield from FreshID()),
            algorithms=metadata.token_endpoint_auth_signing_alg_values_supported,
        )
        form = yield from theirs(partial(_filled, parameters, occasion), what="grant")
        credentials = yield from theirs(
            partial(server.authentication.credentials, occasion), what="client authentication"
        )
        form.add(pair for pair in credentials.form if pair not in form)  # a pushed request names its client itself
        headers = dict(credentials.headers)
        prover = server.binding.prover(server.name)
        if prover is not None:
            htu = server.binding.htu(target_uri(endpoint))
            headers["DPoP"] = prover.proof("POST", htu, issued_at, (yield from FreshID()), None, nonce)
        certificate = yield from presented(server, bound=bound)
        response = yield from Send(post(endpoint, form, headers, certificate=certificate))
        if response.status != 200:  # noqa: PLR2004  # the one status of success
            response.body = form.censor(response.body, credentials.secret)
        return Sent(response, proved=prover is not None, timed=_asserted(credentials))

    return (
        yield from mended(
            server,
            endpoint,
            send,
            refusal=partial(read_error, what="the answer"),
            with_token=False,
            only_nonce=once,
        )
    )


def presented(server: Server, *, bound: bool = True) -> Story[str | None]:
    """The thumbprint of the client certificate to present now, None where none is, or where any will do.

    Raises ReauthenticationRequired (`certificate_changed`) where a session's own is not to be had any more; unless it
    is not `bound` to be that one.
    """
    certificate = server.certificate
    try:
        return None if certificate is None else (yield from Ask(certificate.current)).x5t_s256
    except ReauthenticationRequired:
        if bound:
            raise
        return None


def _filled(parameters: Callable[[Occasion], Parameters], occasion: Occasion) -> Form:
    return Form(parameters(occasion))


def theirs(function: Callable[[], T], *, what: str) -> Story[T]:
    """What a function of the program's own returns; what it raises is the cause of a GrantFailed."""
    try:
        return (yield from Ask(function))
    except OAuthError:
        raise
    except Exception as error:
        raise GrantFailed(f"The program's own {what} failed: {type(error).__name__}.") from error


def _asserted(credentials: Credentials) -> bool:
    """Whether the client authenticated with something that holds the time."""
    return any(name == "client_assertion" for name, _ in credentials.form)
