"""A server that does wrong in a login: answers through the browser, ID tokens and refreshed tokens to be refused."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from oauthclient.errors import InvalidJWT
from oauthclient.jose.jwt import verify
from oauthclient.jose.kinds import ID_TOKEN, JARM_RESPONSE
from oauthclient.testing import Response
from oauthclient.testing import misbehaviour as wrong
from oauthclient.testing.records import claims_of, header_of


def fields(request):
    return parse_qsl(urlsplit(request.url).query or request.body.decode())


def answered(app, edit, mode="query"):
    app.server.amend(edit, endpoint="authorization", status=303 if mode.startswith("query") else 200)
    return fields(app.server.person.answer(app.url(response_mode=mode)))


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_parameters_of_the_answer_are_changed_left_out_or_doubled(app, mode):
    given = answered(app, wrong.parameters(state="other", iss=wrong.OMIT, extra=1), mode)
    assert dict(given).keys() == {"code", "state", "extra"}
    assert ("state", "other") in given
    assert [pair for pair in answered(app, wrong.parameters(code=["a", "b"]), mode) if pair[0] == "code"] == [
        ("code", "a"),
        ("code", "b"),
    ]
    doubled = answered(app, wrong.doubled("state"), mode)
    assert [value for name, value in doubled if name == "state"] == ["the-state", "the-state"]
    assert app.server.requests[-1].scripted


def test_the_code_is_good_although_the_answer_was_changed(app):
    given = dict(answered(app, wrong.parameters(state="other")))
    assert app.exchange(given["code"]).status == 200


@pytest.mark.parametrize("mode", ["query.jwt", "form_post.jwt"])
def test_a_signed_answer_says_something_else_and_is_signed_all_the_same(app, mode):
    app.client.authorization_signed_response_alg = "RS256"
    [(name, jwt)] = answered(app, wrong.signed_response(app.server, iss="https://evil.example", state=wrong.OMIT), mode)
    assert name == "response"
    verified = verify(
        JARM_RESPONSE,
        jwt,
        app.server.keys.verifying,
        algorithms=["RS256"],
        issuer="https://evil.example",
        audience="app",
        now=app.world.clock(),
    )
    assert "state" not in verified.claims


def test_a_signed_answer_loses_its_signature_or_gets_another(app):
    [(_, jwt)] = answered(app, wrong.unsigned_response, "query.jwt")
    assert (header_of(jwt)["alg"], jwt.endswith(".")) == ("none", True)
    [(_, jwt)] = answered(app, wrong.signed_response(app.server, signer=app.world.other_key), "query.jwt")
    with pytest.raises(InvalidJWT):
        verify(
            JARM_RESPONSE,
            jwt,
            app.server.keys.verifying,
            algorithms=["ES256"],
            issuer=app.server.issuer,
            audience="app",
            now=app.world.clock(),
        )


def id_token(app, edit):
    app.server.amend(edit)
    return app.log_in()["id_token"]


def test_an_id_token_says_something_else_and_is_signed_all_the_same(app):
    jwt = id_token(app, wrong.id_token(app.server, sub="mallory", aud=["app", "other"], nonce="another"))
    claims = verify(
        ID_TOKEN,
        jwt,
        app.server.keys.verifying,
        algorithms=["ES256"],
        issuer=app.server.issuer,
        audience="app",
        now=app.world.clock(),
    ).claims
    assert (claims["sub"], claims["nonce"], claims["azp"]) == ("mallory", "another", "app")
    assert "at_hash" not in claims_of(id_token(app, wrong.id_token(app.server, at_hash=wrong.OMIT)))


def test_an_id_token_has_another_header_another_signer_or_none(app):
    other = app.world.other_key
    jwt = id_token(app, wrong.id_token(app.server, signer=other, header={"kid": "ES256-1", "typ": wrong.OMIT}))
    assert header_of(jwt) == {"alg": "ES256", "kid": "ES256-1"}
    jwt = id_token(app, wrong.unsigned_id_token)
    assert (header_of(jwt), jwt.endswith(".")) == ({"typ": "JWT", "alg": "none"}, True)


def test_a_refresh_brings_another_subject_another_type_or_no_refresh_token(app, read):
    document = app.log_in()
    app.server.amend(wrong.id_token(app.server, sub="mallory"))
    document = read(app.refresh(document["refresh_token"]))
    assert claims_of(document["id_token"])["sub"] == "mallory"
    app.server.amend(wrong.members(token_type="Bearer"))
    document = read(app.refresh(document["refresh_token"]))
    assert document["token_type"] == "Bearer"
    app.server.amend(wrong.members(refresh_token=wrong.OMIT))
    assert "refresh_token" not in read(app.refresh(document["refresh_token"]))


def test_pushing_fails_as_other_requests_do(app, refused):
    app.server.instead(wrong.oauth_error("temporarily_unavailable", status=503), endpoint="par")
    assert refused(app.push()) == (503, "temporarily_unavailable")
    app.server.amend(wrong.members(request_uri=wrong.OMIT), endpoint="par", status=201)
    assert b"request_uri" not in app.push().body
    assert app.push().status == 201


@pytest.mark.parametrize(
    ("edit", "response"),
    [
        (wrong.parameters(state="x"), Response(200)),
        (wrong.doubled("state"), Response(200, (("Content-Type", "text/html"),), b"<p>no form</p>")),
        (wrong.unsigned_id_token, Response(200, (), b"{}")),
        (wrong.unsigned_id_token, Response(200, (), [b"{}"])),
        (wrong.unsigned_response, Response(303, (("Location", "https://app.example?code=1"),))),
    ],
)
def test_an_edit_of_what_is_not_there_is_a_mistake_in_the_test(edit, response):
    with pytest.raises(TypeError):
        edit(response)
