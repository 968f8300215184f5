"""Where the demo plays: at a server in this process, or at one of the user's."""

from __future__ import annotations

import argparse
import ssl
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
from authority import Authority
from embedded import CLIENT_ID, Embedded
from narration.constraint import ByCertificate, ByKey

from oauthclient import (
    ClientCertificate,
    PrivateKeyJWT,
    Resource,
    SelfSignedTLSClientAuth,
    SigningKey,
    TLSClientAuth,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from narration.constraint import Constraint, Trust

    from oauthclient import ClientAuthentication
    from oauthclient.testing import AuthorizationServer

APIS = 2


class Stage(NamedTuple):
    """Where the story plays. `embedded`: the server, where it is ours to command."""

    issuer: str
    client_id: str
    authentication: ClientAuthentication
    constraint: Constraint
    resources: tuple[Resource, Resource]
    trust: Trust
    insecure_loopback: bool
    embedded: AuthorizationServer | None = None


class UnexpectedError(Exception):
    """Something that the story tells of did not happen."""


@contextmanager
def given(settings: argparse.Namespace) -> Iterator[Stage]:
    """A server of the user's. Raises what its key and its certificate are refused with."""
    (first, *first_scope), (second, *second_scope) = settings.resource
    constraint: Constraint = ByKey()
    authentication: ClientAuthentication | None = None
    if settings.certificate:
        certificate = ClientCertificate.from_files(settings.certificate, settings.certificate_key)
        another = ClientCertificate.from_pem(*Authority().issue("thief"))
        constraint = ByCertificate(certificate, another=another)
        authentication = (SelfSignedTLSClientAuth if settings.self_signed else TLSClientAuth)(certificate)
    if settings.key:
        authentication = PrivateKeyJWT(SigningKey.from_pem(settings.key.read_bytes()))
    if authentication is None:
        raise UnexpectedError("Who is calling? --key or --certificate is needed.")
    yield Stage(
        settings.issuer,
        settings.client_id,
        authentication,
        constraint,
        (Resource(first, scope=first_scope), Resource(second, scope=second_scope)),
        partial(ssl.create_default_context, cafile=settings.ca) if settings.ca else httpx.create_ssl_context,
        settings.insecure_loopback,
    )


@contextmanager
def embedded(*, mutual_tls: bool) -> Iterator[Stage]:
    """A server in this process; with `mutual_tls` one that speaks TLS and asks for client certificates."""
    key, authority = SigningKey.generate("ES256"), Authority()
    authentication: ClientAuthentication = PrivateKeyJWT(key)
    constraint: Constraint = ByKey()
    if mutual_tls:
        certificate = ClientCertificate.from_pem(*authority.issue(CLIENT_ID))
        another = ClientCertificate.from_pem(*authority.issue("thief"))  # of the same authority, and of no use
        authentication, constraint = TLSClientAuth(certificate), ByCertificate(certificate, another=another)
    with Embedded(key, authority=authority if mutual_tls else None) as server:
        yield Stage(
            server.server.issuer,
            CLIENT_ID,
            authentication,
            constraint,
            (server.orders, server.stock),
            partial(ssl.create_default_context, cadata=authority.pem.decode()),
            insecure_loopback=not mutual_tls,
            embedded=server.server,
        )


def known_by(authentication: ClientAuthentication) -> str:
    """By what the server knows the service."""
    if isinstance(authentication, PrivateKeyJWT):
        return f"the public half of its {authentication.key.algorithm} key"
    if isinstance(authentication, SelfSignedTLSClientAuth):
        return "its certificate"
    return "the name in its certificate"


def written(authentication: ClientAuthentication) -> str:
    """How the program writes it."""
    of_what = "key" if isinstance(authentication, PrivateKeyJWT) else "certificate"
    return f"{type(authentication).__name__}({of_what})"


def arguments() -> argparse.Namespace:
    """What the demo was told."""
    parser = argparse.ArgumentParser(description="Calls two APIs and shows each message. Without options: embedded.")
    parser.add_argument("--issuer", help="the authorization server; by default one in this process")
    parser.add_argument("--client-id", help="the name it knows the service by")
    parser.add_argument("--key", type=Path, help="PEM file of the private key registered there")
    parser.add_argument("--certificate", help="PEM file of the client certificate to bind tokens to")
    parser.add_argument("--certificate-key", help="PEM file of its private key, if that is another one")
    parser.add_argument("--self-signed", action="store_true", help="it is registered itself, and not by its name")
    parser.add_argument("--mutual-tls", action="store_true", help="embedded, with client certificates")
    parser.add_argument("--resource", action="append", nargs="+", metavar=("URL", "SCOPE"), help="an API; give two")
    parser.add_argument("--ca", help="PEM file of a private CA, if the servers' certificates come from one")
    parser.add_argument("--insecure-loopback", action="store_true", help="allow a server on this machine without TLS")
    settings = parser.parse_args()
    needed = (settings.client_id, settings.key or settings.certificate, settings.resource)
    if settings.issuer and (not all(needed) or len(settings.resource) != APIS):
        parser.error("--issuer needs --client-id, --key or --certificate, and --resource twice")
    if not settings.issuer and any(needed):
        parser.error("--client-id, --key, --certificate and --resource need --issuer")
    if settings.issuer and settings.mutual_tls:
        parser.error("--mutual-tls is for the server in this process; --certificate for yours")
    return settings
