"""No secret in an error, in what hangs on it, or in the frames of this library that its traceback shows."""

import json
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from oauthclient.errors import InvalidKey
from oauthclient.jose.decryption_key import DecryptionKey
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.signers import SharedSecret
from oauthclient.secret import Secret

PASSPHRASE = "correct-horse-battery-staple"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
ENCRYPTED = PRIVATE.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(PASSPHRASE.encode()),
).decode()
PLAIN = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
D = "c2VjcmV0LWQtc2VjcmV0LWQtc2VjcmV0LWQtc2VjcmV0"
JWK = {"kty": "EC", "crv": "P-256", "x": D, "y": D, "d": D}
STORED = SigningKey.from_pem(PLAIN).to_jwk()
STORED_D = json.loads(STORED.reveal())["d"]
BODY = PLAIN.splitlines()[1]

CASES: dict[str, tuple[Callable[[], object], tuple[str, ...]]] = {
    "a wrong passphrase": (
        lambda: SigningKey.from_pem(ENCRYPTED, passphrase=PASSPHRASE + "!"),
        (PASSPHRASE, ENCRYPTED.splitlines()[1]),
    ),
    "a passphrase without UTF-8": (
        lambda: SigningKey.from_pem(ENCRYPTED, passphrase=PASSPHRASE + "\ud800"),
        (PASSPHRASE,),
    ),
    "a needless passphrase": (lambda: SigningKey.from_pem(PLAIN, passphrase=PASSPHRASE), (PASSPHRASE, BODY)),
    "another algorithm": (lambda: SigningKey.from_pem(PLAIN, algorithm="ES384"), (BODY,)),
    "a broken PEM": (lambda: SigningKey.from_pem(PLAIN.replace("M", "N")), (BODY.replace("M", "N"),)),
    "a broken JWK": (lambda: SigningKey.from_jwk(JWK), (D,)),
    "a JWK whose d is no base64url": (lambda: SigningKey.from_jwk(JWK | {"d": D + "==="}), (D,)),
    "a JWK in JSON": (lambda: SigningKey.from_jwk(json.dumps(JWK | {"kid": 7})), (D,)),
    "a JWK in broken JSON": (lambda: SigningKey.from_jwk(json.dumps(JWK)[:-1]), (D,)),
    "a JWK for something else": (lambda: SigningKey.from_jwk(JWK | {"use": "enc"}), (D,)),
    "a JWK for decryption in JSON": (lambda: DecryptionKey.from_jwk(json.dumps(JWK | {"use": "enc"})), (D,)),
    "a JWK for another decryption": (lambda: DecryptionKey.from_jwk(Secret(json.dumps(JWK | {"kid": 7}))), (D,)),
    "a JWK that only signs": (lambda: DecryptionKey.from_jwk(STORED), (STORED_D,)),
    "a short secret": (lambda: SharedSecret(Secret("hunter2-hunter2")), ("hunter2",)),
    "a secret without UTF-8": (lambda: SharedSecret(Secret("hunter2\ud800" * 9)), ("hunter2",)),
}


def shown(error: BaseException | None) -> Iterator[str]:
    """All that a log, or a traceback with locals, could show of an error and what hangs on it."""
    while error is not None:
        yield repr(error)
        yield str(error)
        yield repr(vars(error))
        trace = error.__traceback__
        while trace is not None:
            if "/oauthclient/" in trace.tb_frame.f_code.co_filename:
                yield repr(trace.tb_frame.f_locals)
            trace = trace.tb_next
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("what", CASES)
def test_a_refused_key_shows_nothing_of_itself(what: str) -> None:
    make, secrets = CASES[what]
    with pytest.raises(InvalidKey) as caught:
        make()
    for text in shown(caught.value):
        assert not any(secret in text for secret in secrets), text


def test_a_key_and_a_prover_show_nothing_private() -> None:
    signer = SigningKey.from_pem(PLAIN)
    d = PRIVATE.private_numbers().private_value
    state = repr({name: getattr(signer, name) for name in SigningKey.__slots__})
    assert BODY not in state
    assert str(d) not in state
    assert f"{d:x}" not in state
    assert STORED_D not in state
