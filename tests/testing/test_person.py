"""The person at the keyboard of the embedded server, played by a test, by httpx and by a page."""

from __future__ import annotations

import httpx
import httpx2
import pytest

from oauthclient.testing import LoopbackPort, NoWayBackError, Request, Response
from oauthclient.testing.misbehaviour import html
from oauthclient.testing.pages import read_form


def subject(app):
    return app.server.codes.logins[-1].subject


def test_the_person_is_whom_the_test_names_or_the_hint_or_alice(app):
    person = app.server.person
    person.approve(app.url())
    assert subject(app) == "alice"
    person.approve(app.url(login_hint="bob"))
    assert subject(app) == "bob"
    person.approve(app.url(login_hint="bob"), subject="Zoë; x=1")
    assert subject(app) == "Zoë; x=1"
    person.subject = "carol"
    person.approve(app.url())
    assert subject(app) == "carol"


def test_a_cookie_that_is_none_names_nobody(app):
    app.server.handle(Request("GET", app.url(), (("Cookie", "a,b=1; subject=bob"),)))
    assert subject(app) == "alice"


def test_the_person_may_say_no(app, brought):
    assert brought(app.server.person.refuse(app.url()))["error"] == "access_denied"
    assert brought(app.server.person.refuse(app.url(), "consent_required"))["error"] == "consent_required"
    app.server.person.refusal = "temporarily_unavailable"
    assert app.answered()["error"] == "temporarily_unavailable"
    assert app.server.codes.logins == []


def test_who_is_logged_in_is_not_asked_again_unless_they_must_be(app, world):
    person = app.server.person
    person.logged_in_at = since = world.clock() - 100
    assert "code" in app.answered(prompt="none")
    assert app.server.codes.logins[-1].auth_time == since
    assert app.answered(prompt="none", max_age=99)["error"] == "login_required"
    app.answered(max_age=100)
    assert app.server.codes.logins[-1].auth_time == since
    app.answered(max_age=99)
    assert app.server.codes.logins[-1].auth_time == world.clock()
    world.clock.advance(5)
    app.answered()
    assert app.server.codes.logins[-1].auth_time == world.clock() - 5
    app.answered(prompt="login")
    assert app.server.codes.logins[-1].auth_time == world.clock()


def test_a_page_may_ask_first(app):
    app.server.person.asked = True
    assert "code" in app.answered()
    assert [seen.status for seen in app.server.requests] == [200, 303]
    page = app.server.requests[0].response
    assert b"app asks alice for: count openid read." in page.body


def test_a_button_can_be_no_and_a_page_is_sent_once(app, world, brought):
    app.server.person.asked = True
    app.answered()
    app.answered()
    form = read_form(app.server.requests[2].response)
    spent = world.post(dict(form.fields) | {"decision": "allow"}, url=form.action)
    assert (spent.status, app.server.requests[-1].error) == (400, "invalid_request")
    shown = app.server.handle(app.server.requests[0].request)
    pressed = world.post(dict(read_form(shown).fields) | {"decision": "deny"}, url=form.action)
    assert brought(pressed.header("Location"))["error"] == "access_denied"


def test_a_person_who_is_asked_nothing_sees_no_page(app, world):
    app.server.person.asked = True
    app.server.person.logged_in_at = world.clock()
    assert "code" in app.answered(prompt="none")
    assert [seen.status for seen in app.server.requests] == [303]


def test_what_is_no_answer_to_the_client_is_said(app):
    with pytest.raises(NoWayBackError, match="not this authorization server's"):
        app.server.person.approve("https://elsewhere.example/authorize")
    with pytest.raises(NoWayBackError, match="HTTP status 404"):
        app.server.person.approve(f"{app.server.issuer}/nothing")
    app.server.instead(html(502), endpoint="authorization")
    with pytest.raises(NoWayBackError, match=r"HTTP status 502\. Something went wrong\."):
        app.server.person.approve(app.url())


@pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_browser_walks_through_by_itself(app, world, family, brought):
    transport = world.network.transport() if family is httpx else world.network.transport2()
    with family.Client(transport=transport) as browser:
        seen = browser.get(app.url())
        assert (seen.status_code, brought(seen.headers["Location"]).keys()) == (303, {"code", "state", "iss"})
        browser.cookies["subject"] = "bob"
        browser.get(app.url())
        assert subject(app) == "bob"


def test_a_browser_walks_through_over_a_port(app, world, brought):
    with LoopbackPort() as port:
        behind = type(world)(f"{port.url}/as", port.url)
        port.serve(behind.network)
        here = type(app)(behind)
        with httpx.Client() as browser:
            assert "code" in brought(browser.get(here.url()).headers["Location"])
            behind.server.person.asked = True
            form = read_form_of(browser.get(here.url()))
            pressed = browser.post(form.action, data=dict(form.fields) | {"decision": "allow"})
            assert "code" in brought(pressed.headers["Location"])


def read_form_of(response):
    return read_form(Response(response.status_code, tuple(response.headers.items()), response.content))
