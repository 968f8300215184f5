"""Sessions that are bound to a client certificate: how they begin, go on, survive its renewal or do not (RFC 8705)."""

import gc
import logging

import pytest

from oauthclient import Bearer, DPoP, MutualTLS, OAuthError
from oauthclient.errors import ConfigurationError, ErrorResponse, NotOffered, ReauthenticationRequired
from oauthclient.protocol.pending import Pending
from tests.native.certified import CONFIDENTIAL, PUBLIC, Renewable
from tests.native.house import run
from tests.native.test_device import confirms

KINDS = (PUBLIC, CONFIDENTIAL)
BACK = "https://shop.example/callback"
DAY = 86_400


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["certificate", "certificate and key"])
def dpop(request):
    return request.param


def stored_note(house, session):
    (name,) = [name for name in house.records("session") if name.client == session.client_id]
    return house.vault().records.load(name)["note"]


class TestALogin:
    def test_it_brings_tokens_that_are_bound_to_the_certificate(self, certified, kind, dpop, loop) -> None:
        how = {"open_browser": False, "tell": certified.house.person.tell}
        session = run(loop, certified.app(kind, dpop=dpop), "login", **how)
        x5t = certified.wallet.x5t_s256
        assert (session.subject, session.sender_constrained, session.x5t_s256) == ("alice", True, x5t)
        assert certified.call(session).json()["subject"] == "alice"
        assert certified.call(session, url=certified.house.stock.url).status_code == 200  # by the refresh token
        for endpoint in ("par", "token"):
            assert set(certified.presented(endpoint)) == {x5t}
        confirmations = {(token.jkt is not None, token.x5t_s256) for token in certified.house.server.tokens.issued}
        assert confirmations == {(dpop, x5t)}
        assert certified.house.keys() == dpop + (kind == CONFIDENTIAL)
        assert certified.house.records("login") == []

    def test_by_way_of_another_device_too(self, certified, kind) -> None:
        certified.house.server.device.codes.interval = 0.05
        session = certified.app(kind).login(device="always", tell=confirms(certified.house))
        assert certified.call(session).status_code == 200
        assert set(certified.presented("device")) == {certified.wallet.x5t_s256}
        assert session.x5t_s256 == certified.wallet.x5t_s256

    def test_a_web_backend_begins_it_with_one_certificate_and_finishes_it_with_the_next(self, certified, dpop) -> None:
        """A code is bound to no certificate: what counts is the one that it is redeemed with."""
        certified.house.known("shop", tls_client_certificate_bound_access_tokens=True, redirect_uris=[BACK])
        url, pending = certified.app(client_id="shop", dpop=dpop).begin_login(BACK)
        certified.wallet.renew()
        app = certified.restarted(client_id="shop", dpop=dpop)
        callback = certified.house.person.callback(url)
        session = app.finish_login(Pending.load(pending.dump()), callback, profile="ann")
        assert session.x5t_s256 == certified.wallet.x5t_s256
        assert certified.call(session).status_code == 200
        with pytest.raises(OAuthError) as caught:
            app.finish_login(pending, callback, profile="ann")
        assert caught.value.code == "login_finished"
        assert certified.house.records("login") == []

    def test_a_server_that_does_not_promise_it_is_asked_for_nothing(self, certified) -> None:
        certified.house.server.certificate_binding = "absent"
        for kind in KINDS:
            with pytest.raises(NotOffered) as caught:
                certified.house.login(certified.app(kind))
            assert caught.value.code == "binding_not_offered"
        assert certified.house.seen("registration") == certified.house.seen("par") == []

    def test_a_key_for_all_sessions_is_refused(self, certified) -> None:
        from oauthclient import SigningKey

        with pytest.raises(ConfigurationError) as caught:
            certified.app(binding=MutualTLS(certified.wallet.certificate, dpop=DPoP(SigningKey.generate())))
        assert caught.value.code == "session_keys"


class TestARestart:
    def test_with_the_same_certificate_it_goes_on(self, certified, kind, dpop, loop) -> None:
        certified.house.login(certified.app(kind, dpop=dpop))
        certificate = certified.wallet.read()
        session = run(loop, certified.restarted(kind, dpop=dpop, presented=certificate), "restore")
        sent = len(certified.house.seen("token"))
        assert certified.call(session, certificate).status_code == 200
        assert len(certified.house.seen("token")) == sent  # the stored token will do
        certified.house.pass_time(301)
        assert certified.call(session, certificate).status_code == 200
        assert certified.presented("token")[-1] == certified.wallet.x5t_s256

    @pytest.mark.parametrize("fresh", [True, False], ids=["with a good token", "with an old token"])
    def test_with_another_one_a_public_client_needs_its_person_and_sends_nothing(self, certified, dpop, fresh) -> None:
        certified.house.login(certified.app(dpop=dpop))
        certified.wallet.replace()
        if not fresh:
            certified.house.pass_time(301)
        certificate = certified.wallet.read()
        session = certified.restarted(dpop=dpop, presented=certificate).restore()
        before = len(certified.house.server.requests), len(certified.house.orders.requests)
        for ask in (lambda: certified.call(session, certificate), session.userinfo):
            with pytest.raises(ReauthenticationRequired) as caught:
                ask()
            assert caught.value.reason == "certificate_changed"
        assert (len(certified.house.server.requests), len(certified.house.orders.requests)) == before
        assert stored_note(certified.house, session) is None

        again = certified.house.login(certified.restarted(dpop=dpop, presented=certificate))
        assert certified.call(again, certificate).status_code == 200

    def test_with_another_one_a_confidential_client_goes_on_and_presents_no_former_token(self, certified, dpop) -> None:
        """Its refresh token is bound to the client, its access tokens to the certificate: RFC 8705, 7.1 and 6.3."""
        certified.house.login(certified.app(CONFIDENTIAL, dpop=dpop))
        certified.wallet.replace()
        certificate = certified.wallet.read()
        session = certified.restarted(CONFIDENTIAL, dpop=dpop, presented=certificate).restore()
        assert certified.call(session, certificate).status_code == 200
        assert [seen.status for seen in certified.house.orders.requests] == [200]
        assert certified.presented("token")[-1] == certificate.current().x5t_s256
        restored = certified.restarted(CONFIDENTIAL, dpop=dpop).restore()
        assert restored.x5t_s256 == certificate.current().x5t_s256

    def test_without_any_certificate_it_says_so(self, certified, kind) -> None:
        certified.house.login(certified.app(kind))
        client_id = "acme" if kind == PUBLIC else None
        app = certified.house.app(client_id=client_id, transport=certified.house.network.transport())
        with pytest.raises(ReauthenticationRequired) as caught:
            app.restore()
        assert caught.value.reason == "certificate_changed"
        assert "MutualTLS" in caught.value.hint

    @pytest.mark.parametrize("binding", [DPoP(), Bearer()], ids=repr)
    def test_a_session_of_before_keeps_its_binding_in_a_program_with_a_certificate(self, certified, binding) -> None:
        certified.house.known()
        transport = certified.house.network.transport(certified.wallet.certificate)
        certified.house.login(certified.house.app(client_id="acme", binding=binding, transport=transport))
        session = certified.app().restore()
        certified.house.pass_time(301)
        assert certified.call(session).status_code == 200
        assert session.x5t_s256 is None
        assert certified.house.orders.requests[-1].scheme == binding.token_type.lower()

    def test_the_transport_of_a_certificate_that_expired_is_no_reason_to_log_in_again(self, house, certified) -> None:
        """There is no other one with which the next login would fare better; the server may still take it."""
        until = house.clock() + DAY
        certified.wallet = Renewable(house.folder.parent / "short", until=until)
        session = certified.house.login(certified.app())
        certified.house.pass_time(2 * DAY)
        assert certified.call(session).status_code == 200


class TestARenewal:
    def test_a_public_client_goes_on_with_the_former_certificate_and_says_so(self, certified, dpop, caplog) -> None:
        session = certified.house.login(certified.app(dpop=dpop))
        former = certified.wallet.x5t_s256
        with caplog.at_level(logging.WARNING, logger="oauthclient"):
            certified.wallet.renew()
        (said,) = [record.getMessage() for record in caplog.records if "stay bound" in record.getMessage()]
        assert all(word in said for word in ("default", former, certified.wallet.x5t_s256, "certificate_changed"))
        certified.house.pass_time(301)
        assert certified.call(session).status_code == 200
        assert session.userinfo()["sub"] == "alice"
        assert certified.presented("token")[-1] == former
        assert [seen.x5t_s256 for seen in certified.house.orders.requests] == [former]
        assert certified.presented("userinfo") == [former]

    def test_it_is_said_for_as_long_as_there_is_a_session_and_no_longer(self, certified, caplog) -> None:
        session = certified.house.login(certified.app())
        certified.house.apps.pop().close()
        gc.collect()  # a session may outlive its app object
        with caplog.at_level(logging.WARNING, logger="oauthclient"):
            certified.wallet.renew()
        assert "stay bound" in caplog.text
        assert certified.call(session).status_code == 200
        caplog.clear()
        second = certified.house.login(certified.app(), profile="second")
        assert second.x5t_s256 == certified.wallet.x5t_s256
        del second
        gc.collect()
        with caplog.at_level(logging.WARNING, logger="oauthclient"):
            certified.wallet.renew()
        assert "stay bound" not in caplog.text

    def test_it_is_said_where_it_comes_in_the_middle_of_a_login(self, certified, caplog) -> None:
        certified.house.server.amend(lambda response: (certified.wallet.renew(), response)[1], endpoint="token")
        with caplog.at_level(logging.WARNING, logger="oauthclient"):
            session = certified.house.login(certified.app())
        assert "stay bound" in caplog.text
        assert session.x5t_s256 != certified.wallet.x5t_s256
        certified.house.pass_time(301)
        assert certified.call(session).status_code == 200

    def test_it_ends_with_the_former_certificate(self, house, certified) -> None:
        certified.wallet = Renewable(house.folder.parent / "short", until=house.clock() + DAY)
        session = certified.house.login(certified.app())
        certified.wallet.renew()
        certified.house.pass_time(2 * DAY)
        sent = len(certified.house.server.requests)
        with pytest.raises(ReauthenticationRequired) as caught:
            certified.call(session)
        assert caught.value.reason == "certificate_changed"
        assert len(certified.house.server.requests) == sent

    def test_a_session_of_after_is_bound_to_the_new_one_and_one_log_line_tells_of_many(self, certified, caplog) -> None:
        app = certified.app()
        kept = [certified.house.login(app, profile=f"p{number}") for number in range(7)]
        with caplog.at_level(logging.WARNING, logger="oauthclient"):
            certified.wallet.renew()
            kept.append(certified.house.login(app, profile="new"))
            certified.wallet.renew()
        told = [record.getMessage() for record in caplog.records if "stay bound" in record.getMessage()]
        assert ["p0, p1, p2, p3, p4 and 2 more" in line for line in told] == [True, False]
        assert ": new." in told[1]
        assert len({session.x5t_s256 for session in kept}) == 2
        assert all(certified.call(session).status_code == 200 for session in kept)

    def test_a_confidential_client_goes_on_with_the_new_one_and_has_nothing_to_tell(self, certified, caplog) -> None:
        session = certified.house.login(certified.app(CONFIDENTIAL))
        assert certified.call(session).status_code == 200
        with caplog.at_level(logging.WARNING, logger="oauthclient"):
            certified.wallet.renew()
        assert not caplog.records
        assert certified.call(session).status_code == 200
        assert session.userinfo()["sub"] == "alice"
        assert certified.presented("token")[-1] == certified.wallet.x5t_s256
        assert certified.presented("userinfo") == [certified.wallet.x5t_s256]
        assert [seen.status for seen in certified.house.orders.requests] == [200, 200]


class TestTheEnd:
    def test_a_logout_revokes_with_the_certificate(self, certified, kind, dpop, loop) -> None:
        session = certified.house.login(certified.app(kind, dpop=dpop))
        assert run(loop, session, "logout").still_honoured == ()
        assert set(certified.presented("revocation")) == {certified.wallet.x5t_s256}
        assert certified.restarted(kind, dpop=dpop).restore() is None
        assert certified.house.keys() == (kind == CONFIDENTIAL)

    def test_a_session_whose_certificate_is_gone_can_be_left_and_the_server_hears_of_it(self, certified, dpop) -> None:
        certified.house.login(certified.app(dpop=dpop))
        certified.wallet.replace()
        certificate = certified.wallet.read()
        session = certified.restarted(dpop=dpop, presented=certificate).restore()
        assert session.logout().still_honoured == ()
        assert set(certified.presented("revocation")) == {certificate.current().x5t_s256}
        assert certified.restarted(dpop=dpop).restore() is None
        assert certified.house.keys() == 0

    def test_by_the_app_alone_as_well(self, certified, kind) -> None:
        certified.house.login(certified.app(kind))
        certified.wallet.replace()
        assert certified.restarted(kind).logout().still_honoured == ()


class TestAnotherLogin:
    """A session without a key is told from its successor by what its login was called."""

    @pytest.mark.parametrize("with_certificate", [True, False], ids=["certificate", "bearer"])
    def test_the_former_session_presents_nothing_of_another_person(self, certified, with_certificate) -> None:
        settings = {} if with_certificate else {"binding": Bearer()}
        if not with_certificate:
            certified.house.known()
        former = certified.house.login(certified.app(**settings))
        certified.house.person.cookies = {"subject": "bob"}
        later = certified.house.login(certified.app(**settings), switch_account=True)
        certified.house.pass_time(301)
        with pytest.raises(ReauthenticationRequired) as caught:
            certified.call(former)
        assert (caught.value.reason, "replaced" in str(caught.value)) == ("no_session", True)
        assert certified.call(later).json()["subject"] == "bob"
        assert certified.call(certified.restarted(**settings).restore()).json()["subject"] == "bob"

    def test_the_former_session_does_not_spend_its_successors_refresh_token_with_its_own_certificate(
        self, certified
    ) -> None:
        app = certified.app()
        former = certified.house.login(app)
        certified.wallet.renew()
        later = certified.house.login(app)
        certified.house.pass_time(301)
        with pytest.raises(ReauthenticationRequired) as caught:
            certified.call(former)
        assert caught.value.reason == "no_session"
        assert certified.call(later).status_code == 200

    def test_the_key_of_a_session_before_goes(self, certified) -> None:
        certified.house.known()
        transport = certified.house.network.transport(certified.wallet.certificate)
        certified.house.login(certified.house.app(client_id="acme", transport=transport))
        assert certified.house.keys() == 1
        certified.house.known(tls_client_certificate_bound_access_tokens=True)
        certified.house.login(certified.app())
        assert certified.house.keys() == 0

    def test_a_login_that_fails_leaves_the_session_and_no_record(self, certified) -> None:
        session = certified.house.login(certified.app())
        certified.house.person.cookies = {"refusal": "access_denied"}
        with pytest.raises(ErrorResponse):
            certified.house.login(certified.app())
        assert certified.house.records("login") == []
        assert certified.call(session).status_code == 200
