"""Every error this library raises: one tree, stable codes, and a hint that says what to do.

    OAuthError
    ├── ConfigurationError            what the program asked for cannot work; nothing was sent
    │   ├── InvalidKey                a key or secret that cannot be used: unreadable, wrong passphrase, public, weak
    │   └── NotOffered                the authorization server's metadata does not offer what was asked for
    ├── RequestRefused                an API request that was not sent
    │   ├── NoResourceForURL          its URL lies outside every resource
    │   ├── UnsafeURL                 its URL could be read in two ways, or would carry a token in the clear
    │   └── AlreadyAuthorized         it already carries an Authorization header
    ├── RedirectLeftResource          a redirect that httpx followed carried a request out of its resource
    ├── GrantFailed                   a grant or an assertion that the program makes itself could not be had
    ├── InvalidJWT                    a JWT that does not verify as the kind that was expected
    └── AuthorizationServerError      asking the authorization server did not bring what was asked for
        ├── DiscoveryFailed           no metadata could be had for the issuer
        ├── Unreachable               no answer: connection, TLS, timeout
        ├── InvalidResponse           an answer that is not what its RFC says
        │   └── DowngradeRefused      a token without the sender constraint that was asked for
        └── ErrorResponse             an OAuth error answer (RFC 6749, section 5.2)

`code` is a stable word to branch on, `hint` a sentence that says what to do next. The errors carry no secret, no
request and no response, so that they may be logged, copied and pickled.
"""


class OAuthError(Exception):
    """Base of all errors of this library.

    `code`: a stable identifier, such as `"no_resource_for_url"`. `hint`: what to do about it, or "".
    """

    code: str = "oauth_error"
    hint: str = ""

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message} {self.hint}" if self.hint else message


class ConfigurationError(OAuthError):
    """What the program asked for cannot work. Nothing was sent."""

    code = "configuration"


class InvalidKey(ConfigurationError):
    """A key or a shared secret that cannot be used."""

    code = "invalid_key"


class NotOffered(ConfigurationError):
    """The authorization server's metadata (RFC 8414) does not offer what was asked for. Nothing was spent."""

    code = "not_offered"


class RequestRefused(OAuthError):
    """An API request that was not sent, because no token may go with it."""

    code = "request_refused"


class NoResourceForURL(RequestRefused):
    """The URL of a request lies outside every resource (RFC 8707, section 2)."""

    code = "no_resource_for_url"
    hint = 'Declare a Resource whose URL is a prefix of it, or send such requests with outside="anonymous".'


class UnsafeURL(RequestRefused):
    """The URL of a request could be read in two ways, or would carry a token in the clear."""

    code = "unsafe_url"


class AlreadyAuthorized(RequestRefused):
    """A request already carries an Authorization header that this library did not write."""

    code = "already_authorized"
    hint = "Leave the Authorization header to the auth object, or send this request with auth=None."


class RedirectLeftResource(OAuthError):
    """A followed redirect carried a request out of the resource its token was for (RFC 9700, section 4.9)."""

    code = "redirect_left_resource"
    hint = "Use attach(client, auth), which sends such hops without credentials, or do not follow redirects."


class GrantFailed(OAuthError):
    """A grant or an assertion that the program makes itself could not be had; its own exception is the `__cause__`."""

    code = "grant_failed"


class InvalidJWT(OAuthError):
    """A JWT that does not verify as the kind that was expected (RFC 8725)."""

    code = "invalid_jwt"


class AuthorizationServerError(OAuthError):
    """Asking the authorization server did not bring what was asked for.

    `retry_after`: seconds after which another attempt makes sense, if the server said so.
    """

    code = "authorization_server_error"
    retry_after: float | None = None


class DiscoveryFailed(AuthorizationServerError):
    """No metadata could be had for an issuer (RFC 8414, OpenID Connect Discovery)."""

    code = "discovery_failed"


class Unreachable(AuthorizationServerError):
    """The authorization server gave no answer: connection, TLS, timeout."""

    code = "unreachable"


class InvalidResponse(AuthorizationServerError):
    """The authorization server gave an answer that is not what its RFC says."""

    code = "invalid_response"


class DowngradeRefused(InvalidResponse):
    """The authorization server issued a token that is not bound, where binding was asked for (RFC 9449, section 5)."""

    code = "downgrade_refused"


class ErrorResponse(AuthorizationServerError):
    """The authorization server answered with an OAuth error (RFC 6749, section 5.2).

    `code` is the server's `error`, `description` its `error_description` (shortened, without control characters),
    `status` the HTTP status.
    """

    code = "error_response"
    description: str = ""
    status: int = 0
