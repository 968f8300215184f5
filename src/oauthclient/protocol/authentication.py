"""How a client proves who it is at an endpoint (RFC 6749, section 2.3; RFC 7523, 2.2 and 3; RFC 8705, section 2)."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote_plus

from oauthclient.errors import InvalidKey, NotOffered
from oauthclient.protocol.audiences import serve
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.signers import SharedSecret, Signer
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.presented import Presented

_JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME: Final = 60  # seconds


class Credentials(NamedTuple):
    """What one request carries to authenticate its client. `secret`: what of it in `headers` nobody may repeat."""

    form: tuple[tuple[str, str | Secret], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    secret: Secret | None = None

    def __repr__(self) -> str:
        return f"Credentials({', '.join(name for name, _ in (*self.form, *self.headers))})"


class ClientAuthentication:
    """A way to authenticate. Subclass it for one that is not here: set `method` and write `credentials`.

    `method` is the name from the registry that `token_endpoint_auth_methods_supported` uses. `certificate`: the client
    certificate that it presents, if it does.
    """

    __slots__ = ()

    method: str = ""
    certificate: Presented | None = None

    def credentials(self, occasion: Occasion) -> Credentials:
        """What to send this once. Called again for each request, so that nothing single-use is sent twice."""
        raise NotImplementedError

    def check(self, metadata: ServerMetadata) -> None:
        """Raise NotOffered if `metadata` says that the server would refuse this (RFC 8414, section 2)."""
        methods = metadata.token_endpoint_auth_methods_supported
        if methods is not None and self.method not in methods:
            raise NotOffered(
                f"The authorization server does not offer {self.method}; it lists {', '.join(methods) or 'nothing'}.",
                code="authentication_not_offered",
                hint="Authenticate in one of those ways, or correct the metadata by hand.",
            )

    def serve(self, issuer: str | None) -> None:
        """Take note that this authenticates a client at `issuer`."""


class PublicClient(ClientAuthentication):
    """A client without credentials: `none`."""

    __slots__ = ()

    method = "none"

    def credentials(self, occasion: Occasion) -> Credentials:
        """The `client_id` alone (RFC 6749, section 3.2.1)."""
        return Credentials(form=(("client_id", occasion.client_id),))


class ClientSecretBasic(ClientAuthentication):
    """The shared secret in an Authorization header, both parts form-encoded first (RFC 6749, section 2.3.1)."""

    __slots__ = ("_secret",)

    method = "client_secret_basic"

    def __init__(self, secret: str | Secret) -> None:
        self._secret = Secret(secret)

    def credentials(self, occasion: Occasion) -> Credentials:
        """The Basic credentials (RFC 7617). Raises InvalidKey for a secret with half a surrogate pair."""
        try:
            pair = f"{quote_plus(occasion.client_id)}:{quote_plus(self._secret.reveal())}"
        except UnicodeEncodeError:
            pair = ""
        if not pair:
            raise InvalidKey(
                "The client_id or the secret is not Unicode text.", code="not_unicode", hint="Read it as UTF-8."
            )
        basic = b64encode(pair.encode("ascii")).decode("ascii")
        return Credentials(headers=(("Authorization", f"Basic {basic}"),), secret=self._secret)


class ClientSecretPost(ClientAuthentication):
    """The shared secret in the body (RFC 6749, section 2.3.1), for servers that know nothing better."""

    __slots__ = ("_secret",)

    method = "client_secret_post"

    def __init__(self, secret: str | Secret) -> None:
        self._secret = Secret(secret)

    def credentials(self, occasion: Occasion) -> Credentials:
        """`client_id` and `client_secret`."""
        return Credentials(form=(("client_id", occasion.client_id), ("client_secret", self._secret)))


class _JWTAuthentication(ClientAuthentication):
    """A JWT signed for each request (RFC 7523, section 2.2)."""

    __slots__ = ("_audience", "_header", "_lifetime", "_signer", "_typ")

    def __init__(
        self,
        signer: Signer | SharedSecret,
        *,
        audience: str | None,
        typ: str | None,
        lifetime: int,
        header: Mapping[str, object] | None,
    ) -> None:
        self._signer = signer
        self._audience = audience
        self._typ = typ
        self._lifetime = lifetime
        self._header = dict(header or {})

    def credentials(self, occasion: Occasion) -> Credentials:
        """A fresh assertion: new `jti`, new `iat` and `exp`."""
        from oauthclient.jose.jwt import issue
        from oauthclient.jose.kinds import CLIENT_ASSERTION

        assertion = issue(
            CLIENT_ASSERTION,
            self._signer,
            {
                "iss": occasion.client_id,
                "sub": occasion.client_id,
                "aud": occasion.audience(self._audience),
                "jti": occasion.jti,
                "iat": occasion.issued_at,
                "exp": occasion.issued_at + self._lifetime,
            },
            typ=self._typ,
            alg=listed_spelling(self._signer.algorithm, occasion.algorithms),
            header=self._header,
        )
        return Credentials(
            form=(
                ("client_id", occasion.client_id),
                ("client_assertion_type", _JWT_BEARER),
                ("client_assertion", Secret(assertion)),
            )
        )

    def check(self, metadata: ServerMetadata) -> None:
        """As for every method, and the algorithm must be listed if any is."""
        super().check(metadata)
        listed = metadata.token_endpoint_auth_signing_alg_values_supported
        if listed is not None and listed_spelling(self._signer.algorithm, listed) not in listed:
            raise NotOffered(
                f"The authorization server does not accept assertions signed with {self._signer.algorithm}; "
                f"it lists {', '.join(listed) or 'nothing'}.",
                code="algorithm_not_offered",
                hint="Make a key for one of those algorithms: one key has exactly one.",
            )


class PrivateKeyJWT(_JWTAuthentication):
    """`private_key_jwt`: assertions signed with a private key that the server knows the public half of.

    `audience`: the `aud`, by default the issuer as one string; `"endpoint"` for servers that want the URL that is
    called (RFC 7523, section 3), which is the alias where there is one. `typ`: `"JWT"` for servers that refuse the
    explicit type. `lifetime`: seconds. `header`: members to add to the JOSE header, such as `x5t#S256`.
    """

    __slots__ = ("key",)

    method = "private_key_jwt"

    def __init__(
        self,
        key: Signer,
        *,
        audience: str | None = None,
        typ: str | None = None,
        lifetime: int = _LIFETIME,
        header: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(key, audience=audience, typ=typ, lifetime=lifetime, header=header)
        self.key = key

    def serve(self, issuer: str | None) -> None:
        """Refuse an audience that another issuer served by the same key could abuse (rfc7523bis)."""
        serve(self.key, issuer, self._audience)


class ClientSecretJWT(_JWTAuthentication):
    """`client_secret_jwt`: assertions keyed with a shared secret of at least as many octets as the hash has.

    `algorithm`: HS256, HS384 or HS512. The other settings are those of `PrivateKeyJWT`.
    """

    __slots__ = ()

    method = "client_secret_jwt"

    def __init__(
        self,
        secret: str | Secret,
        *,
        algorithm: str = "HS256",
        audience: str | None = None,
        typ: str | None = None,
        lifetime: int = _LIFETIME,
    ) -> None:
        from oauthclient.jose.signers import SharedSecret

        secret = Secret(secret)  # under the same name, so that no traceback shows it
        signer = SharedSecret(secret, algorithm)
        super().__init__(signer, audience=audience, typ=typ, lifetime=lifetime, header=None)


def listed_spelling(algorithm: str, listed: tuple[str, ...] | None) -> str:
    """The server's name for an algorithm: an Ed25519 key signs as `EdDSA` where only that is listed (RFC 9864)."""
    if algorithm == "Ed25519" and listed is not None and "Ed25519" not in listed and "EdDSA" in listed:
        return "EdDSA"
    return algorithm
