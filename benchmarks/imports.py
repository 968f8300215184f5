"""What a start pays: whole processes that import httpx and this library, over those that import httpx: at most 1.10.

Once the bare package, and once the three names that a program writes down first. `heavy_modules_imported` counts which
of joserfc, cryptography, keyring and asyncio `import oauthclient` brings: none.
"""

from __future__ import annotations

import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.timing import interleaved, side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HTTPX = "import httpx"
_PACKAGE = "import httpx, oauthclient"
_NAMES = "import httpx; from oauthclient import DPoP, OAuthClient, Resource"
_HEAVY = ("joserfc", "cryptography", "keyring", "asyncio")
_COUNT = f"import sys, oauthclient; print(len(sys.modules.keys() & {{*{_HEAVY}}}))"


def figures(*, quick: bool) -> Iterator[tuple[str, float]]:
    with TemporaryDirectory() as bytecode:
        for name, program in (("import_over_httpx", _PACKAGE), ("import_names_over_httpx", _NAMES)):
            yield (
                name,
                interleaved(
                    lambda ours, httpx: ours / httpx,
                    (_process(program, bytecode), _process(_HTTPX, bytecode)),
                    rounds=3 if quick else 41,
                    calls=1,
                ),
            )
    found = subprocess.run([sys.executable, "-c", _COUNT], check=True, capture_output=True, text=True)
    yield "heavy_modules_imported", int(found.stdout)


def _process(program: str, bytecode: str) -> Callable[[int], float]:
    """The side that runs `program`, compiled beforehand, as what is installed is: the round to warm up sees to it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    return side(lambda: subprocess.run([sys.executable, "-c", program], check=True, env=environment))
