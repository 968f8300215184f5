"""What specifications ask of a login and no other test says: RFC 8414, 2; RFC 9126, 4; RFC 9207, 4; RFC 9396, 2."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from oauthclient.errors import ConfigurationError, InvalidResponse
from oauthclient.protocol.metadata import ServerMetadata
from tests.flows.sessions import Home, a_wish
from tests.flows.telling import ISSUER

ENDPOINTS = (
    "authorization_endpoint",
    "device_authorization_endpoint",
    "end_session_endpoint",
    "jwks_uri",
    "pushed_authorization_request_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
)


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("url", ["http://as.example.com/x", "https://as.example.com/x#y", "javascript:alert(1)"])
def test_every_endpoint_of_a_server_is_https(name: str, url: str) -> None:
    document = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token"}
    ServerMetadata.from_document(document | {name: f"{ISSUER}/x"})
    with pytest.raises(InvalidResponse) as refused:
        ServerMetadata.from_document(document | {name: url})
    assert refused.value.code == "insecure_endpoint"


def test_each_login_pushes_a_request_of_its_own() -> None:
    home = Home()
    references = [dict(parse_qsl(urlsplit(home.began()[0]).query))["request_uri"] for _ in range(3)]
    assert len(set(references)) == 3


@pytest.mark.parametrize("iss", ["https://evil.example", "", f"{ISSUER}/"])
def test_an_issuer_beside_a_signed_answer_must_be_the_same(iss: str) -> None:
    home = Home()
    url, pending = home.began(a_wish(response_mode="query.jwt"))
    callback_url = home.server.person.approve(url)
    home.sent.clear()
    with pytest.raises(InvalidResponse) as refused:
        home.finished(pending, f"{callback_url}&{urlencode({'iss': iss})}")
    assert refused.value.code == "issuer_mismatch"
    assert home.server.token_endpoint not in [sent.url for sent in home.sent], "the code was not spent"
    assert home.finished(pending, f"{callback_url}&{urlencode({'iss': ISSUER})}").subject == "alice"


@pytest.mark.parametrize(
    "details", [[{}], [{"type": ""}], [{"type": "a"}, {"actions": []}], ["a"], {"type": "a"}, "a", 7]
)
def test_authorization_details_are_objects_with_a_type(details: Any) -> None:
    home = Home()
    with pytest.raises(ConfigurationError) as refused:
        home.began(a_wish(authorization_details=details))
    assert refused.value.code == "invalid_authorization_details"
    assert home.sent == []
    home.began(a_wish(authorization_details=[{"type": "a"}]))
