"""Private keys read and made: PEM (RFC 7468), JWK (RFC 7517), and their raw signatures (RFC 7518 section 3).

Here a fault is returned, not raised: a traceback would hold the key's text and the passphrase in its frames.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from oauthclient.errors import InvalidKey
from oauthclient.jose.algorithms import ALGORITHMS, OFFERED, SIGNING, exact
from oauthclient.jose.encoding import base64url, json_object, json_text
from oauthclient.jose.jwk import PRIVATE_MEMBERS, octets_of, public_members
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwk import Key

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

# 3,072 bits are 128 bits of strength (NIST SP 800-57 part 1), as much as P-256 has.
_RSA_BITS: Final = 3072
_CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_CURVE_NAMES: Final = {curve.name: name for name, curve in _CURVES.items()}
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
# `openssl ecparam` writes an EC PARAMETERS block before the key, and bundles hold certificates: only the key
# is read.
_PRIVATE_BLOCK: Final = re.compile(
    rb"-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----[^-]+(?:-(?!----)[^-]*)*-----END \1-----"
)
# The first octet of a DER length that takes a second one, as the signatures of P-521 need (X.690, 8.1.3.5).
_LONG_FORM: Final = 0x80
_LABEL: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")


def generate(algorithm: str) -> PrivateKey | InvalidKey:
    """A new private key for `algorithm`: RSA with 3,072 bits, others as the algorithm says."""
    if algorithm not in SIGNING:
        return _no_such_algorithm()
    needs = ALGORITHMS[algorithm]
    if needs.kty == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    if needs.kty == "EC":
        return ec.generate_private_key(_CURVES[needs.crv])
    return ed25519.Ed25519PrivateKey.generate()


def read_pem(pem: bytes | str, passphrase: bytes | str | None) -> PrivateKey | InvalidKey:
    """The private key in `pem`: PKCS #8, encrypted or not, or the older forms of OpenSSL."""
    text = pem.encode("utf-8", "replace") if isinstance(pem, str) else pem
    block = _PRIVATE_BLOCK.search(text)
    if block is None:
        return _no_private_block(text)
    encrypted = b"ENCRYPTED" in block[1] or b"Proc-Type: 4,ENCRYPTED" in block[0]
    if encrypted and not passphrase:
        return InvalidKey("The private key is encrypted.", code="passphrase_needed", hint="Give its passphrase=...")
    if passphrase and not encrypted:
        return InvalidKey(
            "A passphrase was given for a private key that is not encrypted.",
            code="passphrase_not_needed",
            hint="Is it the file you meant? Then leave the passphrase out.",
        )
    try:
        secret = passphrase.encode("utf-8") if isinstance(passphrase, str) else passphrase
        key = load_pem_private_key(block[0], secret or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if encrypted:
            return InvalidKey(
                "The private key cannot be decrypted: the passphrase is wrong, or the file is damaged.",
                code="wrong_passphrase",
            )
        return InvalidKey("The private key in the PEM cannot be read.", code="unreadable_key", hint=_HINT_PKCS8)
    return _checked(key)


def read_jwk(jwk: Mapping[str, object]) -> PrivateKey | InvalidKey:
    """The private key in a JWK whose private members belong to its public ones."""
    if jwk.get("kty") == "oct":
        return InvalidKey(
            "The JWK is a shared secret.",
            code="unsupported_algorithm",
            hint="A client secret is not a signing key.",
        )
    try:
        members = public_members(jwk)
        if "d" not in jwk:
            return _public_key()
        private = {name: str(jwk[name]) for name in PRIVATE_MEMBERS & jwk.keys()}
        for name in private:
            octets_of(private, name)
        key = _checked(_imported(members, private))
    except InvalidKey as fault:
        return fault.with_traceback(None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return _unreadable_jwk()
    # The halves of EC and OKP keys nobody compares but we (RFC 8725 section 3.4).
    return key if isinstance(key, InvalidKey) or public_jwk(key) == members else _unreadable_jwk()


def _imported(members: Mapping[str, str], private: Mapping[str, str]) -> object:
    """The key of these members. Not by joserfc but for RSA: to import that is half of what a short program waits for.

    Raises ValueError, TypeError, UnsupportedAlgorithm; the public half of an EC or OKP key is made of its private one.
    """
    if members["kty"] == "EC":
        return ec.derive_private_key(int.from_bytes(octets_of(private, "d")), _CURVES[members["crv"]])
    if members["kty"] == "OKP":
        return ed25519.Ed25519PrivateKey.from_private_bytes(octets_of(private, "d"))
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    named: dict[str, str | list[str]] = {**members, **private}
    try:
        return import_key(named).private_key
    except JoseError:
        raise ValueError from None


def jwk_members(jwk: object) -> Mapping[str, object] | InvalidKey:
    """The members of a JWK that is given as such or as JSON."""
    if isinstance(jwk, Mapping):
        return jwk
    if isinstance(jwk, Secret):
        jwk = jwk.reveal()
    if isinstance(jwk, str):
        with suppress(ValueError):
            return json_object(jwk.encode("utf-8"))
    return InvalidKey("The JWK is not a JSON object.", code="unreadable_key")


def choose_algorithm(key: PrivateKey, *, named: object, declared: object) -> str | InvalidKey:
    """The one algorithm of `key`: `named` by the program, `declared` by the JWK, or its type's default."""
    for wanted in (named, declared):
        if wanted is not None and (not isinstance(wanted, str) or exact(wanted) not in SIGNING):
            return _no_such_algorithm()
    kty, crv = _kind(key)
    wanted = [exact(str(a)) for a in (named, declared) if a is not None]
    if len(set(wanted)) > 1:
        return InvalidKey(
            "The JWK is declared for another algorithm than the one named.",
            code="algorithm_mismatch",
            hint=_HINT_ONE,
        )
    fitting = [a for a in SIGNING if (ALGORITHMS[a].kty, ALGORITHMS[a].crv) == (kty, crv)]
    if wanted and wanted[0] not in fitting:
        return InvalidKey(
            f"A key of {crv or kty} cannot sign with {wanted[0]}.", code="algorithm_mismatch", hint=_HINT_ONE
        )
    return wanted[0] if wanted else fitting[0]


def public_jwk(key: PrivateKey) -> dict[str, str]:
    """The required public members of the JWK of `key`, in the order of RFC 7638."""
    return jwk_of_public_key(key.public_key())


def jwk_of_public_key(key: object) -> dict[str, str]:
    """The same of a public key. Raises ValueError for a type or a curve that no algorithm here uses."""
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVE_NAMES:
        point = key.public_numbers()
        octets = (key.key_size + 7) // 8
        x, y = (_text(n.to_bytes(octets)) for n in (point.x, point.y))
        return {"crv": _CURVE_NAMES[key.curve.name], "kty": "EC", "x": x, "y": y}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": _text(key.public_bytes_raw())}
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"e": _text(_minimal(numbers.e)), "kty": "RSA", "n": _text(_minimal(numbers.n))}
    raise ValueError(f"No algorithm here uses a {type(key).__name__}.")


def jwk_text(key: PrivateKey, *, use: str, alg: str, kid: str | None) -> Secret:
    """The private JWK of `key` as JSON."""
    about = {"use": use, "alg": alg} if kid is None else {"use": use, "alg": alg, "kid": kid}
    return Secret(json_text({**_private_members(key), **about}).decode("utf-8"))


def _private_members(key: PrivateKey) -> dict[str, str]:
    """All members of the JWK of `key`, the private ones too (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2)."""
    members = public_jwk(key)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        d = key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8)
        return {**members, "d": _text(d)}
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {**members, "d": _text(key.private_bytes_raw())}
    numbers = key.private_numbers()
    private = {
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }
    return {**members, **{name: _text(_minimal(number)) for name, number in private.items()}}


def jose_key(key: PrivateKey) -> Key:
    """`key` as joserfc takes it."""
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ECKey.import_key(key)
    return RSAKey.import_key(key) if isinstance(key, rsa.RSAPrivateKey) else OKPKey.import_key(key)


def signing(key: PrivateKey, algorithm: str) -> Callable[[bytes], bytes]:
    """The function that makes the raw JOSE signature of `key`, with all that can be made beforehand made."""
    needs = ALGORITHMS[algorithm]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    hash_ = _HASHES[needs.hash_name]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        prehashed = ec.ECDSA(Prehashed(hash_), deterministic_signing=_deterministic())
        return _ecdsa(key.sign, prehashed, needs.octets, getattr(hashlib, needs.hash_name))
    scheme: padding.AsymmetricPadding
    if algorithm.startswith("PS"):
        scheme = padding.PSS(mgf=padding.MGF1(hash_), salt_length=hash_.digest_size)  # RFC 7518 section 3.5
    else:
        scheme = padding.PKCS1v15()
    sign = key.sign
    return lambda message: sign(message, scheme, hash_)


def _ecdsa(
    sign: Callable[[bytes, ec.EllipticCurveSignatureAlgorithm], bytes],
    scheme: ec.ECDSA,
    octets: int,
    hash_: Callable[[bytes], hashlib._Hash],
) -> Callable[[bytes], bytes]:
    def raw(message: bytes) -> bytes:
        # SEQUENCE { INTEGER r, INTEGER s } cut by hand, a third of the time of decode_dss_signature; the
        # result is r || s, each of the full length (RFC 7518 section 3.4). An INTEGER may be shorter, or
        # longer by a zero. hashlib's hash, because cryptography makes a new context for its own more slowly.
        der = sign(hash_(message).digest(), scheme)
        start = 4 if der[1] < _LONG_FORM else 5
        end = start + der[start - 1]
        return der[start:end][-octets:].rjust(octets, b"\0") + der[end + 2 :][-octets:].rjust(octets, b"\0")

    return raw


def _deterministic() -> bool:
    """Whether the OpenSSL below knows RFC 6979 signatures (RFC 8725 section 3.2 asks for them)."""
    try:
        ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        return False
    return True


def _checked(key: object) -> PrivateKey | InvalidKey:
    if not isinstance(key, PrivateKey):
        return _unusable_type()
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name not in _CURVE_NAMES:
        return _unusable_type()
    try:
        public_members(public_jwk(key))
    except InvalidKey as fault:
        return fault.with_traceback(None)
    return key


def _kind(key: PrivateKey) -> tuple[str, str]:
    jwk = public_jwk(key)
    return jwk["kty"], jwk.get("crv", "")


def _no_private_block(text: bytes) -> InvalidKey:
    labels = _LABEL.findall(text)
    if any(label.endswith(b"PUBLIC KEY") for label in labels):
        return _public_key()
    if any(label.endswith(b"CERTIFICATE") for label in labels):
        return InvalidKey(
            "The PEM holds a certificate, not a private key.",
            code="certificate",
            hint="Give the key file beside it.",
        )
    return InvalidKey("The PEM holds no private key.", code="unreadable_key", hint=_HINT_PKCS8)


def _public_key() -> InvalidKey:
    return InvalidKey(
        "This is a public key; the private one is needed.",
        code="public_key",
        hint="Give the private key file.",
    )


def _unreadable_jwk() -> InvalidKey:
    return InvalidKey(
        "The private key in the JWK cannot be read, or its members do not belong together.",
        code="unreadable_key",
    )


def _unusable_type() -> InvalidKey:
    return InvalidKey(
        "The key is of a type or on a curve that is of no use here.",
        code="unsupported_algorithm",
        hint="Use a key of EC P-256, P-384 or P-521, Ed25519, or RSA.",
    )


def _no_such_algorithm() -> InvalidKey:
    return InvalidKey(
        "A private key does not sign with the algorithm that was asked for.",
        code="unsupported_algorithm",
        hint=f"Use one of {', '.join(OFFERED)}.",
    )


def _minimal(number: int) -> bytes:
    """The octets of a Base64urlUInt: as few as will do (RFC 7518 section 2)."""
    return number.to_bytes((number.bit_length() + 7) // 8)


def _text(octets: bytes) -> str:
    return base64url(octets).decode("ascii")


_HINT_PKCS8: Final = "PKCS #8 in PEM is understood; `openssl pkcs8 -topk8` converts other forms."
_HINT_ONE: Final = "Each key has exactly one algorithm (RFC 8725, section 3.1)."
