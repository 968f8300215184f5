"""Another certificate for a client that authenticates by it, in one update (RFC 8705, section 2; RFC 7592, 2.2).

What is registered is read first, so that a call which was cut short can simply be made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import ConfigurationError, InvalidResponse, NotOffered
from oauthclient.flows.effects import Lease
from oauthclient.flows.manage import known_registration, read_under_lease, update_under_lease
from oauthclient.protocol.certificate_authentication import (
    SUBJECTS,
    SelfSignedTLSClientAuth,
    TLSClientAuth,
    subject,
)
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.flows.effects import Held, Story
    from oauthclient.flows.server import Server
    from oauthclient.jose.certificate import Certificate
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.registration import Registration

_METHODS: Final = (TLSClientAuth.method, SelfSignedTLSClientAuth.method)


def rotate_certificate(
    server: Server,
    name: Name,
    certificate: Certificate,
    *,
    told: Mapping[str, Any] | None = None,
    keep_former: bool = False,
) -> Story[Registration]:
    """The registration with `certificate`. Nothing is changed where the server has it already, and no other.

    `told`: the subject member where the program says in which words; else the name that is registered now is looked
    for in the certificate. `keep_former`: the certificates that are registered now stay beside it.

    Raises as `read_registration`; ConfigurationError (`not_registered_by_certificate`, `one_subject`,
    `certificate_without_name`), NotOffered (`keys_elsewhere`), InvalidResponse (`key_not_registered`,
    `key_not_dropped`).
    """
    lease = yield from Lease(name)
    try:
        registration = yield from known_registration(name)
        _check(registration)
        registration = yield from read_under_lease(server, name, registration, lease)
        _check(registration)
        if registration.token_endpoint_auth_method == SelfSignedTLSClientAuth.method:
            return (yield from _certified(server, name, registration, lease, certificate, keep_former=keep_former))
        asked = {member: value for member, value in (told or {}).items() if member in SUBJECTS}
        asked = asked or dict(subject(certificate, _named_by(registration)))
        return (yield from _named(server, name, registration, lease, asked, keep_former=keep_former))
    finally:
        lease.release()


def _check(registration: Registration) -> None:
    method = registration.token_endpoint_auth_method
    if method not in _METHODS:
        raise ConfigurationError(
            f"This client authenticates by {shown(method)}, not by a certificate.",
            code="not_registered_by_certificate",
            hint="There is none at the server that could be changed.",
        )
    if method == SelfSignedTLSClientAuth.method and registration.metadata.get("jwks_uri") is not None:
        raise NotOffered(
            "The server fetches this client's certificates from its jwks_uri.",
            code="keys_elsewhere",
            hint="Publish the new one there, beside the old one.",
        )


def _certified(
    server: Server, name: Name, registration: Registration, lease: Held, certificate: Certificate, *, keep_former: bool
) -> Story[Registration]:
    """The registration with the certificate among its keys (RFC 8705, section 2.2.2)."""
    keys = [jwk for jwk in registration.jwks if keep_former or "x5c" not in jwk or _is(jwk, certificate)]
    if not any(_is(jwk, certificate) for jwk in keys):
        keys.append(certificate.jwk)
    if keys == registration.jwks:
        return registration
    registration = yield from update_under_lease(server, name, registration, lease, {"jwks": {"keys": keys}})
    if not any(_is(jwk, certificate) for jwk in registration.jwks):
        raise _not_registered()
    if not keep_former and any("x5c" in jwk and not _is(jwk, certificate) for jwk in registration.jwks):
        raise InvalidResponse(
            "The server did not drop the former certificate; it takes the new one, too.", code="key_not_dropped"
        )
    return registration


def _named(
    server: Server, name: Name, registration: Registration, lease: Held, asked: Mapping[str, str], *, keep_former: bool
) -> Story[Registration]:
    """The registration with the name of the certificate as its one subject (RFC 8705, section 2.1.2)."""
    wanted = {member: _alike(member, value) for member, value in asked.items()}
    if _names(registration) == wanted:
        return registration
    if keep_former:
        raise ConfigurationError(
            "The server knows this client by the name in its certificate, and by one name at a time.",
            code="one_subject",
            hint="Register the new name when the new certificate is put in place, without keep_former.",
        )
    changes = {**dict.fromkeys(SUBJECTS), **asked}
    registration = yield from update_under_lease(server, name, registration, lease, changes)
    if not wanted.items() <= _names(registration).items():
        raise _not_registered()
    return registration


def _named_by(registration: Registration) -> Any:
    return next((named_by for member, named_by in SUBJECTS.items() if registration.metadata.get(member)), "subject_dn")


def _names(registration: Registration) -> dict[str, str]:
    metadata = registration.metadata
    return {member: _alike(member, str(metadata[member])) for member in SUBJECTS if metadata.get(member)}


def _alike(member: str, name: str) -> str:
    """A name to compare: a server may write it in other words of the same meaning (RFC 4514), but for a URI."""
    return name if member == "tls_client_auth_san_uri" else "".join(name.split()).casefold()


def _is(jwk: Mapping[str, Any], certificate: Certificate) -> bool:
    chain = jwk.get("x5c")
    return isinstance(chain, list) and chain[:1] == [certificate.x5c[0]]


def _not_registered() -> InvalidResponse:
    return InvalidResponse(
        "The server did not register the new certificate; the client goes on with the former one.",
        code="key_not_registered",
    )
