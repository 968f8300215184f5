"""What the fixtures of this folder are."""

from collections.abc import Callable
from typing import Any

from oauthclient.jose.jwt import VerifiedJWT
from oauthclient.jose.keys import SigningKey

Claims = dict[str, Any]
KeyFor = Callable[..., SigningKey]  # (algorithm="ES256")
Encode = Callable[[object], str]  # members or octets, as base64url
Forge = Callable[..., str]  # (signer, header, payload, signature=None): a compact JWS
Check = Callable[..., VerifiedJWT]  # (jwt, **arguments of verify)
Refused = Callable[..., str]  # the same, for the code of the InvalidJWT that it raises
