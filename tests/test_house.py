"""The house as it is drawn in docs/design.md: floors, no circles, who may import what, and no file too long."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_SOURCE = _ROOT / "src"
_LONGEST = 400  # lines
_FLOORS = {
    "errors": 0,
    "secret": 0,
    "jose": 1,
    "protocol": 2,
    "flows": 3,
    "engine": 4,
    "time": 4,
    "storage": 4,
    "plugin": 4,
    "login": 4,
    "tls": 4,
    "client": 4,
    "native": 4,
    "": 5,  # the front door
    "testing": 5,
    "cli": 5,
}
_GROUND_AND_MIDDLE = ("errors", "secret", "jose", "protocol", "flows")


def module_name(path: Path) -> str:
    parts = path.relative_to(_SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): ast.parse(path.read_text()) for path in sorted(_SOURCE.rglob("*.py"))}
FILES = sorted(
    path
    for room in ("src", "tests", "benchmarks", "examples")
    for path in (_ROOT / room).rglob("*.py")
    if "node_modules" not in path.parts
)


def room(module: str) -> str:
    return f"{module}.".split(".")[1]


def floor(module: str) -> int:
    return _FLOORS[room(module)]


def named(path: Path) -> str:
    return str(path.relative_to(_ROOT))


def imports(tree: ast.AST, *, checkers: bool) -> Iterator[str]:
    """The modules that a module imports, anywhere in it; with `checkers`, what only type checkers see as well."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not checkers:
            for otherwise in node.orelse:
                yield from imports(ast.Module([otherwise], []), checkers=checkers)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide who imports whom"
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                yield below if below in MODULES else str(node.module)
        else:
            yield from imports(node, checkers=checkers)


def ours(module: str) -> set[str]:
    """The modules of ours that one imports when it runs."""
    return {name for name in imports(MODULES[module], checkers=False) if name.partition(".")[0] == "oauthclient"}


def foreign(module: str) -> set[str]:
    """The packages that one imports, for type checkers too."""
    return {name.partition(".")[0] for name in imports(MODULES[module], checkers=True)}


@pytest.mark.parametrize("module", MODULES)
def test_an_arrow_only_ever_points_down(module: str) -> None:
    for imported in imports(MODULES[module], checkers=True):
        if imported.partition(".")[0] == "oauthclient":
            assert floor(imported) <= floor(module), f"{module} imports {imported}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    remaining = {module: ours(module) for module in MODULES}
    while free := [module for module, needed in remaining.items() if not needed & remaining.keys()]:
        for module in free:
            del remaining[module]
    assert remaining == {}


def test_only_jose_imports_joserfc_and_cryptography() -> None:
    assert {room(module) for module in MODULES if foreign(module) & {"joserfc", "cryptography"}} == {"jose"}


def test_ground_and_middle_know_no_http_library() -> None:
    assert [
        module
        for module in MODULES
        if room(module) in _GROUND_AND_MIDDLE and foreign(module) & {"httpx", "httpx2", "httpcore", "httpcore2"}
    ] == []


def test_messages_and_stories_read_no_clock_and_no_randomness() -> None:
    world = {"time", "random", "secrets", "os", "socket", "threading", "asyncio"}
    assert [module for module in MODULES if room(module) in ("protocol", "flows") and foreign(module) & world] == []


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(MODULES[module])


@pytest.mark.parametrize("path", FILES, ids=named)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= _LONGEST


def told(trees: list[ast.Module]) -> set[str]:
    """The names of all effects and stories, and of the parameters that take a function that tells a story."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    effects = {
        node.name
        for node in nodes
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("Effect[") for base in node.bases)
    }
    stories = {
        node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef) and node.returns and ast.unparse(node.returns).startswith("Story[")
    }
    tellers = {
        node.arg
        for node in nodes
        if isinstance(node, ast.arg) and node.annotation and "Story[" in ast.unparse(node.annotation)
    }
    return effects | stories | tellers


def forgotten(tree: ast.Module, names: set[str]) -> list[str]:
    """The calls of `names` not yielded from, nor handed to another story as the body of a lambda (`Ask` tells none)."""
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def handed_on(node: ast.AST) -> bool:
        call = above.get(node)
        return isinstance(node, ast.Lambda) and isinstance(call, ast.Call) and name(call) in names - {"Ask"}

    def name(call: ast.Call) -> str:
        return ast.unparse(call.func).rpartition(".")[2]

    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and name(node) in names
        and not isinstance(above[node], ast.YieldFrom)
        and not handed_on(above[node])
    ]


FLOWS = {module: tree for module, tree in MODULES.items() if room(module) == "flows"}
TOLD = told(list(FLOWS.values()))


@pytest.mark.parametrize("module", FLOWS)
def test_every_effect_and_story_is_yielded_from(module: str) -> None:
    """No type checker notices one that is called and thrown away: nothing would be sent, or saved."""
    assert forgotten(FLOWS[module], TOLD) == []


def test_the_effects_and_stories_are_known() -> None:
    assert {"Send", "Now", "Save", "Once", "renew", "obtain", "discover", "known_metadata", "call", "theirs"} <= TOLD


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("now = yield from Now()", True),
        ("token = yield from obtain(server, slot)", True),
        ("token = yield from Once(key, lambda: obtain(server, slot))", True),
        ("return (yield from effects.Send(request))", True),
        ("Save(slot, token)", False),
        ("now = yield Now()", False),
        ("effects.Send(request)", False),
        ("token = obtain(server, slot)", False),
        ("later = lambda: obtain(server, slot)", False),
        ("yield from Ask(lambda: obtain(server, slot))", False),
        ("yield from both(Now(), Now())", False),
    ],
)
def test_one_that_is_forgotten_would_be_noticed(line: str, right: bool) -> None:  # noqa: FBT001  # a row's verdict
    story = ast.parse(f"def story():\n    {line}")
    assert (forgotten(story, {"Now", "Save", "Send", "Once", "Ask", "obtain"}) == []) is right
