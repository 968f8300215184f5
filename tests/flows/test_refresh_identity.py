"""The ID token of a refresh, and the keys it is verified with: OpenID Connect Core, section 12.2."""

from __future__ import annotations

from typing import Any

import pytest

from oauthclient.errors import (
    InvalidJWT,
    InvalidResponse,
)
from oauthclient.flows.server_keys import verified
from oauthclient.secret import Secret
from oauthclient.testing import misbehaviour
from tests.flows.sessions import Home, logged_in_home, why


def test_the_id_token_of_a_refresh_is_kept_with_what_the_first_one_said() -> None:
    home = logged_in_home(openid=True)
    first = home.session()
    home.renewed()
    after = home.session()
    assert after.id_token not in (None, first.id_token)
    assert after.subject == "alice"
    assert after.claims["nonce"] == first.claims["nonce"]
    assert after.claims["iat"] > first.claims["iat"]


@pytest.mark.parametrize("claims", [{"sub": "mallory"}, {"iss": "https://evil.example"}], ids=repr)
def test_the_id_token_of_another_person_ends_the_session_and_is_revoked(claims: dict[str, Any]) -> None:
    home = logged_in_home(openid=True)
    home.server.amend(misbehaviour.id_token(home.server, **claims))
    assert why(home) == "identity_changed"
    after = home.session()
    assert after.refresh_token is None
    assert after.tokens == {}, "no token of either person is used"
    assert after.subject == "alice"
    newest = home.server.refresh_tokens.issued[-1]
    assert newest.login.ended or newest.revoked
    assert why(home) == "identity_changed"


@pytest.mark.parametrize(
    "claims",
    [{"auth_time": 12}, {"azp": "another"}, {"aud": "another"}, {"exp": 1}, {"at_hash": "x" * 22}],
    ids=repr,
)
def test_an_id_token_that_is_wrong_costs_the_answer_but_not_the_session(claims: dict[str, Any]) -> None:
    home = logged_in_home(openid=True)
    before = home.session()
    home.server.amend(misbehaviour.id_token(home.server, **claims))
    with pytest.raises(InvalidJWT):
        home.renewed()
    after = home.session()
    assert after.tokens == before.tokens
    assert after.claims == before.claims
    assert after.refresh_token == Secret(home.server.refresh_tokens.issued[-1].value)
    home.renewed()


def test_a_refresh_need_bring_no_id_token_and_its_nonce_need_not_come_back() -> None:
    home = logged_in_home(openid=True)
    home.server.amend(misbehaviour.id_token(home.server, nonce=misbehaviour.OMIT))
    home.renewed()
    home.expire()
    home.server.amend(misbehaviour.members(id_token=misbehaviour.OMIT))
    home.renewed()
    assert home.session().subject == "alice"


def test_keys_that_cannot_be_had_cost_the_answer_but_not_the_session() -> None:
    home = logged_in_home(openid=True)
    home.server.instead(misbehaviour.html(500), endpoint="jwks")
    home.known.keys = None
    with pytest.raises(InvalidResponse):
        home.renewed()
    home.renewed()
    assert home.server.refresh_tokens.replays == 0


# The server's keys


def test_keys_are_read_again_a_few_times_at_once_and_then_once_a_minute() -> None:
    """A forged `kid` must not make us a flood."""
    home = Home()
    home.tell(verified(home.known, home.known.metadata, lambda keys: keys))

    def unknown(keys: Any) -> Any:
        raise InvalidJWT("No key.", code="unknown_key")

    def reads() -> int:
        before = len(home.sent)
        for _ in range(10):
            with pytest.raises(InvalidJWT):
                home.tell(verified(home.known, home.known.metadata, unknown))
        return len(home.sent) - before

    assert reads() == 2  # and the one before
    for _ in range(3):
        home.pass_time(60)
        assert reads() == 1


def test_a_rotated_key_is_found_at_once() -> None:
    home = logged_in_home(openid=True)
    home.server.rotate_keys(forget=True)
    home.renewed()
    assert home.session().generation == 1
