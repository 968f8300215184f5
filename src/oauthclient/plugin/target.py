"""One resource of one auth object: where its tokens come from, and how they are presented."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oauthclient.engine.engine import Engine
    from oauthclient.engine.keeper import Keeper
    from oauthclient.jose.proof import Prover
    from oauthclient.protocol.grants import Grant
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.resources import Resource


class Target:
    """A resource, the grant for it, and the engine that serves it. Keys are made when it is first opened."""

    __slots__ = ("_grant", "_keeper", "clocks", "engine", "htu", "nonces", "prover", "resource")

    def __init__(self, engine: Engine, grant: Grant | Name, resource: Resource) -> None:
        self.engine = engine
        self.resource = resource
        self.clocks = engine.server.clocks
        self.nonces = engine.server.nonces
        self.htu = engine.server.binding.htu
        self.prover: Prover | None = None
        self._grant = grant
        self._keeper: Keeper | None = None

    @property
    def keeper(self) -> Keeper:
        """Who keeps the token."""
        if self._keeper is None:
            self.prover = self.engine.prover()
            self._keeper = self.engine.keeper(self._grant, self.resource.identifier, self.resource.scope)
        return self._keeper
