"""The commands, each loaded when it is called: `oauthclient request` starts fast."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import click

_COMMANDS: Final = {
    "login": ("login", "Log in, and stay logged in."),
    "logout": ("logout", "Revoke the tokens of a login, and forget it."),
    "status": ("status", "Show who is logged in where, and for what."),
    "token": ("token", "Print an access token. It is a secret."),
    "request": ("request", "Call an API with its token and a fresh proof."),
    "register": ("register", "Look after what was registered at a server."),
    "doctor": ("doctor", "Show what a server offers, and what would be used."),
    "demo": ("demo", "See a login and a call, each message explained."),
}


class _Group(click.Group):
    """A group that knows the names of its commands, and imports the one that is called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order in which a person meets them."""
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The command of that name, if there is one."""
        if name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"oauthclient.cli.{_COMMANDS[name][0]}"), name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line for each, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


def _show_version(ctx: click.Context, _parameter: click.Parameter, wanted: Any) -> None:
    if wanted:
        click.echo(f"oauthclient {version('oauthclient')}")
        ctx.exit()


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Exit codes:
  0    done; the API answered with a status below 400
  1    it failed on this machine
  2    the command line is wrong
  3    a login is needed
  4    refused: by the authorization server, or by the API (400 to 499)
  5    no good answer: none at all, a broken one, or 500 and above
  6    what is kept on this machine cannot be read or written
  130  interrupted by Ctrl-C
  141  whoever read the output has gone""",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="OAUTHCLIENT_FOLDER",
    help="Where logins are kept, instead of the user's data folder.  [env: OAUTHCLIENT_FOLDER]",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show the version."
)
@click.pass_context
def oauthclient(ctx: click.Context, /, *, folder: Path | None) -> None:
    """Log in at an OAuth server, and call APIs with tokens that are worth nothing to a thief.

    Results are on stdout, all else on stderr. A login is kept in the keyring of the operating system, or in sealed
    files; an access token is bound to a key that never leaves this machine.
    """
    from oauthclient.cli.place import Place

    ctx.obj = Place(folder)
