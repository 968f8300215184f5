"""docs/errors.md names every error and every code, and none that is gone."""

import ast
import re
from collections.abc import Iterator

import pytest

from oauthclient import NotRepeated, errors
from oauthclient.flows.refresh import _WHY
from oauthclient.protocol.authorization_response import _HINTS as _OF_LOGINS
from oauthclient.protocol.id_token import _COMPARED
from oauthclient.protocol.registration import _BY_CODE
from oauthclient.protocol.token import _HINTS as _OF_TOKENS
from oauthclient.protocol.userinfo import _HINTS as _OF_USERINFO
from oauthclient.storage.keyring_keys import TOO_LARGE
from tests.named import ROOT

# What the document covers: all but the lazy front door and the servers for tests. A folder stands for its files.
ROOMS = (
    "cli",
    "client.py",
    "engine",
    "errors.py",
    "flows",
    "jose",
    "login",
    "native",
    "plugin",
    "protocol",
    "secret.py",
    "storage",
    "tls",
)
TEXT = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^## `(\w+)`: `(\w+)`$", TEXT, re.MULTILINE)
ROWS = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", TEXT, re.MULTILINE)
CLASSES = {
    error.__name__: error.code
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, errors.OAuthError)
}


def constants(node: ast.expr | None) -> Iterator[str]:
    """The strings that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def written(node: ast.AST) -> Iterator[ast.expr | None]:
    """Whatever becomes the `code` of an error: by keyword, in a variable, by default, in a fault or a table of them."""
    match node:
        case ast.keyword(arg="code", value=value) | ast.Assign(targets=[ast.Name(id="code")], value=value):
            yield value
        case ast.Call(func=ast.Name(id="Fault" | "_FaultError"), args=[first, *_]):
            yield first
        case ast.arguments(kwonlyargs=names, kw_defaults=defaults):
            yield from (default for name, default in zip(names, defaults, strict=True) if name.arg == "code")
        case ast.AnnAssign(target=ast.Name(id="_FAULTS"), value=ast.Dict(values=faults)):
            yield from (fault.elts[0] for fault in faults if isinstance(fault, ast.Tuple))


def codes(tree: ast.AST) -> set[str]:
    return {code for node in ast.walk(tree) for value in written(node) for code in constants(value)}


def raised(tree: ast.AST) -> Iterator[tuple[type[errors.OAuthError], str]]:
    """Each error that is made under its own name, with its code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
            for keyword in node.keywords:
                if keyword.arg == "code":
                    yield from ((getattr(errors, node.func.id), code) for code in constants(keyword.value))


FILES = [
    file
    for room in ROOMS
    for path in [ROOT / "src" / "oauthclient" / room]
    for file in ([path] if path.suffix else sorted(path.glob("*.py")))
]
IN_TABLES = {*_WHY, *_COMPARED.values(), TOO_LARGE}  # whose code an error gets from there
IN_SOURCE = IN_TABLES.union(*(codes(ast.parse(file.read_text(encoding="utf-8"))) for file in FILES))
OF_SERVERS = {*_OF_TOKENS, *_OF_LOGINS, *_OF_USERINFO, *_BY_CODE}  # words of theirs that have a hint


def test_every_error_has_its_section_with_its_code() -> None:
    assert dict(HEADINGS) == CLASSES
    assert len(HEADINGS) == len(CLASSES)


def test_every_code_has_its_row() -> None:
    assert IN_SOURCE - {*ROWS, *CLASSES.values()} == set()


def test_a_code_stands_where_its_class_is_described() -> None:
    sections = {
        section.partition("`")[0]: {*re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)}
        for section in re.split(r"^## `", TEXT, flags=re.MULTILINE)[1:]
    }
    for file in FILES:
        for error, code in raised(ast.parse(file.read_text(encoding="utf-8"))):
            bases = [base.__name__ for base in error.__mro__ if issubclass(base, errors.OAuthError)]
            here = set().union(*(sections[base] | {CLASSES[base]} for base in bases))
            assert code in here, f"{file.name}: {error.__name__}"


def test_every_row_is_a_code_that_can_be_met() -> None:
    assert {*ROWS} - IN_SOURCE - OF_SERVERS - {*NotRepeated} == set()


def test_the_words_of_servers_that_have_a_hint_are_there() -> None:
    assert {*ROWS} >= OF_SERVERS


def test_the_reasons_against_a_repeat_are_there() -> None:
    assert {*NotRepeated} <= {*ROWS}


def test_a_table_names_a_code_once() -> None:
    for section in re.split(r"^## ", TEXT, flags=re.MULTILINE):
        rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        assert len(rows) == len(set(rows)), section.partition("\n")[0]


def test_each_row_is_whole() -> None:
    assert len(ROWS) == len(re.findall(r"^\| `", TEXT, re.MULTILINE))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("raise InvalidKey('no', code='weak_key')", {"weak_key"}),
        ("code = 'a' if there else 'b'", {"a", "b"}),
        ("def check(*, code='insecure_url'): pass", {"insecure_url"}),
        ("return Fault('claim_type', 'no')", {"claim_type"}),
        ("raise _FaultError('not_json', 'no')", {"not_json"}),
        ("_FAULTS: Faults = {'PinLocked': ('pin_locked', 'No.')}", {"pin_locked"}),
        ("raise error(text, code=code)", set()),
    ],
)
def test_a_code_is_found_wherever_it_is_written(source: str, found: set[str]) -> None:
    assert codes(ast.parse(source)) == found
