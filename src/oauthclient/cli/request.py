"""`oauthclient request`: one call of an API, with its token and a fresh proof (RFC 9449, section 7)."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import quote

import click

from oauthclient.cli.failures import NO_GOOD_ANSWER, REFUSED, complain, using
from oauthclient.cli.options import issuer_option, profile_option, urls
from oauthclient.errors import Unreachable
from oauthclient.protocol.text import shown
from oauthclient.protocol.urls import displayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

    from oauthclient.cli.ledger import Login
    from oauthclient.cli.place import Place

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_RESERVED: Final = "!#$%&'()*+,/:;=?@[]~\\"  # what is left as it is written (RFC 3986, section 2.2)
_FIELD_VALUE: Final = re.compile(r"[\x20-\x7e\t]*")


@click.command(
    epilog="""\b
Examples:
  oauthclient request GET https://api.example.com/orders
  oauthclient request POST https://api.example.com/orders --json '{"item": 7}'
  oauthclient request PUT https://api.example.com/orders/7 --json @order.json --include"""
)
@click.argument("method")
@click.argument("url", shell_complete=urls)
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header to send. Repeat.")
@click.option("-d", "--data", metavar="TEXT", help="The body; @FILE is what a file holds, @- what comes from stdin.")
@click.option("--data-file", type=click.File("rb"), help="The body: what a file holds, - what comes from stdin.")
@click.option("--json", "json_", metavar="JSON", help="The body, as JSON; @FILE and @- as above.")
@click.option("-i", "--include", is_flag=True, help="Write the status and the headers of the answer too.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, allow_dash=True), help="Write the answer to a file.")
@click.option("-L", "--location", is_flag=True, help="Follow redirects; outside its API the token is left behind.")
@click.option(
    "--timeout", type=click.FloatRange(0.1), metavar="SECONDS", default=30.0, show_default=True, help="For each wait."
)
@issuer_option
@profile_option
@click.pass_context
def request(ctx: click.Context, /, *, method: str, url: str, **options: Any) -> int:
    """Send a request to an API that you are logged in for, and write what it answers.

    The login is found by the URL. The body of the answer is on stdout, as it came; on a terminal without control
    characters. A body without a Content-Type header of yours is sent as --json says, or else as a form, as curl does.
    """
    import httpx

    from oauthclient.plugin.attach import attach

    place: Place = ctx.obj
    headers, body = _message(ctx, options)
    if not _TOKEN.fullmatch(method):
        raise click.UsageError("METHOD is a word such as GET.", ctx)
    url = quote(url, safe=_RESERVED)
    login = place.ledger.serving(url, issuer=options["issuer"], profile=options["profile"])
    make = _client(place, login, timeout=options["timeout"])
    session = place.session(login)
    with ExitStack() as stack:
        stack.enter_context(using(login))
        # Before anything is sent: an answer to what cannot be sent again would have nowhere to go.
        out = _output(stack, options["output"])
        client = stack.enter_context(make())
        if options["location"]:
            client.follow_redirects = True
            attach(client, session.auth)
        else:
            client.auth = session.auth
        failure: Exception
        try:
            with client.stream(method.upper(), url, headers=headers, content=body) as response:
                _write(response, out, include=options["include"])
        except httpx.TimeoutException:
            failure = Unreachable(f"{displayed(url)} gave no answer in time.", code="timeout")
        except httpx.HTTPError as error:
            failure = _unreachable(url, error)
        else:
            return _judged(response, url)
        raise failure


def _client(place: Place, login: Login, *, timeout: float) -> Callable[[], httpx.Client]:
    """What makes the HTTP client; the part of that which takes long has begun."""
    import httpx

    from oauthclient.cli.place import trust, trusting
    from oauthclient.engine.flights import Flights

    certificate = place.certificate(login)
    if certificate is not None:
        return partial(certificate.client, httpx.Client, verify=trusting(login.ca), timeout=timeout)
    # The CA certificates take as long to read as the keyring takes to answer.
    tls = Flights().join("tls", lambda: trust(login.ca) or httpx.create_ssl_context())
    return lambda: httpx.Client(verify=tls.result(), timeout=timeout)


def _message(ctx: click.Context, options: Mapping[str, Any]) -> tuple[dict[str, str], bytes | None]:
    """The headers and the body to send."""
    headers: dict[str, str] = {}
    for line in options["headers"]:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
            raise click.UsageError("A header is written as 'Name: value', in ASCII.", ctx)
        headers[name.lower()] = (
            f"{headers[name.lower()]}, {value.strip()}" if name.lower() in headers else value.strip()
        )
    given = [name for name in ("data", "data_file", "json_") if options[name] is not None]
    if not given:
        return headers, None
    if len(given) > 1:
        raise click.UsageError("--data, --data-file and --json exclude each other.", ctx)
    of_json = given == ["json_"]
    headers.setdefault("content-type", "application/json" if of_json else "application/x-www-form-urlencoded")
    return headers, _body(ctx, options[given[0]])


def _body(ctx: click.Context, given: Any) -> bytes:
    """All of it: it may have to be sent twice, with another nonce."""
    if not isinstance(given, str):
        return bytes(given.read())
    if given == "@-":
        return sys.stdin.buffer.read()
    if given.startswith("@"):
        try:
            return Path(given[1:]).read_bytes()
        except OSError as error:
            raise click.UsageError(f"{given[1:]}: {error.strerror}", ctx) from None
    return given.encode("utf-8", "surrogateescape")


def _output(stack: ExitStack, file: str | None) -> BinaryIO | None:
    """Where the answer goes; None for a terminal."""
    if file is not None and file != "-":
        return stack.enter_context(Path(file).open("wb"))
    return None if sys.stdout.isatty() else sys.stdout.buffer


def _write(response: httpx.Response, out: BinaryIO | None, *, include: bool) -> None:
    head = b""
    if include:
        lines = [f"{response.http_version} {response.status_code} {response.reason_phrase}".rstrip().encode("latin-1")]
        lines += [name + b": " + value for name, value in response.headers.raw]
        head = b"\r\n".join([*lines, b"", b""])
    if out is None:
        sys.stdout.writelines(_harmless(response, head))
        sys.stdout.flush()
        return
    out.write(head)
    for piece in response.iter_bytes():
        out.write(piece)
        out.flush()  # an answer that comes drop by drop is read so


def _harmless(response: httpx.Response, head: bytes) -> Iterator[str]:
    """The answer as text that cannot command a terminal, with a line break at its end."""
    from codecs import getincrementaldecoder

    decoder = getincrementaldecoder(response.charset_encoding or "utf-8")("replace")
    ends_line = True
    yield head.decode("latin-1").replace("\r\n", "\n")
    for piece in response.iter_bytes():
        text = "".join(c if c.isprintable() or c in "\n\t" else "" if c == "\r" else "�" for c in decoder.decode(piece))
        if text:
            ends_line = text.endswith("\n")
            yield text
    if not ends_line:
        yield "\n"


def _judged(response: httpx.Response, url: str) -> int:
    """The exit code for the answer; one that is an error is said to be one."""
    if not response.is_error:
        return 0
    complain(
        f"{displayed(url)} answered {response.status_code} {response.reason_phrase}".rstrip() + _reason(response),
        code=_challenge(response).get("error", ""),
    )
    return REFUSED if response.is_client_error else NO_GOOD_ANSWER


def _challenge(response: httpx.Response) -> Mapping[str, str]:
    """The first challenge that says what is wrong (RFC 6750, section 3; RFC 9449, section 7.1)."""
    from oauthclient.protocol.challenges import parse_challenges

    challenges = parse_challenges(response.headers.get_list("www-authenticate"))
    return next((challenge.parameters for challenge in challenges if "error" in challenge.parameters), {})


def _reason(response: httpx.Response) -> str:
    challenge = _challenge(response)
    told = [challenge[name] for name in ("error", "error_description") if name in challenge]
    return f" ({shown(': '.join(told))})" if told else ""


def _unreachable(url: str, error: httpx.HTTPError) -> Unreachable:
    reason = shown(error).rstrip(".") or type(error).__name__
    code = "tls_failed" if "CERTIFICATE_VERIFY_FAILED" in reason else "connection_failed"
    return Unreachable(f"No answer from {displayed(url)}: {reason}.", code=code)
