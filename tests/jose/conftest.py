"""Keys of every algorithm, and a forger that signs whatever it is told to."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from oauthclient.errors import InvalidJWT
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.jwt import VerifiedJWT, verify
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.kinds import CLIENT_ASSERTION
from tests.jose.fixtures import Check, Claims, Encode, Forge, KeyFor, Refused


@pytest.fixture(scope="session")
def now() -> float:
    return 1_760_000_000.0


@pytest.fixture(scope="session")
def rsa_pem() -> str:
    """A 2,048 bit key: the smallest that is allowed."""
    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


@pytest.fixture(scope="session")
def key(rsa_pem: str) -> KeyFor:
    """The key for an algorithm, always the same one."""
    made = {}

    def key(algorithm: str = "ES256") -> SigningKey:
        if algorithm not in made:
            made[algorithm] = (
                SigningKey.from_pem(rsa_pem, algorithm=algorithm)
                if algorithm[:2] in ("PS", "RS")
                else SigningKey.generate(algorithm)
            )
        return made[algorithm]

    return key


@pytest.fixture(scope="session")
def b64() -> Encode:
    def b64(value: Any) -> str:
        octets = value if isinstance(value, bytes) else json.dumps(value).encode()
        return urlsafe_b64encode(octets).rstrip(b"=").decode()

    return b64


@pytest.fixture(scope="session")
def forge(b64: Encode) -> Forge:
    """A compact JWS of any header and payload (members, or octets), signed by anything that signs."""

    def forge(signer: Any, header: Any, payload: Any, signature: bytes | None = None) -> str:
        message = f"{b64(header)}.{b64(payload)}"
        return f"{message}.{b64(signer.sign(message.encode()) if signature is None else signature)}"

    return forge


@pytest.fixture
def assertion(now: float) -> Claims:
    """The claims of a client assertion."""
    return {
        "iss": "client-1",
        "sub": "client-1",
        "aud": "https://as.example.com",
        "iat": int(now),
        "exp": int(now) + 60,
        "jti": "2b1c",
    }


@pytest.fixture(scope="session")
def check(key: KeyFor, now: float) -> Check:
    """Verifies a client assertion of client-1, by its ES256 key unless told otherwise."""

    def check(jwt: Any, **changes: Any) -> VerifiedJWT:
        arguments = {
            "keys": KeySet.of(key("ES256").public_jwk),
            "algorithms": ["ES256"],
            "issuer": "client-1",
            "audience": "https://as.example.com",
            "now": now,
        } | changes
        return verify(arguments.pop("kind", CLIENT_ASSERTION), jwt, arguments.pop("keys"), **arguments)

    return check


@pytest.fixture(scope="session")
def refused(check: Check) -> Refused:
    def refused(jwt: Any, **changes: Any) -> str:
        with pytest.raises(InvalidJWT) as caught:
            check(jwt, **changes)
        return caught.value.code

    return refused


@pytest.fixture
def forged(key: KeyFor, forge: Forge, assertion: Claims) -> Forge:
    """A client assertion with an ES256 signature that is good, and whatever else is asked for."""

    def forged(header: Any = None, *, without: Any = (), claims: Claims = None, signer: Any = None, **more: Any) -> str:
        whole = {"typ": "client-authentication+jwt", "alg": "ES256"} | (header or {})
        whole = {name: value for name, value in whole.items() if name not in without}
        return forge(signer or key("ES256"), whole, assertion if claims is None else claims, **more)

    return forged
