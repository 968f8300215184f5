"""RP-Initiated Logout, section 2: a URL for the browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oauthclient.errors import InvalidResponse
from oauthclient.protocol.end_session import end_session_url
from oauthclient.protocol.metadata import ServerMetadata
from oauthclient.secret import Secret

ENDPOINT = "https://as.example.com/logout"


def metadata(endpoint: str | None = ENDPOINT, *, loopback: bool = False) -> ServerMetadata:
    document = {"token_endpoint": "https://as.example.com/token", "end_session_endpoint": endpoint}
    return ServerMetadata.from_document(document, loopback=loopback)


def asked(url: str | None) -> dict[str, list[str]]:
    assert url is not None
    return parse_qs(urlsplit(url).query, strict_parsing=True)


def test_it_says_who_is_logged_out_of_what_and_where_to_go_then() -> None:
    url = end_session_url(
        metadata(),
        client_id="app",
        id_token_hint=Secret("e.y.J"),
        logout_hint="alice@example.com",
        post_logout_redirect_uri="http://127.0.0.1/bye?a=b",
        state="s t",
        ui_locales="de en",
    )
    assert url is not None
    assert url.startswith(f"{ENDPOINT}?")
    assert asked(url) == {
        "id_token_hint": ["e.y.J"],
        "logout_hint": ["alice@example.com"],
        "client_id": ["app"],
        "post_logout_redirect_uri": ["http://127.0.0.1/bye?a=b"],
        "state": ["s t"],
        "ui_locales": ["de en"],
    }


def test_what_is_not_known_is_left_out() -> None:
    assert asked(end_session_url(metadata(), client_id="app")) == {"client_id": ["app"]}


def test_a_state_without_a_way_back_is_not_sent() -> None:
    assert "state" not in asked(end_session_url(metadata(), client_id="app", state="s"))


def test_the_query_of_the_endpoint_stays() -> None:
    url = end_session_url(metadata(f"{ENDPOINT}?tenant=1"), client_id="app")
    assert asked(url) == {"tenant": ["1"], "client_id": ["app"]}


def test_a_server_without_it_has_no_url() -> None:
    assert end_session_url(metadata(None), client_id="app") is None


def test_a_browser_is_sent_to_https_or_to_loopback_where_it_is_meant() -> None:
    local: Any = metadata("http://127.0.0.1:9/logout", loopback=True)
    assert end_session_url(local, client_id="app", loopback=True) is not None
    with pytest.raises(InvalidResponse) as caught:
        end_session_url(local, client_id="app")
    assert caught.value.code == "insecure_endpoint"
