"""JWTs that say something else than they did, for the edits of `misbehaviour`: no rule of any kind holds them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from oauthclient.jose.encoding import base64url, json_text
from oauthclient.testing.records import claims_of, header_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.signers import Signs


class _Omit:
    def __repr__(self) -> str:
        return "OMIT"


OMIT: Final = _Omit()


def changed(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """These members with the changes; those that become OMIT are left out."""
    return {name: value for name, value in {**members, **changes}.items() if value is not OMIT}


def forged(jwt: str, signer: Signs | None, claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    """The JWT with these claims and header parameters changed, signed anew; `signer` None: with `alg` none.

    Raises TypeError for what is no JWT.
    """
    said, head = claims_of(jwt), header_of(jwt)
    if said is None or head is None:
        raise TypeError("Only a JWT can be forged.")
    named = {"alg": "none", "kid": OMIT} if signer is None else {"alg": signer.algorithm, "kid": signer.kid or OMIT}
    parts = (changed({**head, **named}, header), changed(said, claims))
    message = b".".join(base64url(json_text(part)) for part in parts)
    signature = b"" if signer is None else base64url(signer.sign(message))
    return (message + b"." + signature).decode()
