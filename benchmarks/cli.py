"""`oauthclient request` with a cached session, the whole process, over `python -c "httpx.get(url)"`: at most 2.0.

Once with the session in sealed files and a key from the environment, once with all keys in gnome-keyring, where this
machine has it. The API is behind a port of this process; the plain request gets its 401.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.timing import interleaved, side
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI
from tests.cli.programs import COMMAND, environment, log_in
from tests.components import ComponentMissing
from tests.storage.desktop import Desktop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def figures(*, quick: bool) -> Iterator[tuple[str, float]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        port = stack.enter_context(LoopbackPort())
        server = AuthorizationServer(f"{port.url}/as")
        server.lifetime = 24 * 3600
        api = ProtectedAPI(server, f"{port.url}/orders", scope="read")
        port.serve(Network(server, api))
        places = {"file": environment(folder / "file", PYTHONPYCACHEPREFIX=str(folder / "bytecode"))}
        try:
            desktop = stack.enter_context(Desktop(folder))
        except ComponentMissing as gap:
            print(gap, file=sys.stderr)
        else:
            desktop.start_keyring("login password")
            places["keyring"] = places["file"] | desktop.environment | {"OAUTHCLIENT_STORE": "keyring"}
            places["keyring"]["OAUTHCLIENT_FOLDER"] = str(folder / "keyring")
        for store, environ in places.items():
            environ.pop("PYTHONDONTWRITEBYTECODE", None)
            login = log_in(server.issuer, "--insecure-loopback", "--resource", api.url, environ=environ)
            if login.returncode:
                raise AssertionError(login.stderr)
            yield (
                f"request_over_httpx_get_{store}",
                interleaved(
                    lambda ours, httpx: ours / httpx,
                    (
                        _process([*COMMAND, "request", "GET", api.url], environ),
                        _process([sys.executable, "-c", f"import httpx; httpx.get({api.url!r})"], environ),
                    ),
                    rounds=3 if quick else 41,
                    calls=1,
                ),
            )


def _process(command: list[str], environ: Mapping[str, str]) -> Callable[[int], float]:
    return side(lambda: subprocess.run(command, check=True, env=dict(environ), capture_output=True))
