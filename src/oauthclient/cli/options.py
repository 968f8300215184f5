"""What several commands take, and the one whose options belong to the option before them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from oauthclient.cli.ledger import AUTH_METHODS
from oauthclient.cli.place import STORES
from oauthclient.protocol.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from click.shell_completion import CompletionItem

F = TypeVar("F", bound="Callable[..., Any]")

_SPECIFIC: Final = ("scope", "identifier", "also")  # options of a resource
_ORDER: Final = "oauthclient.order"


class Asked(NamedTuple):
    """What a command line asks for: scopes of the login as a whole, and resources with their own."""

    scope: str
    resources: tuple[Resource, ...]


class InOrder(click.Command):
    """A command that remembers in which order its options were given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments twice: for their order, then as usual."""
        values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        given: dict[str, Iterator[str]] = {
            name: iter(value) for name, value in values.items() if isinstance(value, list)
        }
        ctx.meta[_ORDER] = [(name, next(given[name])) for parameter in order if (name := parameter.name or "") in given]
        return super().parse_args(ctx, args)


def asked(ctx: click.Context) -> Asked:
    """Each `--scope`, `--identifier` and `--also` with the `--resource` before it; scopes before the first, for all.

    Raises ConfigurationError for a resource that cannot be one, click.UsageError for what belongs to none.
    """
    whole: list[str] = []
    found: list[tuple[str, dict[str, list[str]]]] = []
    for name, value in ctx.meta[_ORDER]:
        if name == "resource":
            found.append((value, {}))
        elif name in _SPECIFIC and found:
            found[-1][1].setdefault(name, []).append(value)
        elif name == "scope":
            whole.append(value)
        elif name in _SPECIFIC:
            raise click.UsageError(f"--{name} belongs to the --resource before it, and there is none.", ctx)
    return Asked(" ".join(whole), tuple(_resource(ctx, url, its) for url, its in found))


def _resource(ctx: click.Context, url: str, its: dict[str, list[str]]) -> Resource:
    identifiers = its.get("identifier", [])
    if len(identifiers) > 1:
        raise click.UsageError("A --resource has one --identifier.", ctx)
    return Resource(
        url,
        identifier=identifiers[0] if identifiers else None,
        also=its.get("also", ()),
        scope=its.get("scope"),
    )


def _issuers(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    return _completions(ctx, begun, lambda login: [login.issuer])


def _profiles(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    return _completions(ctx, begun, lambda login: [login.profile])


def urls(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The prefixes of known resources, for shell completion."""
    return _completions(ctx, begun, lambda login: [resource.url for resource in login.resources])


def _completions(ctx: click.Context, begun: str, of: Callable[[Any], list[str]]) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from oauthclient.cli.place import Place
    from oauthclient.errors import OAuthError

    folder = ctx.find_root().params.get("folder")
    try:
        values = {value for login in Place(folder).ledger.all() for value in of(login)}
    except OAuthError:
        return []
    return [CompletionItem(value) for value in sorted(values) if value.startswith(begun)]


issuer_argument = click.argument("issuer", shell_complete=_issuers)
an_issuer = click.argument("issuer", required=False, shell_complete=_issuers)
issuer_option = click.option(
    "--issuer", metavar="URL", help="Of several logins, the one there.", shell_complete=_issuers
)
profile_option = click.option(
    "--profile",
    metavar="NAME",
    envvar="OAUTHCLIENT_PROFILE",
    shell_complete=_profiles,
    help="Of several logins side by side, the one of this name.  [env: OAUTHCLIENT_PROFILE]",
)
json_option = click.option("--json", "json_", is_flag=True, help="Write the result as JSON.")


def file_option(name: str, parameter: str, text: str) -> Callable[[F], F]:
    """An option that names a file that is there.

    It is kept as an absolute path, with its symbolic links: what they lead to may be exchanged by something else.
    """
    kind = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
    return click.option(name, parameter, type=kind, callback=_absolute, help=text)


def _absolute(_ctx: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def server_options(function: F) -> F:
    """How to reach a server, and where what belongs to it is kept."""
    ca = file_option("--ca", "ca", "Trust the CA certificates in this PEM file as well.")
    loopback = click.option(
        "--insecure-loopback", is_flag=True, default=None, help="Allow a server on this machine without TLS."
    )
    return ca(loopback(function))


def certificate_files(text: str) -> Callable[[F], F]:
    """The client certificate, which curl takes with --cert and --key."""
    certificate = file_option("--certificate", "certificate", text)
    key = file_option(
        "--certificate-key", "certificate_key", "Its private key, if that is in another file: curl's --key."
    )
    return lambda function: certificate(key(function))


def certificate_options(function: F) -> F:
    """The client certificate, and what it is good for."""
    method = click.option(
        "--auth-method",
        type=click.Choice(AUTH_METHODS),
        help="The certificate also says who the client is, by the method that it is registered for.",
    )
    dpop = click.option(
        "--dpop", is_flag=True, default=None, help="Beside --certificate: bind tokens to a key as well."
    )
    files = certificate_files("Bind tokens to this client certificate (PEM, intermediates after it): curl's --cert.")
    return files(method(dpop(function)))


def check_certificate_options(
    ctx: click.Context, options: Mapping[str, Any], *, certificate: object, by_other: object = None
) -> None:
    """Raise click.UsageError for what goes with a certificate and comes without; `by_other`: other credentials."""
    if options["certificate_key"] is not None and options["certificate"] is None:
        raise click.UsageError("--certificate-key goes with --certificate.", ctx)
    if certificate is None and (options.get("auth_method") or options.get("dpop")):
        raise click.UsageError("--auth-method and --dpop go with --certificate.", ctx)
    if options.get("auth_method") and by_other:
        raise click.UsageError("--auth-method and the client's other credentials exclude each other.", ctx)


store_option = click.option(
    "--store",
    type=click.Choice(STORES),
    envvar="OAUTHCLIENT_STORE",
    help="Where keys and sessions are kept: the keyring of the system (default), or sealed files.  "
    "[env: OAUTHCLIENT_STORE]",
)
