"""One TLS context for each certificate and choice of CAs in the process: making one takes tens of milliseconds."""

from __future__ import annotations

import functools
import os
import secrets
import ssl
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from oauthclient.errors import ConfigurationError, InvalidKey
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from oauthclient.jose.certificate import Certificate

Trust = Callable[[], ssl.SSLContext]
"""Makes a context that trusts some CAs; a new one at each call, for it is changed."""


class _Which(NamedTuple):
    chain_s256: str
    trust: Trust
    http2: bool  # httpcore writes what it negotiates into the context


_contexts: Final[weakref.WeakValueDictionary[_Which, ssl.SSLContext]] = weakref.WeakValueDictionary()
_lock: Final = threading.RLock()
_by_path: Final[dict[str, Trust]] = {}

if hasattr(os, "register_at_fork"):  # or a child might be left with a lock that nobody opens any more
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def trust(verify: Any, family: Any, *, trust_env: bool = True) -> Trust:
    """What `verify` stands for: the path of a file of CAs, a function that makes a context, None for the library's own.

    That file is read when a context is made: `unreadable_ca`. Raises ConfigurationError (`unusable_verify`).
    """
    if verify is None or verify is True:
        return _of_library(family, trust_env)
    if isinstance(verify, str | os.PathLike):
        # Links are followed when it is read: those that lead to CAs are exchanged, as those to certificates are.
        path = os.path.abspath(verify)  # noqa: PTH100  # Path.absolute keeps the dots
        return _by_path.setdefault(path, functools.partial(context_trusting, path))
    if callable(verify):
        given: Trust = verify
        return given
    raise _unusable(f"cannot be a {type(verify).__name__} beside a client certificate")


@functools.cache
def _of_library(family: Any, trust_env: bool) -> Trust:  # noqa: FBT001  # a cache's key
    """Makes the context that the library makes by itself."""
    made: Trust = functools.partial(family.create_ssl_context, trust_env=trust_env)
    return made


def context_trusting(path: str | os.PathLike[str]) -> ssl.SSLContext:
    """A context that trusts the CAs in a file. Raises ConfigurationError (`unreadable_ca`)."""
    try:
        return ssl.create_default_context(cafile=Path(path))
    except (OSError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"The CA certificates in {shown(path)} cannot be read: {shown(error)}.",
            code="unreadable_ca",
            hint="Give the path of a file of CA certificates in PEM.",
        ) from None


def context(certificate: Certificate, trust: Trust, *, http2: bool) -> ssl.SSLContext:
    """The context that presents `certificate`, kept for as long as somebody uses it.

    Raises ConfigurationError: `unreadable_ca`, `unusable_verify`.
    """
    which = _Which(certificate.chain_s256, trust, http2)
    with _lock:
        found = _contexts.get(which)
        if found is None:
            found = trust()
            if not isinstance(found, ssl.SSLContext) or any(found is other for other in _contexts.values()):
                raise _unusable("is a function that did not make a new SSLContext")
            if found.verify_mode == ssl.CERT_NONE:
                raise _unusable("is a function whose SSLContext verifies no server")
            _load(found, certificate)
            _contexts[which] = found
        return found


def prepare(before: Certificate, certificate: Certificate) -> list[ssl.SSLContext]:
    """Contexts for `certificate`, like those that are in use for the one before it; hold them until they are."""
    with _lock:
        alike = [which for which in _contexts if which.chain_s256 == before.chain_s256]
    return [context(certificate, which.trust, http2=which.http2) for which in alike]


def check_loads(certificate: Certificate) -> None:
    """Raise InvalidKey (`unusable_certificate`) for what TLS would not present, such as a key that is too weak."""
    _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate)


def _load(context: ssl.SSLContext, certificate: Certificate) -> None:
    # A context reads files only. What is written there for a moment is encrypted, under a passphrase for once.
    passphrase = secrets.token_hex(16)
    fault: InvalidKey | ConfigurationError
    try:
        descriptor, path = tempfile.mkstemp(prefix="oauthclient-", suffix=".pem")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(certificate.encrypted_pem(passphrase.encode("ascii")))
            context.load_cert_chain(path, password=passphrase)
        finally:
            Path(path).unlink(missing_ok=True)
    except ssl.SSLError as error:
        reason = shown(getattr(error, "reason", "") or error)
        fault = InvalidKey(
            f"TLS does not take the client certificate {certificate}: {reason}.",
            code="unusable_certificate",
            hint="Its key, or a signature in its chain, is probably too weak for the OpenSSL of this machine.",
        )
    except OSError as error:
        fault = ConfigurationError(
            f"No temporary file can be written, from which TLS reads the client certificate: {error.strerror}.",
            code="no_temporary_file",
            hint="Let TMPDIR name a folder that this program may write to, such as one in memory.",
        )
    else:
        return
    raise fault


def _unusable(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"verify= {what}.",
        code="unusable_verify",
        hint="Give the path of a file of CA certificates, or a function that makes a new SSLContext: "
        "each renewed certificate needs one of its own.",
    )
