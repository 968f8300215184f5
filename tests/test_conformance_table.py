"""docs/conformance.md names functions and tests that exist, and the specifications that it is about."""

import re

import pytest

from tests.named import ROOT, in_source, in_tests

TEXT = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
ROW = re.compile(r"\| (?P<section>[^|]+) \| (?P<asked>[^|]+) \| `(?P<function>[^`|]+)` \| `(?P<test>[^`|]+)` \|")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and not re.match(r"\| (Section|About) ", line)]
MATCHES = [match for row in ROWS if (match := ROW.fullmatch(row))]


def test_every_row_names_a_function_and_a_test() -> None:
    assert [row for row in ROWS if not ROW.fullmatch(row)] == []
    assert len(MATCHES) > 250


def test_no_requirement_stands_twice() -> None:
    asked = [(match["section"], match["asked"]) for match in MATCHES]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    "specification",
    [
        "RFC 6749",
        "RFC 6750",
        "RFC 7521",
        "RFC 7523",
        "rfc7523bis",
        "RFC 8414",
        "OpenID Connect Discovery",
        "RFC 8705",
        "RFC 8707",
        "RFC 9449",
        "RFC 9110",
        "RFC 9700",
        "FAPI 2.0",
        "RFC 9068",
        "RFC 7591",
        "RFC 7592",
        "RFC 7636",
        "RFC 8252",
        "RFC 8628",
        "RFC 9101",
        "RFC 9126",
        "RFC 9207",
        "RFC 9396",
        "RFC 7009",
        "JARM",
        "Form Post Response Mode",
        "OpenID Connect Core",
        "RP-Initiated Logout",
    ],
)
def test_every_specification_has_a_table(specification: str) -> None:
    assert any(specification in line for line in TEXT.splitlines() if line.startswith("## "))


@pytest.mark.parametrize("name", sorted({match["function"] for match in MATCHES}))
def test_the_function_that_keeps_it_exists(name: str) -> None:
    assert in_source(name)


@pytest.mark.parametrize("name", sorted({match["test"] for match in MATCHES}))
def test_the_test_that_tries_to_break_it_exists(name: str) -> None:
    assert in_tests(name)


def test_what_does_not_exist_would_be_noticed() -> None:
    assert not in_source("client.py:OAuthClient.password")
    assert not in_source("nowhere.py:main")
    assert not in_tests("test_nowhere.py::test_nothing")
    assert not in_tests("named.py::defined")
