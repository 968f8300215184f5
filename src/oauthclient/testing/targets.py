"""Which resource a token is asked for, and with which scope (RFC 8707, section 2; RFC 6749, section 3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from oauthclient.testing.clients import Client

TargetMode = Literal["resource", "audience", "scope"]

# OpenID Connect Core, sections 5.4 and 11: what a person can be asked for beside the resources.
IDENTITY: Final = frozenset({"openid", "offline_access", "profile", "email"})

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
    request. `grants_less`: scopes that cannot be granted are left out of the token and not refused. `own`: the audience
    of tokens for the server itself, which has the person's data.
    """

    def __init__(self, own: str) -> None:
        self.own = own
        self.scopes: dict[str, frozenset[str]] = {}
        self.mode: TargetMode = "resource"
        self.several = False
        self.default: str | None = None
        self.grants_less = False

    def select(self, parameters: Mapping[str, Sequence[str]], client: Client, limit: frozenset[str] | None) -> Target:
        """The target of a token request. `limit`: the scopes of the grant, None for no limit of its own."""
        self._refuse_other_names(parameters)
        asked = asked_scope(parameters)
        audience = self._by_scope(asked) if self.mode == "scope" else self._by_name(parameters)
        offered = self._offered(audience)
        allowed = offered
        for bound in (client.scope, limit):
            allowed = allowed if bound is None else allowed & bound
        if asked is None:
            return Target(audience, allowed)
        if not asked <= allowed and not self.grants_less:
            raise RefusedError("invalid_scope", f"Not granted: {' '.join(sorted(asked - allowed))}.")
        return Target(audience, asked & allowed)

    def authorize(self, parameters: Mapping[str, Sequence[str]], client: Client) -> Target:
        """The targets of an authorization request, of which there may be several (RFC 8707, section 2.1)."""
        self._refuse_other_names(parameters)
        asked = asked_scope(parameters) or frozenset()
        if self.mode == "scope":
            audience = tuple(identifier for identifier, scopes in self.scopes.items() if asked & scopes)
        else:
            audience = tuple(dict.fromkeys(self._named(parameters)))
            self._check(audience)
        if not audience and "openid" not in asked:
            raise RefusedError("invalid_target", "Neither a resource nor an ID token is asked for.")
        allowed = self._offered(audience)
        if client.scope is not None:
            allowed &= client.scope
        allowed |= IDENTITY
        if not asked <= allowed and not self.grants_less:
            raise RefusedError("invalid_scope", f"Not granted: {' '.join(sorted(asked - allowed))}.")
        return Target(audience, asked & allowed if asked else allowed - IDENTITY)

    def narrow(
        self, parameters: Mapping[str, Sequence[str]], granted: Target, scope: frozenset[str] | None = None
    ) -> Target:
        """The target of one token out of what was granted at a login. `scope`: what was asked for now, if anything.

        No resource named is the one granted, or the server itself where an ID token was asked for at login; of several
        none is chosen.
        """
        self._refuse_other_names(parameters)
        wanted = granted.scope if scope is None else scope & granted.scope
        if self.mode == "scope":
            named = tuple(identifier for identifier in granted.audience if wanted & self.scopes[identifier])
        else:
            named = tuple(dict.fromkeys(parameters.get(self.mode, ())))
            self._check(named)
        if not named and "openid" in granted.scope:
            return Target((self.own,), wanted & IDENTITY)
        audience = named or granted.audience
        if len(audience) > 1 and not self.several:
            raise RefusedError("invalid_target", "This server issues a token for one resource only.")
        if not set(audience) <= set(granted.audience):
            raise RefusedError("invalid_target", "The resource was not granted.")
        return Target(audience, wanted & self._offered(audience))

    def _refuse_other_names(self, parameters: Mapping[str, Sequence[str]]) -> None:
        for other in {"resource", "audience"} & parameters.keys() - {self.mode}:
            raise RefusedError("invalid_request", f"This server does not know the parameter {other}.")

    def _named(self, parameters: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        return tuple(parameters.get(self.mode, ())) or ((self.default,) if self.default is not None else ())

    def _offered(self, audience: tuple[str, ...]) -> frozenset[str]:
        return frozenset[str]().union(*(self.scopes[identifier] for identifier in audience))

    def _by_name(self, parameters: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        named = self._named(parameters)
        if not named:
            raise RefusedError("invalid_target", f"The parameter {self.mode} is missing.")
        if len(named) > 1 and not self.several:
            raise RefusedError("invalid_target", "This server issues a token for one resource only.")
        self._check(named)
        return named

    def _check(self, named: tuple[str, ...]) -> None:
        for identifier in named:
            # Both parts of the check are RFC 8707's, section 2; an audience may be any string.
            if self.mode == "resource" and (not urlsplit(identifier).scheme or "#" in identifier):
                raise RefusedError("invalid_target", "A resource is an absolute URI without fragment.")
            if identifier not in self.scopes:
                raise RefusedError("invalid_target", f"The {self.mode} {identifier} is unknown.")

    def _by_scope(self, asked: frozenset[str] | None) -> tuple[str, ...]:
        audience = tuple(name for name, scopes in self.scopes.items() if asked and asked & scopes)
        if len(audience) != 1 and not (audience and self.several):
            raise RefusedError("invalid_scope", f"The scope names {len(audience)} resources.")
        return audience


def asked_scope(parameters: Mapping[str, Sequence[str]]) -> frozenset[str] | None:
    """The scope that a request asks for, None if it names none. Refuses a malformed one."""
    if "scope" not in parameters:
        return None
    tokens = parameters["scope"][0].split(" ")
    if not all(_SCOPE_TOKEN.fullmatch(token) for token in tokens):
        raise RefusedError("invalid_scope", "The scope is malformed (RFC 6749, 3.3).")
    return frozenset(tokens)
