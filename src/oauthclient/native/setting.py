"""What all logins of one app at one authorization server have in common, and the engines that serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.engine.engine import Engine
from oauthclient.engine.stored import Stored
from oauthclient.flows.server import Server
from oauthclient.protocol.authentication import PublicClient
from oauthclient.protocol.binding import Bearer
from oauthclient.protocol.metadata import ServerMetadata
from oauthclient.storage.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from oauthclient.engine.transport import Transport
    from oauthclient.flows.server import Told
    from oauthclient.native.client import NativeClient
    from oauthclient.protocol.binding import Binding
    from oauthclient.storage.vault import Vault


class Setting:
    """One authorization server, one way to reach it, one vault. `bare` is an engine of no client in particular."""

    __slots__ = (
        "_metadata",
        "_parameters",
        "_stored",
        "_told_by",
        "aliases",
        "bare",
        "issuer",
        "loopback",
        "transport",
        "vault",
    )

    def __init__(
        self,
        issuer: str,
        *,
        transport: Transport,
        vault: Vault,
        told_by: Told,
        parameters: Mapping[str, str],
        loopback: bool,
        metadata: Mapping[str, Any] | None,
        aliases: Mapping[str, str | None] | None,
    ) -> None:
        self.issuer = issuer
        self.transport = transport
        self.vault = vault
        self._stored = Stored(vault)
        self.loopback = loopback
        self._told_by = told_by
        self._parameters = parameters
        self.aliases = aliases
        self._metadata = None if metadata is None else ServerMetadata.from_document(metadata, loopback=loopback)
        self.bare = self._engine("", PublicClient(), Bearer())

    def engine(self, client: NativeClient, binding: Binding, *, login: str = "") -> Engine:
        """An engine for one session of `client`, which knows already what is known of the server.

        `login`: see `SessionState`.
        """
        engine = self._engine(client.client_id, client.authentication, binding)
        engine.server.login = login
        engine.server.policy = client.policy
        known = self.bare.server
        engine.server.metadata, engine.server.read_again = known.metadata, known.read_again
        engine.server.keys, engine.server.clocks = known.keys, known.clocks
        return engine

    def _engine(self, client_id: str, authentication: Any, binding: Binding) -> Engine:
        server = Server(
            self.issuer,
            client_id=client_id,
            authentication=authentication,
            binding=binding,
            told_by=self._told_by,
            parameters=self._parameters,
            loopback=self.loopback,
            metadata=self._metadata,
            aliases=self.aliases,
        )
        return Engine(server, self.transport, MemoryStore(), self._stored)
