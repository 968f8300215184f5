"""What a test lays ready is what the server does, and no more often than was said."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from oauthclient.testing import NO_ANSWER, Bystander, Cut, Pause, Request, Response
from oauthclient.testing import misbehaviour as wrong

METADATA = Request("GET", "https://as.example.com/.well-known/oauth-authorization-server")


def test_an_answer_is_given_once_and_then_the_servers_own(world):
    world.server.instead(wrong.oauth_error("invalid_client", status=401, description="Try again."))
    first, second = world.ask(), world.ask()
    assert (first.status, json.loads(first.body)["error_description"]) == (401, "Try again.")
    assert second.status == 200
    assert [seen.scripted for seen in world.server.requests] == [True, False]


def test_an_answer_laid_ready_uses_nothing_up(world):
    proof, assertion = world.token_proof(), world.assertion()
    world.server.instead(wrong.html(503))
    assert world.ask(proof=proof, client_assertion=assertion).status == 503
    assert world.ask(proof=proof, client_assertion=assertion).status == 200


def test_answers_are_given_in_order_several_times_or_always(world):
    world.server.instead(wrong.html(501), times=2)
    world.server.instead(wrong.html(502), times=None)
    assert [world.ask().status for _ in range(4)] == [501, 501, 502, 502]
    world.server.behave()
    assert world.ask().status == 200


def test_an_answer_is_for_one_endpoint(world):
    world.server.instead(wrong.html(500), endpoint="metadata")
    assert world.ask().status == 200
    assert world.server.handle(METADATA).status == 500
    assert world.server.handle(METADATA).status == 200


def test_an_answer_may_be_made_from_the_request(world):
    world.orders.instead(lambda request: Response(200, body=request.url.encode()))
    assert world.call("any").body == b"https://api.example.com/orders/17"


def test_an_answer_laid_ready_may_wait_for_another_request(world):
    # Were it to run under the server's lock, another thread could not be answered meanwhile.
    from threading import Thread

    def wait(_request):
        other = Thread(target=lambda: world.server.handle(METADATA))
        other.start()
        other.join(5)
        assert not other.is_alive()
        return NO_ANSWER

    world.server.instead(wait)
    assert world.ask().status == 0


def test_an_edit_changes_the_servers_own_answer(world, read):
    world.server.amend(wrong.members(token_type="Bearer", expires_in=wrong.OMIT))
    document = read(world.ask())
    assert document["token_type"] == "Bearer"
    assert "expires_in" not in document
    assert document["access_token"] == world.server.tokens.issued[-1].access_token
    assert read(world.ask())["token_type"] == "DPoP"


def test_an_edit_waits_for_an_answer_of_its_status(world, read):
    world.server.nonces.mode = "required"
    world.server.amend(wrong.members(scope="other"))
    assert world.ask().status == 400
    nonce = world.server.nonces.current
    assert read(world.ask(proof=world.token_proof(nonce=nonce)))["scope"] == "other"


def test_an_edit_may_be_for_answers_of_any_status(world):
    world.server.amend(wrong.header("Age", "30"), status=None, times=2)
    assert world.ask(resource="unknown").header("Age") == "30"
    assert world.ask().header("Age") == "30"
    assert world.ask().header("Age") is None


def test_edits_add_up(world, read):
    world.server.amend(wrong.members(issuer="https://evil.example"), endpoint="metadata", times=None)
    world.server.amend(wrong.header("Date", None), endpoint="metadata")
    response = world.server.handle(METADATA)
    assert (read(response)["issuer"], response.header("Date")) == ("https://evil.example", None)
    response = world.server.handle(METADATA)
    assert read(response)["issuer"] == "https://evil.example"
    assert response.header("Date") is not None


def test_an_answer_may_be_lost_after_the_work_was_done(world):
    world.server.amend(wrong.lost)
    assert world.ask().status == 0
    assert len(world.server.tokens.issued) == 1


def test_an_answer_may_be_kept_back_or_cut(world):
    world.server.amend(wrong.slow(2.5))
    assert world.ask().delay == 2.5
    world.server.amend(wrong.cut(3))
    first, second = world.ask().body
    assert (first, second) == (b'{"a', Cut())


def test_what_has_no_plain_body_is_not_edited(world):
    for edit in (wrong.members(a=1), wrong.cut(1)):
        with pytest.raises(TypeError):
            edit(wrong.endless())


def test_headers_can_be_added_to_all_answers(world):
    world.server.headers["Age"] = "7"
    assert world.ask().header("Age") == "7"
    world.server.instead(wrong.html())
    assert world.ask().header("Age") == "7"


def test_the_date_is_that_of_the_servers_clock(world):
    assert world.ask().header("Date") == "Fri, 15 Jan 2027 08:00:00 GMT"
    world.clock.advance(-3600)
    assert world.ask().header("Date") == "Fri, 15 Jan 2027 07:00:00 GMT"


def test_the_answers_are_what_they_say():
    assert wrong.challenge().headers == ()
    assert wrong.challenge("DPoP a=1", "Bearer").values("www-authenticate") == ["DPoP a=1", "Bearer"]
    assert (wrong.too_many_requests(5).status, wrong.too_many_requests(5).header("Retry-After")) == (429, "5")
    assert (wrong.redirect("https://evil.example").status, wrong.redirect("/x", 302).header("Location")) == (307, "/x")
    assert wrong.html().header("Content-Type") == "text/html; charset=utf-8"
    assert wrong.raw(b"[]").body == b"[]"
    assert wrong.duplicate_members().body.count(b"access_token") == 2
    assert len(wrong.huge(1000).body) > 1000
    with pytest.raises(UnicodeDecodeError):
        wrong.not_utf8().body.decode()
    with pytest.raises(RecursionError):
        json.loads(wrong.deep().body)


def test_an_endless_body_does_not_end_and_can_be_sent_again():
    response = wrong.endless()
    for _ in range(2):
        assert sum(len(piece) for piece in islice(response.body, 40)) > 2_000_000


def test_a_dripping_body_pauses_before_each_octet():
    assert list(wrong.dripping(0.5, 2).body) == [Pause(0.5), b" ", Pause(0.5), b" "]


def test_a_bystander_tells_whether_it_saw_credentials():
    site = Bystander("https://elsewhere.example/")
    site.handle(Request("GET", "https://elsewhere.example/a"))
    assert site.credentials_seen == []
    site.handle(Request("GET", "https://elsewhere.example/a", (("authorization", "DPoP x"),)))
    assert [seen.access_token for seen in site.credentials_seen] == ["x"]
