"""`oauthclient doctor`: what a server offers, what would be used of it, and what is missing (RFC 8414)."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from oauthclient.cli import look
from oauthclient.cli.failures import FAILED
from oauthclient.cli.options import (
    certificate_options,
    check_certificate_options,
    issuer_argument,
    json_option,
    server_options,
)
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from oauthclient.cli.certificate_findings import Presented
    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.metadata import ServerMetadata

_INDENT = 2


@click.command
@issuer_argument
@certificate_options
@server_options
@json_option
@click.pass_context
def doctor(
    ctx: click.Context, /, *, issuer: str, ca: Path | None, insecure_loopback: bool | None, json_: bool, **options: Any
) -> int:
    """Show what the server ISSUER offers, what a login would use, and what is missing and why.

    Only its metadata is read; --certificate shows what a login with that would use, and what to register it as. The
    exit code is 1 if a login needs more than the command can do alone.
    """
    from oauthclient.cli.certificate_findings import certificate_findings
    from oauthclient.cli.findings import findings

    check_certificate_options(ctx, options, certificate=options["certificate"])
    metadata = _metadata(issuer, ca, loopback=bool(insecure_loopback))
    presented, binding = _presented(options)
    found = [
        *findings(metadata, binding, auth_method=options["auth_method"]),
        *certificate_findings(metadata, presented),
    ]
    if presented is not None and binding is None:  # then nobody knows what would bind them
        found = [point for point in found if point.topic != "bound tokens"]
    ready = all(point.kind != "bad" for point in found)
    if json_:
        document: dict[str, Any] = {"issuer": issuer, "ready": ready, "findings": [point._asdict() for point in found]}
        if presented is not None and presented.certificate is not None:
            from oauthclient.cli.certificate import described

            document["certificate"] = described(presented.certificate)
        look.as_json(document)
        return 0 if ready else FAILED
    click.echo(issuer)
    topics = max(len(point.topic) for point in found)
    texts = [shown(point.found) for point in found]
    column = min(max(map(len, texts)), 40)
    click.echo(look.styled(f"{'':{_INDENT + 2}}{'':{topics}}  {'offered':{column}}  used", "dim", stream=sys.stdout))
    for point, text in zip(found, texts, strict=True):
        line = f"{'':{_INDENT}}{look.mark(point.kind)} {point.topic:{topics}}  {text:{column}}"
        click.echo(f"{line}  {shown(point.used)}".rstrip())
    if ready:
        look.say(f"A login works: oauthclient login {issuer} --resource URL{_again(options)}")
    else:
        look.say("A login does not work as it is: see the crosses.")
    return 0 if ready else FAILED


def _again(options: Mapping[str, Any]) -> str:
    """The options of the certificate, as they were given."""
    given = [
        (f"--{name.replace('_', '-')}", options[name]) for name in ("certificate", "certificate_key", "auth_method")
    ]
    told = "".join(f" {name} {shlex.quote(str(value))}" for name, value in given if value is not None)
    return f"{told} --dpop" if options["dpop"] else told


def _presented(options: Mapping[str, Any]) -> tuple[Presented | None, Binding | None]:
    """The certificate of the command line, and what tokens would be bound to."""
    if options["certificate"] is None:
        return None, None
    from oauthclient.cli.certificate_findings import Presented
    from oauthclient.protocol.binding import DPoP, MutualTLS

    key = options["certificate_key"]
    presented = Presented.read(str(options["certificate"]), key and str(key), options["auth_method"])
    if presented.certificate is None:
        return presented, None
    return presented, MutualTLS(presented.certificate, dpop=DPoP() if options["dpop"] else None)


def _metadata(issuer: str, ca: Path | None, *, loopback: bool) -> ServerMetadata:
    from oauthclient.cli.place import trust
    from oauthclient.client import OAuthClient
    from oauthclient.protocol.authentication import PublicClient

    with OAuthClient(
        issuer,
        client_id="doctor",  # which nobody is told: only the metadata is asked for
        authentication=PublicClient(),
        insecure_loopback=loopback,
        verify=trust(None if ca is None else str(ca)),
    ) as client:
        return client.discover()
