"""A client that registers itself, once, and is restored from then on (RFC 7591; OpenID Connect Registration, 3)."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from oauthclient.errors import InvalidKey, NotOffered, RegistrationLost
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.effects import (
    Ask,
    CheckWritable,
    DeleteKey,
    FreshID,
    Lease,
    LoadKey,
    Now,
    Persist,
    Read,
    SaveKey,
    Send,
    Write,
)
from oauthclient.flows.manage import finish_deletion, read_under_lease
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.client_metadata import choose, registration_document
from oauthclient.protocol.registration import (
    Registration,
    Unregistered,
    read_registration_response,
    refused,
    registration_request,
)
from oauthclient.protocol.registration_record import from_record, to_record

if TYPE_CHECKING:
    from oauthclient.errors import OAuthError
    from oauthclient.flows.effects import Held, Story
    from oauthclient.flows.server import Server
    from oauthclient.jose.signers import Signer
    from oauthclient.protocol.client_metadata import ClientMetadata
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.wire import Response
    from oauthclient.secret import Secret

_CREATED = (200, 201)


def restored(name: Name) -> Story[Registration | None]:
    """The registration called `name`, or None where there is none that can be used as it is: see `register`."""
    stored = yield from _stored(name)
    now = yield from Now()
    return stored if isinstance(stored, Registration) and not _questionable(stored, now.wall) else None


def register(
    server: Server,
    name: Name,
    wanted: ClientMetadata,
    *,
    initial_access_token: Secret | None = None,
    own: Signer | None = None,
) -> Story[Registration]:
    """The registration called `name`: the stored one, else a new one.

    The key is stored before its public half is sent, and found again by the next call if this one is cut short; a
    client that the server made of a request whose answer was lost stays there unused. `own`: a key that the program
    brings, which is not stored. A deletion that was cut short is finished first, and a secret that has expired is asked
    for again. Raises NotOffered, ConfigurationError, AuthorizationServerError, StorageError.
    """
    lease = yield from Lease(name)
    try:
        stored = yield from _stored(name)
        now = yield from Now()
        if isinstance(stored, Registration) and _questionable(stored, now.wall):
            stored = yield from _settled(server, name, stored, lease)
        if isinstance(stored, Registration):
            return stored
        return (yield from _registered(server, name, wanted, stored, lease, initial_access_token, own))
    finally:
        lease.release()


def new_key(algorithm: str) -> Story[SigningKey]:
    """A key with an identifier of its own, made here and known to nobody yet."""
    kid = yield from FreshID()
    return (yield from Ask(partial(SigningKey.generate, algorithm, kid=kid)))


def _registered(
    server: Server,
    name: Name,
    wanted: ClientMetadata,
    stored: Unregistered | None,
    lease: Held,
    initial_access_token: Secret | None,
    own: Signer | None,
) -> Story[Registration]:
    metadata = yield from known_metadata(server)
    endpoint = _endpoint(metadata)
    choice = choose(wanted, metadata, own=own)
    yield from CheckWritable(name)
    signer = yield from _key_to_register(name, stored, choice.algorithm, own)
    document = registration_document(wanted, choice, metadata, signer)
    what = f"the registration at {server.issuer or endpoint}"
    response = yield from Send(registration_request(endpoint, document, initial_access_token))
    if response.status == 404 and server.read_again != float("inf"):  # noqa: PLR2004  # the endpoint has moved
        server.read_again = 0.0
        metadata = yield from known_metadata(server)
        response = yield from Send(registration_request(_endpoint(metadata), document, initial_access_token))
    if response.status not in _CREATED:
        raise _refused(response, what=what, with_token=initial_access_token is not None)
    registration = read_registration_response(
        response,
        issuer=server.issuer,
        asked=document,
        key=None if signer is None else signer.thumbprint,
        what=what,
    )
    yield from Persist(name, to_record(registration), lease)
    return registration


def _stored(name: Name) -> Story[Registration | Unregistered | None]:
    return from_record((yield from Read(name)))


def _questionable(registration: Registration, now: float) -> bool:
    """Whether it may be of no more use: its deletion was asked for, or its secret has run out."""
    deleting = registration.note is not None and registration.note.method == "DELETE"
    return deleting or registration.secret_expired(now)


def _settled(
    server: Server, name: Name, registration: Registration, lease: Held
) -> Story[Registration | Unregistered | None]:
    """What has become of a registration that may be of no more use; its key can be registered again."""
    if registration.note is not None and registration.note.method == "DELETE":
        yield from finish_deletion(server, name, registration)
        return None
    with suppress(NotOffered, RegistrationLost):
        registration = yield from read_under_lease(server, name, registration, lease)
    now = yield from Now()
    return Unregistered(registration.keys, planned=True) if registration.secret_expired(now.wall) else registration


def _key_to_register(
    name: Name, stored: Unregistered | None, algorithm: str | None, own: Signer | None
) -> Story[Signer | None]:
    """The program's own key, or one that an attempt before this one stored, or a new one, stored before it is used."""
    found: Signer | None = own if algorithm is not None else None
    for thumbprint in stored.keys if stored is not None else ():
        key = yield from load_key(thumbprint)
        if found is None and stored is not None and stored.planned and key is not None and key.algorithm == algorithm:
            found = key
        else:
            yield from DeleteKey(thumbprint)
    if found is not None or algorithm is None:
        return found
    made = yield from new_key(algorithm)
    yield from Write(name, to_record(Unregistered((made.thumbprint,), planned=True)))
    yield from SaveKey(made.thumbprint, made.to_jwk())
    return made


def load_key(thumbprint: str) -> Story[SigningKey | None]:
    """The stored key of that thumbprint; None where there is none, or another one under its name."""
    text = yield from LoadKey(thumbprint)
    if text is None:
        return None
    try:
        key = SigningKey.from_jwk(text)
    except InvalidKey:
        return None
    return key if key.thumbprint == thumbprint else None


def _endpoint(metadata: ServerMetadata) -> str:
    if metadata.registration_endpoint is None:
        raise NotOffered(
            "The authorization server does not let clients register themselves (registration_endpoint).",
            code="registration_not_offered",
            hint="Have its administrator register the program, and give its client_id.",
        )
    return metadata.registration_endpoint


def _refused(response: Response, *, what: str, with_token: bool) -> OAuthError:
    error = refused(response, what=what)
    if response.status in (401, 403):
        error.hint = (
            "Get another initial access token: many are for one use, which an attempt that was cut short uses up too."
            if with_token
            else "This server registers only who brings an initial access token; its administrator issues them."
        )
    return error
