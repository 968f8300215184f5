"""Logging in by way of another device: the codes, then a question every few seconds (RFC 8628, sections 3.1 to 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oauthclient.errors import ErrorResponse, LoginError, LoginTimeout, NotOffered, Unreachable
from oauthclient.flows.authorize import signed_request, signing_key
from oauthclient.flows.call import call
from oauthclient.flows.effects import Ask, Now, Sleep
from oauthclient.flows.found_again import found_again
from oauthclient.flows.token_call import answer_of, explain, token_call
from oauthclient.protocol.device import DEVICE_CODE, device_parameters, read_device_authorization
from oauthclient.protocol.token import read_error, read_success

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.jose.signers import Signer
    from oauthclient.protocol.authorization_request import Wish
    from oauthclient.protocol.device import DeviceAuthorization
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.wire import Parameters, Response

_SLOWER: Final = 5.0  # seconds that each `slow_down` adds for good (section 3.5)
_LONGEST_PAUSE: Final = 60.0  # seconds, in a time without answers: when there are some again, a person is waiting
_TOO_MANY: Final = 429
_DENIED: Final = "The person, or a policy, said no."


def begin_device(server: Server, wish: Wish) -> Story[DeviceAuthorization]:
    """The codes to show to a person. Nothing is asked of a server that does not offer what was configured.

    Raises NotOffered (`device_not_offered`, and those of the binding and the authentication), ErrorResponse,
    InvalidResponse, Unreachable.
    """

    def ask(metadata: ServerMetadata) -> Story[Response]:
        server.binding.check(metadata)
        server.authentication.check(metadata)
        endpoint = metadata.device_authorization_endpoint
        if endpoint is None:
            raise NotOffered(
                "The authorization server's metadata offers no login by way of another device "
                "(device_authorization_endpoint).",
                code="device_not_offered",
                hint="Log in with a browser on this machine.",
            )
        key = _request_key(server, metadata)

        def parameters(occasion: Occasion) -> Parameters:
            openly = device_parameters(wish, told_by=server.told_by)
            if key is None:
                return openly
            inside = [("client_id", server.client_id), *openly]
            jti = f"{occasion.jti}.request"  # the assertion beside it has the occasion's
            return [*openly, ("request", signed_request(server, key, inside, issued_at=occasion.issued_at, jti=jti))]

        return (yield from call(server, metadata, endpoint, parameters))

    response = yield from found_again(server, ask)
    try:
        return read_device_authorization(
            response, loopback=server.loopback, what=f"the device authorization response of {server.name}"
        )
    except ErrorResponse as error:
        raise explain(server, error, response.certificate, grant=False) from None


def _request_key(server: Server, metadata: ServerMetadata) -> tuple[Signer, str] | None:
    """The key for a request object, where the client is to sign its requests; None where this one goes without.

    RFC 8628 knows no request objects: a server that wants one all the same, as node-oidc-provider does of a client that
    was registered to sign, finds it beside the parameters.
    """
    to_sign = server.policy.jar == "always" or metadata.require_signed_request_object
    return signing_key(server, metadata) if to_sign and server.policy.signer is not None else None


def poll(
    server: Server, device: DeviceAuthorization, told: Parameters = (), *, given_up: Callable[[], bool] | None = None
) -> Story[Response]:
    """The token endpoint's answer, with status 200 and no error, once the person has agreed on the other device.

    `told`: what each question holds beside the code, such as the resource (RFC 8707, section 2.2). Each has a fresh
    proof and assertion. No answer, or one of a server in trouble, is no end: the pauses double then, up to a minute.
    `given_up`: asked before each question whether nobody waits for the answer any more.

    Raises LoginTimeout (`expired_token`) when the codes have ended, LoginError (`login_abandoned`), ErrorResponse for
    any other refusal, such as `access_denied`.
    """

    def parameters(_: Occasion) -> Parameters:
        return [
            ("grant_type", DEVICE_CODE),
            ("device_code", device.device_code),
            *told,
            *server.parameters.items(),
        ]

    interval = pause = wanted = device.interval
    while True:
        now = yield from Now()
        # A pause of our own making does not outlast the codes; one that the server wants is kept to.
        wait = max(wanted, min(pause, device.ends - now.steady))
        if now.steady + wait > device.ends:
            raise _expired()
        yield from Sleep(wait)
        yield from _check_wanted(given_up)
        certificate: str | None = None
        try:
            response = yield from token_call(server, parameters)
            certificate = response.certificate
            _check_answered(response, what=answer_of(server))
            read_success(response, what=answer_of(server))
        except Unreachable as error:
            if error.code == "tls_failed":
                raise
            pause = max(pause, min(2 * pause, _LONGEST_PAUSE))
            wanted = max(interval, error.retry_after or 0.0)
        except ErrorResponse as error:
            if error.code == "slow_down":
                interval += _SLOWER
            elif error.code != "authorization_pending":
                raise _ended(server, error, certificate) from None
            pause = wanted = interval
        else:
            return response


def _check_wanted(given_up: Callable[[], bool] | None) -> Story[None]:
    if given_up is not None and (yield from Ask(given_up)):
        raise LoginError("The login was given up before the person had agreed.", code="login_abandoned")


def _check_answered(response: Response, *, what: str) -> None:
    """Raise Unreachable for an answer of a server, or a gateway before it, that is in trouble and names no error."""
    if response.status < 500 and response.status != _TOO_MANY:  # noqa: PLR2004  # the class of server errors
        return
    error = read_error(response, what=what)
    if not isinstance(error, ErrorResponse):
        trouble = Unreachable(error.message, code="server_trouble")
        trouble.retry_after = error.retry_after
        raise trouble


def _ended(server: Server, error: ErrorResponse, certificate: str | None) -> ErrorResponse | LoginTimeout:
    if error.code == "expired_token":
        return _expired()
    if error.code == "access_denied":
        error.hint = _DENIED
    return explain(server, error, certificate)


def _expired() -> LoginTimeout:
    return LoginTimeout(
        "The code was not confirmed on the other device in time.",
        code="expired_token",
        hint="Log in again, and enter the new code while it is good.",
    )
