"""Who calls the real server: clients of every authentication method and algorithm, with keys and secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.real.certificates import Issued

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANTS = ("client_credentials", JWT_BEARER)
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
LOGIN_GRANTS = ("authorization_code", "refresh_token", DEVICE_CODE)
SELF_SIGNED = "self_signed_tls_client_auth"
RSA_ALGORITHMS = ("PS256", "PS384", "PS512", "RS256")

# What clients that log people in are registered with: an app on somebody's machine, and a backend.
NATIVE: Mapping[str, object] = {
    "application_type": "native",
    "response_types": ["code"],
    "redirect_uris": ["http://127.0.0.1/callback", "http://[::1]/callback"],  # any port: RFC 8252, section 7.3
    "post_logout_redirect_uris": ["http://127.0.0.1/signed-out", "http://[::1]/signed-out"],
    "authorization_details_types": ["stock"],
}
WEB: Mapping[str, object] = {
    **NATIVE,
    "application_type": "web",
    "redirect_uris": ["https://app.example.com/callback", "http://127.0.0.1:8000/callback"],
    "post_logout_redirect_uris": ["https://app.example.com/signed-out"],
}


@dataclass(frozen=True, slots=True)
class Client:
    """A client (RFC 7591) or an issuer of assertions.

    `pem`: its private key, `secret`: its shared secret, `more`: members of its metadata beside those that follow.
    `issued`: what it presents on its TLS connections.
    """

    client_id: str
    method: str
    algorithm: str = "HS256"
    secret: str = field(default="", repr=False)
    pem: bytes = field(default=b"", repr=False)
    bound: bool = True
    grants: tuple[str, ...] = GRANTS
    more: Mapping[str, object] = field(default_factory=dict)
    issued: Issued | None = None

    @property
    def certificate(self) -> Issued:
        """What it presents on its TLS connections, if it is one that does."""
        assert self.issued is not None, f"{self.client_id} has no certificate"
        return self.issued

    @property
    def key(self) -> ECKey | OKPKey | RSAKey | OctKey:
        """What it signs its assertions with."""
        if not self.pem:
            return OctKey.import_key(self.secret)
        if self.algorithm in RSA_ALGORITHMS:
            return RSAKey.import_key(self.pem)
        return OKPKey.import_key(self.pem) if self.algorithm == "Ed25519" else ECKey.import_key(self.pem)

    @property
    def jwks(self) -> dict[str, list[dict[str, object]]]:
        """Its public key, as a JWK Set; with its certificate where that is what it registers (RFC 8705, 2.2)."""
        if self.method == SELF_SIGNED:
            return {"keys": [self.certificate.jwk]}
        return {"keys": [{**self.key.as_dict(private=False), "alg": self.algorithm}]}

    @property
    def metadata(self) -> dict[str, object]:
        """What the authorization server is told about it (RFC 7591, section 2)."""
        told: dict[str, object] = {
            "client_id": self.client_id,
            "token_endpoint_auth_method": self.method,
            "grant_types": list(self.grants),
            "response_types": [],
            "redirect_uris": [],
            "dpop_bound_access_tokens": self.bound,
        }
        if self.secret:
            told["client_secret"] = self.secret
        if self.pem:
            told["jwks"] = self.jwks
            told["token_endpoint_auth_signing_alg"] = self.algorithm
        elif self.method == SELF_SIGNED:
            told["jwks"] = self.jwks
        return told | dict(self.more)


def make_clients() -> Mapping[str, Client]:
    """One client for each method, and one for each algorithm of `private_key_jwt`, by that name."""
    rsa_pem = _pem(rsa.generate_private_key(65537, 2048))  # one for all its algorithms: making one takes a while
    pems = {
        "ES256": _pem(ec.generate_private_key(ec.SECP256R1())),
        "ES384": _pem(ec.generate_private_key(ec.SECP384R1())),
        "ES512": _pem(ec.generate_private_key(ec.SECP521R1())),
        "Ed25519": _pem(ed25519.Ed25519PrivateKey.generate()),
        **dict.fromkeys(RSA_ALGORITHMS, rsa_pem),
    }
    clients = {
        algorithm: Client(f"service-{algorithm}", "private_key_jwt", algorithm=algorithm, pem=pem)
        for algorithm, pem in pems.items()
    }
    # RFC 6749, section 2.3.1: both are form-encoded in Basic, which shows only with characters like these.
    clients["client_secret_basic"] = Client("basic client:1%", "client_secret_basic", secret="s3:cr +&=%/t~" * 3)
    clients["client_secret_post"] = Client("service-post", "client_secret_post", secret="post & secret" * 3)
    clients["client_secret_jwt"] = Client("service-jwt", "client_secret_jwt", secret="octets" * 12)
    # oidc-provider allows client_credentials to confidential clients only (RFC 6749, section 4.4).
    clients["none"] = Client("public", "none", grants=(JWT_BEARER,))
    clients |= _login_clients(pems["ES256"])
    clients["bearer"] = Client("unbound", "client_secret_basic", secret="unbound secret" * 3, bound=False)
    return clients


def _login_clients(pem: bytes) -> dict[str, Client]:
    """Clients that log people in: "native" has no key, "native-jar" must sign its requests, "web" is a backend."""
    jar = {**NATIVE, "require_signed_request_object": True, "request_object_signing_alg": "ES256"}

    def with_key(client_id: str, more: Mapping[str, object]) -> Client:
        return Client(client_id, "private_key_jwt", algorithm="ES256", pem=pem, grants=LOGIN_GRANTS, more=more)

    return {
        "native": Client("native", "none", grants=LOGIN_GRANTS, more=NATIVE),
        "native-key": with_key("native-key", NATIVE),
        "native-jar": with_key("native-jar", jar),
        "web": with_key("web", WEB),
    }


def make_assertion_issuer() -> Client:
    """Somebody other than the client whose assertions the server trusts (RFC 7523, section 3)."""
    pem = _pem(ec.generate_private_key(ec.SECP256R1()))
    return Client("https://idp.example.com", "", algorithm="ES256", pem=pem)


def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
