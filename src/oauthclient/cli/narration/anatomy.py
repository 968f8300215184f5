"""What a message says, taken apart for a reader: JWTs decoded (RFC 7515, section 3), secrets cut."""

from __future__ import annotations

import json
import re
import time
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl

from oauthclient.jose.jwk import public_members, thumbprint
from oauthclient.tls.transport import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

_SHOWN: Final = 6  # characters of a secret: too few to be of use
_LONGEST: Final = 240  # characters of any other value
_PARTS: Final = 3
_SECRETS: Final = frozenset(
    {
        "access_token",
        "assertion",
        "client_secret",
        "code",
        "code_verifier",
        "id_token",
        "refresh_token",
        "registration_access_token",
        "token",
    }
)
_JWTS: Final = ("client_assertion", "request")  # parameters that are signed
_METADATA: Final = (
    "issuer",
    "token_endpoint",
    "grant_types_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "dpop_signing_alg_values_supported",
    "tls_client_certificate_bound_access_tokens",
)
_CHALLENGE: Final = re.compile(r'(error|error_description)="((?:[^"\\]|\\.)*)"')

_IN_REQUEST: Final = {
    "grant_type=client_credentials": "the service acts for itself",
    "grant_type=authorization_code": "a person has said yes",
    "grant_type=refresh_token": "the login goes on, without its person",
    "application_type": "an app on a person's machine",
    "jwks": "the public key that it will prove itself with",
    "redirect_uris": "where its answers go: this machine, at any port",
    "require_signed_request_object": "nobody else can ask in its name",
    "require_pushed_authorization_requests": "nor by way of a link",
    "dpop_bound_access_tokens": "no token for it that is not bound",
    "code_challenge": "the hash of a secret that is shown only for the token",
    "code_verifier": "that secret",
    "dpop_jkt": "the key that the code and its tokens are bound to",
    "state": "which login an answer belongs to",
    "resource": "the API that the token is for",
    "typ": "this kind of JWT, and no other",
    "jwk": "a public key; its private half stays here",
    "aud": "this server, and no other",
    "jti": "never used again",
    "htm": "this method",
    "htu": "this URL",
    "ath": "the hash of this access token",
    "nonce": "the server's own: made after it was asked for",
}
_IN_REQUEST_OBJECT: Final = {
    **_IN_REQUEST,
    "resource": "the APIs that it is about",
    "nonce": "must come back in the ID token of this login",
}
_IN_ANSWER: Final = {"expires_in": "seconds"}
_IN_TOKEN: Final = {
    "aud": "this API, and no other",
    "scope": "what it allows",
    "client_id": "who got it",
}
_CONFIRMED: Final = {
    "jkt": "whose proofs it needs: the thumbprint of the key",
    "x5t#S256": "whose connections it needs: the thumbprint of the client certificate",
}


class Line(NamedTuple):
    """A name, its value, and what it is there for."""

    name: str
    value: str
    note: str = ""


class Part(NamedTuple):
    """Some lines of a message. A JWT is a few parts of one title, each with its section."""

    lines: tuple[Line, ...]
    title: str = ""
    section: str = ""


class JWT(NamedTuple):
    """A signed JWT, with only the beginning of its signature."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: str


def request_parts(request: httpx.Request, earlier: httpx.Request | None = None) -> list[Part]:
    """What a request says; beside an `earlier` one of its kind, only what is not as it was there."""
    form = form_of(request)
    plain = [*_connection(request), *_authorization(request)]
    document = {} if form else json_of(request)
    plain += [_line(name, value, _IN_REQUEST) for name, value in (form or document).items() if name not in _JWTS]
    if request.content and not form and not document:
        plain.append(Line("body", shortened(request.content.decode("utf-8", "replace"))))
    parts = [Part(tuple(plain))]
    signed = {name: form.get(name, "") for name in _JWTS} | {"DPoP": request.headers.get("DPoP", "")}
    for title, text in signed.items():
        jwt = read_jwt(text)
        if jwt is not None:
            parts += _sections(title, jwt)
    if earlier is not None:
        parts = _changes(parts, request_parts(earlier))
    return [part for part in parts if part.lines]


def response_parts(response: httpx.Response) -> list[Part]:
    """What an answer says: the headers that matter, its JSON, and the inside of an access token that is a JWT."""
    nonce = response.headers.get("DPoP-Nonce")
    lines = [] if nonce is None else [Line("DPoP-Nonce", shortened(nonce))]
    lines += [Line(name, value) for name, value in challenge(response).items()]
    document = json_of(response)
    names = [name for name in _METADATA if name in document] if "token_endpoint" in document else list(document)
    lines += [_line(name, document[name], _IN_ANSWER) for name in names if document[name] != ""]
    if len(names) < len(document):
        lines.append(Line(f"and {len(document) - len(names)} more", ""))
    parts = [Part(tuple(lines))]
    jwt = read_jwt(str(document.get("access_token", "")))
    if jwt is not None:
        inside = (
            *(_line(name, jwt.claims[name], _IN_TOKEN) for name in _IN_TOKEN if name in jwt.claims),
            *_confirmation(jwt.claims.get("cnf")),
        )
        parts.append(Part(inside, title="inside it, for the API to read; to the client it is opaque"))
    return [part for part in parts if part.lines]


def challenge(response: httpx.Response) -> dict[str, str]:
    """`error` and `error_description` of an API's first challenge that has them (RFC 6750, section 3)."""
    found: dict[str, str] = {}
    for name, value in _CHALLENGE.findall(response.headers.get("WWW-Authenticate", "")):
        found.setdefault(name, shortened(value))
    return found


def read_jwt(text: str) -> JWT | None:
    """The parts of a signed JWT, unverified: for showing, never for trust. None for anything else."""
    encoded = text.split(".")
    if len(encoded) != _PARTS:
        return None
    try:
        header, claims = (json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in encoded[:2])
    except ValueError:
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    return JWT(header, claims, redacted(encoded[2]))


def form_of(request: httpx.Request) -> dict[str, str]:
    """The parameters of the form that a request is, or none."""
    if request.headers.get("Content-Type") != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl(request.content.decode("ascii", "replace")))


def json_of(message: httpx.Request | httpx.Response) -> dict[str, Any]:
    """The JSON object that a message is, or an empty one."""
    try:
        document = json.loads(message.content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def redacted(secret: str) -> str:
    """The first characters of a secret, and how many it has."""
    return f"{secret[:_SHOWN]}… ({len(secret)} characters)"


def shortened(text: str) -> str:
    """Text from anywhere, and not too much of it."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _changes(parts: list[Part], earlier: list[Part]) -> list[Part]:
    """The lines that are not as they were, and the names that are missing now."""
    before = {(part.title, part.section): part.lines for part in earlier}
    changed = []
    for part in parts:
        known = before.get((part.title, part.section), ())
        names = {line.name for line in part.lines}
        gone = tuple(Line(line.name, "", "not this time") for line in known if line.name not in names)
        changed.append(part._replace(lines=(*(line for line in part.lines if line not in known), *gone)))
    return changed


def _connection(request: httpx.Request) -> list[Line]:
    """The client certificate on the connection; where no credentials are sent, it is of no interest."""
    x5t_s256 = request.extensions.get(EXTENSION)
    if x5t_s256 is None or not (request.content or "Authorization" in request.headers):
        return []
    return [Line("connection", f"x5t#S256 {x5t_s256}", "the client certificate that it was opened with")]


def _authorization(request: httpx.Request) -> list[Line]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return []
    jwt = read_jwt(token)
    note = "" if jwt is None else f"the token for {_text('aud', jwt.claims.get('aud'))}"
    return [Line("Authorization", f"{scheme} {redacted(token)}", note)]


def _sections(title: str, jwt: JWT) -> list[Part]:
    header = tuple(_line(name, value, _IN_REQUEST) for name, value in jwt.header.items())
    notes = _IN_REQUEST_OBJECT if title == "request" else _IN_REQUEST
    claims = tuple(_line(name, value, notes, issued=jwt.claims.get("iat")) for name, value in jwt.claims.items())
    return [
        Part(header, title, "header"),
        Part(claims, title, "claims"),
        Part((Line("", jwt.signature),), title, "signature"),
    ]


def _line(name: str, value: object, notes: Mapping[str, str], *, issued: object = None) -> Line:
    note = notes.get(f"{name}={value}", notes.get(name, ""))
    if isinstance(value, int) and isinstance(issued, int):
        note = f"{value - issued} seconds later" if name == "exp" else note
        note = time.strftime("%H:%M:%S UTC", time.gmtime(value)) if name == "iat" else note
    return Line(shortened(name), _text(name, value), note)


def _confirmation(cnf: object) -> list[Line]:
    """What a token is bound to (RFC 7800; RFC 9449, section 6.1; RFC 8705, section 3.1)."""
    if not isinstance(cnf, dict):
        return []
    return [
        Line("cnf" if member == "jkt" else f"cnf {member}", shortened(str(cnf[member])), note)
        for member, note in _CONFIRMED.items()
        if member in cnf
    ]


def _key(jwk: Mapping[str, Any]) -> str:
    kind = " ".join(str(jwk[member]) for member in ("kty", "crv") if member in jwk)
    return f"{kind}, thumbprint {thumbprint(public_members(jwk))}"


def _text(name: str, value: object) -> str:
    if name in _SECRETS:
        return redacted(str(value))
    if name == "jwk" and isinstance(value, dict):
        return _key(value)
    if name == "jwks" and isinstance(value, dict):
        return "; ".join(_key(jwk) for jwk in value.get("keys", ()))
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        value = " ".join(value)
    return shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
