"""A private key that never leaves its token: a smart card, an HSM (PKCS #11 version 3.0, RFC 7518 section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from oauthclient.errors import InvalidKey
from oauthclient.jose.algorithms import ALGORITHMS, SIGNING
from oauthclient.jose.one_algorithm import OneAlgorithmKey
from oauthclient.jose.verifying_key import VerifyingKey
from oauthclient.secret import Secret

# python-pkcs11, an extra, is imported by the module that this one imports inside.
if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.jose.pkcs11_session import KeySession

_PROBE: Final = b"Is this the private half of that public key?"


@final
class PKCS11Key(OneAlgorithmKey):
    """A private key on a token, and the one algorithm it signs with: a `Signer`. It needs the extra `pkcs11`.

    `module`: the path of the token's PKCS #11 library. `token` and `label`: the labels of the token and of the key,
    whose public key must be there too, under the same CKA_ID or label. `pin`: the user's, or a callable that gets it
    whenever it is needed: now, in a forked child, and when the token was away; what it raises is raised. `algorithm`:
    Ed25519, ES256/384/512, PS256/384/512 or RS256. `kid`: the key ID to send.

    The key is looked for when this is made, and tried with one signature. Any number of threads may sign; the tokens of
    a process do it one after the other. A login to a token is the whole process's: its next key needs no PIN.

    Raises ConfigurationError (`extra_missing`); InvalidKey, here and from `sign`: `module_unusable`, `wrong_pin`,
    `pin_locked`, `pin_not_set`, `no_such_token`, `ambiguous_token`, `no_such_key`, `ambiguous_key`, `no_public_key`,
    `key_mismatch`, `algorithm_mismatch`, `unsupported_algorithm`, `weak_key`, `unreadable_key`, `token_failed`.
    """

    __slots__ = ("_label", "_module", "_needs", "_pin", "_refused", "_session", "_token")

    def __init__(
        self,
        module: str,
        *,
        token: str,
        label: str,
        pin: Secret | str | Callable[[], Secret | str],
        algorithm: str = "ES256",
        kid: str | None = None,
    ) -> None:
        self._pin = pin if callable(pin) else Secret(pin)
        del pin  # or a traceback from here on would hold it
        if algorithm not in SIGNING:
            raise InvalidKey(
                "A key on a token does not sign with the algorithm that was asked for.",
                code="unsupported_algorithm",
                hint=f"Use one of {', '.join(SIGNING)}.",
            )
        self._needs = ALGORITHMS[algorithm]
        self._label = label
        self._module = module
        self._token = token
        self._refused: InvalidKey | None = None
        self._session: KeySession | None = None
        from oauthclient.jose.pkcs11_session import process

        with process.lock:
            session = self._opened()
            try:
                public_jwk = self._tried(session)
            except InvalidKey:
                session.close()  # or the process would stay logged in
                raise
        self._is(algorithm, kid, public_jwk)

    def sign(self, message: bytes) -> bytes:
        """The raw JOSE signature of `message` (RFC 7518 section 3, RFC 8037). Raises InvalidKey as the class does."""
        from oauthclient.jose.pkcs11_session import process

        with process.lock:
            if self._session is not None and self._session.process == process.number:
                signature = self._session.sign(message)
                if isinstance(signature, bytes):
                    return signature
                # The token was away, or closed the session: that is over, or is met again in a new one.
                self._session.close()
            self._session = None
            signature = self._opened().sign(message)
        if isinstance(signature, InvalidKey):
            raise signature
        return signature

    def _opened(self) -> KeySession:
        from oauthclient.jose.pkcs11_session import open_key

        if self._refused is not None:  # a token locks itself after a few wrong PINs: the same one is not tried again
            raise InvalidKey(str(self._refused.args[0]), code=self._refused.code, hint=self._refused.hint)
        session = open_key(self._module, self._token, self._label, self._needs, self._current_pin)
        if isinstance(session, InvalidKey):
            if session.code in {"wrong_pin", "pin_locked"} and isinstance(self._pin, Secret):
                self._refused = session
            raise session
        self._session = session
        return session

    def _tried(self, session: KeySession) -> dict[str, str]:
        """The public JWK, which verifies what the private key signs."""
        public_jwk = session.public_jwk()
        key, signature = VerifyingKey(public_jwk), session.sign(_PROBE)
        if isinstance(signature, InvalidKey):
            raise signature
        if not key.verify(self._needs.name, _PROBE, signature):
            raise InvalidKey(
                f"The public key beside the private key {self._label!r} is another's.",
                code="key_mismatch",
                hint="Give the two halves of a key the same CKA_ID, which no other key has.",
            )
        return public_jwk

    def _current_pin(self) -> Secret:
        return self._pin if isinstance(self._pin, Secret) else Secret(self._pin())

    def __repr__(self) -> str:
        return f"PKCS11Key(algorithm={self._needs.name!r}, token={self._token!r}, label={self._label!r})"
