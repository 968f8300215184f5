"""One key, several issuers: then every assertion must name exactly its issuer (rfc7523bis, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oauthclient.errors import ConfigurationError

if TYPE_CHECKING:
    from oauthclient.jose.signers import Signer

_audiences: Final[dict[str, dict[str, str]]] = {}  # by thumbprint: a key in a KMS may be met as several objects


def serve(key: Signer, issuer: str | None, audience: str | None) -> None:
    """Take note that `key` signs assertions for `issuer` with this `audience` (None: the issuer itself).

    Raises ConfigurationError where the key serves several issuers and one of the audiences is not its issuer: that one
    could present the assertion to another as its own.
    """
    if issuer is None:
        return
    served = _audiences.setdefault(key.thumbprint, {})
    others = {**served, issuer: audience or issuer}
    if len(others) > 1 and any(name != named for name, named in others.items()):
        raise ConfigurationError(
            f"A key that serves {', '.join(sorted(others))} may sign assertions for no audience but each issuer.",
            code="shared_key_audience",
            hint="Make a key for each issuer, or leave `audience` to its default.",
        )
    served.update(others)
