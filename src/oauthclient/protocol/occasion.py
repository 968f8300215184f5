"""One sending of a request to an authorization server: whom it is for, and what must be fresh in it."""

from __future__ import annotations

from typing import NamedTuple

from oauthclient.errors import ConfigurationError


class Occasion(NamedTuple):
    """What a credential or a grant is made for; there is a new one for every request sent, repeats included.

    `issuer`: the authorization server's, or None where metadata given by hand has none. `endpoint`: the URL the request
    goes to. `issued_at`: seconds since 1970 on the server's clock, as far as it is known. `jti`: fresh and unguessable.
    `algorithms`: those the server lists for assertions, or None.
    """

    issuer: str | None
    client_id: str
    endpoint: str
    issued_at: int
    jti: str
    algorithms: tuple[str, ...] | None = None

    def audience(self, setting: str | None) -> str:
        """The `aud` of an assertion: the issuer as one string, unless a setting says otherwise (rfc7523bis, section 4).

        The setting `"endpoint"` is the URL that is really called, an alias included (RFC 7523, section 3). Raises
        ConfigurationError where neither is known.
        """
        audience = self.endpoint if setting == "endpoint" else setting or self.issuer
        if audience is None:
            raise ConfigurationError(
                "The metadata given by hand names no issuer, so an assertion has no audience.",
                code="no_audience",
                hint="Put `issuer` into the metadata, or set `audience`.",
            )
        return audience
