"""Where the command keeps things, and the app that it is at each server."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from oauthclient.cli.ledger import Ledger
from oauthclient.errors import ConfigurationError, ReauthenticationRequired, StorageUnavailable
from oauthclient.native.app import NativeApp
from oauthclient.protocol.binding import Bearer
from oauthclient.storage.private_files import private_folder
from oauthclient.storage.vault import Vault

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from oauthclient.cli.ledger import Login
    from oauthclient.native.session import Session
    from oauthclient.protocol.authentication import ClientAuthentication
    from oauthclient.protocol.binding import Binding
    from oauthclient.tls.client_certificate import ClientCertificate

STORES: Final = ("keyring", "file")
NAME: Final = "oauthclient"
"""What the consent page of a server calls the command, and what its registrations are filed under."""

_APP: Final = "cli"
_VARIABLE: Final = "OAUTHCLIENT_STORAGE_"


class Place:
    """A folder, with the ledger in it and a vault of each kind."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder or _usual_folder()
        self.ledger = Ledger(self.folder)
        self._vaults: dict[str, Vault] = {}
        self._certificates: dict[tuple[str, str | None], ClientCertificate] = {}

    def make(self) -> None:
        """Make the folder, for its owner alone. Raises StorageUnwritable."""
        private_folder(self.folder)

    def vault(self, store: str) -> Vault:
        """The vault of that kind. May ask for the passphrase."""
        if store not in STORES:
            raise ConfigurationError(f"There is no store {store}.", code="unknown_store", hint="keyring, or file.")
        if store not in self._vaults:
            self._vaults[store] = (
                Vault.keyring(_APP, self.folder / "keyring", patient=sys.stderr.isatty())
                if store == "keyring"
                else _sealed(self.folder / "file")
            )
        return self._vaults[store]

    def certificate(self, login: Login) -> ClientCertificate | None:
        """The client certificate of a login, if it has one: one object, for all connections that present it.

        May ask for the passphrase. Raises InvalidKey, ConfigurationError.
        """
        if login.certificate is None:
            return None
        from oauthclient.cli.certificate import read_certificate

        files = (login.certificate, login.certificate_key)
        if files not in self._certificates:
            self._certificates[files] = read_certificate(*files)
        return self._certificates[files]

    def app(self, login: Login, **more: Any) -> NativeApp:
        """The command as the client that `login` was, or is to be, made by."""
        certificate = self.certificate(login)
        return NativeApp(
            login.issuer,
            name=NAME,
            resources=login.resources,
            client_id=None if login.registered else login.client_id,
            authentication=_authentication(login, certificate),
            vault=self.vault(login.store),
            profile=login.profile,
            scope=login.scope,
            binding=_binding(login, certificate),
            certificate=certificate,
            redirect_host=login.host,
            redirect_port=login.port,
            redirect_path=login.path,
            target=login.target,
            insecure_loopback=login.insecure_loopback,
            verify=trust(login.ca) if certificate is None else trusting(login.ca),
            **more,
        )

    def session(self, login: Login) -> Session:
        """The session of a login. Raises ReauthenticationRequired where it is gone, and StorageError."""
        session = self.app(login).restore()
        if session is None:
            raise ReauthenticationRequired(
                f"The session at {login.issuer} is not there any more.",
                code="no_session",
                hint=f"Log in again: {login.command()}",
            )
        return session


def trust(ca: str | None) -> ssl.SSLContext | None:
    """The usual CA certificates and those in the file `ca`; None for the usual ones alone."""
    return None if ca is None else _trust(ca)


@functools.cache
def trusting(ca: str | None) -> Callable[[], ssl.SSLContext] | None:
    """The same for connections that present a certificate, each of which has a context of its own.

    For one file it is one function: by that the library knows which contexts are alike.
    """
    return None if ca is None else functools.partial(_trust, ca)


def _trust(ca: str) -> ssl.SSLContext:
    import httpx

    from oauthclient.protocol.text import shown

    context = httpx.create_ssl_context()
    try:
        context.load_verify_locations(ca)
    except OSError as error:
        raise ConfigurationError(
            f"The CA certificates in {shown(ca)} cannot be read: {shown(error.strerror or error)}.",
            code="unreadable_ca",
        ) from None
    return context


def _sealed(folder: Path) -> Vault:
    """Sealed files: under what the environment gives, else under a passphrase that a person types."""
    if any(name.startswith(_VARIABLE) for name in os.environ):
        return Vault.from_environment(folder)
    if not sys.stdin.isatty():
        raise StorageUnavailable(
            "There is nobody to ask for the passphrase of the sealed files.",
            code="no_storage_key",
            hint="Set OAUTHCLIENT_STORAGE_KEY_FILE or OAUTHCLIENT_STORAGE_PASSPHRASE_FILE.",
        )
    import click

    # Here and not when it is first needed, which is on a thread that Ctrl-C does not reach.
    first = not (folder / "sealing.json").exists()
    words = "Passphrase for new sealed files" if first else "Passphrase of the sealed files"
    return Vault.file(folder, passphrase=click.prompt(words, hide_input=True, confirmation_prompt=first, err=True))


def _usual_folder() -> Path:
    from oauthclient.storage.extra import missing

    try:
        from platformdirs import user_data_path
    except ImportError:
        raise missing("platformdirs") from None
    return user_data_path("oauthclient", appauthor=False) / _APP


def _binding(login: Login, certificate: ClientCertificate | None) -> Binding | None:
    """What tokens are bound to; None for a key of the session's own."""
    if login.bearer:
        return Bearer()
    if certificate is None:
        return None
    from oauthclient.cli.certificate import binding_of

    return binding_of(login, certificate)


def _authentication(login: Login, certificate: ClientCertificate | None) -> ClientAuthentication | None:
    """The credentials that the command was given, read anew each time: they are kept where they were."""
    if login.auth_method is not None and certificate is not None:
        from oauthclient.cli.certificate import authenticating

        return authenticating(login.auth_method, certificate)
    if login.key_file is not None:
        from oauthclient.jose.keys import SigningKey
        from oauthclient.protocol.authentication import PrivateKeyJWT

        return PrivateKeyJWT(SigningKey.from_pem(Path(login.key_file).read_bytes()))
    if login.secret_file is not None:
        from oauthclient.protocol.authentication import ClientSecretPost

        return ClientSecretPost(read_secret(login.secret_file))
    return None


def read_secret(file: str) -> str:
    """The secret in a file; a newline at its end does not count. Raises ConfigurationError."""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except ValueError:
        pass
    raise ConfigurationError(f"{file} is not text in UTF-8.", code="unreadable_file")
