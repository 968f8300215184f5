"""One resource of one auth object: where its tokens come from, and how they are presented."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oauthclient.engine.engine import Engine
    from oauthclient.engine.keeper import Keeper
    from oauthclient.jose.certificate import Certificate
    from oauthclient.jose.proof import Prover
    from oauthclient.protocol.grants import Grant
    from oauthclient.protocol.presented import Presented
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.resources import Resource


class Target:
    """A resource, the grant for it, and the engine that serves it. Keys are made when it is first opened.

    `certificate`: the client certificate that its tokens are bound to, if they are.
    """

    __slots__ = (
        "_grant",
        "_opened",
        "certificate",
        "clocks",
        "engine",
        "htu",
        "nonces",
        "prover",
        "resource",
    )

    def __init__(self, engine: Engine, grant: Grant | Name, resource: Resource) -> None:
        self.engine = engine
        self.resource = resource
        self.clocks = engine.server.clocks
        self.nonces = engine.server.nonces
        self.htu = engine.server.binding.htu
        self.certificate: Presented | None = engine.server.binding.certificate
        self.prover: Prover | None = None
        self._grant = grant
        self._opened: tuple[Certificate | None, Keeper] | None = None

    @property
    def keeper(self) -> Keeper:
        """Who keeps the token; a renewed certificate has tokens of its own (RFC 8705, section 6.3).

        Raises ReauthenticationRequired (`certificate_changed`).
        """
        certificate = None if self.certificate is None else self.certificate.current()
        opened = self._opened
        if opened is None or opened[0] is not certificate:
            self.prover = self.engine.prover()
            keeper = self.engine.keeper(self._grant, self.resource.identifier, self.resource.scope)
            self._opened = opened = (certificate, keeper)  # in one step: threads may do this at the same time
        return opened[1]
