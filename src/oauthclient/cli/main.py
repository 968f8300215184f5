"""Where the command begins and ends: each failure is one line and a hint, and an exit code to branch on."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from oauthclient.errors import OAuthError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMPLETING = "_OAUTHCLIENT_COMPLETE"  # set by the shell's part of the completion
_USAGE = 2
_INTERRUPTED = 130  # 128 + SIGINT
_READER_GONE = 141  # 128 + SIGPIPE


def main() -> None:
    """Run the command with the arguments of this process, and end the process."""
    try:
        import click  # noqa: F401  # whether it is there
    except ImportError:
        print("oauthclient: The command needs more packages: pip install 'oauthclient[cli]'", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit code."""
    import click

    from oauthclient.cli.commands import oauthclient
    from oauthclient.cli.failures import complain, exit_code

    try:
        code = oauthclient.main(args=list(arguments), prog_name="oauthclient", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return _USAGE
    except click.UsageError as error:
        complain(error.format_message(), hint="" if error.ctx is None else f"{error.ctx.command_path} --help")
        return _USAGE
    except click.ClickException as error:
        complain(error.format_message())
        return error.exit_code
    except (click.Abort, EOFError, KeyboardInterrupt):
        click.echo(err=True)  # after the ^C
        return _INTERRUPTED
    except OAuthError as error:
        complain(error.message, hint=error.hint, code=error.code)
        return exit_code(error)
    except (BrokenPipeError, SystemExit):
        # click itself ends the process in two cases: it has written a completion, or the pipe it writes to is broken.
        if _COMPLETING in os.environ:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter would complain as it flushes
        return _READER_GONE
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error))
        return 1
    return code if isinstance(code, int) else 0
