"""`oauthclient register`: what the command registered itself as, and what can be done about that (RFC 7592)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from oauthclient.cli import look
from oauthclient.cli.ledger import Login
from oauthclient.cli.options import (
    certificate_files,
    check_certificate_options,
    issuer_argument,
    json_option,
    server_options,
    store_option,
)
from oauthclient.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from oauthclient.cli.place import Place
    from oauthclient.native.registration import AppRegistration
    from oauthclient.protocol.registration import Registration


@click.group
def register() -> None:
    """Look after what was registered at a server.

    The command registers itself at its first login. All logins at a server share that registration.
    """


@register.command
@issuer_argument
@click.option("--server", "at_server", is_flag=True, help="Ask the server, instead of showing what is kept here.")
@store_option
@server_options
@json_option
@click.pass_obj
def show(place: Place, /, *, issuer: str, at_server: bool, json_: bool, **options: Any) -> None:
    """Show what the command is registered as at ISSUER. Secrets are left out."""
    login = _login(place, issuer, options)
    if not at_server:  # then there is no need for the certificate, whose passphrase would be asked for
        login = login._replace(certificate=None, certificate_key=None, auth_method=None)
    registration = place.app(login).registration
    found = registration.read() if at_server else registration.show()
    if found is None:
        raise _not_registered(issuer)
    if json_:
        look.as_json(_document(found))
    else:
        _show(found)


@register.command("rotate-key")
@issuer_argument
@click.option(
    "--overlap",
    type=click.FloatRange(0, 3600),
    default=5.0,
    show_default=True,
    help="Seconds in which the server takes both keys, for other processes that still use the old one.",
)
@store_option
@server_options
@json_option
@click.pass_obj
def rotate_key(place: Place, /, *, issuer: str, overlap: float, json_: bool, **options: Any) -> None:
    """Replace the key that the command proves itself with at ISSUER.

    The new key is added there, used, and then the old one dropped. If this is cut short, run it again. Logins go on.
    """
    found = _registration(place, issuer, options).rotate_key(overlap=overlap)
    if json_:
        look.as_json(_document(found))
    else:
        look.say(f"The key of {found.client_id} at {issuer} is now {found.key}.")


@register.command("rotate-certificate")
@issuer_argument
@certificate_files("The certificate to register (PEM, intermediates after it).")
@click.option("--keep-former", is_flag=True, help="Let the server take both, until this is said without it.")
@store_option
@server_options
@json_option
@click.pass_context
def rotate_certificate(ctx: click.Context, /, *, issuer: str, keep_former: bool, json_: bool, **options: Any) -> None:
    """Register another client certificate at ISSUER.

    This is for logins whose --auth-method is the certificate. Without --certificate it is the one that their files
    hold now. With --certificate they use these files from then on; with --keep-former as well they go on with their
    own, in whose place the new ones can then be put.
    """
    check_certificate_options(ctx, options, certificate=options["certificate"])
    place: Place = ctx.obj
    login = _login(place, issuer, options)
    certificate = options["certificate"]
    if certificate is not None:
        key = options["certificate_key"]
        login = login._replace(certificate=str(certificate), certificate_key=key and str(key))
    presented = place.certificate(login)
    found = place.app(login).registration.rotate_certificate(presented, keep_former=keep_former)
    if certificate is not None and not keep_former:
        for other in place.ledger.all():
            if other.issuer == issuer and other.registered and other.auth_method is not None:
                place.ledger.put(other._replace(certificate=login.certificate, certificate_key=login.certificate_key))
    if json_:
        look.as_json(_document(found))
    elif presented is not None:
        look.say(f"{issuer} knows {found.client_id} by {presented.current()}.")
        if keep_former:
            look.say("The former certificate is known too, until this is said without --keep-former.")


@register.command
@issuer_argument
@click.option("--forget", is_flag=True, help="Only forget it here: the server cannot be told any more.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
@server_options
@click.pass_obj
def delete(place: Place, /, *, issuer: str, forget: bool, yes: bool, **options: Any) -> None:
    """Delete the registration at ISSUER, and its key."""
    logins = [login for login in place.ledger.all() if login.issuer == issuer and login.registered]
    if logins:
        raise ConfigurationError(
            f"There are logins at {issuer} that need the registration.",
            code="logins_left",
            hint=f"oauthclient logout {issuer} --all",
        )
    registration = _registration(place, issuer, options)
    if not yes:
        click.confirm(f"Delete the registration at {issuer}?", abort=True, err=True)
    if forget:
        registration.forget()
        look.say(f"Forgotten. {issuer} may still know the client.")
    else:
        registration.delete()
        look.say(f"Deleted at {issuer}, and here.")


def _registration(place: Place, issuer: str, options: dict[str, Any]) -> AppRegistration:
    return place.app(_login(place, issuer, options)).registration


def _login(place: Place, issuer: str, options: dict[str, Any]) -> Login:
    """How to reach the registration: as the logins there are, unless the command line says otherwise."""
    logins = [login for login in place.ledger.all() if login.issuer == issuer]
    known = next((login for login in logins if login.registered), None)
    if logins and known is None:
        known = logins[0]  # registered by hand, which is what will be said
    ca: Path | None = options["ca"]
    given = {"store": options["store"], "insecure_loopback": options["insecure_loopback"], "ca": ca and str(ca)}
    return (known or Login(issuer, "default"))._replace(
        **{name: value for name, value in given.items() if value is not None}
    )


def _not_registered(issuer: str) -> ConfigurationError:
    return ConfigurationError(
        f"The command is not registered at {issuer}.",
        code="not_registered",
        hint="The first login there does that. If it is kept elsewhere: --store, --folder.",
    )


def _document(found: Registration) -> dict[str, Any]:
    return {
        "issuer": found.issuer,
        "client_id": found.client_id,
        "key": found.key,
        "manageable": found.registration_access_token is not None,
        "metadata": dict(found.metadata),
    }


def _show(found: Registration) -> None:
    click.echo(found.client_id)
    manageable = found.registration_access_token is not None
    look.facts(
        [
            ("issuer", found.issuer),
            ("key", found.key),
            ("can be managed", "yes (RFC 7592)" if manageable else "no: only by the server's administrator"),
            *((name, _text(value)) for name, value in sorted(found.metadata.items()) if name != "jwks"),
            ("keys at the server", ", ".join(_name(jwk) for jwk in found.jwks)),
        ]
    )


def _name(jwk: Mapping[str, Any]) -> str:
    return str(jwk.get("kid") or (f"x5t#S256 {jwk['x5t#S256']}" if "x5t#S256" in jwk else jwk.get("kty")))


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_text(member) for member in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
