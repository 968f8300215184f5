"""The authorization server as one client of it knows it: what was configured, and what was learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from oauthclient.protocol.clock import ServerClocks
from oauthclient.protocol.nonces import Nonces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.jwks import KeySet
    from oauthclient.protocol.authentication import ClientAuthentication
    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.metadata import ServerMetadata

Told = Literal["resource", "audience", "scope"]


class Server:
    """What stories about one authorization server share.

    `issuer`: identifies the server; "" where metadata was given by hand without one. `metadata` is learned by discovery
    and stands until `read_again` (steady seconds).
    """

    __slots__ = (
        "authentication",
        "binding",
        "client_id",
        "clocks",
        "issuer",
        "keys",
        "keys_read",
        "loopback",
        "metadata",
        "nonces",
        "parameters",
        "read_again",
        "told_by",
    )

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        authentication: ClientAuthentication,
        binding: Binding,
        told_by: Told,
        parameters: Mapping[str, str],
        loopback: bool,
        metadata: ServerMetadata | None,
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.authentication = authentication
        self.binding = binding
        self.told_by = told_by
        self.parameters = parameters
        self.loopback = loopback
        self.metadata = metadata
        self.read_again = 0.0 if metadata is None else float("inf")
        self.keys: KeySet | None = None
        self.keys_read: list[float] = []
        self.nonces = Nonces()
        self.clocks = ServerClocks()

    @property
    def discovered(self) -> bool:
        """Whether the metadata comes from the server itself, so that it can be read again."""
        return self.read_again < float("inf")
