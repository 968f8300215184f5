"""Who the person is, and how a session ends (OpenID Connect Core, 5.3; RFC 7009; RP-Initiated Logout)."""

from urllib.parse import parse_qs, urlsplit

import pytest

from oauthclient.errors import ErrorResponse, InvalidJWT, InvalidResponse, ReauthenticationRequired
from oauthclient.testing import misbehaviour
from tests.native.house import run


class TestUserInfo:
    def test_it_tells_who_the_person_is(self, house, loop) -> None:
        house.server.userinfo.claims["alice"] = {"name": "Alice"}
        session = house.login()
        assert run(loop, session, "userinfo") == {"sub": "alice", "name": "Alice"}
        assert house.seen("userinfo")[-1].proof["ath"]

    def test_it_is_signed_for_a_client_that_was_registered_for_that(self, house) -> None:
        session = house.login(house.app(registration={"userinfo_signed_response_alg": "ES256"}))
        assert session.userinfo()["sub"] == "alice"
        house.server.instead(misbehaviour.raw(b'{"sub": "alice"}'), endpoint="userinfo")
        with pytest.raises(InvalidResponse) as caught:
            session.userinfo()
        assert caught.value.code == "not_signed"
        house.server.clients[session.client_id].userinfo_signed_response_alg = "PS256"
        with pytest.raises(InvalidJWT):
            house.app().restore().userinfo()

    def test_another_persons_is_refused(self, house) -> None:
        session = house.login()
        house.server.instead(misbehaviour.raw(b'{"sub": "mallory"}'), endpoint="userinfo")
        with pytest.raises(InvalidResponse) as caught:
            session.userinfo()
        assert caught.value.code == "subject_mismatch"

    def test_a_token_that_was_taken_back_is_replaced_once(self, house) -> None:
        session = house.login()
        session.userinfo()
        house.server.tokens.revoke()
        assert session.userinfo()["sub"] == "alice"
        house.server.instead(misbehaviour.challenge('DPoP error="invalid_token"'), endpoint="userinfo", times=None)
        with pytest.raises(ErrorResponse) as caught:
            session.userinfo()
        assert caught.value.code == "invalid_token"


class TestLogout:
    def test_the_tokens_are_revoked_and_nothing_stays_here(self, house, loop) -> None:
        session = house.login()
        house.call(session)
        goodbye = run(loop, session, "logout")
        assert goodbye.still_honoured == ()
        hints = [seen.form["token_type_hint"][0] for seen in house.seen("revocation")]
        assert hints[0] == "refresh_token"
        assert set(hints[1:]) == {"access_token"}
        assert house.app().restore() is None
        assert house.keys() == 1  # the client's
        assert house.server.refresh_tokens.issued[-1].login.ended

    def test_the_session_object_presents_nothing_more(self, house) -> None:
        session = house.login()
        assert house.call(session).status_code == 200
        session.logout()
        before = len(house.orders.requests)
        with pytest.raises(ReauthenticationRequired) as caught:
            house.call(session)
        assert caught.value.reason == "no_session"
        assert len(house.orders.requests) == before

    def test_what_the_server_does_not_revoke_is_said(self, house) -> None:
        house.server.revocation.access_tokens = False
        goodbye = house.login().logout()
        assert {left.token_type for left in goodbye.still_honoured} == {"access_token"}
        assert {left.code for left in goodbye.still_honoured} == {"unsupported_token_type"}

    def test_it_works_offline_and_says_what_is_left(self, house) -> None:
        session = house.login()
        house.port.close()
        goodbye = session.logout()
        assert [left.token_type for left in goodbye.still_honoured] == ["refresh_token", "access_token"]
        assert house.app().restore() is None
        assert house.keys() == 1

    def test_the_browser_can_be_logged_out_too(self, house) -> None:
        house.server.metadata["end_session_endpoint"] = f"{house.issuer}/logout"
        goodbye = house.login().logout()
        asked = parse_qs(urlsplit(goodbye.end_session_url).query)
        assert asked.keys() == {"id_token_hint", "client_id"}
        assert asked["id_token_hint"][0] not in repr(goodbye)
        assert asked["id_token_hint"][0] not in str(goodbye)

    def test_a_second_one_is_no_error(self, house) -> None:
        session = house.login()
        session.logout()
        assert session.logout().still_honoured == ()

    def test_a_session_that_cannot_be_read_can_be_left(self, house) -> None:
        house.login()
        session_key = house.seen("par")[0].request_object["dpop_jkt"]
        house.vault().keys.delete(session_key)
        goodbye = house.app().logout()
        assert goodbye.still_honoured == ()
        assert house.app().restore() is None

    def test_after_it_another_login_starts_anew(self, house) -> None:
        house.login().logout()
        house.person.cookies = {"subject": "bob"}
        assert house.login().subject == "bob"


class TestTheServersWord:
    def test_a_session_that_the_server_ended_needs_its_person(self, house) -> None:
        session = house.login()
        house.server.refresh_tokens.end_all()
        house.pass_time(301)
        with pytest.raises(ReauthenticationRequired) as caught:
            house.call(session)
        assert caught.value.reason == "refresh_rejected"
        restored = house.app().restore()
        assert not restored.refreshable
        with pytest.raises(ReauthenticationRequired) as caught:
            house.call(restored)
        assert caught.value.reason == "refresh_rejected"

    def test_another_persons_id_token_at_a_refresh_ends_it(self, house) -> None:
        session = house.login()
        house.pass_time(301)
        house.server.amend(misbehaviour.id_token(house.server, sub="mallory"))
        with pytest.raises(ReauthenticationRequired) as caught:
            house.call(session)
        assert caught.value.reason == "identity_changed"
        assert house.seen("revocation")
