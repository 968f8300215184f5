"""`oauthclient logout`: revoke, then forget (RFC 7009; OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from oauthclient.cli import look
from oauthclient.cli.options import an_issuer, json_option, profile_option
from oauthclient.errors import ConfigurationError, InvalidKey, OAuthError
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from oauthclient.cli.ledger import Login
    from oauthclient.cli.place import Place
    from oauthclient.native.app import NativeApp
    from oauthclient.native.session import Goodbye


@click.command
@an_issuer
@profile_option
@click.option("--all", "all_", is_flag=True, help="All logins, or all at ISSUER.")
@click.option("--browser", is_flag=True, help="Log out at the server too, in the browser, where it offers that.")
@json_option
@click.pass_obj
def logout(place: Place, /, *, issuer: str | None, profile: str | None, all_: bool, browser: bool, json_: bool) -> None:
    """Revoke the tokens of a login, and forget it and its key.

    What is kept here goes even if the server cannot be reached; then it is said which tokens the server may honour
    until they end.
    """
    if all_:
        logins = [
            login for login in place.ledger.all() if issuer in (None, login.issuer) and profile in (None, login.profile)
        ]
    else:
        logins = [place.ledger.chosen(issuer=issuer, profile=profile)]
    documents = [_ended(place, login, browser=browser, quiet=json_) for login in logins]
    if json_:
        look.as_json(documents)
    elif not logins:
        look.say("There is no login.")


def _ended(place: Place, login: Login, *, browser: bool, quiet: bool) -> dict[str, Any]:
    """Log out of one, and what to tell a program of it."""
    goodbye = _app(place, login, quiet=quiet).logout()
    place.ledger.drop(login)
    still = [] if goodbye is None else [left._asdict() for left in goodbye.still_honoured]
    if not quiet:
        look.say(f"Logged out at {login.issuer} (profile {login.profile}).")
        for why in dict.fromkeys(left["why"] for left in still):
            tokens = " and the ".join(
                dict.fromkeys(left["token_type"].replace("_", " ") for left in still if left["why"] == why)
            )
            look.say(f"  The server may still honour the {tokens}: {shown(why)}")
    opened = False if goodbye is None else _at_the_server(goodbye, browser=browser, quiet=quiet)
    return {"issuer": login.issuer, "profile": login.profile, "still_honoured": still, "browser_opened": opened}


def _app(place: Place, login: Login, *, quiet: bool) -> NativeApp:
    """The app, even if its certificate cannot be read any more: what is kept here must go all the same."""
    try:
        return place.app(login)
    except OAuthError as error:
        if login.certificate is None or not isinstance(error, InvalidKey | ConfigurationError):
            raise
        if not quiet:
            look.say(f"Without the client certificate: {error.message}")
    return place.app(
        login._replace(
            certificate=None,
            certificate_key=None,
            auth_method=None,
            registered=login.registered and login.auth_method is None,  # else as that client, by its name alone
        )
    )


def _at_the_server(goodbye: Goodbye, *, browser: bool, quiet: bool) -> bool:
    """The URL holds the ID token: it is opened, and not shown."""
    if goodbye.end_session_url is None:
        return False
    if browser:
        from oauthclient.login.browser import open_url

        if open_url(goodbye.end_session_url, what="the end_session_endpoint"):
            return True
        look.say("  No browser could be opened to log out at the server too.")
    elif not quiet:
        look.say("  Your browser may still be logged in at the server: log out there, or next time with --browser.")
    return False
