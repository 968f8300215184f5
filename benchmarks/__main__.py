"""`python -m benchmarks [--quick] [name ...]`: one line `name ratio` for each figure, all of them by default."""

from __future__ import annotations

import argparse
import platform
import sys
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

from benchmarks import cli, concurrency, contention, imports, mutual_tls, proof, request, sealed_file

_ALL = {
    "proof": proof,
    "request": request,
    "concurrency": concurrency,
    "mutual_tls": mutual_tls,
    "imports": imports,
    "sealed_file": sealed_file,
    "cli": cli,
    "contention": contention,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What oauthclient costs, in ratios.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of: {', '.join(_ALL)}; all by default")
    parser.add_argument("--quick", action="store_true", help="a few rounds only, to see that all of it runs")
    arguments = parser.parse_args()
    if unknown := ", ".join(sorted({*arguments.names} - _ALL.keys())):
        parser.error(f"There is no {unknown}.")
    packages = ", ".join(f"{name} {version(name)}" for name in ("oauthclient", "httpx", "httpx2", "cryptography"))
    print(f"Python {platform.python_version()}, {packages}; {cpu_count()} x {_processor()}", file=sys.stderr)
    for name in arguments.names or _ALL:
        for figure, value in _ALL[name].figures(quick=arguments.quick):
            print(figure, value if isinstance(value, int) else f"{value:.2f}", flush=True)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
