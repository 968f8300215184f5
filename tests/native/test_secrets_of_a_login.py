"""Of a login: whatever goes wrong, no secret stands in a repr, a log, a traceback, a page or a message."""

import json

import httpx
import pytest

from oauthclient import ClientSecretPost, OAuthError, Vault
from oauthclient.storage.sealed_files import SealedFiles
from oauthclient.testing import NO_ANSWER, misbehaviour
from tests.native.house import STORAGE_KEY
from tests.showing import held, told

ISSUED = ("access_token", "refresh_token", "id_token", "registration_access_token", "client_secret")
SECRET = "hunter2-and-then-some-more-octets"


def secrets(house) -> set[str]:
    """All that went over the wire, or lies in the vault, that nobody is to see."""
    found = {SECRET, STORAGE_KEY.decode()}
    for seen in house.server.requests:
        form = seen.form if seen.request.method == "POST" else {}
        for name in ("code", "code_verifier", "refresh_token", "client_assertion", "client_secret", "device_code"):
            found.update(form.get(name, ()))
        if seen.endpoint in ("token", "registration") and not seen.scripted:
            answer = json.loads(seen.response.body)
            found.update(answer[name] for name in ISSUED if name in answer)
        if seen.endpoint == "authorization":
            location = seen.response.header("Location") or ""
            found.update(filter(None, [httpx.URL(location).params.get("code")]))
    for name in SealedFiles(house.folder / "keys", None).names():
        found.add(json.loads(house.vault().keys.load(name.profile).reveal())["d"])
    return {secret for secret in found if len(secret) > 8}


def unseen(house, notes, *things, error=None) -> None:
    looked_at = [*held(*things), *notes.lines, *house.person.read, *(text for _, text in house.person.pages)]
    if error is not None:
        looked_at += told(error)
    for secret in secrets(house):
        for text in looked_at:
            assert secret not in text, text[:200]


def test_a_session_and_its_app_show_none(house, notes) -> None:
    house.server.metadata["end_session_endpoint"] = f"{house.issuer}/logout"
    app = house.app()
    session = house.login(app)
    goodbye = house.login(app, profile="other").logout()
    house.person.leave()
    assert len(secrets(house)) > 10
    for thing in (app, session, session.granted, app.registration.show(), goodbye.still_honoured):
        for secret in secrets(house):
            assert secret not in repr(thing)
    for secret in secrets(house):
        assert secret not in repr(goodbye)
        for text in (*notes.lines, *house.person.read, *(text for _, text in house.person.pages)):
            assert secret not in text


FAILURES = {
    "the code is refused": (misbehaviour.oauth_error("invalid_grant"), "token"),
    "the server is in trouble": (misbehaviour.html(500), "token"),
    "the token answer is no JSON": (misbehaviour.raw(b"{"), "token"),
    "the keys are no JSON": (misbehaviour.raw(b"{"), "jwks"),
    "the pushed request is refused": (misbehaviour.oauth_error("invalid_request"), "par"),
}


@pytest.mark.parametrize("wrong", FAILURES)
def test_a_login_that_fails_shows_none(house, notes, wrong) -> None:
    house.known(secret=SECRET, method="client_secret_post")
    app = house.app(client_id="acme", authentication=ClientSecretPost(SECRET))
    answer, endpoint = FAILURES[wrong]
    house.server.instead(answer, endpoint=endpoint, times=None)
    with pytest.raises(OAuthError) as caught:
        house.login(app)
    house.person.leave()
    unseen(house, notes, error=caught.value)


@pytest.mark.parametrize(
    "forgery", [{"nonce": "x"}, {"sub": misbehaviour.OMIT}, {"exp": 1}], ids=["nonce", "sub", "exp"]
)
def test_an_id_token_that_is_refused_is_not_shown(house, notes, forgery) -> None:
    house.server.amend(misbehaviour.id_token(house.server, **forgery))
    with pytest.raises(OAuthError) as caught:
        house.login()
    house.person.leave()
    unseen(house, notes, error=caught.value)


@pytest.mark.parametrize(
    "edit",
    [misbehaviour.parameters(iss="https://evil.example"), misbehaviour.doubled("code")],
    ids=["another server's", "code twice"],
)
def test_an_answer_that_is_refused_is_not_shown(house, notes, edit) -> None:
    house.server.amend(edit, endpoint="authorization", status=303)
    with pytest.raises(OAuthError) as caught:
        house.login()
    house.person.leave()
    unseen(house, notes, error=caught.value)


def test_a_web_backends_answer_is_not_shown(house, notes) -> None:
    back = "https://shop.example/cb"
    house.known(redirect_uris=[back])
    app = house.app(client_id="acme")
    for answer in (misbehaviour.oauth_error("invalid_grant"), NO_ANSWER):
        url, pending = app.begin_login(back)
        callback = house.person.callback(url)
        house.server.instead(answer)
        with pytest.raises(OAuthError) as caught:
            app.finish_login(pending, callback)
        error = caught.value
        del callback, caught
        unseen(house, notes, pending, error=error)


def test_a_vault_that_cannot_be_read_shows_none(house, notes) -> None:
    house.login()
    for file in house.folder.glob("*.sealed"):
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(OAuthError) as caught:
        house.app().restore()
    unseen(house, notes, error=caught.value)
    with pytest.raises(OAuthError) as caught:
        house.app(vault=Vault.file(house.folder, passphrase=SECRET)).restore()
    unseen(house, notes, error=caught.value)
