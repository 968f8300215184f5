"""Runs the programs of `examples/` as a reader would, and looks for secrets in what they print."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from oauthclient.testing import AuthorizationServer, ProtectedAPI

EXAMPLES = Path(__file__).parents[2] / "examples"
JWT = re.compile(r"eyJ[\w-]{6,}")  # more of the beginning of a JWT than a reader needs to recognise one

STEPS = [
    "1  Discovery",
    "2  A token for the first API",
    "3  A call, with its proof",
    "4  The second API: another token",
    "5  Another call: the token is kept, the proof is new",
    "6  URLs outside both APIs",
    "7  A thief",
]

CERTIFIED_STEPS = [
    "1  Discovery: what the server says of itself",
    "2  A token for the first API",
    "3  A call, on a connection with the certificate",
    "4  The second API: another token",
    "5  Another call: token and connection are kept",
    "6  URLs outside both APIs",
    "7  A thief",
]


@dataclass
class Called:
    """A server with its two APIs, and the options that lead the programs to them; `who` says as which client."""

    server: AuthorizationServer
    orders: ProtectedAPI
    stock: ProtectedAPI

    @property
    def who(self) -> list[str]:
        raise NotImplementedError

    @property
    def for_service(self) -> list[str]:
        return [*self.who, "--orders", self.orders.url, "orders.read", "--stock", self.stock.url, "stock.write"]

    @property
    def for_demo(self) -> list[str]:
        return [*self.who, "--resource", self.orders.url, "orders.read", "--resource", self.stock.url, "stock.write"]


def command(program: str, *options: str) -> list[str]:
    return [sys.executable, str(EXAMPLES / f"{program}.py"), *options]


def environment(**changes: str) -> dict[str, str]:
    # What a terminal or a test runner around us has set must not decide.
    ours = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "TERM"}}
    return ours | {"PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error", "TERM": "xterm"} | changes


def run(program: str, *options: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(program, *options),
        env=environment(**changes),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def leaks(printed: subprocess.CompletedProcess[str], secrets: Iterable[str]) -> list[str]:
    """The secrets, and whatever looks like the whole of a JWT, that stand in what was printed, broken lines joined."""
    joined = "".join((printed.stdout + printed.stderr).split())
    return [secret for secret in secrets if "".join(secret.split()) in joined] + JWT.findall(joined)
