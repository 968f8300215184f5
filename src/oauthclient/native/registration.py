"""An app's own registration, seen and changed by its program (RFC 7592)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from oauthclient.engine.flights import LONGEST
from oauthclient.errors import ConfigurationError
from oauthclient.native.steps import run, run_async, step
from oauthclient.protocol.presented import check_presented

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.native.restoring import Restoring
    from oauthclient.native.steps import Script
    from oauthclient.protocol.record_name import Name
    from oauthclient.protocol.registration import Registration
    from oauthclient.tls.client_certificate import ClientCertificate

T = TypeVar("T")


class AppRegistration:
    """The registration of an app at one server, if it has one.

    Raises ConfigurationError (`registered_by_hand`) where the app was given a `client_id`. Each method raises
    StorageError, and, but for `show` and `forget`, what asking the server failed with: RegistrationLost, NotOffered, or
    another AuthorizationServerError; ConfigurationError (`not_registered`).
    """

    def __init__(self, known: Restoring) -> None:
        if not known.registers_itself:
            raise ConfigurationError(
                "This app was given a client_id: it did not register itself.",
                code="registered_by_hand",
                hint="What somebody registered by hand, they change by hand.",
            )
        self._known = known

    def show(self) -> Registration | None:
        """What is stored of it, or None where the app is not registered. Nothing is sent."""
        return run(self._show())

    async def show_async(self) -> Registration | None:
        """As `show`, without blocking the event loop."""
        return await run_async(self._show())

    def read(self) -> Registration:
        """The registration as the server has it now (RFC 7592, section 2.1)."""
        return run(self._read())

    async def read_async(self) -> Registration:
        """As `read`, without blocking the event loop."""
        return await run_async(self._read())

    def update(self, changes: Mapping[str, Any]) -> Registration:
        """The registration with other metadata (RFC 7592, section 2.2); a member that is None is removed."""
        return run(self._update(changes))

    async def update_async(self, changes: Mapping[str, Any]) -> Registration:
        """As `update`, without blocking the event loop."""
        return await run_async(self._update(changes))

    def rotate_key(self, *, overlap: float = 0.0) -> Registration:
        """The registration with another key; a rotation that was cut short is finished instead.

        `overlap`: seconds in which the server takes both, for other processes that still sign with the old one.
        Sessions go on: they are bound to keys of their own.
        """
        return run(self._rotate_key(overlap))

    async def rotate_key_async(self, *, overlap: float = 0.0) -> Registration:
        """As `rotate_key`, without blocking the event loop."""
        return await run_async(self._rotate_key(overlap))

    def rotate_certificate(
        self, certificate: ClientCertificate | None = None, *, keep_former: bool = False
    ) -> Registration:
        """The registration with another certificate, for an app that authenticates by it; one update, if it takes any.

        `certificate`: by default the one that the app presents now. `keep_former`: the server takes both, so that the
        next certificate can be registered before its files are put in place; later, without it, the former one goes.
        Only self-signed certificates can be several: where the server knows the app by a name (`TLSClientAuth`), there
        is one name at a time; a name in the app's `registration` is told in place of that in the certificate.

        Raises as `rotate_key`; ConfigurationError (`not_registered_by_certificate`, `no_client_certificate`,
        `one_subject`, `certificate_without_name`), NotOffered (`keys_elsewhere`), InvalidResponse
        (`key_not_registered`, `key_not_dropped`).
        """
        return run(self._rotate_certificate(certificate, keep_former=keep_former))

    async def rotate_certificate_async(
        self, certificate: ClientCertificate | None = None, *, keep_former: bool = False
    ) -> Registration:
        """As `rotate_certificate`, without blocking the event loop."""
        return await run_async(self._rotate_certificate(certificate, keep_former=keep_former))

    def delete(self) -> None:
        """Delete the client at the server, then its keys and what is stored of it. Sessions end: log out first."""
        run(self._delete())

    async def delete_async(self) -> None:
        """As `delete`, without blocking the event loop."""
        await run_async(self._delete())

    def forget(self) -> None:
        """Delete what is stored, readable or not, without a word to the server: where that can no longer be told."""
        run(self._forget())

    async def forget_async(self) -> None:
        """As `forget`, without blocking the event loop."""
        await run_async(self._forget())

    def _show(self) -> Script[Registration | None]:
        from oauthclient.flows.register import restored

        return self._told("show", lambda _server, name: restored(name))

    def _read(self) -> Script[Registration]:
        from oauthclient.flows.manage import read_registration

        return self._told("read", read_registration)

    def _update(self, changes: Mapping[str, Any]) -> Script[Registration]:
        from oauthclient.flows.manage import update_registration

        return self._told(object(), lambda server, name: update_registration(server, name, changes))

    def _rotate_key(self, overlap: float) -> Script[Registration]:
        from oauthclient.flows.rotate_key import rotate_key

        return self._told("rotate", lambda server, name: rotate_key(server, name, overlap=overlap), longer=overlap)

    def _rotate_certificate(self, certificate: ClientCertificate | None, *, keep_former: bool) -> Script[Registration]:
        from oauthclient.flows.rotate_certificate import rotate_certificate

        known = self._known
        presented = certificate or (None if known.authentication is None else known.authentication.certificate)
        if presented is None:
            raise ConfigurationError(
                "There is no client certificate to register.",
                code="no_client_certificate",
                hint="Give it, or make the app with the one that it authenticates by.",
            )
        check_presented(presented)
        current = presented.current()
        told = known.certified(current)

        def story(server: Server, name: Name) -> Story[Registration]:
            return rotate_certificate(server, name, current, told=told, keep_former=keep_former)

        return self._told(object(), story)

    def _delete(self) -> Script[None]:
        from oauthclient.flows.manage import delete_registration

        return self._told("delete", delete_registration)

    def _forget(self) -> Script[None]:
        from oauthclient.flows.manage import forget_registration

        return self._told("forget", lambda _server, name: forget_registration(name))

    def _told(self, key: object, story: Callable[[Server, Name], Story[T]], *, longer: float = 0.0) -> Script[T]:
        """Tell a story of the registration, which may leave another one behind than the app knew."""
        bare, name = self._known.setting.bare, self._known.registration_name
        try:
            flight = bare.tell((key, name), lambda: story(bare.server, name), longest=LONGEST + longer)
            return (yield from step(flight))
        finally:
            self._known.forget()
