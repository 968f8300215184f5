"""A TLS connection that failed, in words: the host, the reason, and what to do (RFC 8446, section 6.2)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from oauthclient.errors import TLSFailed
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a server says that does not like our certificate, or misses it. OpenSSL names the alerts by the version of TLS
# that brought them; a server of TLS 1.2 that misses a certificate ends the handshake without a better reason.
_ABOUT_OURS: Final = (
    "CERTIFICATE_REQUIRED",
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "UNKNOWN_CA",
    "ACCESS_DENIED",
    "HANDSHAKE_FAILURE",
    "DECRYPT_ERROR",
)

# The server's alert comes after the client thinks that the handshake is over (RFC 8446, section 4.4.2.4), and is lost
# if the server closes the connection before it has read the request.
_NOTE: Final = (
    "{} ended the connection. If it does so with each new one, it may be that it does not accept "
    "the client certificate."
)


def tls_failure(error: BaseException, host: str, handled: BaseException | None = None) -> TLSFailed | None:
    """What a failed connection to `host` stands for, where TLS is to blame; else None.

    `handled`: what the program was handling when it sent the request; Python makes that a part of the context. The code
    is `certificate_refused` where the server did not take our certificate, or wanted one; else `tls_failed`.
    """
    # Asynchronous code gets other SSLErrors all the time, which only say that there is nothing to read yet.
    failed = next((each for each in _causes(error, handled) if _is_of_protocol(each)), None)
    if failed is None:
        if type(error).__name__ in ("ReadError", "WriteError", "RemoteProtocolError"):  # of either family
            error.add_note(_NOTE.format(host))
        return None
    reason = getattr(failed, "reason", "") or ""
    if "ALERT" in reason and any(reason.endswith(alert) for alert in _ABOUT_OURS):
        return TLSFailed(
            f"{host} did not accept the client certificate, or misses one: {_words(reason)}.",
            code="certificate_refused",
            hint="Check that its CA is one that the server trusts, and that it has not expired; "
            "certificate.client(httpx.Client) makes a client that presents it.",
        )
    told = shown(getattr(failed, "verify_message", "") or _words(reason) or failed)
    return TLSFailed(
        f"No trusted connection to {host}: {told}.",
        code="tls_failed",
        hint="If the server's certificate comes from a private CA, give its file: verify=..."
        if isinstance(failed, ssl.SSLCertVerificationError)
        else "Something in between may not speak TLS; and no client is shared across a fork: make one in the child.",
    )


def _is_of_protocol(error: BaseException) -> bool:
    return isinstance(error, ssl.SSLError) and error.errno == ssl.SSL_ERROR_SSL


def _causes(error: BaseException | None, handled: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came of; the HTTP libraries wrap them two and three deep, and keep some as context alone."""
    seen: set[int] = set()
    while error is not None and error is not handled and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _words(reason: str) -> str:
    return reason.replace("_", " ").lower()
