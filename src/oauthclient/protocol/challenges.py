"""WWW-Authenticate, parsed as its grammar says (RFC 9110, sections 5.6.1, 11.2, 11.3 and 11.6.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST: Final = 16 * 1024  # characters of one header value

# Alternatives differ in their first character, and each match starts where the last one ended: linear time.
_TCHARS: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_QUOTED: Final = r'"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*)"'
_ELEMENT_ENDS: Final = r"(?=[ \t]*+(?:,|\Z))"
_TOKEN68: Final = rf"([A-Za-z0-9\-._~+/]++=*+){_ELEMENT_ENDS}"
_AUTH_PARAM_RULE: Final = rf"({_TCHARS})[ \t]*+=[ \t]*+(?:({_TCHARS})|{_QUOTED}){_ELEMENT_ENDS}"
_SCHEME_RULE: Final = rf"({_TCHARS})(?:{_ELEMENT_ENDS}|[ \t]++(?:{_TOKEN68}|(?={_AUTH_PARAM_RULE})))"

_SEPARATORS: Final = re.compile(r"[ \t,]*")  # empty list elements are to be accepted (section 5.6.1.2)
_SCHEME: Final = re.compile(_SCHEME_RULE)
_AUTH_PARAM: Final = re.compile(_AUTH_PARAM_RULE)
_NEXT_CHALLENGE: Final = re.compile(rf"{_TCHARS}[ \t]++[^=]")  # a fault, but not of the challenge before
_QUOTED_PAIR: Final = re.compile(r"\\(.)")


class Challenge(NamedTuple):
    """One challenge: its `scheme` and its `parameters`, named in lower case, or its one `token68`."""

    scheme: str
    parameters: dict[str, str]
    token68: str | None


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """The challenges in the `values` of all WWW-Authenticate headers of a response, in order. Never raises.

    A challenge that breaks the grammar is dropped together with the rest of its header, for nobody can say
    where the next one starts; those before it are kept. One that repeats a parameter (section 11.2 forbids
    it) is dropped alone. A value longer than 16 KiB is ignored.
    """
    return [challenge for value in values if len(value) <= _LONGEST for challenge in _parse(value)]


def find(challenges: Iterable[Challenge], schemes: tuple[str, ...]) -> Challenge | None:
    """The first of `challenges` whose scheme is one of `schemes` (lower case), or None."""
    return next((challenge for challenge in challenges if challenge.scheme in schemes), None)


def _parse(value: str) -> list[Challenge]:
    challenges: list[Challenge] = []
    repeating: set[int] = set()
    position = _end(_SEPARATORS.match(value))
    while position < len(value):
        parameter = _AUTH_PARAM.match(value, position)
        scheme = _SCHEME.match(value, position)
        if parameter and challenges and challenges[-1].token68 is None:
            name, token, quoted = parameter[1].lower(), *parameter.group(2, 3)
            if name in challenges[-1].parameters:
                repeating.add(len(challenges) - 1)
            challenges[-1].parameters[name] = token or _QUOTED_PAIR.sub(r"\1", quoted)
        elif scheme:
            challenges.append(Challenge(scheme[1].lower(), {}, scheme[2]))
        else:
            if not _NEXT_CHALLENGE.match(value, position):
                del challenges[-1:]
            break
        position = _end(_SEPARATORS.match(value, _end(parameter or scheme)))
    return [challenge for index, challenge in enumerate(challenges) if index not in repeating]


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0
