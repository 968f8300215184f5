"""One client at one authorization server, at work: its stories, its flights, its tokens."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, TypeVar

from oauthclient import time
from oauthclient.engine.driver import Driver
from oauthclient.engine.keeper import Keeper
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.obtain import renew
from oauthclient.flows.refresh import renew_session
from oauthclient.flows.slot import Slot
from oauthclient.protocol.record_name import Name
from oauthclient.protocol.token import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from oauthclient.engine.flights import Flight
    from oauthclient.engine.stored import Stored
    from oauthclient.engine.transport import Transport
    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server, Told
    from oauthclient.jose.proof import Prover
    from oauthclient.protocol.grants import Grant
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.presented import Presented
    from oauthclient.protocol.session import KeptToken
    from oauthclient.storage.memory import TokenStore

T = TypeVar("T")


class Engine:
    """Keeps the tokens of one client by slot, and runs the stories that bring them."""

    def __init__(self, server: Server, transport: Transport, store: TokenStore, stored: Stored | None = None) -> None:
        self.server = server
        self._transport = transport
        self._driver = Driver(transport, store, stored)
        self._keepers: dict[Slot[Any], Keeper] = {}

    def keeper(self, grant: Grant | Name, target: str, scope: str | None, *, told_by: Told | None = None) -> Keeper:
        """The keeper of the token for `target` under a grant, or under the session of a name."""
        prover = self.prover()
        bound_to = self.server.binding.certificate
        slot = Slot(
            issuer=self.server.name,
            client_id=self.server.client_id,
            grant=grant,
            told_by=told_by or self.server.told_by,
            target=target,
            scope=scope,
            thumbprint="" if prover is None else prover.thumbprint,
            parameters=tuple(sorted(self.server.parameters.items())),
            certificate="" if bound_to is None else bound_to.current().x5t_s256,
        )

        def fly(keeper: Keeper, seen: Token | None) -> Flight[Token]:
            return self._driver.flights.join(
                slot, lambda: self._renew(keeper, slot, seen), must_land=isinstance(grant, Name)
            )

        keeper = self._keepers.setdefault(slot, Keeper(fly))
        if bound_to is not None:
            self._hand_over(slot, keeper, bound_to)
        return keeper

    def remember(self, session: Name, target: str, scope: str | None, kept: KeptToken) -> None:
        """Present the stored token of a session while it is good: no lease is needed for that, and no flight.

        One that is bound to a certificate that is not here is good for nothing.
        """
        bound_to = self.server.binding.certificate
        if kept.certificate is not None and (bound_to is None or bound_to.generation(kept.certificate) is None):
            return
        now = time.now()
        scheme = self.server.binding.token_type
        jitter = random.random()  # noqa: S311  # spreads load, guards nothing
        token = Token.kept(kept, scheme=scheme, now=now, jitter=jitter)
        if token.usable(now.wall, now.steady):
            self.keeper(session, target, scope).landed(token)

    def prover(self) -> Prover | None:
        """Who signs the proofs, or None for bearer tokens."""
        return self.server.binding.prover(self.server.name)

    def metadata(self) -> Flight[ServerMetadata]:
        """The flight that brings the server's metadata."""
        return self._driver.flights.join(
            ("metadata", self.server.issuer), lambda: self._driver.run(known_metadata(self.server))
        )

    def tell(
        self, key: Hashable, story: Callable[[], Story[T]], *, must_land: bool = True, longest: float | None = None
    ) -> Flight[T]:
        """The flight of any other story; told once for each `key` at a time.

        `must_land`: the program does not end before it has. `longest`: seconds after which those who wait for it are
        told that it is lost.
        """
        return self._driver.flights.join(key, lambda: self._driver.run(story()), must_land=must_land, longest=longest)

    def do(self, key: Hashable, function: Callable[[], T]) -> Flight[T]:
        """The flight of something else that takes its time, such as asking a keyring."""
        return self._driver.flights.join(key, function)

    def forget_tokens(self) -> None:
        """Present none of the tokens at hand any more; each is looked for where it is stored."""
        for keeper in list(self._keepers.values()):
            keeper.token = None

    def close(self) -> None:
        """Close the connections to the authorization server."""
        self._transport.close()

    def _hand_over(self, slot: Slot[Any], keeper: Keeper, bound_to: Presented) -> None:
        """Let go of who kept this token for former certificates.

        Its token is still good, with the certificate it is bound to: no request waits while there is not yet another.
        """
        for other in list(self._keepers):
            if other != slot and other._replace(certificate=slot.certificate) == slot:
                former = self._keepers.pop(other, None)
                token = None if former is None else former.token
                certificate = None if token is None else bound_to.generation(token.certificate or "")
                if keeper.token is None and token is not None and certificate is not None:
                    token.replace_by(certificate.not_after)
                    keeper.token = token

    def _renew(self, keeper: Keeper, slot: Slot[Any], seen: Token | None) -> Token:
        keeper.hold()
        try:
            story = renew_session if isinstance(slot.grant, Name) else renew
            token = self._driver.run(story(self.server, slot, seen))
        except Exception as error:
            keeper.failed(error)
            raise
        keeper.landed(token)
        return token
