"""The name of a token: everything that tells it from every other one (RFC 8707, section 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from oauthclient.protocol.grants import Grant
    from oauthclient.protocol.record_name import Name


G = TypeVar("G", bound="Grant | Name")


class Slot(NamedTuple, Generic[G]):
    """Which token: nothing less than this, or two users, keys or resources would share one.

    `issuer` is the server's name (see `Server.name`). `target` is what the authorization server is told the token is
    for, by the parameter `told_by`; `thumbprint` is that of the binding key (RFC 7638), `certificate` that of the
    client certificate (RFC 8705, section 3.1), each "" where it binds to none. `parameters` are the client's further
    ones, sorted: they may name a tenant, or hold `authorization_details`.
    """

    issuer: str
    client_id: str
    grant: G
    told_by: str
    target: str
    scope: str | None
    thumbprint: str
    parameters: tuple[tuple[str, str], ...] = ()
    certificate: str = ""
