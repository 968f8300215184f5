"""`oauthclient token`: the one command that prints a secret, because it was asked for by name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from oauthclient.cli import look
from oauthclient.cli.failures import using
from oauthclient.cli.options import issuer_option, json_option, profile_option, urls

if TYPE_CHECKING:
    from oauthclient.cli.place import Place


@click.command
@click.argument("url", required=False, shell_complete=urls)
@issuer_option
@profile_option
@json_option
@click.pass_obj
def token(place: Place, /, *, url: str | None, issuer: str | None, profile: str | None, json_: bool) -> None:
    """Print the access token for URL, renewed if need be.

    URL may be left out where there is one login with one resource. The token is a secret. If it is bound to a key, it
    is worth nothing without a proof that only `oauthclient request` makes: each request needs another one.
    """
    if url is None:
        login = place.ledger.chosen(issuer=issuer, profile=profile)
        if len(login.resources) > 1:
            raise click.UsageError(
                f"Name the URL, one of: {', '.join(resource.url for resource in login.resources)}",
                click.get_current_context(),
            )
        url = login.resources[0].url
    else:
        login = place.ledger.serving(url, issuer=issuer, profile=profile)
    session = place.session(login)
    with using(login):
        found = session.auth.token(url)
    if json_:
        look.as_json(
            {
                "access_token": found.access_token,
                "token_type": found.token_type,
                "scope": found.scope,
                "expires_at": found.expires_at,
            }
        )
        return
    click.echo(found.access_token)
    if session.sender_constrained and sys.stdout.isatty():
        look.say("It is bound to a key: it goes with a proof, as `oauthclient request` sends it, or not at all.")
