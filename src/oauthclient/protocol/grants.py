"""What a token is asked for with: one grant, one class (RFC 6749, section 4.4; RFC 7523, section 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oauthclient.protocol.audiences import serve
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from oauthclient.jose.signers import Signer
    from oauthclient.protocol.occasion import Occasion

_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Grant:
    """A grant. Subclass it for one that is not here: set `grant_type` and write `parameters`.

    Two grants that compare equal share their tokens; by default each object has its own.
    """

    grant_type: str = ""

    def parameters(self, occasion: Occasion) -> Iterable[tuple[str, str | Secret]]:
        """The parameters that this grant adds to a token request, made anew for every request.

        It is called on a thread of the library's, so it may do I/O; what it raises reaches the caller as the cause of a
        `grant_failed` error.
        """
        raise NotImplementedError

    def serve(self, issuer: str | None) -> None:
        """Take note that this is presented to `issuer`."""


class ClientCredentials(Grant):
    """The client itself is the grant (RFC 6749, section 4.4)."""

    grant_type = "client_credentials"

    def parameters(self, occasion: Occasion) -> Iterable[tuple[str, str | Secret]]:
        """Nothing: its credentials say it all."""
        return ()

    def __eq__(self, other: object) -> bool:
        # Not for a subclass, which may ask for something else.
        return self is other or type(self) is type(other) is ClientCredentials

    def __hash__(self) -> int:
        return hash(self.grant_type)


class SelfIssuedAssertion(Grant):
    """An assertion about `subject`, signed with our own `key` (RFC 7523, sections 2.1 and 3).

    `issuer`: the `iss`, by default the client_id. `audience`: by default the authorization server's issuer, as one
    string; `"endpoint"` for the URL of the token endpoint that is called. `lifetime`: seconds. `claims`: further
    claims. `typ`: of the JOSE header.
    """

    grant_type = _JWT_BEARER

    def __init__(
        self,
        subject: str,
        *,
        key: Signer,
        issuer: str | None = None,
        audience: str | None = None,
        lifetime: int = 60,
        claims: Mapping[str, object] | None = None,
        typ: str | None = None,
    ) -> None:
        self._subject = subject
        self._key = key
        self._issuer = issuer
        self._audience = audience
        self._lifetime = lifetime
        self._claims = dict(claims or {})
        self._typ = typ

    def parameters(self, occasion: Occasion) -> Iterable[tuple[str, str | Secret]]:
        """A fresh assertion; its `jti` differs from that of the client's own in the same request."""
        from oauthclient.jose.jwt import issue
        from oauthclient.jose.kinds import AUTHORIZATION_GRANT

        assertion = issue(
            AUTHORIZATION_GRANT,
            self._key,
            {
                **self._claims,
                "iss": self._issuer or occasion.client_id,
                "sub": self._subject,
                "aud": occasion.audience(self._audience),
                "jti": f"{occasion.jti}.grant",
                "iat": occasion.issued_at,
                "exp": occasion.issued_at + self._lifetime,
            },
            typ=self._typ,
        )
        return (("assertion", Secret(assertion)),)

    def serve(self, issuer: str | None) -> None:
        """Refuse an audience that another issuer served by the same key could abuse (rfc7523bis)."""
        serve(self._key, issuer, self._audience)


class IssuedAssertion(Grant):
    """An assertion that something else made, fetched from `source` for every request (RFC 7523, section 2.1)."""

    grant_type = _JWT_BEARER

    def __init__(self, source: Callable[[], str | Secret]) -> None:
        self._source = source

    def parameters(self, occasion: Occasion) -> Iterable[tuple[str, str | Secret]]:
        """What `source` returns now."""
        return (("assertion", Secret(self._source())),)
