"""What a refresh asks for, and for which session: RFC 6749, section 6; RFC 8707; RFC 9449, section 5."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from oauthclient.protocol.binding import Bearer, DPoP
from oauthclient.protocol.session import USERINFO, Granted
from tests.flows.sessions import ANOTHER_KEY, ORDERS, STOCK, Home, a_wish, logged_in_home, why
from tests.flows.telling import proof, token_answer


def test_the_target_is_told_at_every_refresh_as_it_was_at_login() -> None:
    home = logged_in_home()
    for target, scope in ((ORDERS, "read"), (STOCK, "write"), (ORDERS, "read")):
        home.renewed(target=target, scope=scope)
        home.expire()
    asked = [(request["resource"], request["scope"]) for request in home.refresh_requests()]
    assert asked == [([ORDERS], ["read"]), ([STOCK], ["write"]), ([ORDERS], ["read"])]


def test_where_targets_are_told_by_scope_none_is_named() -> None:
    home = logged_in_home(openid=True)
    home.renewed(target=USERINFO, scope=None, told_by="scope")
    (request,) = home.refresh_requests()
    assert "resource" not in request
    assert request["scope"] == ["openid"]


def test_the_scope_is_cut_to_what_was_granted() -> None:
    """Some servers consume the token before they look at the scope."""
    home = logged_in_home()
    token = home.renewed(scope="more read everything")
    assert home.refresh_requests()[0]["scope"] == ["read"]
    assert token.scope == "read"


def test_what_was_cut_is_not_said_to_be_granted_where_the_answer_names_no_scope() -> None:
    """RFC 6749, section 5.1: without `scope` it is the scope that was asked for."""
    home = logged_in_home()
    home.answers = [token_answer()]
    assert home.renewed(scope="read more").scope == "read"


@pytest.mark.parametrize("slot", [{"target": "https://api.example.com/bills"}, {"scope": "more"}], ids=repr)
def test_what_was_not_granted_is_refused_without_a_request(slot: dict[str, Any]) -> None:
    home = logged_in_home(expired=False)
    assert why(home, **slot) == "not_granted"
    assert home.sent == []
    assert home.session().note is None


def test_a_token_for_less_than_is_asked_for_now_does_not_serve() -> None:
    """A token's scope is part of its name, in the file too."""
    home = Home()
    home.log_in(a_wish(scope="", targets=(Granted(ORDERS, "read more"),)))
    home.expire()
    less = home.renewed(scope="read")
    both = home.renewed(scope="read more")
    assert both.access_token != less.access_token
    assert home.renewed(scope="read").access_token == both.access_token
    assert len(home.sent) == 2


def test_a_server_that_grants_less_than_asked_is_not_asked_again_and_again() -> None:
    home = logged_in_home()
    home.answers = [token_answer("less", scope="other")]
    assert home.renewed().access_token == "less"
    assert home.renewed().access_token == "less"
    assert len(home.sent) == 1


def test_the_refresh_carries_a_proof_by_the_sessions_key_and_no_ath() -> None:
    home = logged_in_home()
    home.renewed()
    (request,) = home.sent
    assert "ath" not in proof(request)
    assert home.server.requests[-1].status == 200


def test_a_session_of_another_login_is_left_alone() -> None:
    """Its tokens are bound to its own key: a proof by ours would cost them."""
    home = logged_in_home()
    before = home.session()
    other = home.client(binding=DPoP(ANOTHER_KEY))
    assert why(home, server=other, thumbprint=ANOTHER_KEY.thumbprint) == "no_session"
    assert home.sent == []
    assert home.session() == before


def test_a_session_without_a_key_is_refreshed_without_proof() -> None:
    home = Home()
    home.put(replace(home.logged_in(a_wish(scope="")), jkt="", tokens={}))
    home.server.refresh_tokens.issued[-1].login.jkt = None
    home.renewed(server=home.client(binding=Bearer()), thumbprint="")
    assert "DPoP" not in home.sent[-1].headers
