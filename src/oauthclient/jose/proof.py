"""DPoP proofs, one for each request on the wire (RFC 9449 sections 4.2 and 7.1)."""

from __future__ import annotations

import hashlib
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, final

from oauthclient.errors import InvalidResponse
from oauthclient.jose.encoding import base64url, json_text
from oauthclient.jose.jwt import protected_header
from oauthclient.jose.kinds import DPOP_PROOF
from oauthclient.jose.signers import signature

if TYPE_CHECKING:
    from oauthclient.jose.signers import Signer


@final
class Prover:
    """Makes proofs with one key.

    Its cost is that of the signature: the header is encoded once, and the payload is put together as text.
    Raises InvalidKey for a signer that may not make proofs.
    """

    __slots__ = ("_head", "_key", "_sign", "algorithm", "thumbprint")

    def __init__(self, key: Signer) -> None:
        self.thumbprint = key.thumbprint
        self._key = key
        self._sign = key.sign
        self.spell(key.algorithm)

    def spell(self, alg: str) -> None:
        """Name the algorithm `alg` from now on: `EdDSA` for an Ed25519 key, where a server lists only that."""
        self._head = base64url(json_text(protected_header(DPOP_PROOF, self._key, alg=alg))) + b"."
        self.algorithm = alg

    def proof(self, htm: str, htu: str, iat: int, jti: str, ath: str | None = None, nonce: str | None = None) -> str:
        """A proof for the method `htm` and the URL `htu`, without query and fragment, made at `iat`.

        `iat` is Unix time in seconds, `jti` new for every proof.
        `ath` is `ath(access_token)`, exactly when an access token is presented (RFC 9449 section 7.1).
        """
        payload = f'{{"jti":{_quoted(jti)},"htm":{_quoted(htm)},"htu":{_quoted(htu)},"iat":{iat}'
        if ath is not None:
            payload += f',"ath":{_quoted(ath)}'
        if nonce is not None:
            payload += f',"nonce":{_quoted(nonce)}'
        payload += "}"
        message = self._head + base64url(payload.encode())
        return (message + b"." + base64url(signature(self._sign, message))).decode()

    def __repr__(self) -> str:
        return f"Prover(algorithm={self.algorithm!r}, thumbprint={self.thumbprint!r})"


def ath(access_token: str) -> str:
    """The hash of an access token for its proof: SHA-256 of its octets, base64url (RFC 9449 section 4.2).

    Raises InvalidResponse (`access_token_not_ascii`): such a token fits no header.
    """
    return base64url(hashlib.sha256(token_octets(access_token)).digest()).decode("ascii")


def token_octets(access_token: str) -> bytes:
    """The octets that an access token is hashed as. Raises InvalidResponse (`access_token_not_ascii`)."""
    if not access_token.isascii():
        raise InvalidResponse("The access token is not ASCII.", code="access_token_not_ascii")
    return access_token.encode("ascii")
