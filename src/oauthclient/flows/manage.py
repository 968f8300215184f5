"""A registration read, changed and deleted at the server, with tokens that may be for one use (RFC 7592, section 2).

A registration access token that rotates is as easily lost as a refresh token: it is noted before it is sent, and the
answer is stored before anything in it is judged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from oauthclient.errors import ConfigurationError, NotOffered, RegistrationLost, StorageUnreadable
from oauthclient.flows.effects import CheckWritable, DeleteKey, Erase, Lease, Now, Persist, Read, Send, Write
from oauthclient.protocol.client_metadata import FORBIDDEN
from oauthclient.protocol.registration import Registration, Unregistered, management_request, refused
from oauthclient.protocol.registration_record import from_record, to_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.errors import OAuthError
    from oauthclient.flows.effects import Held, Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.wire import Response

_OK: Final = 200
_UNAUTHORIZED: Final = 401
_GONE: Final = (401, 404, 410)  # the first is what RFC 7592, section 2.3, says of a client that is gone
_DELETED: Final = (200, 204)
_NOT_ALLOWED: Final = 403
_NO_SUCH_METHOD: Final = (405, 501)
_KEYS: Final = ("jwks", "jwks_uri")
_LOST: Final = (
    "The client may still work, and can go on as it is. To manage it, have the server's administrator issue another "
    "token; or forget this registration and register again, after which everybody logs in anew."
)


def read_registration(server: Server, name: Name) -> Story[Registration]:
    """The registration as the server has it now (RFC 7592, section 2.1).

    Raises RegistrationLost, NotOffered, AuthorizationServerError, StorageError; ConfigurationError (`not_registered`).
    """
    lease = yield from Lease(name)
    try:
        registration = yield from known_registration(name)
        return (yield from read_under_lease(server, name, registration, lease))
    finally:
        lease.release()


def read_under_lease(server: Server, name: Name, registration: Registration, lease: Held) -> Story[Registration]:
    """As `read_registration`, for who holds the lease."""
    return (yield from _exchange(server, name, registration, lease, "GET", None))


def update_registration(server: Server, name: Name, changes: Mapping[str, Any]) -> Story[Registration]:
    """The registration with other metadata (RFC 7592, section 2.2); a member that is None is removed.

    What the server made of it is the answer. Raises as `read_registration`; ConfigurationError (`reserved_member`).
    """
    reserved = sorted((FORBIDDEN | {"client_id", "client_secret", *_KEYS}).intersection(changes))
    if reserved:
        raise ConfigurationError(
            f"{', '.join(reserved)} cannot be changed by an update.",
            code="reserved_member",
            hint="A key is changed by rotating it; the server issues the others.",
        )
    lease = yield from Lease(name)
    try:
        registration = yield from known_registration(name)
        return (yield from update_under_lease(server, name, registration, lease, changes))
    finally:
        lease.release()


def update_under_lease(
    server: Server, name: Name, registration: Registration, lease: Held, changes: Mapping[str, Any]
) -> Story[Registration]:
    """As `update_registration`, for who holds the lease and may change keys."""
    return (yield from _exchange(server, name, registration, lease, "PUT", changes))


def delete_registration(server: Server, name: Name) -> Story[None]:
    """Delete the client at the server (RFC 7592, section 2.3), then its keys and what is stored of it.

    Nothing is deleted here where the server refuses. No error where there is nothing. Raises as `read_registration`.
    """
    lease = yield from Lease(name)
    try:
        stored = from_record((yield from Read(name)))
        if isinstance(stored, Registration):
            yield from finish_deletion(server, name, stored)
        elif stored is not None:
            yield from _erase(name, stored)
    finally:
        lease.release()


def forget_registration(name: Name) -> Story[None]:
    """Delete what is stored of a registration, and its keys, without a word to the server; readable or not."""
    lease = yield from Lease(name)
    try:
        try:
            stored = from_record((yield from Read(name)))
        except StorageUnreadable:
            stored = Unregistered((), planned=False)
        if stored is not None:
            yield from _erase(name, stored)
    finally:
        lease.release()


def finish_deletion(server: Server, name: Name, registration: Registration) -> Story[None]:
    """As `delete_registration`, for who holds the lease."""
    again = registration.note is not None and registration.note.method == "DELETE"
    response = yield from _send(server, name, registration, "DELETE", None)
    if response.status not in _DELETED and not (again and response.status in _GONE):
        if 400 <= response.status < 500 and response.status not in (408, 429):  # noqa: PLR2004  # the client errors
            # Known to be refused: nobody is to go on with it.
            before = replace(registration, note=None if again else registration.note)
            yield from Write(name, to_record(before))
        raise _refusal(response, registration, f"the deletion at {server.issuer}")
    left = Unregistered(registration.keys, planned=False)
    yield from Write(name, to_record(left))
    yield from _erase(name, left)


def known_registration(name: Name) -> Story[Registration]:
    """The stored registration. Raises ConfigurationError (`not_registered`)."""
    stored = from_record((yield from Read(name)))
    if isinstance(stored, Registration):
        return stored
    raise ConfigurationError("The program is not registered.", code="not_registered", hint="Register it first.")


def _erase(name: Name, stored: Registration | Unregistered) -> Story[None]:
    """Keys first: they are found by the record."""
    for thumbprint in stored.keys:
        yield from DeleteKey(thumbprint)
    yield from Erase(name)


def _exchange(
    server: Server,
    name: Name,
    registration: Registration,
    lease: Held,
    method: Literal["GET", "PUT"],
    changes: Mapping[str, Any] | None,
) -> Story[Registration]:
    response = yield from _send(server, name, registration, method, changes)
    what = f"the registration at {server.issuer}"
    if response.status != _OK:
        raise _refusal(response, registration, what)
    asked = {**registration.metadata, **(changes or {})}
    answered, complaint = registration.after(response, what=what, asked=asked)
    yield from Persist(name, to_record(answered), lease)
    if complaint is not None:
        raise complaint
    return answered


def _send(
    server: Server, name: Name, registration: Registration, method: str, changes: Mapping[str, Any] | None
) -> Story[Response]:
    """Send one management request, with a note of it stored before: the token may be for one use."""
    uri, token = registration.management(loopback=server.loopback)
    request = management_request(method, uri, token, None if changes is None else registration.update_body(changes))
    yield from CheckWritable(name)
    now = yield from Now()
    yield from Write(name, to_record(registration.noted(method, now.wall)))
    return (yield from Send(request))


def _refusal(response: Response, registration: Registration, what: str) -> OAuthError:
    """The error that an answer stands for. The note stays: what became of the token is not known."""
    if response.status == _UNAUTHORIZED:
        if registration.note is not None:
            return RegistrationLost(
                "An earlier change of the registration was cut short; its answer, with the next registration access "
                "token, is lost.",
                code="registration_outcome_unknown",
                hint=_LOST,
            )
        return RegistrationLost(
            "The server no longer takes the registration access token, or the client is gone.",
            code="registration_access_token_rejected",
            hint=_LOST,
        )
    if response.status in _NO_SUCH_METHOD:
        return NotOffered(
            f"The server does not offer to do this with a registration (HTTP status {response.status}).",
            code="management_not_offered",
            hint="Its administrator can.",
        )
    error = refused(response, what=what)
    if response.status == _NOT_ALLOWED:
        error.hint = "The server does not allow the client to do this; its administrator can."
    return error
