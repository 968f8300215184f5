"""What a server offers for client certificates, and what a login with one would use (RFC 8705, sections 3.3 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from oauthclient.cli import look
from oauthclient.cli.failures import hint_of
from oauthclient.cli.findings import Finding
from oauthclient.cli.ledger import AUTH_METHODS
from oauthclient.errors import ConfigurationError, InvalidKey, InvalidResponse
from oauthclient.protocol.metadata import ALIASED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthclient.jose.certificate import Certificate
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.tls.client_certificate import ClientCertificate


class Presented(NamedTuple):
    """The certificate that a login would present, or what is wrong with it."""

    file: str
    certificate: ClientCertificate | None
    problem: str
    auth_method: str | None

    @classmethod
    def read(cls, file: str, key: str | None, auth_method: str | None) -> Presented:
        """That in these files. May ask for the passphrase."""
        from oauthclient.cli.certificate import read_certificate

        try:
            return cls(file, read_certificate(file, key), "", auth_method)
        except (InvalidKey, ConfigurationError) as error:
            return cls(file, None, f"{error.message} {hint_of(error)}".rstrip(), auth_method)


def certificate_findings(metadata: ServerMetadata, presented: Presented | None) -> Iterator[Finding]:
    """The server's side, then the certificate's, if there is one."""
    yield from _offered(metadata, presented)
    yield from _aliases(metadata, presented)
    if presented is not None and presented.certificate is None:
        yield Finding("certificate", "bad", presented.file, presented.problem)
    elif presented is not None and presented.certificate is not None:
        yield from _described(presented.certificate.current())


def _offered(metadata: ServerMetadata, presented: Presented | None) -> Iterator[Finding]:
    topic = "certificates"
    bound = metadata.tls_client_certificate_bound_access_tokens
    listed = [name for name in AUTH_METHODS if name in (metadata.token_endpoint_auth_methods_supported or ())]
    wanted = None if presented is None else presented.auth_method
    if not bound and not listed and wanted is None:
        yield Finding(topic, "note", "no mTLS (RFC 8705)", "")
    if bound:
        yield (
            Finding(topic, "note", "bound tokens", "with --certificate only")
            if presented is None
            else Finding(topic, "good", "bound tokens", "to the certificate")
        )
    for method in listed:
        if method == wanted:
            yield Finding(topic, "good", method, "the certificate authenticates")
        else:
            yield Finding(topic, "note", method, "with --auth-method only")
    if wanted is not None and wanted not in listed:
        yield Finding(topic, "bad", f"no {wanted}", "leave --auth-method out, or give another")


def _aliases(metadata: ServerMetadata, presented: Presented | None) -> Iterator[Finding]:
    """Where who presents a certificate goes (section 5): each endpoint, or without a certificate how many have one."""
    try:
        aliased = metadata.aliased({}, loopback=True)
    except InvalidResponse as error:
        yield Finding("aliases", "note" if presented is None else "bad", "mtls_endpoint_aliases", error.message)
        return
    endpoints = {name: getattr(metadata, name) for name in ALIASED if getattr(aliased, name)}
    moved = [name for name, url in endpoints.items() if getattr(aliased, name) != url]
    if not moved:
        yield Finding("aliases", "note", "no mtls_endpoint_aliases", "")
    elif presented is None:
        yield Finding("aliases", "note", f"of {len(moved)} endpoints", "with --certificate only")
    else:
        for name in endpoints:
            used = getattr(aliased, name) if name in moved else "no alias: it may not ask for a certificate"
            yield Finding("aliases", "good" if name in moved else "note", name, used)


def _described(certificate: Certificate) -> Iterator[Finding]:
    yield Finding("certificate", "good", "subject", certificate.subject or "none")
    for name in ("san_dns", "san_uri", "san_ip", "san_email"):
        for value in getattr(certificate, name):
            yield Finding("certificate", "good", name, value)
    yield Finding("certificate", "good", "valid until", look.moment(certificate.not_after))
    yield Finding("certificate", "good", "x5t#S256", certificate.x5t_s256)
