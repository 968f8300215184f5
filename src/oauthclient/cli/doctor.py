"""`oauthclient doctor`: what a server offers, what would be used of it, and what is missing (RFC 8414)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from oauthclient.cli import look
from oauthclient.cli.failures import FAILED
from oauthclient.cli.options import issuer_argument, json_option, server_options
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from pathlib import Path

    from oauthclient.protocol.metadata import ServerMetadata

_INDENT = 2


@click.command
@issuer_argument
@server_options
@json_option
def doctor(*, issuer: str, ca: Path | None, insecure_loopback: bool | None, json_: bool) -> int:
    """Show what the server ISSUER offers, what a login would use, and what is missing and why.

    Only its metadata is read. The exit code is 1 if a login needs more than the command can do alone.
    """
    from oauthclient.cli.findings import findings

    metadata = _metadata(issuer, ca, loopback=bool(insecure_loopback))
    found = list(findings(metadata))
    ready = all(point.kind != "bad" for point in found)
    if json_:
        look.as_json({"issuer": issuer, "ready": ready, "findings": [point._asdict() for point in found]})
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
        look.say(f"A login works: oauthclient login {issuer} --resource URL")
    else:
        look.say("A login does not work as it is: see the crosses.")
    return 0 if ready else FAILED


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
