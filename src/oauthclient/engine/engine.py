"""One client at one authorization server, at work: its stories, its flights, its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.engine.driver import Driver
from oauthclient.engine.keeper import Keeper
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.obtain import renew
from oauthclient.flows.slot import Slot

if TYPE_CHECKING:
    from oauthclient.engine.flights import Flight
    from oauthclient.engine.transport import Transport
    from oauthclient.flows.server import Server
    from oauthclient.jose.proof import Prover
    from oauthclient.protocol.grants import Grant
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.resources import Resource
    from oauthclient.protocol.token import Token
    from oauthclient.storage.memory import TokenStore


class Engine:
    """Keeps the tokens of one client by slot, and runs the stories that bring them."""

    def __init__(self, server: Server, transport: Transport, store: TokenStore) -> None:
        self.server = server
        self._transport = transport
        self._driver = Driver(transport, store)
        self._keepers: dict[Slot, Keeper] = {}

    def keeper(self, grant: Grant, resource: Resource) -> Keeper:
        """The keeper of the token for `resource` under `grant`."""
        prover = self.prover()
        slot = Slot(
            issuer=self.server.name,
            client_id=self.server.client_id,
            grant=grant,
            told_by=self.server.told_by,
            target=resource.identifier,
            scope=resource.scope,
            thumbprint="" if prover is None else prover.thumbprint,
            parameters=tuple(sorted(self.server.parameters.items())),
        )

        def fly(keeper: Keeper, seen: Token | None) -> Flight[Token]:
            return self._driver.flights.join(slot, lambda: self._renew(keeper, slot, seen))

        return self._keepers.setdefault(slot, Keeper(fly))

    def prover(self) -> Prover | None:
        """Who signs the proofs, or None for bearer tokens."""
        return self.server.binding.prover(self.server.name)

    def metadata(self) -> Flight[ServerMetadata]:
        """The flight that brings the server's metadata."""
        return self._driver.flights.join(
            ("metadata", self.server.issuer), lambda: self._driver.run(known_metadata(self.server))
        )

    def close(self) -> None:
        """Close the connections to the authorization server."""
        self._transport.close()

    def _renew(self, keeper: Keeper, slot: Slot, seen: Token | None) -> Token:
        keeper.hold()
        try:
            token = self._driver.run(renew(self.server, slot, seen))
        except Exception as error:
            keeper.failed(error)
            raise
        keeper.landed(token)
        return token
