"""`oauthclient token`: the one command that prints a secret, because it was asked for by name."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from oauthclient.cli import look
from oauthclient.cli.failures import using
from oauthclient.cli.options import issuer_option, json_option, profile_option, urls

if TYPE_CHECKING:
    from oauthclient.cli.ledger import Login
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
    is worth nothing without a proof that only `oauthclient request` makes: each request needs another one. If it is
    bound to a client certificate, it goes over connections that present that one: curl --cert.
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
                "x5t#S256": found.certificate,
            }
        )
        return
    click.echo(found.access_token)
    if not sys.stdout.isatty():
        return
    if found.certificate is not None:
        look.say(f"It is bound to the client certificate, and goes with that: curl {_for_curl(login)}")
    if found.token_type.lower() == "dpop":
        look.say("It is bound to a key: it goes with a proof, as `oauthclient request` sends it, or not at all.")


def _for_curl(login: Login) -> str:
    files = [("--cert", login.certificate), ("--key", login.certificate_key)]
    return " ".join(f"{option} {shlex.quote(file)}" for option, file in files if file is not None)
