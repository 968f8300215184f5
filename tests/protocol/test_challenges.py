"""RFC 9110, section 11.6.1: WWW-Authenticate as servers really send it, and as attackers might."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.protocol.challenges import Challenge, find, parse_challenges

TCHAR = "!#$%&'*+-.^_`|~0123456789abcXYZ"
tokens = st.text(TCHAR, min_size=1, max_size=8)
texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f") | st.just("\t"))
token68s = st.from_regex(r"[A-Za-z0-9._~+/-]+={0,2}", fullmatch=True)
white = st.text(" \t", max_size=2)


@st.composite
def challenges(draw: st.DrawFn) -> tuple[str, Challenge]:
    """A challenge in one of its many spellings, and what it means."""
    scheme = draw(tokens)
    if draw(st.booleans()):
        token68 = draw(token68s)
        return f"{scheme} {token68}", Challenge(scheme.lower(), {}, token68)
    parameters = draw(st.dictionaries(tokens.map(str.lower), tokens | texts, max_size=4))
    spelled = []
    for name, value in parameters.items():
        quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        bare = value and set(value) <= set(TCHAR) and draw(st.booleans())
        equals = draw(white) + "=" + draw(white)
        spelled.append(draw(st.sampled_from([name, name.upper()])) + equals + (value if bare else quoted))
    comma = draw(st.sampled_from([",", ", ", " ,\t", ",,", ", ,"]))
    return f"{scheme} {comma.join(spelled)}", Challenge(scheme.lower(), parameters, None)


@given(spelled=st.lists(challenges(), max_size=4), in_one_header=st.booleans())
def test_what_the_grammar_allows_is_read(*, spelled: list[tuple[str, Challenge]], in_one_header: bool) -> None:
    headers = [text for text, _ in spelled]
    expected = [challenge for _, challenge in spelled]
    assert parse_challenges([", ".join(headers)] if in_one_header else headers) == expected


@given(st.lists(st.text() | st.text(TCHAR + '", =\\\t')))
def test_nothing_makes_it_raise(values: list[str]) -> None:
    for challenge in parse_challenges(values):
        assert challenge.scheme == challenge.scheme.lower()
        assert challenge.scheme


def test_the_example_of_rfc_9110() -> None:
    header = 'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'
    assert parse_challenges([header]) == [
        Challenge("basic", {"realm": "simple"}, None),
        Challenge("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}, None),
    ]


def test_the_challenges_of_rfc_9449() -> None:
    headers = [
        'Bearer, DPoP algs="ES256 PS256"',
        'DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof"',
    ]
    assert parse_challenges(headers) == [
        Challenge("bearer", {}, None),
        Challenge("dpop", {"algs": "ES256 PS256"}, None),
        Challenge(
            "dpop",
            {"error": "use_dpop_nonce", "error_description": "Resource server requires nonce in DPoP proof"},
            None,
        ),
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        (" , ,", []),
        ("Negotiate", [Challenge("negotiate", {}, None)]),
        ("Negotiate abc=, NTLM", [Challenge("negotiate", {}, "abc="), Challenge("ntlm", {}, None)]),
        ('dpop ERROR="x"', [Challenge("dpop", {"error": "x"}, None)]),
        ('DPoP error="Case Kept"', [Challenge("dpop", {"error": "Case Kept"}, None)]),
        ('DPoP , error="x"', [Challenge("dpop", {"error": "x"}, None)]),
        ('DPoP error="a, Bearer error=\\"b\\""', [Challenge("dpop", {"error": 'a, Bearer error="b"'}, None)]),
        ("DPoP error=", [Challenge("dpop", {}, "error=")]),  # a token68, says the grammar
        ('DPoP error=""', [Challenge("dpop", {"error": ""}, None)]),
    ],
)
def test_unusual_spellings_are_read(header: str, expected: list[Challenge]) -> None:
    assert parse_challenges([header]) == expected


@pytest.mark.parametrize(
    "fault",
    [
        'DPoP error="x',  # a quote that never closes
        'DPoP error="x\\"',
        'DPoP error="x"y',
        'DPoP error="x" algs="ES256"',  # a missing comma
        "DPoP error=two words",
        'DPoP a="b", error=',
        "DPoP error==x",
        "DPoP abc==, error=x",  # a token68 has no parameters beside it
        "DPoP error=ü",
        'DPoP error="\x00"',
        'DPoP error="\r\nBearer"',
        "DPoP @",
        "@",
        "error=x",  # a parameter of nothing
    ],
)
def test_a_malformed_challenge_takes_the_rest_of_its_header_with_it(fault: str) -> None:
    kept = Challenge("bearer", {"realm": "r"}, None)
    parsed = parse_challenges([fault + ', Basic realm="lost"', 'Bearer realm="r"'])
    assert parsed == [kept]


@pytest.mark.parametrize("fault", ['Basic realm="x', "Basic two words", "Basic realm=x y"])
def test_the_challenges_before_a_malformed_one_are_kept(fault: str) -> None:
    parsed = parse_challenges([f'DPoP error="use_dpop_nonce", {fault}'])
    assert parsed == [Challenge("dpop", {"error": "use_dpop_nonce"}, None)]


def test_a_faulty_parameter_takes_its_own_challenge_with_it() -> None:
    """Else half of what a server said would be taken for all of it."""
    assert parse_challenges(['DPoP error="invalid_token", algs="ES256']) == []


def test_a_repeated_parameter_drops_only_its_challenge() -> None:
    header = 'DPoP error="use_dpop_nonce", Error="invalid_token", Bearer realm="r"'
    assert parse_challenges([header]) == [Challenge("bearer", {"realm": "r"}, None)]


def test_a_header_beyond_16_kib_is_ignored() -> None:
    just_within = 'DPoP a="' + "x" * (16 * 1024 - 9) + '"'
    assert len(parse_challenges([just_within])) == 1
    assert parse_challenges([just_within + " ", "Bearer"]) == [Challenge("bearer", {}, None)]


@pytest.mark.parametrize(
    "value",
    [
        'DPoP a="' + '\\"' * 8000,
        "a " * 8000,
        "a," * 8000,
        "a" + " " * 16000 + "b",
        "a=" * 8000,
        "DPoP " + "a=b," * 4000,
    ],
)
def test_a_hostile_header_costs_linear_time(value: str) -> None:
    started = time.process_time()
    parse_challenges([value])
    assert time.process_time() - started < 2


def test_find_takes_the_first_in_the_order_of_the_server() -> None:
    parsed = parse_challenges(["Basic realm=b, Bearer realm=1, DPoP realm=2, Bearer realm=3"])
    found = find(parsed, ("dpop", "bearer"))
    assert found is not None
    assert found.parameters == {"realm": "1"}
    assert find(parsed, ("digest",)) is None
    assert find([], ("dpop",)) is None
