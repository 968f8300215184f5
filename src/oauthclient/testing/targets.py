"""Which resource a token is asked for, and with which scope (RFC 8707, section 2; RFC 6749, section 3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from oauthclient.testing.clients import Client

TargetMode = Literal["resource", "audience", "scope"]

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")


@dataclass(frozen=True, slots=True)
class Target:
    """What a token is for: the identifiers of its audience and the scope that may be granted."""

    audience: tuple[str, ...]
    scope: frozenset[str]


class Targets:
    """The resources that the server knows, and how a client names them.

    `scopes`: the scopes of each resource, by identifier. `mode`: which parameter names a target: `"resource"`
    (RFC 8707), `"audience"`, or `"scope"` alone; a request with another one is refused. `several`: one token
    may be for several resources. `default`: the resource of a request that names none; None refuses such a
    request. `grants_less`: scopes that cannot be granted are left out of the token and not refused.
    """

    def __init__(self) -> None:
        self.scopes: dict[str, frozenset[str]] = {}
        self.mode: TargetMode = "resource"
        self.several = False
        self.default: str | None = None
        self.grants_less = False

    def select(self, parameters: Mapping[str, Sequence[str]], client: Client, limit: frozenset[str] | None) -> Target:
        """The target of a token request. `limit`: the scopes of the grant, None for no limit of its own."""
        for other in {"resource", "audience"} & parameters.keys() - {self.mode}:
            raise RefusedError("invalid_request", f"This server does not know the parameter {other}.")
        asked = _asked_scope(parameters)
        audience = self._by_scope(asked) if self.mode == "scope" else self._by_name(parameters)
        offered = frozenset[str]().union(*(self.scopes[identifier] for identifier in audience))
        allowed = offered
        for bound in (client.scope, limit):
            allowed = allowed if bound is None else allowed & bound
        if asked is None:
            return Target(audience, allowed)
        if not asked <= allowed and not self.grants_less:
            raise RefusedError("invalid_scope", f"Not granted: {' '.join(sorted(asked - allowed))}.")
        return Target(audience, asked & allowed)

    def _by_name(self, parameters: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        named = tuple(parameters.get(self.mode, ())) or ((self.default,) if self.default is not None else ())
        if not named:
            raise RefusedError("invalid_target", f"The parameter {self.mode} is missing.")
        if len(named) > 1 and not self.several:
            raise RefusedError("invalid_target", "This server issues a token for one resource only.")
        for identifier in named:
            # Both parts of the check are RFC 8707's, section 2; an audience may be any string.
            if self.mode == "resource" and (not urlsplit(identifier).scheme or "#" in identifier):
                raise RefusedError("invalid_target", "A resource is an absolute URI without fragment.")
            if identifier not in self.scopes:
                raise RefusedError("invalid_target", f"The {self.mode} {identifier} is unknown.")
        return named

    def _by_scope(self, asked: frozenset[str] | None) -> tuple[str, ...]:
        audience = tuple(name for name, scopes in self.scopes.items() if asked and asked & scopes)
        if len(audience) != 1 and not (audience and self.several):
            raise RefusedError("invalid_scope", f"The scope names {len(audience)} resources.")
        return audience


def _asked_scope(parameters: Mapping[str, Sequence[str]]) -> frozenset[str] | None:
    if "scope" not in parameters:
        return None
    tokens = parameters["scope"][0].split(" ")
    if not all(_SCOPE_TOKEN.fullmatch(token) for token in tokens):
        raise RefusedError("invalid_scope", "The scope is malformed (RFC 6749, 3.3).")
    return frozenset(tokens)
