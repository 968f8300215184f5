"""Seconds in a server's answer, as servers really write them (RFC 6749, section 5.1; RFC 8628, section 3.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import InvalidResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN_A_STRING: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
_LONGEST: Final = 10 * 365 * 86400.0  # seconds; what lies beyond means "for ever", and breaks arithmetic somewhere


def seconds_member(document: Mapping[str, Any], name: str, *, what: str) -> float | None:
    """The seconds in the member `name`: a number, or digits in a string; None where it is absent or null.

    From 0, which stands for negative ones too, to ten years. Raises InvalidResponse (`wrong_type`).
    """
    value = document.get(name)
    del document  # see parse_object
    if value is None:
        return None
    if isinstance(value, str) and _IN_A_STRING.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidResponse(f"`{name}` in {what} is not a number of seconds.", code="wrong_type")
    return float(min(max(value, 0), _LONGEST))
