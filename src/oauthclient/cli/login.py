"""`oauthclient login`: a person logs in, in the browser or by way of another device (RFC 8252; RFC 8628)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from oauthclient.cli import look
from oauthclient.cli.ledger import Login
from oauthclient.cli.options import (
    InOrder,
    asked,
    certificate_options,
    check_certificate_options,
    file_option,
    issuer_argument,
    json_option,
    profile_option,
    server_options,
    store_option,
)
from oauthclient.cli.place import read_secret
from oauthclient.errors import ConfigurationError
from oauthclient.protocol.metadata import checked_issuer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from oauthclient.cli.options import Asked
    from oauthclient.cli.place import Place
    from oauthclient.native.session import Session
    from oauthclient.protocol.resources import Resource

_FILES: Final = ("ca", "key_file", "secret_file", "certificate", "certificate_key")
_SETTINGS: Final = (
    *("target", "bearer", "dpop", "auth_method", "store", "insecure_loopback"),
    *("host", "port", "path"),
)


@click.command(
    cls=InOrder,
    epilog="""\b
Example:
  oauthclient login https://as.example.com --resource https://api.example.com --scope read""",
)
@issuer_argument
@click.option(
    "--resource", multiple=True, metavar="URL", help="An API to get a token for: its URL, or a prefix. Repeat."
)
@click.option(
    "--scope",
    multiple=True,
    help="What is asked for the --resource before it; before the first, for the login as a whole, such as email.",
)
@click.option("--identifier", multiple=True, metavar="URI", help="What the server calls the --resource before it.")
@click.option("--also", multiple=True, metavar="URL", help="Another URL prefix of the --resource before it.")
@click.option("--client-id", metavar="ID", help="Of a client that was registered by hand; else the command registers.")
@file_option("--client-key-file", "key_file", "The private key of that client (PEM), if it has one.")
@file_option("--client-secret-file", "secret_file", "The secret of that client, if it has one.")
@certificate_options
@file_option(
    "--initial-access-token-file",
    "initial_access_token_file",
    "What the server wants to see before it registers a client.",
)
@profile_option
@store_option
@server_options
@click.option("--no-browser", is_flag=True, help="Only print the URL, for a browser on this machine.")
@click.option("--device", is_flag=True, help="Log in on another device, with a code that is shown here.")
@click.option("--host", metavar="ADDRESS", help="Wait for the browser at 127.0.0.1 (default), [::1] or localhost.")
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="PORT", help="Wait for the browser at this port; default: any."
)
@click.option(
    "--redirect-path", "path", metavar="PATH", help="Wait for the browser at this path; default: the issuer's own."
)
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    metavar="SECONDS",
    default=300.0,
    show_default=True,
    help="Time to log in in the browser.",
)
@click.option("--extend", is_flag=True, help="Ask for what the stored login has, beside what is named now.")
@click.option("--switch-account", is_flag=True, help="Let another person log in than before.")
@click.option("--prompt", metavar="WORDS", help="What the server shall do: login, consent, select_account, none.")
@click.option("--login-hint", metavar="NAME", help="Who is going to log in.")
@click.option(
    "--max-age", type=click.IntRange(0), metavar="SECONDS", help="How long ago the person may have logged in."
)
@click.option("--acr-values", metavar="WORDS", help="How the person is to be authenticated.")
@click.option(
    "--target",
    type=click.Choice(["resource", "audience", "scope"]),
    help="The parameter that tells the server what a token is for; default: resource (RFC 8707).",
)
@click.option("--bearer", is_flag=True, default=None, help="Do without proofs: who gets hold of a token can use it.")
@json_option
@click.pass_context
def login(ctx: click.Context, /, *, issuer: str, json_: bool, **options: Any) -> None:
    """Log in at ISSUER, in the browser, and keep the session.

    The first time at a server the command registers itself there, if the server allows that. Later, `oauthclient login
    ISSUER` alone repeats a login with the settings that it had.
    """
    place: Place = ctx.obj
    if options["no_browser"] and options["device"]:
        raise click.UsageError("--no-browser and --device exclude each other.", ctx)
    profile = options["profile"] or "default"
    before = place.ledger.find(issuer, profile)
    wanted = _wanted(ctx, before or Login(issuer, profile), asked(ctx), options)
    checked_issuer(issuer, loopback=wanted.insecure_loopback)
    _check(before, wanted)
    place.make()
    session = _logged_in(place, wanted, options)
    place.ledger.put(wanted._replace(client_id=session.client_id))
    if json_:
        look.as_json(_document(session, wanted))
    else:
        _tell(session, wanted)


def _wanted(ctx: click.Context, base: Login, asked_for: Asked, options: Mapping[str, Any]) -> Login:
    """The login to make: what was given, else what the one before had, else the default."""
    resources = _resources(asked_for, base, extend=options["extend"])
    if not resources:
        raise click.UsageError("--resource is missing: the URL of the API that the token is for.", ctx)
    client_id = options["client_id"]
    if options["certificate"] is not None:
        base = base._replace(certificate=None, certificate_key=None)  # a pair: one without the other is of no use
    check_certificate_options(
        ctx,
        options,
        certificate=options["certificate"] or base.certificate,
        by_other=options["key_file"] or options["secret_file"] or base.key_file or base.secret_file,
    )
    if options["bearer"] and options["dpop"]:
        raise click.UsageError("--bearer and --dpop exclude each other.", ctx)
    files = {name: options[name] and str(options[name]) for name in _FILES}
    if base.registered and client_id is None and (files["key_file"] or files["secret_file"]):
        raise click.UsageError("--client-key-file and --client-secret-file go with --client-id.", ctx)
    given = {
        **{name: options[name] for name in _SETTINGS},
        **files,
        "client_id": client_id,
        "registered": None if client_id is None else False,
        "scope": " ".join(dict.fromkeys(("openid", *asked_for.scope.split()))) if asked_for.scope else None,
    }
    return base._replace(resources=resources, **{name: value for name, value in given.items() if value is not None})


def _resources(asked_for: Asked, base: Login, *, extend: bool) -> tuple[Resource, ...]:
    """What was named; with `extend`, or where nothing was named, also what the login before had."""
    if asked_for.resources and not extend:
        return asked_for.resources
    merged = {resource.url: resource for resource in base.resources}
    for resource in asked_for.resources:
        known = merged.get(resource.url)
        merged[resource.url] = resource if known is None else _both(known, resource)
    return tuple(merged.values())


def _both(known: Resource, added: Resource) -> Resource:
    from oauthclient.protocol.resources import Resource

    scopes = dict.fromkeys(f"{known.scope or ''} {added.scope or ''}".split())
    identifier = known.identifier if added.identifier == added.url else added.identifier
    return Resource(known.url, identifier=identifier, also={*known.also, *added.also}, scope=list(scopes))


def _check(before: Login | None, wanted: Login) -> None:
    """A session that would be left behind, out of sight, has to be logged out of first."""
    if before is None:
        return
    kept = (before.store, before.registered, before.client_id)
    if kept != (wanted.store, wanted.registered, wanted.client_id):
        raise ConfigurationError(
            f"The login at {before.issuer} in the profile {before.profile} is kept in another way (--store "
            f"{before.store}, --client-id {before.client_id}).",
            code="another_login",
            hint="Log out of it first, or log in under another --profile.",
        )


def _logged_in(place: Place, wanted: Login, options: Mapping[str, Any]) -> Session:
    from oauthclient.cli.spinner import Spinner

    token_file: Path | None = options["initial_access_token_file"]
    more = {} if token_file is None else {"initial_access_token": read_secret(str(token_file))}
    app = place.app(wanted, **more)
    seconds = None if options["device"] else options["timeout"]  # a code for another device has its own end
    with Spinner("Waiting for you to log in", seconds=seconds) as spinner:
        return app.login(
            open_browser=not options["no_browser"],
            device="always" if options["device"] else "never",
            timeout=options["timeout"],
            tell=spinner.tell,
            extend=options["extend"],
            switch_account=options["switch_account"],
            prompt=options["prompt"],
            login_hint=options["login_hint"],
            max_age=options["max_age"],
            acr_values=options["acr_values"],
        )


def person(session: Session) -> str | None:
    """Who is logged in, as they know themselves."""
    from oauthclient.protocol.text import shown

    names = (session.claims.get(name) for name in ("email", "preferred_username", "name"))
    name = next((name for name in names if isinstance(name, str) and name), session.subject)
    return None if name is None else shown(name)


def _tell(session: Session, made: Login) -> None:
    who = person(session)
    where = "the keyring" if made.store == "keyring" else "sealed files"
    as_whom = "" if who is None else f" as {who}"
    look.say(f"{look.styled('Logged in', 'green', 'bold')}{as_whom} at {made.issuer}. The session is kept in {where}.")
    for granted in session.granted:
        look.say(f"  {granted.target}  {granted.scope or ''}".rstrip())
    profile = "" if made.profile == "default" else f" --profile {made.profile}"
    look.say(f"Call it: oauthclient request GET {made.resources[0].url}{profile}")


def _document(session: Session, made: Login) -> dict[str, Any]:
    return {
        "issuer": session.issuer,
        "profile": session.profile,
        "client_id": session.client_id,
        "subject": session.subject,
        "store": made.store,
        "sender_constrained": session.sender_constrained,
        "x5t#S256": session.x5t_s256,
        "refreshable": session.refreshable,
        "granted": [{"target": target, "scope": scope} for target, scope in session.granted],
    }
