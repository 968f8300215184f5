"""How the browser is sent, and what it brings back: PAR, JAR, JARM, form_post, RAR, and attacks on the way."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from oauthclient import PrivateKeyJWT, SigningKey
from oauthclient.errors import ConfigurationError, InvalidJWT, InvalidResponse, NotOffered, OAuthError
from oauthclient.jose.jwt import unverified_claims
from oauthclient.testing import misbehaviour
from tests.native.house import eventually

KEY = SigningKey.generate("ES256")


@pytest.fixture
def signing(house):
    """An app with a key of its own, which was registered by hand."""
    house.known(key=KEY)
    return lambda **settings: house.app(client_id="acme", authentication=PrivateKeyJWT(KEY), **settings)


def without(house, name):
    del house.server.endpoints[name]


class TestTheRequest:
    def test_by_value_the_front_channel_holds_the_client_and_the_signed_request_alone(self, house, signing) -> None:
        without(house, "par")
        house.login(signing())
        (asked,) = house.seen("authorization")
        assert asked.query.keys() == {"client_id", "request"}

    def test_metadata_from_openid_discovery_alone_wants_two_more_in_the_open(self, house, signing) -> None:
        without(house, "par")
        house.server.metadata_at = {"oidc"}
        house.login(signing())
        assert house.seen("authorization")[0].query.keys() == {"client_id", "request", "response_type", "scope"}

    def test_a_public_client_without_a_key_asks_in_the_open_and_with_pkce(self, house) -> None:
        without(house, "par")
        house.known()
        house.login(house.app(client_id="acme"))
        query = house.seen("authorization")[0].query
        assert query["code_challenge_method"] == ["S256"]
        assert query["dpop_jkt"]
        assert "code_verifier" not in query

    def test_a_server_that_wants_signed_requests_and_a_client_without_a_key_do_not_fit(self, house) -> None:
        house.server.authorization.require_signed_request_object = True
        house.known()
        with pytest.raises(ConfigurationError) as caught:
            house.login(house.app(client_id="acme"))
        assert caught.value.code == "no_signing_key"
        assert house.person.read == []

    def test_a_server_that_only_does_plain_pkce_is_refused(self, house) -> None:
        house.server.metadata["code_challenge_methods_supported"] = ["plain"]
        with pytest.raises(NotOffered):
            house.login()
        assert house.person.read == []

    def test_all_that_a_login_can_ask_for_arrives(self, house, signing) -> None:
        details = [{"type": "stock", "actions": ["move"]}]
        house.login(
            signing(),
            prompt="login",
            max_age=60,
            acr_values="silver",
            login_hint="bob",
            ui_locales="de",
            claims={"userinfo": {"email": None}},
            authorization_details=details,
            parameters={"tenant": "north"},
        )
        asked = house.seen("par")[0].request_object
        assert asked["prompt"] == "login"
        assert asked["max_age"] == 60
        assert asked["acr_values"] == "silver"
        assert asked["ui_locales"] == "de"
        assert asked["claims"] == {"userinfo": {"email": None}}
        assert asked["authorization_details"] == details
        assert asked["tenant"] == "north"
        assert asked["resource"] == [house.orders.url, house.stock.url]
        assert house.app(client_id="acme").restore().subject == "bob"

    def test_what_a_login_makes_itself_cannot_be_given(self, house) -> None:
        with pytest.raises(ConfigurationError) as caught:
            house.login(parameters={"state": "x"})
        assert caught.value.code == "reserved_parameter"
        eventually(lambda: house.keys() == 1)

    def test_authorization_details_reach_the_api(self, house) -> None:
        details = [{"type": "stock", "actions": ["move"]}]
        session = house.login(authorization_details=details)
        house.call(session)
        assert house.orders.requests[-1].token["authorization_details"] == details

    @pytest.mark.parametrize("told_by", ["audience", "scope"])
    def test_servers_that_are_told_the_target_in_another_way_are(self, house, told_by) -> None:
        house.server.targets.mode = told_by
        house.server.targets.several = told_by == "scope"  # a code's token is for all that was granted there
        session = house.login(house.app(target=told_by))
        assert house.call(session).status_code == 200
        assert "resource" not in house.seen("par")[0].request_object


class TestTheAnswer:
    @pytest.mark.parametrize("mode", ["form_post", "query.jwt", "jwt", "form_post.jwt"])
    def test_it_comes_in_the_mode_that_was_asked_for(self, house, mode) -> None:
        session = house.login(response_mode=mode)
        assert session.subject == "alice"
        house.person.leave()
        assert "You are logged in" in house.person.pages[0][1]

    @pytest.mark.parametrize(
        "forgery",
        [
            {"iss": "https://evil.example"},
            {"aud": "somebody-else"},
            {"exp": 1},
            {"code": misbehaviour.OMIT},
            {"signer": SigningKey.generate("ES256")},
        ],
        ids=["iss", "aud", "exp", "no code", "another key"],
    )
    def test_a_signed_one_that_is_forged_ends_the_login_before_any_token_request(self, house, forgery) -> None:
        house.server.amend(misbehaviour.signed_response(house.server, **forgery), endpoint="authorization", status=303)
        with pytest.raises((InvalidJWT, InvalidResponse)):
            house.login(response_mode="query.jwt")
        assert house.seen("token") == []
        eventually(lambda: house.keys() == 1)

    def test_one_whose_signature_was_taken_off_is_refused(self, house) -> None:
        house.server.amend(misbehaviour.unsigned_response, endpoint="authorization", status=303)
        with pytest.raises(OAuthError):
            house.login(response_mode="query.jwt")
        assert house.seen("token") == []

    def test_a_plain_one_in_place_of_a_signed_one_is_refused(self, house) -> None:
        def strip(url: str) -> None:
            response = dict(parse_qsl(urlsplit(house.person.callback(url)).query))["response"]
            claims = unverified_claims(response)
            target = house.seen("par")[0].request_object["redirect_uri"]
            fields = {name: claims[name] for name in ("code", "state", "iss")}
            httpx.get(f"{target}?{urlencode(fields)}", follow_redirects=True)

        house.person.open = strip
        with pytest.raises(InvalidResponse) as caught:
            house.login(response_mode="query.jwt")
        assert caught.value.code == "unsigned_answer"
        assert house.seen("token") == []

    @pytest.mark.parametrize(
        ("edit", "code"),
        [
            (misbehaviour.parameters(iss="https://evil.example"), "issuer_mismatch"),
            (misbehaviour.parameters(iss=misbehaviour.OMIT), "missing_iss"),
            (misbehaviour.parameters(code=misbehaviour.OMIT), "missing_code"),
            (misbehaviour.doubled("code"), "duplicate_parameter"),
            (misbehaviour.doubled("state"), "duplicate_parameter"),
            (misbehaviour.doubled("iss"), "duplicate_parameter"),
        ],
        ids=["other iss", "no iss", "no code", "code twice", "state twice", "iss twice"],
    )
    def test_one_that_is_not_this_servers_ends_the_login_before_any_token_request(self, house, edit, code) -> None:
        house.server.amend(edit, endpoint="authorization", status=303)
        with pytest.raises(InvalidResponse) as caught:
            house.login()
        assert caught.value.code == code
        assert house.seen("token") == []
        house.person.leave()
        assert code in house.person.pages[0][1]
        assert house.app().restore() is None

    def test_one_at_another_issuers_path_is_not_even_looked_at(self, house) -> None:
        """A mix-up: the answer that another server's login would get (RFC 9700, section 4.4)."""
        statuses = []

        def mix_up(url: str) -> None:
            callback = house.person.callback(url)
            path = urlsplit(callback).path
            statuses.append(httpx.get(callback.replace(path, "/callback/AAAAAAAAAAA")).status_code)
            httpx.get(callback, follow_redirects=True)

        house.person.open = mix_up
        assert house.login().subject == "alice"
        assert statuses == [404]


class TestTheIdToken:
    @pytest.mark.parametrize(
        "forgery",
        [
            {"nonce": "another"},
            {"nonce": misbehaviour.OMIT},
            {"aud": "somebody-else"},
            {"iss": "https://evil.example"},
            {"exp": 1},
            {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
            {"azp": "somebody-else"},
        ],
        ids=["nonce", "no nonce", "aud", "iss", "exp", "at_hash", "azp"],
    )
    def test_one_that_is_not_for_this_login_ends_it(self, house, forgery) -> None:
        house.server.amend(misbehaviour.id_token(house.server, **forgery))
        with pytest.raises(InvalidJWT):
            house.login()
        assert house.app().restore() is None
        eventually(lambda: house.keys() == 1)

    def test_one_of_an_older_login_than_was_asked_for_is_refused(self, house) -> None:
        house.server.amend(misbehaviour.id_token(house.server, auth_time=1))
        with pytest.raises(InvalidJWT) as caught:
            house.login(max_age=60)
        assert caught.value.code == "too_old"

    def test_the_servers_keys_may_have_rotated_since(self, house) -> None:
        app = house.app()
        house.login(app)
        house.server.rotate_keys(forget=True)
        assert house.login(app).subject == "alice"
