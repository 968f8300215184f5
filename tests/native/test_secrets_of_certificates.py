"""Of an app with a client certificate: whatever goes wrong, no key, token or code stands where somebody could look."""

import logging

import pytest

from oauthclient import ClientCertificate, MutualTLS, OAuthError, SelfSignedTLSClientAuth
from oauthclient.errors import ReauthenticationRequired
from oauthclient.testing import misbehaviour
from tests.native.certified import CONFIDENTIAL, PUBLIC
from tests.native.test_secrets_of_a_login import secrets
from tests.showing import told
from tests.testing.certificates import self_signed_pem

OTHER = self_signed_pem()


def hidden(certified) -> set[str]:
    """What nobody is to see of the house and of both certificates."""
    pems = (certified.wallet.pem(), OTHER)
    lines = {line for pem in pems for line in pem.decode().split("-----BEGIN CERTIFICATE")[0].splitlines()}
    return secrets(certified.house) | {line for line in lines if line and "-----" not in line}


def unseen(certified, notes, *texts, error=None) -> None:
    looked_at = [*texts, *notes.lines, *certified.house.person.read]
    if error is not None:
        looked_at += told(error)
    found = hidden(certified)
    assert len(found) > 10
    for secret in found:
        for text in looked_at:
            assert secret not in text, text[:200]


@pytest.mark.parametrize("kind", [PUBLIC, CONFIDENTIAL])
def test_a_session_shows_none_nor_does_its_renewal_or_end(certified, notes, kind) -> None:
    app = certified.app(kind)
    session = certified.house.login(app)
    certified.wallet.renew()
    assert certified.call(session).status_code == 200
    certified.wallet.replace()
    restored = certified.restarted(kind).restore()
    certificate = certified.wallet.certificate
    things = (app, session, restored, certificate, certificate.current(), session.logout())
    unseen(certified, notes, *map(repr, things))


def test_a_session_whose_certificate_is_gone_shows_none(certified, notes) -> None:
    certified.house.login(certified.app())
    certified.wallet.replace()
    session = certified.restarted().restore()
    with pytest.raises(ReauthenticationRequired) as caught:
        session.userinfo()
    unseen(certified, notes, error=caught.value)


@pytest.mark.parametrize("kind", [PUBLIC, CONFIDENTIAL])
@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client", "invalid_request"])
def test_a_refresh_that_is_refused_shows_none(certified, notes, kind, code) -> None:
    session = certified.house.login(certified.app(kind))
    certified.house.pass_time(301)
    certified.house.server.instead(misbehaviour.oauth_error(code))
    with pytest.raises(OAuthError) as caught:
        session.auth.token(certified.house.orders.url)
    unseen(certified, notes, error=caught.value)


ANSWERS = {
    "trouble": misbehaviour.html(500),
    "no JSON": misbehaviour.raw(b"{"),
    "refused": misbehaviour.oauth_error("invalid_client_metadata"),
    "nobody": misbehaviour.oauth_error("invalid_token", status=401),
}


@pytest.mark.parametrize("wrong", [*ANSWERS, "not taken"])
def test_a_rotation_that_fails_shows_none(certified, notes, wrong) -> None:
    certificate = certified.wallet.certificate
    settings = {"client_id": None, "authentication": SelfSignedTLSClientAuth(certificate)}
    app = certified.app(binding=MutualTLS(certificate), **settings)
    certified.house.login(app)
    if wrong in ANSWERS:
        certified.house.server.instead(ANSWERS[wrong], endpoint="registration")
    else:
        unchanged = misbehaviour.members(jwks={"keys": [certificate.current().jwk]})
        certified.house.server.amend(unchanged, endpoint="registration", times=2)
    with pytest.raises(OAuthError) as caught:
        app.registration.rotate_certificate(ClientCertificate.from_pem(OTHER))
    unseen(certified, notes, error=caught.value)


def test_the_log_tells_thumbprints_and_times_of_a_renewal_and_no_more(certified, caplog) -> None:
    certified.house.login(certified.app())
    with caplog.at_level(logging.DEBUG, logger="oauthclient"):
        certified.wallet.renew()
    assert any(certified.wallet.x5t_s256 in record.getMessage() for record in caplog.records)
    for secret in hidden(certified):
        assert secret not in caplog.text
