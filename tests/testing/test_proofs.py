"""The twelve checks of a DPoP proof, at the token endpoint and at an API (RFC 9449 4.3, 8, 9)."""

from __future__ import annotations

import pytest

from oauthclient.jose.keys import SigningKey
from oauthclient.jose.proof import ath

URL = "https://api.example.com/orders/17"


def test_a_good_proof_binds_the_token_to_its_key(world, read):
    response = world.ask()
    assert read(response)["token_type"] == "DPoP"
    assert world.server.tokens.issued[-1].jkt == world.proof_key.thumbprint


def test_a_token_request_without_proof_gets_a_bearer_token(world, read):
    assert read(world.post(world.form()))["token_type"] == "Bearer"
    assert world.server.tokens.issued[-1].jkt is None


def test_a_proof_can_be_required_of_all_or_of_one_client(world, refused):
    world.server.clients["svc"].dpop_bound_access_tokens = True
    assert refused(world.post(world.form())) == (400, "invalid_dpop_proof")
    world.server.clients["svc"].dpop_bound_access_tokens = False
    world.server.dpop = "required"
    assert refused(world.post(world.form())) == (400, "invalid_dpop_proof")


def test_a_server_without_dpop_ignores_proofs(world, read):
    world.server.dpop = "absent"
    assert read(world.ask(proof="garbage"))["token_type"] == "Bearer"


WRONG = {
    "htm": {"htm": "PUT"},
    "htm in lower case": {"htm": "post"},
    "htu of another path": {"htu": "https://as.example.com/par"},
    "htu of another host": {"htu": "https://as.example.org/token"},
    "htu of another scheme": {"htu": "http://as.example.com/token"},
    "htu with a query": {"htu": "https://as.example.com/token?x=1"},
    "htu encoded otherwise": {"htu": "https://as.example.com/%74oken"},
    "htu that is no URL": {"htu": "token"},
    "ath without a token": {"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"},
    "iat too old": {"iat": 1_800_000_000 - 120},
    "iat in the future": {"iat": 1_800_000_000 + 60},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG)
def test_a_wrong_proof_is_refused_at_the_token_endpoint(world, refused, claims):
    assert refused(world.ask(proof=world.token_proof(**claims))) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("htu", ["HTTPS://AS.EXAMPLE.COM/token", "https://as.example.com:443/token"])
def test_the_spelling_of_scheme_host_and_default_port_does_not_matter(world, htu):
    assert world.ask(proof=world.token_proof(htu=htu)).status == 200


@pytest.mark.parametrize("proof", ["", "garbage", "a.b.c"])
def test_an_unreadable_proof_is_refused(world, refused, proof):
    assert refused(world.ask(proof=proof)) == (400, "invalid_dpop_proof")


def test_two_proofs_are_refused(world, refused):
    headers = [("DPoP", world.token_proof()), ("DPoP", world.token_proof())]
    assert refused(world.post(world.form(), *headers)) == (400, "invalid_dpop_proof")


def test_a_proof_signed_with_an_algorithm_that_is_not_listed_is_refused(world, refused):
    world.server.proofs.algorithms = ("ES256",)
    key = SigningKey.generate("Ed25519")
    assert refused(world.ask(proof=world.token_proof(key=key))) == (400, "invalid_dpop_proof")


def test_a_proof_used_twice_is_refused(world, refused):
    proof = world.token_proof()
    assert world.ask(proof=proof).status == 200
    assert refused(world.ask(proof=proof)) == (400, "invalid_dpop_proof")


def test_a_jti_used_twice_is_refused_whatever_else_the_proof_says(world, refused):
    assert world.ask(proof=world.token_proof(jti="same")).status == 200
    world.clock.advance(1)
    assert refused(world.ask(proof=world.token_proof(jti="same"))) == (400, "invalid_dpop_proof")


def test_a_proof_used_twice_is_refused_at_an_api(world, challenged):
    token = world.access_token()
    proof = world.proof("GET", URL, ath=ath(token))
    assert world.call(token, proof=proof).status == 200
    assert challenged(world.call(token, proof=proof)) == (401, "invalid_dpop_proof")


AT_AN_API = {
    "htm": {"htm": "POST"},
    "htu of another resource": {"htu": "https://api.example.com/stock/17"},
    "htu with the query": {"htu": f"{URL}?page=2"},
    "ath of another token": {"ath": ath("another")},
    "no ath": {"ath": None},
    "iat too old": {"iat": 1_800_000_000 - 120},
}


@pytest.mark.parametrize("claims", AT_AN_API.values(), ids=AT_AN_API)
def test_a_wrong_proof_is_refused_at_an_api(world, challenged, claims):
    token = world.access_token()
    assert challenged(world.call(token, f"{URL}?page=2", **claims)) == (401, "invalid_dpop_proof")


def test_percent_encoding_is_compared_as_it_was_sent(world, challenged):
    token = world.access_token()
    url = "https://api.example.com/orders/a%2Fb"
    assert world.call(token, url).status == 200
    assert challenged(world.call(token, url, htu="https://api.example.com/orders/a/b")) == (
        401,
        "invalid_dpop_proof",
    )


def test_an_empty_path_is_the_root(world):
    from oauthclient.testing import ProtectedAPI

    api = ProtectedAPI(world.server, "https://root.example")
    token = world.access_token(resource="https://root.example")
    assert world.call(token, "https://root.example/", api=api, htu="https://root.example").status == 200


def test_a_required_nonce_is_demanded_and_told(world, refused):
    world.server.nonces.mode = "required"
    response = world.ask()
    assert refused(response) == (400, "use_dpop_nonce")
    nonce = response.header("DPoP-Nonce")
    assert nonce == world.server.nonces.current
    accepted = world.ask(proof=world.token_proof(nonce=nonce))
    assert (accepted.status, accepted.header("DPoP-Nonce")) == (200, None)
    assert refused(world.ask(proof=world.token_proof(nonce="guessed"))) == (400, "use_dpop_nonce")


def test_a_nonce_that_was_rolled_is_accepted_and_the_new_one_told_on_success(world):
    world.server.nonces.mode = "required"
    old = world.server.nonces.current
    new = world.server.nonces.roll()
    response = world.ask(proof=world.token_proof(nonce=old))
    assert (response.status, response.header("DPoP-Nonce")) == (200, new)


def test_a_nonce_that_was_forgotten_is_refused(world, refused):
    world.server.nonces.mode = "required"
    old = world.server.nonces.current
    world.server.nonces.roll(forget=True)
    assert refused(world.ask(proof=world.token_proof(nonce=old))) == (400, "use_dpop_nonce")


def test_only_the_newest_nonces_are_accepted(world):
    world.orders.nonces.window = 2
    old = world.orders.nonces.current
    newer = world.orders.nonces.roll()
    newest = world.orders.nonces.roll()
    world.orders.nonces.mode = "required"
    token = world.access_token()
    answers = [world.call(token, nonce=nonce).status for nonce in (old, newer, newest)]
    assert answers == [401, 200, 200]


def test_rolling_nonces_come_with_each_success(world):
    world.orders.nonces.mode = "rolling"
    token = world.access_token()
    first = world.call(token)
    assert first.status == 401
    second = world.call(token, nonce=first.header("DPoP-Nonce"))
    assert second.status == 200
    assert second.header("Cache-Control") == "no-store"
    assert second.header("DPoP-Nonce") not in {None, first.header("DPoP-Nonce")}


def test_a_server_that_is_never_satisfied_gives_a_new_nonce_each_time(world, challenged):
    world.orders.nonces.mode = "never satisfied"
    token = world.access_token()
    first = world.call(token)
    second = world.call(token, nonce=first.header("DPoP-Nonce"))
    assert challenged(first) == challenged(second) == (401, "use_dpop_nonce")
    assert first.header("DPoP-Nonce") != second.header("DPoP-Nonce")


def test_the_nonces_of_server_and_api_are_not_each_others(world):
    world.server.nonces.mode = world.orders.nonces.mode = "required"
    assert world.ask(proof=world.token_proof(nonce=world.orders.nonces.current)).status == 400


def test_apis_of_one_origin_share_their_nonces(world):
    from oauthclient.testing import ProtectedAPI

    elsewhere = ProtectedAPI(world.server, "https://other.example/orders")
    assert world.orders.nonces is world.stock.nonces
    assert elsewhere.nonces is not world.orders.nonces


def test_a_proof_refused_for_its_nonce_is_not_used_up(world):
    proof = world.token_proof(nonce="later")
    world.server.nonces.mode = "required"
    assert world.ask(proof=proof).status == 400
    world.server.nonces.mode = "off"
    assert world.ask(proof=proof).status == 200
