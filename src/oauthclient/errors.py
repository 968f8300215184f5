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
    ├── TLSFailed                     a TLS connection that failed over the certificate of one side or the other
    ├── GrantFailed                   a grant or an assertion that the program makes itself could not be had
    ├── InvalidJWT                    a JWT that does not verify as the kind that was expected
    ├── LoginError                    a person could not log in
    │   ├── LoginTimeout              no answer came from the browser in time
    │   ├── NoBrowser                 there is no browser that could be opened here
    │   └── PortTaken                 the port for the answer of the browser cannot be had
    ├── ReauthenticationRequired      a session that cannot go on without its person; `reason` says why
    ├── StorageError                  what is kept on this machine could not be read or written; it is still there
    │   ├── StorageLocked             the keyring is locked, or gave no answer in time
    │   ├── StorageUnavailable        there is no keyring to use
    │   ├── StorageUnreadable         a record that is damaged, or was sealed with another key or under another name
    │   ├── StorageTooNew             a record that a newer version of this library wrote
    │   ├── StorageUnwritable         a record or a key that cannot be stored: full, read-only
    │   ├── StorageBusy               another process or thread holds the record
    │   └── WrongStorageKey           the passphrase or key is not the one that the records were sealed with
    └── AuthorizationServerError      asking the authorization server did not bring what was asked for
        ├── DiscoveryFailed           no metadata could be had for the issuer
        ├── RegistrationLost          a registered client that can no longer be managed, though it may still work
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

    @property
    def message(self) -> str:
        """What happened, without the hint."""
        return str(self.args[0])

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


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


class TLSFailed(OAuthError):
    """A TLS connection that failed: the certificate of one side was not accepted by the other (RFC 8446, 6.2)."""

    code = "tls_failed"


class GrantFailed(OAuthError):
    """A grant or an assertion that the program makes itself could not be had; its own exception is the `__cause__`."""

    code = "grant_failed"


class InvalidJWT(OAuthError):
    """A JWT that does not verify as the kind that was expected (RFC 8725)."""

    code = "invalid_jwt"


class LoginError(OAuthError):
    """A person could not log in on this machine (RFC 8252)."""

    code = "login_error"


class LoginTimeout(LoginError):
    """No answer to the authorization request came from the browser in time."""

    code = "login_timeout"
    hint = "Log in again, and finish in the browser; or allow more time."


class NoBrowser(LoginError):
    """There is no browser that could be opened here: in an SSH session, in a container, without a display."""

    code = "no_browser"
    hint = "Open the URL yourself (--no-browser prints it), or log in by way of another device (--device)."


class PortTaken(LoginError):
    """The port that listens for the answer of the browser (RFC 8252, section 7.3) cannot be had."""

    code = "port_taken"
    hint = "End the program that uses it (another login, perhaps), or leave the port to be chosen."


class ReauthenticationRequired(OAuthError):
    """A session cannot go on without its person: log in again. The one error an app with sessions must handle.

    `reason`, which is its `code`: "no_session", "no_refresh_token", "not_granted", "refresh_rejected",
    "refresh_outcome_unknown", "identity_changed" or "certificate_changed".
    """

    code = "no_session"
    hint = "Log in again."

    @property
    def reason(self) -> str:
        """Why: the same as `code`."""
        return self.code


class StorageError(OAuthError):
    """What is kept on this machine could not be read or written. What was there before is still there."""

    code = "storage_error"


class StorageLocked(StorageError):
    """The keyring is locked, or gave no answer in time: it may be waiting for a person to unlock it."""

    code = "storage_locked"
    hint = "Unlock the keyring of this desktop session and try again."


class StorageUnavailable(StorageError):
    """There is no keyring to use, or it has gone away."""

    code = "storage_unavailable"
    hint = (
        "Without a keyring, keep sessions in a sealed file: Vault.file(folder, passphrase=...) or key=..., or "
        "Vault.from_environment(folder); or in memory, until the process ends: Vault.memory()."
    )


class StorageUnreadable(StorageError):
    """A record that is damaged, or was sealed with another key or under another name. It is left where it is."""

    code = "storage_unreadable"
    hint = "Restore it from a backup, or log in again: that replaces it."


class StorageTooNew(StorageError):
    """A record that a newer version of this library wrote. It is left where it is."""

    code = "storage_too_new"
    hint = "Update the program, or log in under another profile."


class StorageUnwritable(StorageError):
    """A record or a key that cannot be stored: a full disk, a read-only folder, a value that no JSON can hold."""

    code = "storage_unwritable"


class StorageBusy(StorageError):
    """Another process or thread holds the record, and did not let go of it in time."""

    code = "storage_busy"
    hint = "Try again; if it stays so, look for a process of this program that hangs."


class WrongStorageKey(StorageError):
    """The passphrase or the key is not the one that the records in this folder were sealed with."""

    code = "wrong_storage_key"
    hint = "Give the one that was used first; nothing was overwritten."


class AuthorizationServerError(OAuthError):
    """Asking the authorization server did not bring what was asked for.

    `retry_after`: seconds after which another attempt makes sense, if the server said so.
    """

    code = "authorization_server_error"
    retry_after: float | None = None


class DiscoveryFailed(AuthorizationServerError):
    """No metadata could be had for an issuer (RFC 8414, OpenID Connect Discovery)."""

    code = "discovery_failed"


class RegistrationLost(AuthorizationServerError):
    """The authorization server no longer takes the token that a registered client is managed by (RFC 7592, 2)."""

    code = "registration_lost"


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
