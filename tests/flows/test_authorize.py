"""A login's first half: RFC 6749, 4.1.1; RFC 7636; RFC 9101; RFC 9126; RFC 9449, section 10."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import ECKey

from oauthclient.errors import (
    ConfigurationError,
    InvalidResponse,
    NotOffered,
    OAuthError,
    Unreachable,
)
from oauthclient.flows.authorize import begin
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.authentication import PrivateKeyJWT
from oauthclient.protocol.authorization_request import challenge
from oauthclient.protocol.binding import Bearer
from oauthclient.protocol.metadata import ServerMetadata
from oauthclient.protocol.policy import LoginPolicy
from tests.flows.sessions import KEY, ORDERS, REDIRECT_URI, STOCK, Home, a_wish
from tests.flows.telling import ISSUER, assertion, claims, error_answer, form, proof, respond

if TYPE_CHECKING:
    from oauthclient.flows.server import Server
    from oauthclient.protocol.pending import Pending

SIGNER = SigningKey.generate("ES256")
ENCRYPTION = ECKey.generate_key("P-256", {"kid": "e1", "use": "enc", "alg": "ECDH-ES"})
WITHOUT_PAR = {"pushed_authorization_request_endpoint": None, "require_pushed_authorization_requests": None}


def a_server(home: Home, *, openid_only: bool = False, policy: dict[str, Any] | None = None, **members: Any) -> Server:
    """The server, its metadata changed; None leaves a member out."""
    document = {name: value for name, value in (home.server.metadata_document() | members).items() if value is not None}
    metadata = ServerMetadata(document, what="the metadata", loopback=False, openid_only=openid_only)
    return home.client(metadata=metadata, policy=LoginPolicy(**(policy or {})))


def asked(url: str) -> dict[str, list[str]]:
    """What the browser carries."""
    return parse_qs(urlsplit(url).query, strict_parsing=True)


def refused(home: Home, server: Server, wish: Any = None) -> OAuthError:
    with pytest.raises(OAuthError) as failed:
        home.began(wish, server)
    return failed.value


@pytest.fixture
def home() -> Home:
    home = Home()
    home.server.register("app", key=SIGNER, method="none", redirect_uris=[REDIRECT_URI])
    return home


# Pushed


def test_where_requests_can_be_pushed_the_browser_carries_a_reference_only(home: Home) -> None:
    url, _ = home.began()
    assert asked(url).keys() == {"client_id", "request_uri"}
    (pushed,) = home.sent
    assert form(pushed)["resource"] == [ORDERS, STOCK]
    assert "request" not in form(pushed)


def test_the_push_is_authenticated_and_proved(home: Home) -> None:
    home.server.register("app", key=SIGNER, redirect_uris=[REDIRECT_URI])
    home.began(server=home.client(authentication=PrivateKeyJWT(SIGNER)))
    (pushed,) = home.sent
    assert assertion(pushed)["aud"] == ISSUER
    assert proof(pushed)["htu"] == home.server.pushed_authorization_request_endpoint
    assert form(pushed)["dpop_jkt"] == [KEY.thumbprint]


def test_what_is_remembered_is_what_was_sent(home: Home) -> None:
    pending: Pending
    _, pending = home.began(a_wish(max_age=60))
    sent = form(home.sent[0])
    assert sent["state"] == [pending.state.reveal()]
    assert sent["nonce"] == [pending.nonce.reveal()]
    assert sent["code_challenge"] == [challenge(pending.verifier.reveal())]
    assert sent["redirect_uri"] == [pending.redirect_uri]
    assert sent["scope"] == [pending.scope]
    assert (pending.max_age, pending.jkt, pending.began_at) == (60, KEY.thumbprint, home.wall)
    assert not pending.signed_answer


def test_each_login_has_values_of_its_own(home: Home) -> None:
    first, second = (home.began()[1] for _ in range(2))
    values = {secret.reveal() for login in (first, second) for secret in (login.state, login.nonce, login.verifier)}
    assert len(values) == 6
    assert all(43 <= len(login.verifier.reveal()) <= 128 for login in (first, second)), "RFC 7636, section 4.1"


def test_a_nonce_challenge_to_a_push_costs_one_repeat(home: Home) -> None:
    home.server.nonces.mode = "required"
    url, _ = home.began()
    assert "request_uri" in asked(url)
    assert len(home.sent) == 2


@pytest.mark.parametrize("cause", ["nonce", "clock"])
def test_a_push_that_is_repeated_has_a_new_request_object(home: Home, cause: str) -> None:
    """The proof, the assertion and the request object are all new; each is good for one use."""
    if cause == "nonce":
        home.server.nonces.mode = "required"
    server = a_server(home, policy={"signer": SIGNER})
    home.began(server=server)
    objects = [claims(form(sent)["request"][0]) for sent in home.sent]
    assert len({each["jti"] for each in objects}) == len(objects) == (2 if cause == "nonce" else 1)
    assert objects[0]["state"] == objects[-1]["state"]


def test_the_request_object_and_the_assertion_beside_it_share_no_identifier(home: Home) -> None:
    home.server.register("app", key=SIGNER, redirect_uris=[REDIRECT_URI])
    server = home.client(authentication=PrivateKeyJWT(SIGNER), policy=LoginPolicy(signer=SIGNER))
    home.began(server=server)
    (pushed,) = home.sent
    assert claims(form(pushed)["request"][0])["jti"] != assertion(pushed)["jti"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error_answer("invalid_request"), "invalid_request"),
        (error_answer("invalid_client", 401), "invalid_client"),
        (respond(201, {}), "missing_member"),
        (respond(201, {"request_uri": 7}), "wrong_type"),
        (respond(201, b"<html>"), "not_json"),
        (respond(500, b""), "unexpected_status"),
        (respond(307, b"", location="https://evil.example"), "redirected"),
        (Unreachable("No answer.", code="timeout"), "timeout"),
    ],
    ids=["refused", "client", "empty", "type", "HTML", "500", "redirect", "timeout"],
)
def test_a_push_that_fails_ends_the_login(home: Home, answer: Any, code: str) -> None:
    home.answers = [answer]
    assert refused(home, home.known).code == code


def test_a_push_may_be_answered_with_200(home: Home) -> None:
    home.answers = [respond(200, {"request_uri": "urn:x", "expires_in": 60})]
    url, _ = home.began()
    assert asked(url)["request_uri"] == ["urn:x"]


def test_a_server_that_requires_pushing_and_names_no_place_for_it_is_refused(home: Home) -> None:
    server = a_server(home, **(WITHOUT_PAR | {"require_pushed_authorization_requests": True}))
    assert refused(home, server).code == "missing_endpoint"


# Signed


def test_without_a_key_the_request_stands_in_the_url(home: Home) -> None:
    url, _ = home.began(server=a_server(home, **WITHOUT_PAR))
    assert asked(url)["resource"] == [ORDERS, STOCK]
    assert home.sent == []


def test_a_signed_request_by_value_leaves_nothing_beside_it(home: Home) -> None:
    server = a_server(home, policy={"signer": SIGNER}, **WITHOUT_PAR)
    url, pending = home.began(server=server)
    assert asked(url).keys() == {"client_id", "request"}
    (request,) = asked(url)["request"]
    key = ECKey.import_key(SIGNER.public_jwk)
    token = jwt.decode(request, key, algorithms=["ES256"])
    assert token.header["typ"] == "oauth-authz-req+jwt"
    assert token.claims["state"] == pending.state.reveal()
    assert token.claims["resource"] == [ORDERS, STOCK]
    assert (token.claims["aud"], token.claims["iss"]) == (ISSUER, "app")
    assert home.server.person.approve(url).startswith(REDIRECT_URI)


@pytest.mark.parametrize(("scope", "expected"), [("openid", {"response_type", "scope"}), ("", {"response_type"})])
def test_a_server_of_openid_discovery_only_wants_some_of_it_beside(home: Home, scope: str, expected: set[str]) -> None:
    """OpenID Connect Core, section 6.1. No more than the word openid is said of the scope."""
    server = a_server(home, policy={"signer": SIGNER}, openid_only=True, **WITHOUT_PAR)
    url, _ = home.began(a_wish(scope=scope), server)
    assert asked(url).keys() == {"client_id", "request"} | expected
    assert asked(url).get("scope", ["openid"]) == ["openid"]


def test_pushed_it_is_signed_and_needs_nothing_beside(home: Home) -> None:
    server = a_server(home, policy={"signer": SIGNER}, openid_only=True)
    url, _ = home.began(server=server)
    assert asked(url).keys() == {"client_id", "request_uri"}
    assert form(home.sent[0]).keys() == {"client_id", "request"}
    assert home.server.person.approve(url).startswith(REDIRECT_URI)


LISTED = "request_object_signing_alg_values_supported"


@pytest.mark.parametrize(
    ("policy", "members", "signed"),
    [
        ({"signer": SIGNER}, {LISTED: ["ES256"]}, True),
        ({"signer": SIGNER}, {LISTED: ["PS256"]}, False),
        ({"signer": SIGNER}, {LISTED: None}, False),
        ({"signer": SIGNER, "jar": "always"}, {LISTED: None}, True),
        ({"signer": SIGNER, "jar": "never"}, {LISTED: ["ES256"]}, False),
        ({"signer": SIGNER}, {LISTED: None, "require_signed_request_object": True}, True),
        ({}, {LISTED: ["ES256"]}, False),
    ],
)
def test_when_a_request_is_signed(home: Home, policy: Any, members: Any, *, signed: bool) -> None:
    url, _ = home.began(server=a_server(home, policy=policy, **WITHOUT_PAR, **members))
    assert ("request" in asked(url)) is signed


@pytest.mark.parametrize(
    ("policy", "members"),
    [
        ({"jar": "always"}, {}),
        ({}, {"require_signed_request_object": True}),
        ({"signer": SIGNER, "jar": "always"}, {LISTED: ["PS256"]}),
        ({"signer": SIGNER}, {LISTED: ["PS256"], "require_signed_request_object": True}),
    ],
)
def test_a_request_that_must_be_signed_and_cannot_be_is_not_sent(home: Home, policy: Any, members: Any) -> None:
    error = refused(home, a_server(home, policy=policy, **members))
    assert (type(error), error.code) == (ConfigurationError, "no_signing_key")
    assert home.sent == []


def test_a_request_object_is_encrypted_where_that_is_set(home: Home) -> None:
    policy = {"signer": SIGNER, "request_encryption": ("ECDH-ES", "A256GCM")}
    server = a_server(home, policy=policy, **WITHOUT_PAR)
    home.answers = [respond(200, {"keys": [ENCRYPTION.as_dict(private=False)]})]
    url, _ = home.began(server=server)
    (request,) = asked(url)["request"]
    opened = jwe.decrypt_compact(request, ENCRYPTION, algorithms=["ECDH-ES", "A256GCM"])
    assert opened.plaintext is not None
    assert claims(opened.plaintext.decode())["client_id"] == "app"
    assert opened.protected["cty"] == "JWT"


def test_what_is_pushed_is_not_encrypted(home: Home) -> None:
    """By value only; what is pushed goes over TLS to the one who reads it."""
    policy = {"signer": SIGNER, "request_encryption": ("ECDH-ES", "A256GCM")}
    home.began(server=a_server(home, policy=policy))
    assert form(home.sent[0])["request"][0].count(".") == 2


def test_a_server_without_a_key_for_that_is_told_of(home: Home) -> None:
    policy = {"signer": SIGNER, "request_encryption": ("RSA-OAEP-256", "A256GCM")}
    assert refused(home, a_server(home, policy=policy, **WITHOUT_PAR)).code == "no_encryption_key"


# Refused before anything is sent


@pytest.mark.parametrize(
    ("members", "error", "code"),
    [
        ({"authorization_endpoint": None}, InvalidResponse, "missing_endpoint"),
        ({"code_challenge_methods_supported": ["plain"]}, NotOffered, "pkce_not_offered"),
        ({"code_challenge_methods_supported": []}, NotOffered, "pkce_not_offered"),
        ({"dpop_signing_alg_values_supported": None}, NotOffered, None),
        ({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}, NotOffered, "authentication_not_offered"),
    ],
    ids=repr,
)
def test_a_login_that_could_not_end_well_does_not_begin(home: Home, members: Any, error: Any, code: Any) -> None:
    failed = refused(home, a_server(home, **members))
    assert isinstance(failed, error)
    assert code in (None, failed.code)
    assert home.sent == []


def test_a_server_that_does_not_say_what_it_knows_of_pkce_is_sent_it_all_the_same(home: Home) -> None:
    url, _ = home.began(server=a_server(home, code_challenge_methods_supported=None, **WITHOUT_PAR))
    assert asked(url)["code_challenge_method"] == ["S256"]


def test_a_session_without_a_key_binds_no_code(home: Home) -> None:
    server = home.client(binding=Bearer(), metadata=a_server(home, **WITHOUT_PAR).metadata)
    url, _ = home.tell(begin(server, a_wish(), redirect_uri=REDIRECT_URI, jkt=""))
    assert "dpop_jkt" not in asked(url)


@pytest.mark.parametrize("how", ["response_mode", "parameters"])
@pytest.mark.parametrize(("mode", "signed"), [("jwt", True), ("query.jwt", True), ("form_post", False)])
def test_that_a_signed_answer_was_asked_for_is_remembered(home: Home, how: str, mode: str, *, signed: bool) -> None:
    wish = a_wish(**({how: mode} if how == "response_mode" else {how: {"response_mode": mode}}))
    _, pending = home.began(wish)
    assert pending.signed_answer is signed
