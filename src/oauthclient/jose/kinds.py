"""The kinds of JWT, with rules of their own: none passes for another (RFC 8725 sections 3.11, 3.12)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fault(NamedTuple):
    """What is wrong with a JWT: a stable code and a sentence without any of its content."""

    code: str
    message: str


class Kind(NamedTuple):
    """The rules of one kind of JWT.

    `typ`: the accepted `typ` values in lower case, the first being what is written; "" stands for none at
    all. `required`: claims that must be there. `foreign`: claims that would make it another kind. `subject`:
    whether `sub` is the issuer, must be another, or is free. `by_client`: whether `client_id` is the issuer.
    `recipient`: whether `iss` and `aud` are checked against what the caller expects. `sole_audience`: whether
    `aud` may name one recipient only. `longest`: seconds it may be valid, counted from `iat` where there is
    one. `embedded_key`: whether the header carries the public key. `hmac`: whether a shared secret may sign it.
    """

    name: str
    typ: tuple[str, ...]
    required: tuple[str, ...]
    foreign: tuple[str, ...] = ()
    subject: Literal["any", "issuer", "other"] = "any"
    by_client: bool = False
    recipient: bool = True
    sole_audience: bool = False
    longest: float = math.inf
    embedded_key: bool = False
    hmac: bool = False

    def fault(self, claims: Mapping[str, object]) -> Fault | None:
        """What speaks against these claims, whoever issued them and whenever."""
        for name in self.required:
            if name not in claims:
                return Fault("missing_claim", f'The {self.name} has no "{name}" claim.')
        for name in self.foreign:
            if name in claims:
                return Fault("foreign_claim", f'No {self.name} has the claim "{name}".')
        for name, value in claims.items():
            if not _well_typed(name, value):
                return Fault("claim_type", f'The "{name}" claim of the {self.name} is of the wrong type.')
        if self.sole_audience and len(audiences(claims)) != 1:
            return Fault("audience_mismatch", f"The {self.name} has not exactly one audience.")
        return self._party_fault(claims)

    def _party_fault(self, claims: Mapping[str, object]) -> Fault | None:
        if self.subject == "issuer" and claims["sub"] != claims["iss"]:
            return Fault("subject_mismatch", f"The subject of the {self.name} is not its issuer.")
        if self.subject == "other" and claims["sub"] == claims["iss"]:
            return Fault("subject_mismatch", f"The subject of the {self.name} is its issuer, as in a client assertion.")
        if self.by_client and claims["client_id"] != claims["iss"]:
            return Fault("client_mismatch", f"The client_id in the {self.name} is not its issuer.")
        return None

    def accepts(self, typ: object) -> bool:
        """Whether a header's `typ` is of this kind, in any case, `application/` before it or not."""
        if typ is None:
            return "" in self.typ
        named = typ.lower().removeprefix("application/") if isinstance(typ, str) else ""
        return bool(named) and named in self.typ


# What only ID tokens say (OpenID Connect Core sections 2, 3.1.3.6 and 3.3.2.11): the other JWTs of a server, and the
# assertions of a client, may look like one without these.
_OF_ID_TOKENS: Final = ("nonce", "at_hash", "c_hash")

# A client's proof of itself (RFC 7523 sections 2.2 and 3; rfc7523bis section 4). A server ought not to refuse
# an untyped one (rfc7523bis section 4), so what tells it from a grant is that it speaks of its issuer.
CLIENT_ASSERTION: Final = Kind(
    "client assertion",
    typ=("client-authentication+jwt", "jwt", ""),
    required=("iss", "sub", "aud", "exp", "iat", "jti"),
    subject="issuer",
    sole_audience=True,
    longest=3600,
    hmac=True,
)

# RFC 7523 section 2.1. It has no `typ` of its own; that it speaks of somebody else than its issuer keeps it
# from being a client assertion (who speaks for itself has the client_credentials grant), and that it names no
# client, from being an untyped access token (RFC 9068 section 2.2).
AUTHORIZATION_GRANT: Final = Kind(
    "authorization grant assertion",
    typ=("jwt", ""),
    required=("iss", "sub", "aud", "exp"),
    foreign=("client_id", "htm", "htu", *_OF_ID_TOKENS),
    subject="other",
    longest=3600,
)

# RFC 9101 section 4. With no `sub` it is no client assertion (section 10.8); `nbf` is asked for by FAPI 2.0 Message
# Signing section 5.3.1, `jti` makes it for one use.
REQUEST_OBJECT: Final = Kind(
    "request object",
    typ=("oauth-authz-req+jwt",),
    required=("iss", "aud", "client_id", "exp", "iat", "nbf", "jti"),
    foreign=("sub", "request", "request_uri"),
    by_client=True,
    longest=3600,
)

# RFC 9449 section 4.2. It names no recipient and no end; `iat` must be recent (section 11.1).
DPOP_PROOF: Final = Kind(
    "DPoP proof",
    typ=("dpop+jwt",),
    required=("jti", "htm", "htu", "iat"),
    recipient=False,
    longest=60,
    embedded_key=True,
)

# RFC 9068 section 2. Clients never read one; a resource server does.
ACCESS_TOKEN: Final = Kind(
    "access token",
    typ=("at+jwt",),
    required=("iss", "exp", "aud", "sub", "client_id", "iat", "jti"),
    foreign=_OF_ID_TOKENS,
)

# OpenID Connect Core section 2, as the answer to an authorization request with a `nonce`, which must come back.
ID_TOKEN: Final = Kind(
    "ID token",
    typ=("jwt", ""),
    required=("iss", "sub", "aud", "exp", "iat", "nonce"),
    subject="other",
)

# OpenID Connect Core section 12.2, RFC 8628: where no authorization request was made there is no `nonce`, and nothing
# in the claims need tell the ID token from a UserInfo response. It is taken from a token response only.
REFRESHED_ID_TOKEN: Final = ID_TOKEN._replace(required=("iss", "sub", "aud", "exp", "iat"))

# JARM section 2.1. It names nobody, and no client but in `aud`.
JARM_RESPONSE: Final = Kind(
    "authorization response",
    typ=("jwt", ""),
    required=("iss", "aud", "exp"),
    foreign=("sub", "client_id"),
    longest=3600,
)

# OpenID Connect Core section 5.3.2: signed, it holds `iss` and `aud`. Some servers add `exp` and `iat`.
USERINFO: Final = Kind(
    "UserInfo response",
    typ=("jwt", ""),
    required=("iss", "sub", "aud"),
    foreign=("client_id", *_OF_ID_TOKENS),
    subject="other",
)


def audiences(claims: Mapping[str, object]) -> tuple[str, ...]:
    """The values of the `aud` claim, which may be one string or an array (RFC 7519 section 4.1.3)."""
    aud = claims.get("aud", ())
    return (aud,) if isinstance(aud, str) else tuple(str(a) for a in aud) if isinstance(aud, list | tuple) else ()


_STRINGS: Final = frozenset({"iss", "sub", "jti", "client_id", "scope", "htm", "htu", "ath", "nonce"})
# The year 10000: what lies beyond breaks arithmetic somewhere, and means nothing.
_END_OF_TIME: Final = 253_402_300_800
_DATES: Final = frozenset({"exp", "nbf", "iat"})


def _well_typed(name: str, value: object) -> bool:
    if name in _STRINGS:
        return isinstance(value, str) and bool(value)
    if name in _DATES:  # NumericDate, RFC 7519 section 2; True is an int only in Python
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _END_OF_TIME
    if name == "aud":
        named = (value,) if isinstance(value, str) else value
        return isinstance(named, list | tuple) and bool(named) and all(isinstance(a, str) and a for a in named)
    return True
