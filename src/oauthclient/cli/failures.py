"""What a failure looks like at the prompt, and the exit code that stands for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from oauthclient.cli.look import styled
from oauthclient.errors import (
    AuthorizationServerError,
    ErrorResponse,
    ReauthenticationRequired,
    RegistrationLost,
    StorageError,
    TLSFailed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthclient.cli.ledger import Login
    from oauthclient.errors import OAuthError

FAILED: Final = 1
LOGIN_REQUIRED: Final = 3
REFUSED: Final = 4
NO_GOOD_ANSWER: Final = 5
STORAGE: Final = 6

_NO_KEYRING: Final = (
    "Keep the login in sealed files instead: --store file, with a passphrase that is asked for, or with "
    "OAUTHCLIENT_STORAGE_KEY in the environment."
)
_EXTEND: Final = "Log in again with --extend, and the --resource and --scope that are missing."
_LESS_SAFE: Final = "--bearer does without; then whoever gets hold of a token can use it."
_REGISTER_ANEW: Final = (
    "All logins at a server share one registration. To begin anew: oauthclient logout ISSUER --all, then oauthclient "
    "register delete ISSUER; or give the --client-id of a client that was registered by hand."
)
_NEXT_CERTIFICATE: Final = "Renew it in its place, or log in again with another: --certificate FILE."
# Where the library's hint speaks to a program. "" leaves it out.
_HINTS: Final = {
    "already_authorized": "Leave the header out: the command writes it.",
    "algorithm_not_offered": "",
    "authentication_not_offered": "Have its administrator register a native app, and give its --client-id.",
    "binding_not_offered": f"oauthclient doctor shows what tokens are bound to there: a key, or with --certificate a "
    f"client certificate. {_LESS_SAFE}",
    "binding_not_registered": _REGISTER_ANEW,
    "certificate": "Give the file of the private key: --certificate-key, or --client-key-file.",
    "certificate_expired": _NEXT_CERTIFICATE,
    "certificate_key_mismatch": "In the file of --certificate the client's own comes first, those of CAs after it.",
    "certificate_refused": "Check that its CA is one that the server trusts, and that the login was made with it: "
    "--certificate FILE.",
    "downgrade_refused": _LESS_SAFE,
    "extra_missing": "pip install 'oauthclient[cli]'",
    "identity_changed": "Log in as the same person; or with --switch-account; or under another --profile.",
    "insufficient_scope": _EXTEND,
    "invalid_dpop_proof": "Check the clock of this machine.",
    "invalid_issuer": "Write it as https://as.example.com; for a server on this machine: --insecure-loopback.",
    "invalid_target": "Check --resource or --identifier, byte for byte; or --target audience, or --target scope.",
    "keyring_failed": _NO_KEYRING,
    "keyring_forgets": _NO_KEYRING,
    "login_timeout": "Log in again, and finish in the browser; or allow more time: --timeout.",
    "no_keyring": _NO_KEYRING,
    "no_client_certificate": "--certificate FILE names it.",
    "not_granted": _EXTEND,
    "one_subject": "Say this without --keep-former when the new certificate is put in place.",
    "overlapping_resources": "Name each --resource once.",
    "registered_by_hand": "Its administrator changes it.",
    "registered_otherwise": f"If it is by a certificate, give that: --certificate, --auth-method. {_REGISTER_ANEW}",
    "registration_not_offered": "Have its administrator register a native app, and give its --client-id.",
    "passphrase_needed": "The command takes a key that is not encrypted, in a file that only you can read.",
    "storage_unavailable": _NO_KEYRING,
    "storage_too_new": "Update oauthclient, or log in under another --profile.",
    "tls_failed": "If the server's certificate comes from a private CA, give its file: --ca FILE.",
    "unreadable_ca": "--ca is a file of CA certificates in PEM.",
    "unreadable_certificate": "--certificate is a file in PEM. From a .p12: openssl pkcs12 -in FILE.p12 -out FILE.pem",
    "unreadable_file": "",
}


def hint_of(error: OAuthError) -> str:
    """What to do about it at the prompt; "" where there is nothing to say."""
    return _HINTS.get(error.code, error.hint)


def complain(message: str, *, hint: str = "", code: str = "") -> None:
    """Say what went wrong, in one line, and what to do about it in another."""
    hint = _HINTS.get(code, hint)
    click.echo(f"{styled('oauthclient:', 'red', 'bold')} {message}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)


@contextmanager
def using(login: Login) -> Iterator[None]:
    """A failure of this login's session says how to log in again."""
    try:
        yield
    except ReauthenticationRequired as error:
        error.hint = f"Log in again: {login.command()}"
        raise


def exit_code(error: OAuthError) -> int:
    """The code for an error of the library."""
    match error:
        case ReauthenticationRequired():
            return LOGIN_REQUIRED
        case ErrorResponse() | RegistrationLost():
            return REFUSED
        case AuthorizationServerError() | TLSFailed():
            return NO_GOOD_ANSWER
        case StorageError():
            return STORAGE
    return FAILED
