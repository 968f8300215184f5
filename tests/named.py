"""Documents that name functions and tests: whether those exist."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


@cache
def defined(path: Path) -> frozenset[str]:
    """The qualified names of the functions in a file; none where there is no such file."""
    if not path.is_file():
        return frozenset()

    def names(body: list[ast.stmt], prefix: str = "") -> list[str]:
        found = []
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(prefix + node.name)
            elif isinstance(node, ast.ClassDef):
                found += names(node.body, f"{prefix}{node.name}.")
        return found

    return frozenset(names(ast.parse(path.read_text(encoding="utf-8")).body))


def in_source(name: str) -> bool:
    """Whether there is the function that `room/file.py:function` means, below the package."""
    path, _, function = name.partition(":")
    return function in defined(ROOT / "src" / "oauthclient" / path)


def in_tests(name: str) -> bool:
    """Whether there is the test that `room/file.py::test` or `room/file.py::Class::test` means, below `tests`."""
    path, *names = name.split("::")
    return names[-1].startswith("test_") and ".".join(names) in defined(ROOT / "tests" / path)
