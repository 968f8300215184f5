"""Keys of every algorithm, and a forger that signs whatever it is told to."""

import json
from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from oauthclient.jose.keys import SigningKey


@pytest.fixture(scope="session")
def now():
    return 1_760_000_000.0


@pytest.fixture(scope="session")
def rsa_pem():
    """A 2,048 bit key: the smallest that is allowed."""
    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


@pytest.fixture(scope="session")
def key(rsa_pem):
    """The key for an algorithm, always the same one."""
    made = {}

    def key(algorithm="ES256"):
        if algorithm not in made:
            made[algorithm] = (
                SigningKey.from_pem(rsa_pem, algorithm=algorithm)
                if algorithm[:2] in ("PS", "RS")
                else SigningKey.generate(algorithm)
            )
        return made[algorithm]

    return key


@pytest.fixture(scope="session")
def b64():
    def b64(value):
        octets = value if isinstance(value, bytes) else json.dumps(value).encode()
        return urlsafe_b64encode(octets).rstrip(b"=").decode()

    return b64


@pytest.fixture(scope="session")
def forge(b64):
    """A compact JWS of any header and payload (members, or octets), signed by anything that signs."""

    def forge(signer, header, payload, signature=None):
        message = f"{b64(header)}.{b64(payload)}"
        return f"{message}.{b64(signer.sign(message.encode()) if signature is None else signature)}"

    return forge


@pytest.fixture
def assertion(now):
    """The claims of a client assertion."""
    return {
        "iss": "client-1",
        "sub": "client-1",
        "aud": "https://as.example.com",
        "iat": int(now),
        "exp": int(now) + 60,
        "jti": "2b1c",
    }
