"""docs/rfc8725.md names functions and tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"\| (?P<section>[^|]+) \| [^|]+ \| `(?P<function>[^`|]+)` \| `(?P<test>[^`|]+)` \|")
ROWS = [
    line
    for line in (ROOT / "docs" / "rfc8725.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| Section ")
]
MATCHES = [match for row in ROWS if (match := ROW.fullmatch(row))]


@cache
def defined(path: Path) -> frozenset[str]:
    """The qualified names of the functions in a file."""

    def names(body: list[ast.stmt], prefix: str = "") -> list[str]:
        found = []
        for node in body:
            if isinstance(node, ast.FunctionDef):
                found.append(prefix + node.name)
            elif isinstance(node, ast.ClassDef):
                found += names(node.body, f"{prefix}{node.name}.")
        return found

    return frozenset(names(ast.parse(path.read_text(encoding="utf-8")).body))


def test_every_row_names_a_function_and_a_test() -> None:
    assert len(MATCHES) == len(ROWS)


def test_every_practice_has_a_row() -> None:
    sections = {section for match in MATCHES for section in re.findall(r"3\.\d+", match["section"])}
    assert sections == {f"3.{n}" for n in range(1, 13)}


@pytest.mark.parametrize("name", sorted({match["function"] for match in MATCHES}))
def test_the_enforcing_function_exists(name: str) -> None:
    path, function = name.split(":")
    assert function in defined(ROOT / "src" / "oauthclient" / path)


@pytest.mark.parametrize("name", sorted({match["test"] for match in MATCHES}))
def test_the_attacking_test_exists(name: str) -> None:
    path, function = name.split("::")
    assert function in defined(ROOT / "tests" / path)
