"""The parameter `authorization_details` (RFC 9396, sections 2, 5 and 6)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Details = list[dict[str, Any]]


def read_details(text: str, types: Collection[str] | None) -> Details:
    """The objects of the parameter. `types`: those that are known, None for any."""
    try:
        details = json.loads(text)
    except (ValueError, RecursionError):
        raise _invalid("authorization_details is not JSON.") from None
    if not isinstance(details, list) or not all(isinstance(each, dict) for each in details):
        raise _invalid("authorization_details is no array of objects.")
    for each in details:
        if not isinstance(each.get("type"), str) or (types is not None and each["type"] not in types):
            raise _invalid("The type of an authorization_details object is missing or unknown.")
    return details


def narrowed(text: str | None, granted: Sequence[dict[str, Any]] | None) -> Details | None:
    """What of the granted details a token request asks for (section 6): all, if it names none."""
    if text is None:
        return None if granted is None else list(granted)
    details = read_details(text, None)
    if not all(each in (granted or ()) for each in details):
        raise _invalid("The authorization_details go beyond what was granted.")
    return details


def _invalid(description: str) -> RefusedError:
    return RefusedError("invalid_authorization_details", description)
