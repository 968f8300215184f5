"""Answers and edits for `instead` and `amend`: what servers do wrong, each in one line.

An answer (`instead`) is a `Response`; an edit (`amend`) a function that makes another of the server's own.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from oauthclient.testing.forgeries import OMIT, changed, forged
from oauthclient.testing.http import Cut, Pause, Response, json_response
from oauthclient.testing.pages import form_post_page, read_form
from oauthclient.testing.records import header_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from oauthclient.jose.signers import Signs
    from oauthclient.testing.authorization_server import AuthorizationServer
    from oauthclient.testing.pages import Fields

    Edit = Callable[[Response], Response]

__all__ = [
    "OMIT",
    "aliases",
    "challenge",
    "cut",
    "deep",
    "doubled",
    "dripping",
    "duplicate_members",
    "endless",
    "header",
    "html",
    "huge",
    "id_token",
    "lost",
    "members",
    "not_utf8",
    "oauth_error",
    "parameters",
    "raw",
    "redirect",
    "signed_response",
    "slow",
    "too_many_requests",
    "unsigned_id_token",
    "unsigned_response",
]

_JSON: Final = (("Content-Type", "application/json"),)


class _Endless:
    def __iter__(self) -> Iterator[bytes]:
        return repeat(b" " * 65_536)


def oauth_error(error: str, *, status: int = 400, description: str | None = None) -> Response:
    """An error answer of an authorization server (RFC 6749, section 5.2)."""
    document = {"error": error} | ({"error_description": description} if description is not None else {})
    return json_response(status, document)


def challenge(*values: str, status: int = 401) -> Response:
    """An answer of an API with one `WWW-Authenticate` header per value (RFC 9110, section 11.6.1)."""
    return Response(status, tuple(("WWW-Authenticate", value) for value in values))


def too_many_requests(retry_after: int | str = 1) -> Response:
    """429 with `Retry-After`: seconds or a date (RFC 9110, section 10.2.3)."""
    return Response(429, (("Retry-After", str(retry_after)),))


def html(status: int = 500) -> Response:
    """The page of a gateway, where JSON was expected."""
    page = b"<!doctype html><title>Error</title><p>Something went wrong.</p>"
    return Response(status, (("Content-Type", "text/html; charset=utf-8"),), page)


def redirect(location: str, status: int = 307) -> Response:
    """A redirect, where none belongs."""
    return Response(status, (("Location", location),))


def raw(body: bytes, *, status: int = 200) -> Response:
    """A body that says it is JSON."""
    return Response(status, _JSON, body)


def not_utf8() -> Response:
    """JSON in Latin-1 (RFC 8259, section 8.1)."""
    return raw('{"access_token": "é", "token_type": "DPoP"}'.encode("latin-1"))


def duplicate_members() -> Response:
    """An object with a member twice (RFC 8259, section 4)."""
    return raw(b'{"access_token": "one", "access_token": "two", "token_type": "DPoP"}')


def deep(levels: int = 100_000) -> Response:
    """JSON nested so deep that a recursive parser fails."""
    return raw(b'{"a": ' + b"[" * levels + b"]" * levels + b"}")


def huge(size: int = 16 * 1024 * 1024) -> Response:
    """A JSON object of `size` octets and some."""
    return raw(b'{"access_token": "' + b"a" * size + b'", "token_type": "DPoP"}')


def endless() -> Response:
    """A body that never ends."""
    return Response(200, _JSON, _Endless())


def dripping(seconds: float, count: int = 1_000) -> Response:
    """A body of `count` octets, each `seconds` after the one before."""
    return Response(200, _JSON, (Pause(seconds), b" ") * count)


def members(**changes: object) -> Edit:
    """An edit of a JSON object's members: `members(token_type="Bearer", expires_in=OMIT)`."""
    return lambda response: replace(response, body=json.dumps(changed(_document(response), changes)).encode())


def aliases(**changes: object) -> Edit:
    """An edit of the aliases in the metadata (RFC 8705, section 5), at `endpoint="metadata"`.

    `aliases(token_endpoint="http://mtls.as.example.com/token")`, `aliases(token_endpoint=42)`,
    `aliases(unheard_of_endpoint="https://mtls.as.example.com/x")`, `aliases(token_endpoint=OMIT)`.
    """

    def edit(response: Response) -> Response:
        listed = _document(response).get("mtls_endpoint_aliases", {})
        return members(mtls_endpoint_aliases=changed(listed, changes))(response)

    return edit


def parameters(**changes: object) -> Edit:
    """An edit of what the browser brings back, in the URL or the form: `parameters(state="other", iss=OMIT)`.

    A list stands for a parameter that comes several times. In an answer that is a JWT (JARM) the only parameter is
    `response`; see `signed_response`.
    """

    def edit(fields: Fields) -> Fields:
        several = {name: [value for key, value in fields if key == name] for name, _ in fields}
        made = {n: v if isinstance(v, list) else [v] for n, v in changed(several, changes).items()}
        return [(name, str(value)) for name, values in made.items() for value in values]

    return lambda response: _with_fields(response, edit)


def doubled(name: str) -> Edit:
    """An edit that says a parameter twice to the browser, both times the same (RFC 6749, section 3.1)."""
    return lambda response: _with_fields(
        response, lambda fields: [*fields, *((key, value) for key, value in fields if key == name)]
    )


def id_token(
    server: AuthorizationServer,
    /,
    *,
    signer: Signs | None = None,
    header: Mapping[str, object] | None = None,
    **claims: object,
) -> Edit:
    """An edit of the ID token in an answer of the token endpoint: `id_token(server, sub="mallory", nonce=OMIT)`.

    It is signed anew by `signer`, by default the server's own key. `header`: parameters to change there.
    """

    def edit(response: Response) -> Response:
        jwt = _document(response).get("id_token", "")
        return members(id_token=forged(jwt, signer or _own_key(server, jwt), claims, header or {}))(response)

    return edit


def signed_response(
    server: AuthorizationServer,
    /,
    *,
    signer: Signs | None = None,
    header: Mapping[str, object] | None = None,
    **claims: object,
) -> Edit:
    """The same for the JWT that the browser brings back in the response modes of JARM."""

    def edit(fields: Fields) -> Fields:
        jwt = dict(fields).get("response", "")
        return [("response", forged(jwt, signer or _own_key(server, jwt), claims, header or {}))]

    return lambda response: _with_fields(response, edit)


def unsigned_id_token(response: Response) -> Response:
    """An edit that takes the signature off the ID token (RFC 7519, section 6)."""
    return members(id_token=forged(_document(response).get("id_token", ""), None, {}, {}))(response)


def unsigned_response(response: Response) -> Response:
    """An edit that takes the signature off the JWT that the browser brings back."""
    return _with_fields(response, lambda fields: [("response", forged(dict(fields).get("response", ""), None, {}, {}))])


def header(name: str, value: str | None) -> Edit:
    """An edit that sets a header field, or removes it (None)."""
    return lambda response: response.with_header(name, value)


def slow(seconds: float) -> Edit:
    """An edit that keeps the answer back for `seconds`: what was asked for has happened by then."""
    return lambda response: replace(response, delay=seconds)


def lost(response: Response) -> Response:
    """An edit that loses the answer after the server did what was asked for: the connection breaks."""
    return replace(response, status=0)


def cut(after: int) -> Edit:
    """An edit that breaks the connection after `after` octets of the body."""

    def edit(response: Response) -> Response:
        if not isinstance(response.body, bytes):
            raise TypeError("Only an answer with a plain body can be cut.")
        return replace(response, body=(response.body[:after], Cut()))

    return edit


def _document(response: Response) -> dict[str, Any]:
    if not isinstance(response.body, bytes):
        raise TypeError("Only an answer with a JSON object can be edited.")
    document: dict[str, Any] = json.loads(response.body)
    return document


def _with_fields(response: Response, edit: Callable[[Fields], Fields]) -> Response:
    """The answer with other parameters on their way through the browser."""
    location, form = response.header("Location"), read_form(response)
    if location is not None:
        target, _, query = location.partition("?")
        return response.with_header("Location", f"{target}?{urlencode(edit(parse_qsl(query)))}")
    if form is None:
        raise TypeError("Only an answer that goes back to the client can be edited: a redirect or a form.")
    return replace(response, body=form_post_page(form.action, edit(form.fields)).body)


def _own_key(server: AuthorizationServer, jwt: str) -> Signs:
    return server.keys.signing((header_of(jwt) or {}).get("alg", "ES256"))
