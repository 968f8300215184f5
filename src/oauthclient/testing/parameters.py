"""The parameters of requests to an authorization server, read strictly (RFC 6749, sections 3.1, 3.2, appendix B)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.testing.http import Request

Parameters = dict[str, list[str]]

_REPEATABLE = frozenset({"resource", "audience"})  # RFC 8707, section 2; RFC 8693, section 2.1


def form_parameters(request: Request) -> Parameters:
    """The parameters in the body of a request: each once but for targets, none that is empty."""
    media_type = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise RefusedError("invalid_request", "The body is no form.")
    if urlsplit(request.url).query:
        raise RefusedError("invalid_request", "Parameters belong into the body (RFC 6749, 2.3.1).")
    try:
        return _read(request.body.decode("ascii"))
    except ValueError:
        raise RefusedError("invalid_request", "The form is malformed.") from None


def query_parameters(request: Request) -> Parameters:
    """The parameters in the URL of a request: each once but for targets, none that is empty."""
    query = urlsplit(request.url).query
    try:
        return _read(query) if query else {}
    except ValueError:
        raise RefusedError("invalid_request", "The query is malformed.") from None


def first_values(parameters: Mapping[str, list[str]]) -> dict[str, str]:
    """Each parameter with one value: the first of a target's."""
    return {name: values[0] for name, values in parameters.items()}


def _read(encoded: str) -> Parameters:
    parameters: Parameters = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True, strict_parsing=True, errors="strict"):
        if value:
            parameters.setdefault(name, []).append(value)
    for name, values in parameters.items():
        if len(values) > 1 and name not in _REPEATABLE:
            raise RefusedError("invalid_request", f"{name} stands there more than once (RFC 6749, 3.1 and 3.2).")
    return parameters
