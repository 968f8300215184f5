"""Who the app is: it registers itself once (RFC 7591), or was registered by hand in one of three ways."""

import json

import pytest

from oauthclient import ClientSecretBasic, ClientSecretPost, PrivateKeyJWT, SigningKey
from oauthclient.errors import AuthorizationServerError, ConfigurationError, NotOffered, StorageUnreadable
from oauthclient.jose.algorithms import OFFERED
from oauthclient.jose.jwt import issue
from oauthclient.jose.kinds import AUTHORIZATION_GRANT
from oauthclient.testing import misbehaviour
from tests.native.house import eventually, run

STATEMENT = {"iss": "https://vendor.example", "sub": "acme", "aud": "x", "iat": 1, "exp": 4102444800, "jti": "1"}


def test_the_app_registers_itself_once(house, loop) -> None:
    app = house.app()
    how = {"open_browser": False, "tell": house.person.tell}
    first = run(loop, app, "login", **how)
    second = run(loop, house.app(), "login", **how)
    assert first.client_id == second.client_id
    assert [seen.request.method for seen in house.seen("registration")] == ["POST"]


def test_it_registers_what_defends_against_a_downgrade(house) -> None:
    house.login()
    (client,) = house.server.clients.values()
    assert client.method == "private_key_jwt"
    assert client.dpop_bound_access_tokens
    assert client.require_signed_request_object
    assert client.require_pushed_authorization_requests
    assert client.grant_types == {
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    }
    asked = house.seen("registration")[0].request.body
    assert b'"application_type": "native"' in asked
    assert b'"client_name": "Acme CLI"' in asked


@pytest.mark.parametrize("algorithm", OFFERED)
def test_its_key_is_for_what_the_server_lists_and_is_found_again(house, algorithm) -> None:
    for listed in ("token_endpoint_auth", "request_object"):
        house.server.metadata[f"{listed}_signing_alg_values_supported"] = [algorithm]
    session = house.login()
    house.pass_time(301)
    assert house.call(session).status_code == 200
    restored = house.app().restore()
    house.pass_time(301)
    assert house.call(restored).status_code == 200  # with an assertion by the stored key
    assert house.seen("token")[-1].assertion is not None


def test_an_edwards_key_is_written_as_the_server_spells_it(house) -> None:
    house.server.metadata["token_endpoint_auth_signing_alg_values_supported"] = ["EdDSA"]
    house.login()
    session = house.app().restore()
    house.pass_time(301)
    assert house.call(session).status_code == 200


@pytest.mark.parametrize(("jar", "signed"), [("auto", True), ("always", True), ("never", False)])
def test_requests_are_signed_as_the_app_says_and_so_it_is_registered(house, jar, signed) -> None:
    house.login(house.app(jar=jar))
    (client,) = house.server.clients.values()
    assert client.require_signed_request_object is signed
    assert ("request" in house.seen("par")[0].form) is signed


def test_members_of_the_apps_own_and_a_software_statement_are_sent(house) -> None:
    statement = issue(AUTHORIZATION_GRANT, SigningKey.generate(), STATEMENT)
    house.server.registration.software_statements = {statement}
    house.login(house.app(registration={"contacts": ["me@example.com"], "software_statement": statement}))
    asked = json.loads(house.seen("registration")[0].request.body)
    assert (asked["contacts"], asked["software_statement"]) == (["me@example.com"], statement)


def test_a_server_may_want_an_initial_access_token(house) -> None:
    house.server.registration.initial_access_tokens = {"let-me-in"}
    with pytest.raises(AuthorizationServerError) as caught:
        house.login()
    assert "initial access token" in caught.value.hint
    assert house.login(house.app(initial_access_token="let-me-in")).subject == "alice"


def test_a_server_without_registration_says_what_to_do(house) -> None:
    house.server.registration.offered = False
    with pytest.raises(NotOffered) as caught:
        house.login()
    assert caught.value.code == "registration_not_offered"
    assert house.person.read == []


def test_an_answer_that_is_lost_leaves_nothing_that_stops_the_next_attempt(house) -> None:
    house.server.amend(misbehaviour.lost, endpoint="registration", status=201)
    with pytest.raises(AuthorizationServerError):
        house.login()
    assert house.login().subject == "alice"
    eventually(lambda: house.keys() == 2)


@pytest.mark.parametrize(
    ("credentials", "method"),
    [
        ({}, "none"),
        ({"secret": "s" * 32}, "client_secret_basic"),
        ({"secret": "s" * 32}, "client_secret_post"),
        ({"key": SigningKey.generate()}, "private_key_jwt"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_client_registered_by_hand_logs_in_as_it_is(house, credentials, method) -> None:
    """A secret in an app is none, but some servers want it."""
    authentication = {
        "none": lambda: None,
        "client_secret_basic": lambda: ClientSecretBasic(credentials["secret"]),
        "client_secret_post": lambda: ClientSecretPost(credentials["secret"]),
        "private_key_jwt": lambda: PrivateKeyJWT(credentials["key"]),
    }[method]()
    house.known(method=method, **credentials)
    session = house.login(house.app(client_id="acme", authentication=authentication))
    assert house.call(session, house.stock.url).status_code == 200
    assert house.app(client_id="acme", authentication=authentication).restore().subject == "alice"
    assert house.seen("registration") == []


def test_credentials_without_a_client_id_are_a_mistake(house) -> None:
    with pytest.raises(ConfigurationError, match="client_id"):
        house.app(authentication=ClientSecretBasic("s" * 32))


def test_a_redirect_uri_that_was_not_registered_is_said_before_the_browser_opens(house) -> None:
    house.login()
    with pytest.raises(ConfigurationError) as caught:
        house.login(house.app(redirect_path="/elsewhere"))
    assert caught.value.code == "redirect_uri_not_registered"
    assert len(house.person.read) == 1
    assert house.app(redirect_path="/elsewhere").restore().subject == "alice"  # for that no browser is needed


def test_a_client_key_that_is_gone_is_said(house) -> None:
    house.login()
    client_key = house.app().registration.show().key
    house.vault().keys.delete(client_key)
    session = house.app().restore()
    assert house.call(session).status_code == 200  # the token at hand needs no client
    house.pass_time(301)
    with pytest.raises(StorageUnreadable) as caught:
        house.call(session)
    assert caught.value.code == "client_key_missing"
    house.app().registration.rotate_key()
    assert house.call(house.app().restore()).status_code == 200


def test_a_rotated_key_serves_sessions_that_were_there_before(house) -> None:
    house.login()
    running = house.app().restore()
    before = house.app().registration.show().key
    assert house.app().registration.rotate_key().key != before
    house.pass_time(301)
    assert house.call(house.app().restore()).status_code == 200
    assert house.keys() == 2
    assert house.call(running, house.orders.url).status_code == 200  # its token is there by now
