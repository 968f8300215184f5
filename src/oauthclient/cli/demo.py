"""`oauthclient demo`: a login and a few calls against a server inside this process, each message explained."""

from __future__ import annotations

import os
import sys

import click

from oauthclient.cli.failures import FAILED, complain


@click.command
def demo() -> int:
    """See a login and a few calls, each message explained. Nothing leaves this machine, and nothing is kept."""
    from oauthclient.cli.narration.terminal import Terminal
    from oauthclient.cli.story import Story

    with Story(Terminal(sys.stdout, os.environ)) as story:
        story.tell()
    if story.faults:
        complain("Not everything went as told: see above.")
        return FAILED
    return 0
