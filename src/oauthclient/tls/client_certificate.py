"""A program's client certificate, which may be renewed while the program runs (RFC 8705, section 6.3)."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from oauthclient import time
from oauthclient.errors import ConfigurationError, InvalidKey
from oauthclient.jose.certificate import read_certificate
from oauthclient.secret import Secret
from oauthclient.tls.files import PEMFiles, kept, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.jose.certificate import Certificate
    from oauthclient.tls.files import Passphrase

C = TypeVar("C")

_KEPT: Final = 64  # former certificates, for the sessions that are bound to one of them
_FIRST_PAUSE: Final = 1.0  # seconds after files that cannot be used, doubling, unless they change before
_LONGEST_PAUSE: Final = 60.0
_LONGEST_READING: Final = 30.0  # seconds after which it is said that a reading hangs
_LOG: Final = logging.getLogger("oauthclient")


@final
class ClientCertificate:
    """The certificate that a program presents, its key, and the intermediates. Share one object among all its clients.

    Made by `from_files`, whose files are looked at again while the program runs, or by `from_pem`. It is read and
    checked when it is made: InvalidKey says that it has expired, is not valid yet (`certificate_expired`,
    `certificate_not_yet_valid`), does not belong to its key (`certificate_key_mismatch`), or cannot be used.

    A renewal is accepted once its files are whole and valid, until then the certificate before it stays in use;
    `problem` says why, and the logger `oauthclient` tells of both. Each certificate is a generation of its own: tokens
    that are bound to one go only over connections that were opened with it.
    """

    def __init__(self) -> None:
        raise TypeError("A ClientCertificate is made by from_files or from_pem.")

    @classmethod
    def from_files(
        cls,
        certificate: str | os.PathLike[str],
        key: str | os.PathLike[str] | None = None,
        *,
        passphrase: Passphrase | None = None,
        check_every: float = 1.0,
    ) -> ClientCertificate:
        """The certificate in a PEM file, the client's own first; `key`: the file of its key, if it is another one.

        `passphrase`: of an encrypted key, or a function that fetches it, called at each reading. `check_every`: seconds
        between two looks at the files. Raises InvalidKey; ConfigurationError (`unreadable_file`).
        """
        if not isinstance(check_every, int | float) or not 0 <= check_every < float("inf"):
            raise ConfigurationError("check_every= is a number of seconds.", code="unknown_setting")
        try:
            files = PEMFiles(certificate, key, passphrase)
        finally:
            del certificate, key, passphrase  # no traceback is to show them
        try:
            seen = files.state()  # first: what is written meanwhile is noticed
        except OSError:
            seen = None
        found = files.read()
        made = object.__new__(cls)
        made._start(found, files=files, check_every=check_every, seen=seen)
        return made

    @classmethod
    def from_pem(
        cls, pem: bytes | str, key: bytes | str | Secret | None = None, *, passphrase: Passphrase | None = None
    ) -> ClientCertificate:
        """The certificate in `pem`, with its key there or in `key`. It is never renewed. Raises InvalidKey."""
        try:
            found = read_certificate(pem, key.reveal() if isinstance(key, Secret) else key, told(kept(passphrase)))
        finally:
            del pem, key, passphrase  # no traceback is to show them
        if isinstance(found, InvalidKey):
            raise found
        made = object.__new__(cls)
        made._start(found)
        return made

    def _start(
        self,
        certificate: Certificate,
        *,
        files: PEMFiles | None = None,
        check_every: float = 0.0,
        seen: object = None,
    ) -> None:
        from oauthclient.tls.contexts import check_loads

        self._current = certificate
        certificate.check(time.wall())
        check_loads(certificate)
        self._former: dict[str, Certificate] = {}
        self._files = files
        self._check_every = check_every
        self._seen = seen
        self._look_again = time.steady() + check_every if files is not None else float("inf")
        self._try_again = float("inf")
        self._pause = 0.0
        self._looking: dict[int, list[float]] = {}  # since when, by process: a fork leaves the parent's threads behind
        self._contexts: Any = ()
        self._listeners: list[Callable[[], Callable[[Certificate, Certificate], None] | None]] = []
        self.problem: str | None = None
        """Why the files that are there now are not in use, or None."""

    def current(self) -> Certificate:
        """The certificate to present now. Looks at the files at most once in `check_every` seconds, and never waits."""
        if time.steady() >= self._look_again:
            self._look()
        return self._current

    def generation(self, x5t_s256: str) -> Certificate | None:
        """The certificate with that thumbprint, if it is, or was, this program's and has not expired."""
        found: Certificate | None = self._current  # read once: it may be renewed meanwhile
        if found is None or found.x5t_s256 != x5t_s256:
            found = self._former.get(x5t_s256)
        return None if found is None or time.wall() > found.not_after else found

    def on_renewal(self, tell: Callable[[Certificate, Certificate], None]) -> None:
        """Have `tell` called, with the former certificate and the new one, when a renewal has been accepted.

        A method does not keep its object alive for that.
        """
        method = isinstance(tell, MethodType) and hasattr(tell.__self__, "__weakref__")
        self._listeners.append(weakref.WeakMethod(tell) if method else lambda: tell)

    def client(self, kind: type[C], **settings: Any) -> C:
        """An httpx or httpx2 client, sync or async, that presents this certificate to every server that asks.

            with certificate.client(httpx.Client, auth=auth) as api: ...

        `settings` are those of the client: `http2`, `limits`, `proxy`, `trust_env`, `mounts` and all others; and
        `retries`, `uds`, `local_address` and `socket_options` of the transport. `verify`: the path of a file of CA
        certificates, or a function that makes an SSLContext; by default what the library trusts. Raises
        ConfigurationError where a setting would take the certificate's place. A TLS connection that fails raises
        TLSFailed.
        """
        from oauthclient.tls.clients import client

        return client(self, kind, settings)

    def _look(self) -> None:
        files = self._files
        looker = [time.steady()]
        if files is None:
            return
        began = self._looking.setdefault(os.getpid(), looker)
        if began is not looker:
            if time.steady() - began[0] > _LONGEST_READING:
                self._keep("reading its files, or getting the passphrase, does not come to an end")
            return
        self._look_again = time.steady() + self._check_every
        try:
            seen = self._changed(files)
            if seen is not None:
                # Not here: a request waits, and a context with its CAs takes tens of milliseconds.
                threading.Thread(
                    target=self._reload, args=(files, seen), name="oauthclient-certificate", daemon=True
                ).start()
                return
        except RuntimeError:  # no thread can be had: the interpreter is ending, or the system is out of them
            pass
        self._looking.pop(os.getpid(), None)

    def _changed(self, files: PEMFiles) -> object:
        """The state of the files, if they are to be read again, else None."""
        try:
            seen = files.state()
        except OSError as error:
            self._seen = None
            self._keep(f"{error.filename}: {error.strerror}")
            return None
        if seen != self._seen or time.steady() >= self._try_again:
            return seen
        if self.problem is None and time.wall() > self._current.not_after:
            self._keep("it has expired, and its files hold no other")
        return None

    def _reload(self, files: PEMFiles, seen: object) -> None:
        wait = 0.0
        try:
            certificate = files.read()
            wait = certificate.not_before - time.wall()
            self._accept(certificate)
        except (InvalidKey, ConfigurationError) as error:
            self._fail(error.message.rstrip("."), wait)
        except BaseException as error:  # noqa: BLE001  # of the program's own: one that fetches a passphrase may exit
            self._fail(f"{type(error).__name__} while reading it")
        finally:
            self._seen = seen  # not before: the child of a fork goes without this thread
            self._looking.pop(os.getpid(), None)

    def _accept(self, certificate: Certificate) -> None:
        from oauthclient.tls.contexts import check_loads, prepare

        certificate.check(time.wall())
        check_loads(certificate)
        before = self._current
        changed = certificate.chain_s256 != before.chain_s256
        if changed:
            self._contexts = prepare(before, certificate)
        renewed = certificate.x5t_s256 != before.x5t_s256
        if renewed:
            now = time.wall()
            former = {name: each for name, each in self._former.items() if each.not_after >= now}
            former.pop(before.x5t_s256, None)
            self._former = dict([*former.items(), (before.x5t_s256, before)][-_KEPT:])
        if changed:
            self._current = certificate
        self.problem = None
        self._pause = 0.0
        self._try_again = float("inf")
        if renewed:
            _LOG.info("The client certificate was renewed: %s, in place of x5t#S256 %s.", certificate, before.x5t_s256)
            self._tell(before, certificate)

    def _tell(self, before: Certificate, certificate: Certificate) -> None:
        for listener in list(self._listeners):
            tell = listener()
            if tell is None:
                self._listeners.remove(listener)
                continue
            try:
                tell(before, certificate)
            except Exception:  # noqa: BLE001  # of the program's own; the renewal is none the worse for it
                _LOG.exception("What was to be told of the renewed client certificate failed.")

    def _fail(self, problem: str, wait: float = 0.0) -> None:
        """Stay with the certificate there is, for now. `wait`: seconds until the one in the files becomes valid."""
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._try_again = time.steady() + (min(self._pause, wait) if wait > 0 else self._pause)
        self._keep(problem)

    def _keep(self, problem: str) -> None:
        """Stay with the certificate there is, and say so once."""
        if problem != self.problem:
            self.problem = problem
            _LOG.warning("The client certificate %s stays in use: %s.", self._current, problem)

    def __repr__(self) -> str:
        return f"ClientCertificate({self._current})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("A client certificate cannot be pickled.")
