"""A key found on a token, and what the token does with it (PKCS #11 version 3.0, RFC 7518 section 3)."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import ConfigurationError, InvalidKey
from oauthclient.jose.encoding import base64url

try:
    import pkcs11
    from pkcs11 import (
        MGF,
        Attribute,
        KeyType,
        Mechanism,
        MultipleObjectsReturned,
        NoSuchKey,
        ObjectClass,
        PKCS11Error,
        UserNotLoggedIn,
    )
except ImportError as missing:
    raise ConfigurationError(
        "Keys on PKCS #11 tokens need the package python-pkcs11.",
        code="extra_missing",
        hint='Install it: pip install "oauthclient[pkcs11]".',
    ) from missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pkcs11 import Session, Token

    from oauthclient.jose.algorithms import Algorithm
    from oauthclient.secret import Secret

_TYPES: Final = {"EC": KeyType.EC, "OKP": KeyType.EC_EDWARDS, "RSA": KeyType.RSA}
_HASHES: Final = {
    "sha256": (Mechanism.SHA256, MGF.SHA256, Mechanism.SHA256_RSA_PKCS_PSS),
    "sha384": (Mechanism.SHA384, MGF.SHA384, Mechanism.SHA384_RSA_PKCS_PSS),
    "sha512": (Mechanism.SHA512, MGF.SHA512, Mechanism.SHA512_RSA_PKCS_PSS),
}
_UNCOMPRESSED: Final = b"\x04"  # SEC 1, section 2.3.3
_FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "PinIncorrect": ("wrong_pin", "The token refuses the PIN."),
    "PinInvalid": ("wrong_pin", "The token refuses the PIN."),
    "PinLenRange": ("wrong_pin", "The token refuses the PIN: its length."),
    "PinLocked": ("pin_locked", "The token has locked the PIN after too many wrong ones."),
    "PinExpired": ("pin_locked", "The PIN has expired."),
    "UserPinNotInitialized": ("pin_not_set", "The token has no user PIN yet."),
    "NoSuchToken": ("no_such_token", "There is no such token."),
    "TokenNotPresent": ("no_such_token", "The token is not there."),
    "TokenNotRecognised": ("no_such_token", "The token is not recognised."),
    "DeviceRemoved": ("no_such_token", "The token was removed."),
    "MultipleTokensReturned": ("ambiguous_token", "Several tokens have this label."),
    "NoSuchKey": ("no_such_key", "The token holds no such private key for this algorithm."),
    "MultipleObjectsReturned": ("ambiguous_key", "Several keys on the token have this label."),
    "MechanismInvalid": ("unsupported_algorithm", "The token does not sign with this algorithm."),
    "MechanismParamInvalid": ("unsupported_algorithm", "The token does not sign with this algorithm."),
    "KeyTypeInconsistent": ("unsupported_algorithm", "The key does not sign with this algorithm."),
    "KeySizeRange": ("unsupported_algorithm", "The token does not sign with a key of this size."),
    "FunctionNotSupported": ("unsupported_algorithm", "The token does not sign."),
}
_HINTS: Final[Mapping[str, str]] = {
    "wrong_pin": "Give the user's PIN, not the security officer's. The same one is not tried again.",
    "pin_locked": "Have the security officer unlock or renew it.",
    "pin_not_set": "Have the security officer set one.",
    "no_such_token": "Is it plugged in, and is `token` its label? `pkcs11-tool --list-slots` shows them.",
    "ambiguous_token": "Give each token a label of its own.",
    "no_such_key": "`pkcs11-tool --login --list-objects` shows the keys; the type must be that of the algorithm.",
    "ambiguous_key": "Give each key of a type a label of its own.",
    "unsupported_algorithm": "`pkcs11-tool --list-mechanisms` shows what it can.",
    "token_failed": "Its own log may say more.",
}


class KeySession:
    """An open session in which a private key was found. Use it under `process.lock` only."""

    __slots__ = ("_algorithm", "_mechanism", "_parameter", "_private", "_session", "process")

    # The package gives a key its abilities at run time, which its types do not say: hence Any.
    def __init__(self, session: Session, private: Any, algorithm: Algorithm) -> None:
        self.process = process.number
        self._session = session
        self._private = private
        self._algorithm = algorithm
        self._mechanism, self._parameter = _mechanism(algorithm)

    def sign(self, message: bytes) -> bytes | InvalidKey:
        """The raw JOSE signature of `message`; a fault is returned."""
        needs = self._algorithm
        data = hashlib.new(needs.hash_name, message).digest() if needs.kty == "EC" else message
        try:
            signature: bytes = self._private.sign(data, mechanism=self._mechanism, mechanism_param=self._parameter)
        except PKCS11Error as error:
            return _fault(error)
        # RFC 7518 section 3.4: r || s, each of the full length, as PKCS #11 section 2.3.1 has it too.
        if needs.kty == "EC" and len(signature) != 2 * needs.octets:
            return InvalidKey("The token made a signature of another length.", code="token_failed")
        return signature

    def public_jwk(self) -> dict[str, str]:
        """The required public members of the key's JWK. Raises InvalidKey."""
        try:
            return _jwk(self._public_key(), self._algorithm)
        except PKCS11Error:
            fault = InvalidKey(
                "The token holds no public key beside the private one.",
                code="no_public_key",
                hint="Store it under the same CKA_ID or label.",
            )
        raise fault

    def _public_key(self) -> Any:
        named = {Attribute.ID: self._private.id} if self._private.id else {Attribute.LABEL: self._private.label}
        return _only(self._session, ObjectClass.PUBLIC_KEY, self._algorithm, named)

    def close(self) -> None:
        """End the session, if it is not ended yet."""
        with suppress(PKCS11Error):
            self._session.close()


def open_key(
    module: str, token: str, label: str, algorithm: Algorithm, pin: Callable[[], Secret]
) -> KeySession | InvalidKey:
    """A session with the private key `label` for `algorithm` on `token`; call it under `process.lock`.

    `pin` is called only where the process is not logged in to the token yet. A fault is returned: a traceback from here
    could hold the PIN.
    """
    try:
        library = process.library(module)
    except PKCS11Error:
        return InvalidKey(
            "The PKCS #11 module cannot be used.",
            code="module_unusable",
            hint="Give the path of a library such as /usr/lib/softhsm/libsofthsm2.so.",
        )
    try:
        return _key_on(library.get_token(token_label=token), label, algorithm, pin)
    except PKCS11Error as error:
        return _fault(error)


def _key_on(token: Token, label: str, algorithm: Algorithm, pin: Callable[[], Secret]) -> KeySession:
    """The key; logged out, private keys cannot be seen, and to log in twice would be an error."""
    try:
        return _found(token.open(), label, algorithm)
    except (NoSuchKey, UserNotLoggedIn):
        pass  # or the PIN's own errors would hang on this one
    return _found(token.open(user_pin=pin().reveal()), label, algorithm)


def _found(session: Session, label: str, algorithm: Algorithm) -> KeySession:
    try:
        private = _only(session, ObjectClass.PRIVATE_KEY, algorithm, {Attribute.LABEL: label})
    except PKCS11Error:
        session.close()
        raise
    return KeySession(session, private, algorithm)


def _only(session: Session, kind: ObjectClass, algorithm: Algorithm, named: Mapping[Attribute, object]) -> Any:
    """The one key of that name. Unlike `get_key`, which leaves a search open where there are two, this ends it."""
    wanted = {Attribute.CLASS: kind, Attribute.KEY_TYPE: _TYPES[algorithm.kty], **named}
    found = list(session.get_objects(wanted))
    if len(found) == 1:
        return found[0]
    raise MultipleObjectsReturned if found else NoSuchKey


def _mechanism(algorithm: Algorithm) -> tuple[Mechanism, Any]:
    if algorithm.kty == "EC":
        return Mechanism.ECDSA, None
    if algorithm.kty == "OKP":
        return Mechanism.EDDSA, None
    hash_, mgf, pss = _HASHES[algorithm.hash_name]
    if algorithm.name.startswith("PS"):  # RFC 7518 section 3.5: the salt is as long as the hash
        return pss, (hash_, mgf, hashlib.new(algorithm.hash_name).digest_size)
    return Mechanism.SHA256_RSA_PKCS, None


def _jwk(public: Any, algorithm: Algorithm) -> dict[str, str]:
    if algorithm.kty == "RSA":
        e, n = (_text(public[name].lstrip(b"\0")) for name in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS))
        return {"e": e, "kty": "RSA", "n": n}
    point = public[Attribute.EC_POINT]
    # PKCS #11 wraps the point in a DER OCTET STRING; older tokens do not, so it is read from its end.
    if algorithm.kty == "OKP":
        return {"crv": algorithm.crv, "kty": "OKP", "x": _text(point[-algorithm.octets :])}
    coordinates = point[-2 * algorithm.octets :]
    if point[: -2 * algorithm.octets][-1:] != _UNCOMPRESSED:
        raise InvalidKey(
            f"The key on the token is not on the curve of {algorithm.name}.",
            code="algorithm_mismatch",
            hint="Each key has exactly one algorithm (RFC 8725, section 3.1).",
        )
    x, y = coordinates[: algorithm.octets], coordinates[algorithm.octets :]
    return {"crv": algorithm.crv, "kty": "EC", "x": _text(x), "y": _text(y)}


def _text(octets: bytes) -> str:
    return base64url(octets).decode("ascii")


def _fault(error: PKCS11Error) -> InvalidKey:
    code, sentence = _FAULTS.get(type(error).__name__, ("token_failed", f"The token failed: {type(error).__name__}."))
    return InvalidKey(sentence, code=code, hint=_HINTS[code])


class _Process:
    """What of PKCS #11 belongs to one process.

    python-pkcs11 initialises a module for one thread at a time (C_Initialize without arguments), hence one `lock`. A
    forked child has to initialise it anew (PKCS #11 section 5.4), and its sessions are others: `number` tells.
    """

    __slots__ = ("_begun", "_inherited", "lock", "number")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.number = 0
        self._begun: set[str] = set()
        self._inherited: set[str] = set()

    def library(self, module: str) -> Any:
        """The module, initialised by this very process. Raises PKCS11Error."""
        library = pkcs11.lib(module)
        if module in self._inherited:
            with suppress(PKCS11Error):
                library.finalize()
            library.initialize()
            self._inherited.discard(module)
        self._begun.add(module)
        return library

    def begin_anew(self) -> None:
        """In a forked child, where nobody would release the lock that a thread of the parent's holds."""
        self.lock = threading.RLock()
        self.number += 1
        self._inherited |= self._begun
        self._begun = set()


process: Final = _Process()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=process.begin_anew)
