"""Where to send the browser so that the person is logged out at the server too (RP-Initiated Logout 1.0, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.errors import InvalidResponse
from oauthclient.protocol.authorization_request import front_channel_url
from oauthclient.protocol.urls import secure_url

if TYPE_CHECKING:
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.secret import Secret


def end_session_url(
    metadata: ServerMetadata,
    *,
    client_id: str,
    id_token_hint: Secret | None = None,
    logout_hint: str | None = None,
    post_logout_redirect_uri: str | None = None,
    state: str | None = None,
    ui_locales: str | None = None,
    loopback: bool = False,
) -> str | None:
    """The logout request as a URL for the browser, or None where the server offers no such logout.

    `id_token_hint`: the session's ID token, which may have expired; the URL holds it, so it is not for a log.
    `post_logout_redirect_uri`: one that was registered. `loopback` allows http on loopback addresses. Raises
    InvalidResponse (`insecure_endpoint`).
    """
    endpoint = metadata.end_session_endpoint
    if endpoint is None:
        return None
    secure_url(
        endpoint, what="the end_session_endpoint", loopback=loopback, error=InvalidResponse, code="insecure_endpoint"
    )
    parameters = {
        "id_token_hint": None if id_token_hint is None else id_token_hint.reveal(),
        "logout_hint": logout_hint,
        "client_id": client_id,
        "post_logout_redirect_uri": post_logout_redirect_uri,
        "state": state if post_logout_redirect_uri else None,  # it comes back with that one, or never
        "ui_locales": ui_locales,
    }
    return front_channel_url(endpoint, [(name, value) for name, value in parameters.items() if value])
