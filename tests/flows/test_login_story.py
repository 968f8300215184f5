"""A login's second half: RFC 6749, 4.1.2 to 4.1.4; RFC 9207; RFC 9700, 4.4; JARM; OpenID Connect Core, 3.1.3."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from oauthclient.errors import (
    ConfigurationError,
    DowngradeRefused,
    ErrorResponse,
    InvalidJWT,
    InvalidResponse,
    OAuthError,
)
from oauthclient.jose.decryption_key import DecryptionKey
from oauthclient.jose.jwe import encrypt
from oauthclient.jose.keys import SigningKey
from oauthclient.protocol.authorization_response import callback_parameters
from oauthclient.protocol.binding import Bearer
from oauthclient.protocol.policy import LoginPolicy
from oauthclient.protocol.session import USERINFO, Granted
from oauthclient.secret import Secret
from oauthclient.testing import misbehaviour as wrong
from tests.flows.sessions import KEY, ORDERS, REDIRECT_URI, STOCK, TARGETS, Home, a_wish
from tests.flows.telling import error_answer, form, proof, respond, token_answer

if TYPE_CHECKING:
    from oauthclient.flows.server import Server
    from oauthclient.protocol.pending import Pending
    from oauthclient.protocol.session import SessionState


class Browser:
    """A login that has come back from the browser, with an answer that can still be changed."""

    def __init__(self, home: Home, wish: Any = None, server: Server | None = None) -> None:
        self.home = home
        self.server = server or home.known
        url, self.pending = home.began(wish, self.server)
        self.callback_url = home.server.person.approve(url)
        home.sent.clear()

    def changed(self, **changes: str | None) -> str:
        """The callback URL with other parameters; None leaves one out."""
        parameters = dict(parse_qsl(urlsplit(self.callback_url).query)) | changes
        return f"{REDIRECT_URI}?{urlencode([pair for pair in parameters.items() if pair[1] is not None])}"

    def finish(self, url: str | None = None, pending: Pending | None = None) -> SessionState:
        return self.home.finished(pending or self.pending, url or self.callback_url, self.server)

    def refused(self, url: str | None = None, pending: Pending | None = None) -> OAuthError:
        """The error that it ends with; no token was asked for."""
        with pytest.raises(OAuthError) as failed:
            self.finish(url, pending)
        assert not [sent for sent in self.home.sent if sent.url == self.home.server.token_endpoint]
        return failed.value


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.fixture
def browser(home: Home) -> Browser:
    return Browser(home)


# What belongs


def test_the_session_that_a_login_brings(home: Home, browser: Browser) -> None:
    session = browser.finish()
    assert session.subject == "alice"
    assert session.claims["nonce"] == browser.pending.nonce.reveal()
    assert (session.jkt, session.profile, session.generation) == (KEY.thumbprint, "default", 0)
    assert session.granted == (*TARGETS, Granted(USERINFO, "openid"))
    assert session.tokens.keys() == {ORDERS}
    assert session.refresh_token == Secret(home.server.refresh_tokens.issued[-1].value)


def test_what_the_token_request_says(home: Home, browser: Browser) -> None:
    browser.finish()
    asked = form(home.sent[0])
    assert asked["grant_type"] == ["authorization_code"]
    assert asked["code_verifier"] == [browser.pending.verifier.reveal()]
    assert asked["redirect_uri"] == [REDIRECT_URI]
    assert asked["resource"] == [ORDERS]
    assert "ath" not in proof(home.sent[0])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "other"}, "unknown_state"),
        ({"state": None}, "unknown_state"),
        ({"iss": "https://evil.example"}, "issuer_mismatch"),
        ({"iss": None}, "missing_iss"),
        ({"code": None}, "missing_code"),
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "access_denied", "iss": "https://evil.example"}, "issuer_mismatch"),
        ({"error": "access_denied", "iss": None}, "missing_iss"),
    ],
    ids=repr,
)
def test_what_does_not_belong_is_refused_before_any_token_request(
    browser: Browser, changes: dict[str, str | None], code: str
) -> None:
    assert browser.refused(browser.changed(**changes)).code == code


def test_a_parameter_twice_is_refused_before_any_token_request(browser: Browser) -> None:
    assert browser.refused(f"{browser.callback_url}&code=injected").code == "duplicate_parameter"


def test_the_answer_at_another_issuers_path_is_refused_before_any_token_request(browser: Browser) -> None:
    """RFC 9700, section 4.4: a mix-up."""
    url = browser.callback_url.replace("/callback/as", "/callback/evil")
    assert browser.refused(url).code == "wrong_redirect_uri"


def test_a_code_of_another_login_is_refused(home: Home, browser: Browser) -> None:
    """RFC 9700, section 4.5: the verifier is not that code's, even where the state is made to fit."""
    other = Browser(home)
    injected = dict(parse_qsl(urlsplit(other.callback_url).query))["code"]
    with pytest.raises(ErrorResponse) as failed:
        browser.finish(browser.changed(code=injected))
    assert failed.value.code == "invalid_grant"


def test_a_person_who_says_no_is_told_so(home: Home) -> None:
    url, pending = home.began()
    with pytest.raises(ErrorResponse) as failed:
        home.finished(pending, home.server.person.refuse(url))
    assert failed.value.code == "access_denied"
    assert failed.value.hint


# The code is sent once


@pytest.mark.parametrize(
    "answer",
    [
        respond(500, b""),
        respond(404, b""),
        respond(429, b""),
        error_answer("invalid_client", 401, date="Sat, 01 Jan 2000 00:00:00 GMT"),
        error_answer("invalid_dpop_proof", date="Fri, 15 Jan 2027 09:00:00 GMT"),
        error_answer("invalid_grant"),
    ],
    ids=["500", "404", "429", "client", "clock", "grant"],
)
def test_a_code_is_not_sent_again(home: Home, browser: Browser, answer: Any) -> None:
    home.answers = [answer]
    with pytest.raises(OAuthError):
        browser.finish()
    assert len(home.sent) == 1


def test_a_code_is_sent_again_for_a_nonce_only(home: Home, browser: Browser) -> None:
    home.server.nonces.mode = "required"
    browser.finish()
    first, second = [sent for sent in home.sent if sent.url == home.server.token_endpoint]
    assert form(first)["code"] == form(second)["code"]
    assert proof(first)["jti"] != proof(second)["jti"]
    assert "nonce" in proof(second)


# What comes of the code


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (wrong.members(token_type="Bearer"), DowngradeRefused),
        (wrong.members(access_token=wrong.OMIT), InvalidResponse),
        (wrong.members(id_token=wrong.OMIT), InvalidResponse),
        (wrong.members(id_token=""), InvalidJWT),
        (wrong.members(id_token="a.b.c"), InvalidJWT),
        (wrong.unsigned_id_token, InvalidJWT),
    ],
    ids=["downgrade", "no token", "no ID token", "empty ID token", "garbage", "unsigned"],
)
def test_an_answer_that_is_wrong_makes_no_session(home: Home, browser: Browser, edit: Any, error: Any) -> None:
    home.server.amend(edit)
    with pytest.raises(error):
        browser.finish()


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "other"},
        {"nonce": wrong.OMIT},
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"aud": ["app", "other"], "azp": wrong.OMIT},
        {"azp": "other"},
        {"exp": 0},
        {"at_hash": "x" * 22},
    ],
    ids=repr,
)
def test_an_id_token_that_is_wrong_makes_no_session(home: Home, browser: Browser, claims: dict[str, Any]) -> None:
    home.server.amend(wrong.id_token(home.server, **claims))
    with pytest.raises(InvalidJWT):
        browser.finish()


def test_an_id_token_by_another_key_makes_no_session(home: Home, browser: Browser) -> None:
    home.server.amend(wrong.id_token(home.server, signer=SigningKey.generate()))
    with pytest.raises(InvalidJWT):
        browser.finish()


def test_without_openid_nobody_is_named(home: Home) -> None:
    session = home.logged_in(a_wish(scope=""))
    assert (session.subject, session.id_token, session.claims) == (None, None, {})
    assert session.granted == TARGETS


def test_a_login_for_nothing_but_to_know_who_it_is_keeps_the_token_for_userinfo(home: Home) -> None:
    session = home.logged_in(a_wish(targets=(), scope="openid"))
    assert session.subject == "alice"
    assert session.tokens.keys() == {USERINFO}
    assert session.tokens[USERINFO].serves("openid")


def test_scopes_that_belong_to_nobody_are_the_servers_own(home: Home) -> None:
    session = home.logged_in(a_wish(scope="openid profile offline_access"))
    assert session.granted[-1] == Granted(USERINFO, "openid profile")


def test_no_refresh_token_is_no_error(home: Home, browser: Browser) -> None:
    home.server.amend(wrong.members(refresh_token=wrong.OMIT))
    assert browser.finish().refresh_token is None


def test_an_empty_refresh_token_is_none(home: Home, browser: Browser) -> None:
    home.server.amend(wrong.members(refresh_token=""))
    assert browser.finish().refresh_token is None


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("read", "read"),
        ("openid read other", "read"),
        ("read more", "read more"),
        (wrong.OMIT, "read more"),
        ("https://as.example.com/scopes/read", "read more"),
    ],
)
def test_what_the_person_did_not_grant_is_not_asked_for_later(home: Home, scope: Any, granted: str) -> None:
    """RFC 6749, section 3.3; a server that has other names for its scopes has said nothing of the kind."""
    browser = Browser(home, a_wish(targets=(Granted(ORDERS, "read more"), Granted(STOCK, "write"))))
    home.server.amend(wrong.members(scope=scope))
    session = browser.finish()
    assert session.granted[:2] == (Granted(ORDERS, granted), Granted(STOCK, "write"))


def test_a_session_without_a_key_takes_bearer_tokens_only(home: Home) -> None:
    browser = Browser(home, server=home.client(binding=Bearer()))
    home.answers = [token_answer()]
    with pytest.raises(InvalidResponse) as failed:
        browser.finish()
    assert failed.value.code == "unexpected_token_type"


def test_an_error_of_the_token_endpoint_is_told(home: Home, browser: Browser) -> None:
    home.server.instead(wrong.oauth_error("invalid_grant", description="too late"))
    with pytest.raises(ErrorResponse) as failed:
        browser.finish()
    assert failed.value.description == "too late"


# JARM


@pytest.fixture
def signed(home: Home) -> Browser:
    return Browser(home, a_wish(response_mode="query.jwt"))


def test_a_signed_answer_is_taken(signed: Browser) -> None:
    assert dict(parse_qsl(urlsplit(signed.callback_url).query)).keys() == {"response"}
    assert signed.finish().subject == "alice"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "https://evil.example"}, "issuer_mismatch"),
        ({"aud": "other"}, "audience_mismatch"),
        ({"exp": 1}, "expired"),
        ({"exp": wrong.OMIT}, "missing_claim"),
        ({"state": "other"}, "unknown_state"),
        ({"state": wrong.OMIT}, "unknown_state"),
        ({"state": 7}, "unknown_state"),
        ({"code": wrong.OMIT}, "missing_code"),
        ({"sub": "alice"}, "foreign_claim"),
    ],
    ids=repr,
)
def test_a_signed_answer_that_is_wrong_is_refused(home: Home, claims: dict[str, Any], code: str) -> None:
    home.server.amend(wrong.signed_response(home.server, **claims), endpoint="authorization", status=303)
    assert Browser(home, a_wish(response_mode="query.jwt")).refused().code == code


def test_a_signed_answer_by_another_key_is_refused(home: Home) -> None:
    forged = wrong.signed_response(home.server, signer=SigningKey.generate())
    home.server.amend(forged, endpoint="authorization", status=303)
    assert isinstance(Browser(home, a_wish(response_mode="query.jwt")).refused(), InvalidJWT)


def test_an_answer_whose_signature_was_taken_off_is_refused(home: Home, signed: Browser) -> None:
    """Else whoever sits in the browser could do without the signature that was asked for."""
    plain = Browser(home)
    url = signed.callback_url.partition("?")[0] + "?" + urlsplit(plain.callback_url).query
    pending = replace(plain.pending, signed_answer=True)
    assert signed.refused(url, pending).code == "unsigned_answer"


def test_an_algorithm_that_was_not_registered_is_refused(home: Home) -> None:
    policy = LoginPolicy(authorization_signed_response_alg="PS256")
    browser = Browser(home, a_wish(response_mode="jwt"), home.client(policy=policy))
    assert browser.refused().code == "algorithm_not_allowed"


def test_a_signed_refusal_is_told(home: Home) -> None:
    url, pending = home.began(a_wish(response_mode="jwt"))
    with pytest.raises(ErrorResponse) as failed:
        home.finished(pending, home.server.person.refuse(url))
    assert failed.value.code == "access_denied"


def encrypted(home: Home, key: DecryptionKey, browser: Browser) -> str:
    (response,) = [value for _, value in parse_qsl(urlsplit(browser.callback_url).query)]
    sealed = encrypt(response, jwk=key.public_jwk, alg=key.algorithm, enc="A256GCM")
    return f"{REDIRECT_URI}?{urlencode({'response': sealed})}"


def test_an_answer_that_is_signed_and_then_encrypted_is_taken(home: Home) -> None:
    key = DecryptionKey.generate("ECDH-ES")
    server = home.client(policy=LoginPolicy(decryption_key=key))
    browser = Browser(home, a_wish(response_mode="jwt"), server)
    assert browser.finish(encrypted(home, key, browser)).subject == "alice"


def test_an_encrypted_answer_without_a_key_is_refused(home: Home, signed: Browser) -> None:
    error = signed.refused(encrypted(home, DecryptionKey.generate("ECDH-ES"), signed))
    assert (type(error), error.code) == (ConfigurationError, "no_decryption_key")


def test_an_answer_encrypted_to_another_key_is_refused(home: Home) -> None:
    server = home.client(policy=LoginPolicy(decryption_key=DecryptionKey.generate("ECDH-ES")))
    browser = Browser(home, a_wish(response_mode="jwt"), server)
    assert isinstance(browser.refused(encrypted(home, DecryptionKey.generate("ECDH-ES"), browser)), OAuthError)


def test_no_error_of_a_login_holds_its_secrets(home: Home, browser: Browser) -> None:
    code = callback_parameters(browser.callback_url, REDIRECT_URI)["code"]
    error = browser.refused(browser.changed(iss="https://evil.example"))
    for secret in (code, browser.pending.state.reveal(), browser.pending.verifier.reveal()):
        assert secret not in str(error)
