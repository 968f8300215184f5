"""A person logs in, and stays logged in: over restarts, as several people, at several servers (RFC 8252)."""

import socket
import threading

import httpx
import pytest

from oauthclient import Bearer, PrivateKeyJWT, Resource, SigningKey
from oauthclient.errors import (
    ErrorResponse,
    InvalidResponse,
    LoginTimeout,
    PortTaken,
    ReauthenticationRequired,
)
from oauthclient.testing import AuthorizationServer, ProtectedAPI, misbehaviour
from tests.native.house import eventually, run
from tests.native.visitors import free_port


def test_a_person_logs_in_and_each_api_gets_a_token_of_its_own(house, loop) -> None:
    how = {"open_browser": False, "tell": house.person.tell}
    session = run(loop, house.app(), "login", **how)
    assert (session.subject, session.profile, session.refreshable) == ("alice", "default", True)
    assert house.call(session).json()["scope"] == "read"
    assert house.call(session, house.stock.url).json()["scope"] == "move"
    assert house.orders.requests[-1].token["cnf"]["jkt"]
    house.person.leave()
    status, page = house.person.pages[0]
    assert status == 200
    assert "You are logged in" in page


def test_another_process_restores_the_session_and_sends_nothing_for_that(house, loop) -> None:
    assert run(loop, house.app(), "restore") is None
    house.login()
    before = len(house.server.requests)
    session = run(loop, house.app(), "restore")
    assert (session.subject, session.granted[0].scope) == ("alice", "read")
    assert len(house.server.requests) == before
    assert house.call(session).status_code == 200
    assert len(house.server.requests) == before


def test_the_front_channel_holds_no_more_than_a_reference(house) -> None:
    house.login()
    assert house.seen("authorization")[0].query.keys() == {"client_id", "request_uri"}


def test_a_session_outlives_its_access_tokens(house) -> None:
    session = house.login()
    for _ in range(3):
        house.pass_time(301)
        assert house.call(session).status_code == 200
    assert (house.server.refresh_tokens.refreshed, house.server.refresh_tokens.replays) == (3, 0)


class TestRefreshTokens:
    def test_offline_access_is_asked_for_where_the_server_lists_it(self, house) -> None:
        house.login()
        assert "offline_access" in house.seen("par")[0].request_object["scope"].split()

    def test_it_is_not_where_the_server_does_not_list_it(self, house) -> None:
        house.server.metadata = {"scopes_supported": ["openid", "read", "move"]}
        house.login()
        assert "offline_access" not in house.seen("par")[0].request_object["scope"].split()

    def test_it_is_not_where_the_app_does_not_want_to_stay(self, house) -> None:
        house.server.refresh_tokens.condition = "offline_access"
        session = house.login(house.app(offline=False))
        assert not session.refreshable
        assert house.person.read[1:] == []  # as it was wanted
        (client,) = house.server.clients.values()
        assert "refresh_token" not in client.grant_types

    def test_that_there_is_none_is_said_and_the_next_login_asks_for_the_consent_that_brings_one(self, house) -> None:
        house.server.refresh_tokens.condition = "prompt=consent"
        session = house.login()
        assert not session.refreshable
        assert "no refresh token" in house.person.read[-1]
        assert "consent" in house.person.read[-1]
        assert "prompt" not in house.seen("par")[-1].request_object
        assert house.login().refreshable
        assert house.seen("par")[-1].request_object["prompt"] == "consent"

    def test_a_session_without_one_ends_with_its_token(self, house) -> None:
        house.server.refresh_tokens.condition = "never"
        session = house.login()
        assert house.call(session).status_code == 200
        house.pass_time(301)
        with pytest.raises(ReauthenticationRequired) as caught:
            house.call(session)
        assert caught.value.reason == "no_refresh_token"


class TestAccounts:
    def test_another_person_than_before_has_to_be_expected(self, house) -> None:
        first = house.login()
        house.person.cookies = {"subject": "bob"}
        with pytest.raises(ReauthenticationRequired) as caught:
            house.login()
        assert caught.value.reason == "identity_changed"
        house.person.leave()
        assert "The login did not work" in house.person.pages[-1][1]
        assert house.app().restore().subject == "alice"
        assert house.call(first).status_code == 200
        assert house.seen("revocation")[-1].form["token_type_hint"] == ["refresh_token"]  # bob's

        assert house.login(switch_account=True).subject == "bob"
        assert house.app().restore().subject == "bob"
        assert house.keys() == 2  # the session's, and the client's own

    def test_profiles_are_sessions_side_by_side_of_one_registration(self, house) -> None:
        app = house.app()
        house.login(app)
        house.person.cookies = {"subject": "bob"}
        house.login(app, profile="work")
        assert len(house.server.clients) == 1
        again = house.app()
        assert [again.restore(profile=each).subject for each in ("default", "work")] == ["alice", "bob"]
        assert house.call(again.restore(profile="work")).json()["subject"] == "bob"
        assert house.call(again.restore()).json()["subject"] == "alice"
        again.restore(profile="work").logout()
        assert house.app().restore(profile="work") is None
        assert house.call(house.app().restore()).json()["subject"] == "alice"

    def test_servers_are_kept_apart(self, house) -> None:
        other = AuthorizationServer(f"{house.port.url}/other")
        other.person.subject = "otto"
        bills = ProtectedAPI(other, f"{house.port.url}/bills", scope="read")
        house.network.hosts += [other, bills]
        house.login()
        there = {"issuer": other.issuer, "resources": [Resource(bills.url, scope="read")]}
        session = house.login(house.app(**there))
        assert house.call(session, bills.url).json()["subject"] == "otto"
        assert house.app().restore().subject == "alice"
        assert house.app(**there).restore().subject == "otto"
        paths = {
            client.redirect_uris[0].rpartition("/")[2]
            for host in (house.server, other)
            for client in host.clients.values()
        }
        assert len(paths) == 2  # a redirect path for each issuer (RFC 9700, section 4.4.2.2)

    def test_a_session_can_be_extended(self, house) -> None:
        orders, stock = house.resources()
        house.login(house.app(resources=[orders]))
        session = house.app().restore()
        assert house.call(session).status_code == 200
        with pytest.raises(ReauthenticationRequired) as caught:
            house.call(session, house.stock.url)
        assert caught.value.reason == "not_granted"
        session = house.login(house.app(resources=[stock]), extend=True)
        assert {granted.target: granted.scope for granted in session.granted} == {
            house.orders.url: "read",
            house.stock.url: "move",
        }
        assert house.call(house.app().restore()).status_code == 200


class TestTheSessionBefore:
    def test_it_stays_where_the_person_says_no(self, house, loop) -> None:
        house.login()
        keys = house.keys()
        house.person.cookies = {"refusal": "access_denied"}
        with pytest.raises(ErrorResponse) as caught:
            run(loop, house.app(), "login", open_browser=False, tell=house.person.tell)
        assert caught.value.code == "access_denied"
        house.person.leave()
        assert "access_denied" in house.person.pages[-1][1]
        assert house.call(house.app().restore()).status_code == 200
        eventually(lambda: house.keys() == keys)
        assert house.records("login") == []

    def test_it_stays_where_the_code_is_refused(self, house) -> None:
        house.login()
        house.server.instead(misbehaviour.oauth_error("invalid_grant"))
        with pytest.raises(ErrorResponse, match="invalid_grant"):
            house.login()
        house.person.leave()
        assert "invalid_grant" in house.person.pages[-1][1]
        assert house.call(house.app().restore()).status_code == 200
        eventually(lambda: house.keys() == 2)

    def test_it_stays_where_nobody_answers(self, house) -> None:
        house.login()
        with pytest.raises(LoginTimeout):
            house.login(tell=lambda _: None, timeout=0.2)
        assert house.call(house.app().restore()).status_code == 200
        eventually(lambda: house.keys() == 2)

    def test_the_same_persons_new_login_takes_its_place_and_does_not_end_with_it(self, house) -> None:
        """Servers with one grant for each person and client would revoke the new tokens with the old one."""
        house.login()
        session = house.login()
        assert house.seen("revocation") == []
        assert house.call(session, house.stock.url).status_code == 200  # refreshed
        assert house.keys() == 2  # the client's, and not two sessions'

    def test_who_still_holds_the_old_one_is_told_and_does_not_spend_the_new_ones_token(self, house) -> None:
        old = house.login()
        house.login()
        house.pass_time(301)
        with pytest.raises(ReauthenticationRequired, match="replaced"):
            house.call(old)
        assert house.server.refresh_tokens.replays == 0
        assert house.call(house.app().restore()).status_code == 200


class TestKeys:
    def test_each_login_makes_a_key_and_stores_it_before_anything_is_bound_to_it(self, house) -> None:
        stored_then = []
        house.server.instead(
            lambda request: stored_then.append(house.keys()) or misbehaviour.oauth_error("server_error"), endpoint="par"
        )
        with pytest.raises(ErrorResponse):
            house.login()
        assert stored_then == [2]

    def test_two_logins_have_two_keys_and_the_code_is_bound_to_them(self, house) -> None:
        app = house.app()
        house.login(app)
        house.login(app, profile="other")
        jkts = [seen.request_object["dpop_jkt"] for seen in house.seen("par")]
        assert len(set(jkts)) == 2
        tokens = [seen.response for seen in house.seen("token")]
        assert len(tokens) == 2
        assert house.keys() == 3

    def test_without_binding_there_is_none(self, house) -> None:
        session = house.login(house.app(binding=Bearer()))
        assert not session.sender_constrained
        house.orders.accepts_bearer = True
        assert house.call(session).status_code == 200
        assert house.keys() == 1  # the client's own


class TestTheListener:
    def test_a_fixed_port_and_host_can_be_asked_for(self, house) -> None:
        port = free_port()
        house.known(redirect_uris=[f"http://localhost:{port}/back"])
        app = house.app(client_id="acme", redirect_host="localhost", redirect_port=port, redirect_path="/back")
        assert house.login(app).subject == "alice"
        assert house.seen("par")[0].form["redirect_uri"] == [f"http://localhost:{port}/back"]

    def test_a_port_that_is_taken_is_said_before_the_server_is_asked(self, house) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            house.known()
            app = house.app(client_id="acme", redirect_port=other.getsockname()[1])
            with pytest.raises(PortTaken):
                house.login(app)
        assert house.seen("par") == []

    def test_it_can_be_on_ipv6(self, house) -> None:
        session = house.login(house.app(redirect_host="::1"))
        assert session.subject == "alice"
        assert house.seen("par")[0].request_object["redirect_uri"].startswith("http://[::1]:")

    def test_what_is_not_the_answer_does_not_end_the_wait(self, house) -> None:
        """A stray request, somebody else's answer, and then a second tab after the right one."""
        statuses = {}

        def open_it(url: str) -> None:
            callback = house.person.callback(url)
            origin = callback.partition("/callback")[0]
            statuses["stray"] = httpx.get(f"{origin}/favicon.ico").status_code
            forged = callback.replace("state=", "state=x")
            statuses["forged"] = httpx.get(forged).status_code
            foreign = httpx.get(callback, headers={"Host": "rebound.example"})
            statuses["rebinding"] = foreign.status_code
            assert house.seen("token") == []
            page = httpx.get(callback, follow_redirects=True)
            house.person.pages.append((page.status_code, page.text))

        house.person.open = open_it
        assert house.login().subject == "alice"
        assert statuses == {"stray": 404, "forged": 400, "rebinding": 404}
        house.person.leave()
        assert "You are logged in" in house.person.pages[0][1]

    def test_it_is_gone_after_the_login(self, house) -> None:
        house.login()
        redirect_uri = house.seen("par")[0].request_object["redirect_uri"]
        with pytest.raises(httpx.ConnectError):
            httpx.get(redirect_uri)


def test_two_logins_at_a_time_do_not_mix(house) -> None:
    app, outcome = house.app(), {}

    def log_in(profile: str) -> None:
        outcome[profile] = house.login(app, profile=profile, login_hint=profile)

    threads = [threading.Thread(target=log_in, args=(each,)) for each in ("ann", "ben", "cleo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {profile: session.subject for profile, session in outcome.items()} == {
        each: each for each in ("ann", "ben", "cleo")
    }
    assert len(house.server.clients) == 1


def test_a_server_that_answers_nonsense_is_a_clear_error(house) -> None:
    house.known()
    house.server.instead(misbehaviour.html(200), endpoint="par")
    with pytest.raises(InvalidResponse):
        house.login(house.app(client_id="acme"))
    eventually(lambda: house.keys() == 0)


def test_a_client_with_a_key_of_the_programs_own_signs_its_request_with_it(house) -> None:
    key = SigningKey.generate("ES256")
    house.known(key=key)
    session = house.login(house.app(client_id="acme", authentication=PrivateKeyJWT(key)))
    assert house.call(session).status_code == 200
    assert house.seen("par")[0].request_object["iss"] == "acme"
    assert house.keys() == 1  # the session's
