"""A web backend that logs many people in: begun in one process, finished in another, each answer good once."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from oauthclient import Bearer, ClientSecretBasic, OAuthError
from oauthclient.errors import ConfigurationError, ErrorResponse, InvalidResponse, LoginError, ReauthenticationRequired
from oauthclient.flows.login_key import _GIVEN_UP
from oauthclient.protocol.pending import Pending
from oauthclient.testing import misbehaviour
from tests.native.house import eventually, run

BACK = "https://shop.example/oauth/callback"
AUTHENTICATION = ClientSecretBasic("s" * 32)


@pytest.fixture(autouse=True)
def client(house):
    return house.server.register("shop", secret="s" * 32, redirect_uris=[BACK])


def backend(house, **settings):
    """The backend in one of its processes."""
    return house.app(**({"client_id": "shop", "authentication": AUTHENTICATION, "name": "Shop"} | settings))


def begun(house, **how):
    url, pending = backend(house).begin_login(BACK, **how)
    return url, pending.dump()


def test_people_log_in_each_into_a_session_of_their_own(house, loop) -> None:
    waiting = {}
    for person in ("ann", "ben", "cleo"):
        url, pending = run(loop, backend(house), "begin_login", BACK, login_hint=person)
        waiting[person] = (house.person.callback(url), pending.dump())
    for person, (callback, text) in reversed(waiting.items()):
        session = run(loop, backend(house), "finish_login", Pending.load(text), callback, profile=person)
        assert (session.subject, session.profile) == (person, person)
    app = backend(house)
    for person in waiting:
        session = run(loop, app, "restore", profile=person)
        assert house.call(session).json()["subject"] == person
    assert house.keys() == 3
    assert house.records("login") == []


def test_nobody_is_told_anything_and_no_port_is_opened(house, capfd) -> None:
    url, text = begun(house)
    backend(house).finish_login(Pending.load(text), house.person.callback(url), profile="ann")
    assert capfd.readouterr() == ("", "")


class TestOnce:
    def test_an_answer_that_comes_again_is_refused_before_the_code_is_sent_again(self, house) -> None:
        """A reloaded page would otherwise cost the session: a server ends it when its code comes back."""
        url, text = begun(house)
        callback = house.person.callback(url)
        session = backend(house).finish_login(Pending.load(text), callback, profile="ann")
        for profile in ("ann", "somebody-else"):
            with pytest.raises(LoginError) as caught:
                backend(house).finish_login(Pending.load(text), callback, profile=profile)
            assert caught.value.code == "login_finished"
        assert len(house.seen("token")) == 1
        assert house.call(session).status_code == 200

    def test_of_many_that_come_at_once_one_is_taken(self, house) -> None:
        url, text = begun(house)
        callback = house.person.callback(url)

        def finish(number: int) -> object:
            try:
                return backend(house).finish_login(Pending.load(text), callback, profile=f"tab-{number}")
            except LoginError as error:
                return error.code

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(finish, range(8)))
        assert outcomes.count("login_finished") == 7
        assert len(house.seen("token")) == 1

    def test_one_that_failed_is_over_and_its_key_is_gone(self, house) -> None:
        url, text = begun(house)
        callback = house.person.callback(url)
        house.server.instead(misbehaviour.oauth_error("invalid_grant"))
        with pytest.raises(ErrorResponse):
            backend(house).finish_login(Pending.load(text), callback, profile="ann")
        assert house.keys() == 0
        with pytest.raises(LoginError) as caught:
            backend(house).finish_login(Pending.load(text), callback, profile="ann")
        assert caught.value.code == "login_finished"

    def test_a_no_of_the_person_ends_it(self, house) -> None:
        url, text = begun(house)
        with pytest.raises(ErrorResponse) as caught:
            backend(house).finish_login(Pending.load(text), house.server.person.refuse(url), profile="ann")
        assert caught.value.code == "access_denied"
        assert house.keys() == 0

    def test_it_holds_for_bearer_tokens_too(self, house) -> None:
        house.orders.accepts_bearer = True
        url, pending = backend(house, binding=Bearer()).begin_login(BACK)
        callback = house.person.callback(url)
        session = backend(house, binding=Bearer()).finish_login(pending, callback, profile="ann")
        assert house.call(session).status_code == 200
        with pytest.raises(LoginError):
            backend(house, binding=Bearer()).finish_login(pending, callback, profile="ann")
        assert house.keys() == 0

    def test_what_nobody_ever_finished_is_cleared_away(self, house) -> None:
        for _ in range(3):
            begun(house)
        url, text = begun(house)
        session = backend(house).finish_login(Pending.load(text), house.person.callback(url), profile="ann")
        assert house.keys() == 4
        house.pass_time(_GIVEN_UP + 1)
        begun(house)
        assert house.keys() == 2  # ann's, and that of the login that has just begun
        assert house.call(session).status_code == 200


class TestAnotherAnswer:
    def test_one_with_another_state_leaves_the_login_as_it_is(self, house) -> None:
        """An attacker's own code, slipped into a victim's browser, is for another login (RFC 9700, section 4.5)."""
        url, text = begun(house)
        other_url, _ = begun(house, login_hint="mallory")
        slipped_in = house.person.callback(other_url)
        with pytest.raises(InvalidResponse) as caught:
            backend(house).finish_login(Pending.load(text), slipped_in, profile="ann")
        assert caught.value.code == "unknown_state"
        assert house.seen("token") == []
        right = house.person.callback(url)
        assert backend(house).finish_login(Pending.load(text), right, profile="ann").subject == "alice"

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://shop.example/oauth/callback2",
            "http://shop.example/oauth/callback",
            "https://evil.example/oauth/callback",
        ],
    )
    def test_one_at_another_place_is_refused(self, house, elsewhere) -> None:
        url, text = begun(house)
        query = urlsplit(house.person.callback(url)).query
        with pytest.raises(InvalidResponse) as caught:
            backend(house).finish_login(Pending.load(text), f"{elsewhere}?{query}", profile="ann")
        assert caught.value.code == "wrong_redirect_uri"
        assert house.seen("token") == []

    @pytest.mark.parametrize("name", ["code", "state", "iss"])
    def test_a_parameter_that_comes_twice_is_refused(self, house, name) -> None:
        url, text = begun(house)
        callback = house.person.callback(url)
        value = dict(parse_qsl(urlsplit(callback).query))[name]
        with pytest.raises(InvalidResponse) as caught:
            backend(house).finish_login(Pending.load(text), f"{callback}&{urlencode({name: value})}", profile="ann")
        assert caught.value.code == "duplicate_parameter"
        assert house.seen("token") == []

    @pytest.mark.parametrize("error", [None, "access_denied"])
    @pytest.mark.parametrize(("iss", "code"), [("https://evil.example", "issuer_mismatch"), (None, "missing_iss")])
    def test_another_servers_is_refused_its_errors_included(self, house, iss, code, error) -> None:
        url, text = begun(house)
        came = house.server.person.refuse(url) if error else house.person.callback(url)
        fields = dict(parse_qsl(urlsplit(came).query))
        fields.pop("iss")
        with pytest.raises(InvalidResponse) as caught:
            backend(house).finish_login(
                Pending.load(text), f"{BACK}?{urlencode(fields | ({'iss': iss} if iss else {}))}", profile="ann"
            )
        assert caught.value.code == code
        assert house.seen("token") == []

    def test_a_code_of_another_login_is_refused_by_the_server(self, house) -> None:
        """Code injection: the right state with a stolen code (RFC 9700, section 4.5.3): PKCE and the key stop it."""
        url, text = begun(house)
        stolen = dict(parse_qsl(urlsplit(house.person.callback(begun(house)[0])).query))["code"]
        fields = dict(parse_qsl(urlsplit(house.person.callback(url)).query)) | {"code": stolen}
        with pytest.raises(ErrorResponse) as caught:
            backend(house).finish_login(Pending.load(text), f"{BACK}?{urlencode(fields)}", profile="ann")
        assert caught.value.code == "invalid_grant"
        assert house.app(client_id="shop", authentication=AUTHENTICATION).restore(profile="ann") is None

    @pytest.mark.parametrize(
        "text", ["", "no url", "https://[", "https://shop.example/oauth/callback?code=%ff&state=%zz"]
    )
    def test_rubbish_is_a_clear_error(self, house, text) -> None:
        _, pending = backend(house).begin_login(BACK)
        with pytest.raises(OAuthError):
            backend(house).finish_login(pending, text, profile="ann")


class TestPending:
    def test_it_shows_no_secret(self, house) -> None:
        url, pending = backend(house).begin_login(BACK)
        assert pending.verifier.reveal() not in repr(pending)
        assert pending.state.reveal() not in repr(pending)
        assert pending.verifier.reveal() not in url
        assert pending == Pending.load(pending.dump())

    @pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"version": 1}', '{"version": 99}', "x" * 9])
    def test_what_is_none_is_said(self, text) -> None:
        with pytest.raises(ConfigurationError) as caught:
            Pending.load(text)
        assert caught.value.code == "not_a_pending_login"

    def test_it_belongs_to_one_server_and_one_client(self, house) -> None:
        url, text = begun(house)
        house.server.register("other", redirect_uris=[BACK])
        with pytest.raises(ConfigurationError) as caught:
            house.app(client_id="other").finish_login(Pending.load(text), house.person.callback(url))
        assert caught.value.code == "another_client"
        with pytest.raises(ConfigurationError) as caught:
            backend(house, issuer="https://other.example").finish_login(Pending.load(text), BACK)
        assert caught.value.code == "another_issuer"


@pytest.mark.parametrize(
    "redirect_uri", ["http://shop.example/cb", "https://shop.example/cb#x", "shop", "javascript:x"]
)
def test_a_redirect_uri_that_anybody_could_read_is_refused(house, redirect_uri) -> None:
    with pytest.raises(ConfigurationError):
        backend(house).begin_login(redirect_uri)
    assert house.seen("par") == []


def test_an_app_that_registers_itself_has_no_redirect_uri_on_the_web(house) -> None:
    with pytest.raises(ConfigurationError) as caught:
        house.app().begin_login(BACK)
    assert caught.value.code == "redirect_uri_not_registered"


def test_a_form_is_given_as_the_query(house) -> None:
    url, text = begun(house, response_mode="form_post")
    posted = house.server.person.answer(url)
    assert posted.method == "POST"
    session = backend(house).finish_login(Pending.load(text), f"{BACK}?{posted.body.decode()}", profile="ann")
    assert session.subject == "alice"


def test_another_person_in_the_same_profile_has_to_be_expected(house) -> None:
    for person, switch, ended in (("ann", False, False), ("ben", False, True), ("ben", True, False)):
        url, text = begun(house, login_hint=person)
        finish = (Pending.load(text), house.person.callback(url))
        if ended:
            with pytest.raises(ReauthenticationRequired):
                backend(house).finish_login(*finish, profile="p", switch_account=switch)
        else:
            assert backend(house).finish_login(*finish, profile="p", switch_account=switch).subject == person
        assert house.keys() == 1
    eventually(lambda: house.records("login") == [])
