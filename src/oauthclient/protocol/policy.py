"""How a client makes its logins: what was registered, or set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from oauthclient.jose.decryption_key import DecryptionKey
    from oauthclient.jose.signers import Signer

Jar = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPolicy:
    """Settings of a client's logins.

    `signer`: the key for request objects (RFC 9101). `jar`: "auto" signs where the server lists our algorithm, or wants
    it so. `request_encryption`: `alg` and `enc` for request objects, where the server knows from the registration that
    they are encrypted. The registered `*_signed_response_alg` narrow what is accepted. `decryption_key`: for answers
    that are encrypted to us.
    """

    signer: Signer | None = None
    jar: Jar = "auto"
    request_encryption: tuple[str, str] | None = None
    id_token_signed_response_alg: str | None = None
    authorization_signed_response_alg: str | None = None
    userinfo_signed_response_alg: str | None = None
    decryption_key: DecryptionKey | None = None
