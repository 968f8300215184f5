"""Another key for a registered client, in steps each of which can be the last one of a process (RFC 7592, section 2.2).

The new key is added at the server, the client signs with it from then on, and the old one is dropped. What is about to
be done is stored first, so that the next call goes on where one was cut short.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oauthclient.errors import ConfigurationError, InvalidResponse, NotOffered
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.effects import DeleteKey, Lease, SaveKey, Sleep, Write
from oauthclient.flows.manage import known_registration, update_under_lease
from oauthclient.flows.register import load_key, new_key
from oauthclient.protocol.authentication import listed_spelling
from oauthclient.protocol.client_metadata import ClientMetadata, choose, published
from oauthclient.protocol.registration import thumbprint_of
from oauthclient.protocol.registration_record import to_record

if TYPE_CHECKING:
    from oauthclient.flows.effects import Held, Story
    from oauthclient.flows.server import Server
    from oauthclient.jose.signers import Signer
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.registration import Registration


def rotate_key(server: Server, name: Name, *, own: Signer | None = None, overlap: float = 0.0) -> Story[Registration]:
    """The registration with another key; a rotation that was cut short is finished instead.

    `own`: the new key where the program brings its keys; it must be given again when a rotation is to go on. `overlap`:
    seconds in which the server takes both, for other processes that still sign with the old one. It works without the
    old private key. Raises as `read_registration`; ConfigurationError (`no_client_key`, `algorithm_mismatch`),
    InvalidResponse (`key_not_registered`, `key_not_dropped`).
    """
    lease = yield from Lease(name)
    try:
        registration = yield from known_registration(name)
        _check(registration, own)
        if registration.previous_key is not None and own is not None and own.thumbprint != registration.key:
            registration = yield from _dropped(server, name, registration, lease)
        if registration.previous_key is None and (own is None or own.thumbprint != registration.key):
            yield from _added(server, name, registration, lease, own)
    finally:
        lease.release()
    if overlap > 0:
        yield from Sleep(overlap)
    lease = yield from Lease(name)
    try:
        registration = yield from known_registration(name)
        return (yield from _dropped(server, name, registration, lease))
    finally:
        lease.release()


def _check(registration: Registration, own: Signer | None) -> None:
    if registration.key is None:
        raise ConfigurationError(
            "This client is registered without a key.", code="no_client_key", hint="There is nothing to rotate."
        )
    if registration.metadata.get("jwks_uri") is not None:
        raise NotOffered(
            "The server fetches this client's keys from its jwks_uri.",
            code="keys_elsewhere",
            hint="Publish the new key there, beside the old one.",
        )
    pinned = registration.pinned
    if own is not None and pinned and own.algorithm not in pinned:
        raise ConfigurationError(
            f"The client is registered to sign with {', '.join(sorted(pinned))}, and the key given is for "
            f"{own.algorithm}.",
            code="algorithm_mismatch",
            hint="Two keys overlap only where both are for one algorithm; register anew for another one.",
        )


def _added(
    server: Server, name: Name, registration: Registration, lease: Held, own: Signer | None
) -> Story[Registration]:
    """Add a key at the server, and sign with it once the server says that it has it."""
    stale = registration.next_key
    signer = yield from _next_key(server, name, registration, own)
    registration = replace(registration, next_key=signer.thumbprint)
    others = _without(registration, stale, signer.thumbprint)
    metadata = yield from known_metadata(server)
    spelling = listed_spelling(signer.algorithm, metadata.token_endpoint_auth_signing_alg_values_supported)
    changes = {"jwks": {"keys": [*others, published(signer, alg=spelling)]}}
    registration = yield from update_under_lease(server, name, registration, lease, changes)
    if signer.thumbprint not in _thumbprints(registration):
        raise InvalidResponse(
            "The server did not register the new key; the client goes on with the old one.", code="key_not_registered"
        )
    registration = replace(registration, key=signer.thumbprint, next_key=None, previous_key=registration.key)
    yield from Write(name, to_record(registration))
    return registration


def _dropped(server: Server, name: Name, registration: Registration, lease: Held) -> Story[Registration]:
    """Drop the key that the client signed with before, at the server and then here."""
    previous = registration.previous_key
    if previous is None:
        return registration
    if previous in _thumbprints(registration):
        changes = {"jwks": {"keys": _without(registration, previous)}}
        registration = yield from update_under_lease(server, name, registration, lease, changes)
    if previous in _thumbprints(registration):
        raise InvalidResponse(
            "The server did not drop the old key; the client signs with the new one.", code="key_not_dropped"
        )
    yield from DeleteKey(previous)
    registration = replace(registration, previous_key=None)
    yield from Write(name, to_record(registration))
    return registration


def _next_key(server: Server, name: Name, registration: Registration, own: Signer | None) -> Story[Signer]:
    """The key to rotate to: that of a rotation which was cut short, else a new one, stored before it is sent."""
    planned = registration.next_key
    if own is not None:
        if planned is not None and planned != own.thumbprint:
            yield from DeleteKey(planned)
        yield from Write(name, to_record(replace(registration, next_key=own.thumbprint)))
        return own
    if planned is not None:
        stored = yield from load_key(planned)
        if stored is not None:
            return stored
    algorithm = registration.signing_algorithm
    if algorithm is None:  # the server does not say which keys it has of this client
        metadata = yield from known_metadata(server)
        wanted = ClientMetadata(token_endpoint_auth_method=registration.token_endpoint_auth_method)
        algorithm = choose(wanted, metadata).algorithm or "ES256"
    key = yield from new_key(algorithm)
    yield from Write(name, to_record(replace(registration, next_key=key.thumbprint)))
    yield from SaveKey(key.thumbprint, key.to_jwk())
    return key


def _thumbprints(registration: Registration) -> set[str | None]:
    return {thumbprint_of(jwk) for jwk in registration.jwks}


def _without(registration: Registration, *thumbprints: str | None) -> list[dict[str, Any]]:
    """The registered keys but for some; one that cannot be read is somebody's who can."""
    dropped = {thumbprint for thumbprint in thumbprints if thumbprint is not None}
    return [jwk for jwk in registration.jwks if thumbprint_of(jwk) not in dropped]
