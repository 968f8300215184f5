"""The authorization server as one client of it knows it: what was configured, and what was learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from oauthclient.protocol.clock import ServerClocks
from oauthclient.protocol.nonces import Nonces
from oauthclient.protocol.policy import LoginPolicy
from oauthclient.protocol.urls import origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.jwks import KeySet
    from oauthclient.protocol.authentication import ClientAuthentication
    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.presented import Presented
    from oauthclient.protocol.wire import Instant

Told = Literal["resource", "audience", "scope"]


class Server:
    """What stories about one authorization server share.

    `issuer`: identifies the server; "" where metadata was given by hand without one. `metadata` is learned by discovery
    and stands until `read_again` (steady seconds). `aliases`: where a client that presents a certificate goes instead
    of to the `mtls_endpoint_aliases` (RFC 8705, section 5); None for one that goes to the conventional endpoints.
    `login`: that of the one session whose tokens are asked for here; see `SessionState`.
    """

    __slots__ = (
        "aliases",
        "authentication",
        "binding",
        "client_id",
        "clocks",
        "issuer",
        "keys",
        "keys_read",
        "login",
        "loopback",
        "metadata",
        "nonces",
        "parameters",
        "policy",
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
        policy: LoginPolicy | None = None,
        aliases: Mapping[str, str | None] | None = None,
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.authentication = authentication
        self.binding = binding
        self.told_by = told_by
        self.parameters = parameters
        self.loopback = loopback
        self.aliases = aliases
        self.login = ""
        self.metadata = None if metadata is None else self.seen(metadata)
        self.read_again = 0.0 if metadata is None else float("inf")
        self.policy = policy or LoginPolicy()
        self.keys: KeySet | None = None
        self.keys_read: list[float] = []
        self.nonces = Nonces()
        self.clocks = ServerClocks()

    @property
    def certificate(self) -> Presented | None:
        """The client certificate that authenticates the client, or binds its tokens, if one does."""
        return self.binding.certificate or self.authentication.certificate

    def seen(self, metadata: ServerMetadata) -> ServerMetadata:
        """The metadata with the endpoints that this client goes to."""
        return metadata if self.aliases is None else metadata.aliased(self.aliases, loopback=self.loopback)

    def told_time(self, now: Instant) -> float:
        """What time this server thinks it is, as far as that is known: for checking what it signed."""
        return self.clocks.of(origin(self.token_endpoint)).time(now.wall, now.steady)

    @property
    def token_endpoint(self) -> str:
        """The token endpoint, or the issuer while the metadata is not known."""
        return self.metadata.token_endpoint if self.metadata is not None else self.issuer

    @property
    def discovered(self) -> bool:
        """Whether the metadata comes from the server itself, so that it can be read again."""
        return self.read_again < float("inf")

    @property
    def name(self) -> str:
        """What tells this server from others: its issuer, or its token endpoint where metadata by hand has none."""
        return self.issuer or (self.metadata.token_endpoint if self.metadata is not None else "")
