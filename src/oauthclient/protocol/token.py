"""The token endpoint's answers (RFC 6749, section 5), and the token that comes of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import AuthorizationServerError, DowngradeRefused, ErrorResponse, InvalidResponse
from oauthclient.jose.proof import ath
from oauthclient.protocol.seconds import seconds_member
from oauthclient.protocol.session import KeptToken
from oauthclient.protocol.strict_json import parse_object, text_member
from oauthclient.protocol.text import sentence, shown
from oauthclient.protocol.wire import Instant
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.wire import Response

_ACCESS_TOKEN: Final = re.compile(
    r"[\x21-\x7E]+"
)  # RFC 6749, appendix A.12, without the space, which no header carries
_ERROR: Final = re.compile(r"[\w.:/-]+", re.ASCII)  # a word to branch on, or a URI where it is an extension's
_DELAY: Final = re.compile(r"[0-9]{1,9}")
_NEVER: Final = float("inf")
_ERRORS_EXPECTED: Final = (400, 401, 403, 429)
_HINTS: Final = {
    "invalid_client": "Check client_id, the registered key or secret, and the audience wanted in assertions.",
    "invalid_grant": "What was presented as the grant is not, or no longer, accepted.",
    "invalid_scope": "Ask for scopes the server knows and this client may have.",
    "invalid_target": "Check Resource.identifier, byte for byte. Servers without `resource`: OAuthClient(target=).",
    "unauthorized_client": "Let the server's administrator allow this grant to the client.",
    "unsupported_grant_type": "Use a grant type the server lists.",
    "invalid_dpop_proof": "Check the clock, and that no gateway rewrites the URL (DPoP(htu=...)).",
    "use_dpop_nonce": "The server wanted another nonce again; its nonces may live too short.",
}


class Token:
    """An access token and what was said of it. Opaque: nobody here looks inside.

    `scope`: what was granted, which may be less than asked, or None if none was asked and named. `token_type`: as the
    server spelled it. `expires_at`: seconds since 1970, or None if the server did not say. `certificate`: the
    `x5t#S256` of the client certificate that it is bound to, None where it is bound to none.
    """

    __slots__ = (
        "_access_token",
        "ath",
        "authorization",
        "certificate",
        "expires_at",
        "obtained",
        "renew_steady",
        "renew_wall",
        "scope",
        "stop_steady",
        "stop_wall",
        "token_type",
    )

    def __init__(
        self,
        access_token: Secret,
        *,
        scheme: str,
        token_type: str,
        scope: str | None,
        lifetime: float | None,
        asked: Instant,
        obtained: Instant,
        jitter: float,
        certificate: str | None = None,
    ) -> None:
        self.certificate = certificate
        self._access_token = access_token
        self.authorization = Secret(f"{scheme} {access_token.reveal()}")
        self.ath = ath(access_token.reveal()) if scheme == "DPoP" else None
        self.token_type = token_type
        self.scope = scope
        self.obtained = obtained
        self.expires_at = None if lifetime is None else asked.wall + lifetime
        # Valid while both clocks say so: the wall clock may be set back, the steady one does not outlive a reboot.
        life = _NEVER if lifetime is None else lifetime
        margin = min(10.0, life / 10) if life < _NEVER else 0.0
        self.stop_wall = asked.wall + life - margin
        self.stop_steady = asked.steady + life - margin
        early = life * (0.8 + 0.1 * jitter) if life < _NEVER else _NEVER
        self.renew_wall = asked.wall + early
        self.renew_steady = asked.steady + early

    @classmethod
    def kept(cls, kept: KeptToken, *, scheme: str, now: Instant, jitter: float) -> Token:
        """The token that another process stored; how old it is, only the wall clock tells."""
        age = max(now.wall - kept.obtained_at, 0.0)
        obtained = Instant(now.wall - age, now.steady - age)
        return cls(
            kept.access_token,
            scheme=scheme,
            token_type=kept.token_type,
            scope=kept.scope,
            lifetime=None if kept.expires_at is None else max(kept.expires_at - obtained.wall, 0.0),
            asked=obtained,
            obtained=obtained,
            jitter=jitter,
            certificate=kept.certificate,
        )

    def to_keep(self, *, asked: str | None) -> KeptToken:
        """What to store of it. `asked`: the scope that the server was asked for."""
        return KeptToken(
            self._access_token,
            self.token_type,
            self.scope,
            asked,
            self.obtained.wall,
            self.expires_at,
            self.certificate,
        )

    @property
    def access_token(self) -> str:
        """The token itself: a secret."""
        return self._access_token.reveal()

    def usable(self, wall: float, steady: float) -> bool:
        """Whether it may still be presented at this moment."""
        return wall < self.stop_wall and steady < self.stop_steady

    def retire(self) -> None:
        """Never present it again: a resource server has rejected it."""
        self.renew_wall = self.renew_steady = self.stop_wall = self.stop_steady = -_NEVER

    def replace_by(self, wall: float) -> None:
        """Present it only until there is another one, and not beyond `wall`: its certificate was renewed."""
        self.renew_wall = self.renew_steady = -_NEVER
        self.stop_wall = min(self.stop_wall, wall)

    @property
    def retired(self) -> bool:
        """Whether `retire` was called."""
        return self.stop_wall == -_NEVER

    def age(self, steady: float) -> float:
        """Seconds since it was obtained."""
        return steady - self.obtained.steady

    def __repr__(self) -> str:
        return f"<Token {self.token_type} scope={self.scope!r} expires_at={self.expires_at}>"


def read_token_response(response: Response, *, binding: Binding, asked: str | None, what: str, jitter: float) -> Token:
    """The token in an answer of the token endpoint (RFC 6749, section 5.1).

    `binding`: what it was asked to be bound to. It comes with the type of that, in any case; another type is refused.
    `asked`: the scope asked for, which is what was granted unless the server says otherwise.
    `jitter`: 0 to 1, spreads early renewals. Raises ErrorResponse, InvalidResponse, DowngradeRefused.
    """
    scheme = binding.token_type
    document = read_success(response, what=what)
    access_token = text_member(document, "access_token", what=what, required=True)
    token_type = text_member(document, "token_type", what=what, required=True)
    if not _ACCESS_TOKEN.fullmatch(access_token):
        raise InvalidResponse(f"The access token in {what} cannot stand in a header.", code="malformed_token")
    if token_type.lower() != scheme.lower():
        if scheme == "DPoP":
            raise DowngradeRefused(
                sentence(f"{what} holds a token of type {shown(token_type)} where DPoP was asked for."),
                hint="The server binds no tokens of this client: register it for DPoP, or ask for Bearer() by name.",
            )
        raise InvalidResponse(
            f"The token in {what} is of type {shown(token_type)}, not {scheme}.", code="unexpected_token_type"
        )
    return Token(
        Secret(access_token),
        scheme=scheme,
        token_type=token_type,
        scope=text_member(document, "scope", what=what) or asked,
        lifetime=seconds_member(document, "expires_in", what=what),
        asked=response.sent,
        obtained=response.received,
        jitter=jitter,
        certificate=None if binding.certificate is None else response.certificate,
    )


def read_success(response: Response, *, what: str) -> dict[str, Any]:
    """The JSON object of a 200, or the error the answer stands for."""
    if response.status != 200:  # noqa: PLR2004  # the one status of success (RFC 6749, section 5.1)
        raise read_error(response, what=what)
    document = parse_object(response.body, what=what)
    if document.get("error") is not None:  # some servers answer errors with 200
        raise _oauth_error(document, response, what=what)
    return document


def read_error(response: Response, *, what: str) -> AuthorizationServerError:
    """The error that an answer other than 200 stands for (RFC 6749, section 5.2)."""
    if 300 <= response.status < 400:  # noqa: PLR2004  # the class of redirections
        return InvalidResponse(
            sentence(f"{what} is a redirect ({response.status}), which is never followed with credentials."),
            code="redirected",
            hint="Correct the endpoint in the server's metadata.",
        )
    try:
        document = parse_object(response.body, what=what)
        if document.get("error") is not None:
            return _oauth_error(document, response, what=what)
    except InvalidResponse as malformed:
        if response.status in _ERRORS_EXPECTED and response.status != 429:  # noqa: PLR2004  # may come from a proxy
            malformed.args = (f"{malformed.message} (HTTP status {response.status})",)
            return malformed
    error = InvalidResponse(
        sentence(f"{what} has HTTP status {response.status} and names no OAuth error."),
        code="unexpected_status",
    )
    error.retry_after = retry_after(response)
    return error


def retry_after(response: Response) -> float | None:
    """The seconds of a Retry-After header (RFC 9110, section 10.2.3); a date in it is not read."""
    value = response.headers.get("retry-after", "").strip()
    return float(value) if _DELAY.fullmatch(value) else None


def _oauth_error(document: dict[str, Any], response: Response, *, what: str) -> ErrorResponse:
    name = shown(document["error"])
    description = shown(document.get("error_description") or "")
    error = ErrorResponse(
        sentence(f"{what} is the error {name}") + (f": {description}" if description else "").rstrip(".") + ".",
        code=name if _ERROR.fullmatch(name) else None,
        hint=_HINTS.get(name),
    )
    error.description = description
    error.status = response.status
    error.retry_after = retry_after(response)
    return error
