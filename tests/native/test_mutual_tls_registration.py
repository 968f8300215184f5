"""An app that registers itself by its client certificate, and what becomes of that (RFC 8705, 2.1.2 and 2.2.2)."""

import json

import pytest

from oauthclient import ClientCertificate, DPoP, MutualTLS, SelfSignedTLSClientAuth, TLSClientAuth
from oauthclient.errors import ConfigurationError, InvalidResponse, NotOffered
from oauthclient.testing import misbehaviour
from tests.native.house import run
from tests.testing.certificates import SUBJECT, self_signed_pem

METHODS = {"self_signed_tls_client_auth": SelfSignedTLSClientAuth, "tls_client_auth": TLSClientAuth}


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


def app(certified, method, certificate=None, **settings):
    certificate = certificate or certified.wallet.certificate
    usual = {"authentication": METHODS[method](certificate), "client_id": None, "presented": certificate}
    return certified.app(**(usual | settings))


def asked(certified, number=0):
    return json.loads(certified.house.seen("registration")[number].request.body)


class TestRegistration:
    def test_an_app_registers_itself_by_its_certificate_and_logs_in(self, certified, method, loop) -> None:
        how = {"open_browser": False, "tell": certified.house.person.tell}
        session = run(loop, app(certified, method), "login", **how)
        client = certified.house.server.clients[session.client_id]
        assert client.method == method
        assert client.tls_client_certificate_bound_access_tokens
        assert asked(certified)["tls_client_certificate_bound_access_tokens"] is True
        assert "dpop_bound_access_tokens" not in asked(certified)
        assert certified.call(session).status_code == 200
        certified.house.pass_time(301)
        restored = app(certified, method).restore()
        assert certified.call(restored).status_code == 200
        assert certified.presented("token")[-1] == certified.wallet.x5t_s256
        assert [seen.request.method for seen in certified.house.seen("registration")] == ["POST"]

    def test_a_self_signed_one_is_among_its_keys_beside_that_which_signs(self, certified) -> None:
        certified.house.login(app(certified, "self_signed_tls_client_auth"))
        signing, certificate = asked(certified)["jwks"]["keys"]
        assert "x5c" not in signing
        assert certificate["x5c"] == list(certified.wallet.certificate.current().x5c)
        assert certificate["kty"] == "EC"

    @pytest.mark.parametrize(
        ("named_by", "value"),
        [
            ("subject_dn", SUBJECT),
            ("san_dns", "svc.example.com"),
            ("san_uri", "spiffe://example.com/svc"),
            ("san_ip", "2001:db8::17"),
            ("san_email", "svc@example.com"),
        ],
    )
    def test_one_that_a_ca_issued_by_the_name_that_the_app_chooses(self, certified, named_by, value) -> None:
        authentication = TLSClientAuth(certified.wallet.certificate, named_by=named_by)
        session = certified.house.login(app(certified, "tls_client_auth", authentication=authentication))
        told = {name: text for name, text in asked(certified).items() if name.startswith("tls_client_auth_")}
        assert told == {f"tls_client_auth_{named_by}": value}
        assert session.subject == "alice"

    def test_the_name_in_the_apps_own_words_goes_first(self, certified) -> None:
        """A distinguished name has several spellings, and some servers compare them as text."""
        own = {"tls_client_auth_subject_dn": SUBJECT.replace("CN=", "cn=")}
        session = certified.house.login(app(certified, "tls_client_auth", registration=own))
        assert asked(certified)["tls_client_auth_subject_dn"] == own["tls_client_auth_subject_dn"]
        assert certified.call(session).status_code == 200

    def test_a_certificate_may_authenticate_where_a_key_binds(self, certified, method) -> None:
        session = certified.house.login(app(certified, method, binding=DPoP()))
        assert "tls_client_certificate_bound_access_tokens" not in asked(certified)
        assert asked(certified)["dpop_bound_access_tokens"] is True
        assert session.x5t_s256 is None
        certified.wallet.replace()
        other = certified.wallet.read()
        if method == "tls_client_auth":  # the same name in another certificate
            restored = app(certified, method, other, binding=DPoP()).restore()
            certified.house.pass_time(301)
            assert certified.house.call(restored).status_code == 200

    def test_the_certificate_and_a_key_may_bind_at_once(self, certified, method) -> None:
        both = MutualTLS(certified.wallet.certificate, dpop=DPoP())
        session = certified.house.login(app(certified, method, binding=both))
        assert asked(certified)["dpop_bound_access_tokens"] is True
        assert asked(certified)["tls_client_certificate_bound_access_tokens"] is True
        assert certified.call(session).status_code == 200

    def test_a_server_that_does_not_offer_the_method_is_asked_for_nothing(self, certified, method) -> None:
        certified.house.server.metadata["token_endpoint_auth_methods_supported"] = ["private_key_jwt", "none"]
        with pytest.raises(NotOffered) as caught:
            certified.house.login(app(certified, method))
        assert caught.value.code == "authentication_not_offered"
        assert certified.house.seen("registration") == []


class TestLater:
    def test_without_its_certificate_the_app_says_what_it_needs(self, certified, method) -> None:
        certified.house.login(app(certified, method))
        without = certified.house.app()
        for use in (without.restore, lambda: certified.house.login(without)):
            with pytest.raises(ConfigurationError) as caught:
                use()
            assert caught.value.code == "registered_otherwise"
            assert METHODS[method].__name__ in caught.value.hint

    def test_what_is_kept_of_its_session_can_be_forgotten_all_the_same(self, certified, method) -> None:
        certified.house.login(app(certified, method))
        without = certified.house.app(transport=certified.house.network.transport())
        goodbye = without.logout()
        assert {left.code for left in goodbye.still_honoured} == {"registered_otherwise"}
        assert certified.house.records("session") == []

    def test_with_another_method_than_it_is_registered_for_it_is_refused(self, certified) -> None:
        certified.house.login(app(certified, "tls_client_auth"))
        for authenticated_by in (app(certified, "self_signed_tls_client_auth"),):
            with pytest.raises(ConfigurationError) as caught:
                certified.house.login(authenticated_by)
            assert caught.value.code == "registered_otherwise"
            assert "TLSClientAuth" in caught.value.hint

    def test_an_app_that_registered_with_a_key_does_not_go_on_with_it_unasked(self, certified, method) -> None:
        certified.house.login(certified.house.app())
        by_certificate = app(certified, method)
        with pytest.raises(ConfigurationError) as caught:
            certified.house.login(by_certificate)
        assert caught.value.code == "registered_otherwise"
        assert "private_key_jwt" in str(caught.value)
        by_certificate.registration.delete()
        assert certified.call(certified.house.login(by_certificate)).status_code == 200

    def test_a_server_that_registers_another_method_is_not_gone_along_with(self, certified, method) -> None:
        edit = misbehaviour.members(token_endpoint_auth_method="private_key_jwt")
        certified.house.server.amend(edit, endpoint="registration", status=201)
        with pytest.raises(ConfigurationError) as caught:
            certified.house.login(app(certified, method))
        assert caught.value.code == "registered_otherwise"


class TestTheBindingThatNobodySees:
    def test_an_app_that_registered_without_it_logs_nobody_in_until_it_is_registered(self, certified) -> None:
        """Its tokens would be of the same type, and worth something to whoever holds them (RFC 8705, section 3.4)."""
        certified.house.login(certified.house.app())
        bound = certified.app(client_id=None)
        with pytest.raises(ConfigurationError) as caught:
            certified.house.login(bound)
        assert caught.value.code == "binding_not_registered"
        assert "app.registration.update(" in caught.value.hint
        bound.registration.update(
            {"tls_client_certificate_bound_access_tokens": True, "dpop_bound_access_tokens": False}
        )
        session = certified.house.login(bound)
        assert session.x5t_s256 == certified.house.server.tokens.issued[-1].x5t_s256 == certified.wallet.x5t_s256

    def test_a_server_that_leaves_it_out_of_its_answer_has_not_registered_it(self, certified) -> None:
        edit = misbehaviour.members(tls_client_certificate_bound_access_tokens=misbehaviour.OMIT)
        certified.house.server.amend(edit, endpoint="registration", status=201)
        with pytest.raises(ConfigurationError) as caught:
            certified.house.login(certified.app(client_id=None))
        assert caught.value.code == "binding_not_registered"

    def test_the_programs_word_goes_before_that(self, certified) -> None:
        edit = misbehaviour.members(tls_client_certificate_bound_access_tokens=misbehaviour.OMIT)
        certified.house.server.amend(edit, endpoint="registration", status=201)
        binding = MutualTLS(certified.wallet.certificate, assume_bound=True)
        session = certified.house.login(certified.app(client_id=None, binding=binding))
        assert certified.call(session).status_code == 200

    def test_sessions_of_before_go_on(self, certified) -> None:
        certified.house.login(certified.house.app())
        session = certified.app(client_id=None).restore()
        certified.house.pass_time(301)
        assert certified.call(session).status_code == 200


class TestRotation:
    def test_the_next_certificate_is_registered_before_its_file_is_in_place(self, certified, loop) -> None:
        session = certified.house.login(app(certified, "self_signed_tls_client_auth"))
        pem = self_signed_pem()
        after = ClientCertificate.from_pem(pem)
        before = app(certified, "self_signed_tls_client_auth")
        both = run(loop, before.registration, "rotate_certificate", after, keep_former=True)
        assert [jwk["x5c"][0] for jwk in both.jwks if "x5c" in jwk] == [
            each.current().x5c[0] for each in (certified.wallet.certificate, after)
        ]
        certified.house.pass_time(301)
        assert certified.call(session).status_code == 200  # with the former one

        again = app(certified, "self_signed_tls_client_auth", after)
        restored = again.restore()
        assert certified.call(restored, after).status_code == 200
        alone = run(loop, again.registration, "rotate_certificate")
        assert [jwk["x5c"][0] for jwk in alone.jwks if "x5c" in jwk] == [after.current().x5c[0]]
        assert len(alone.jwks) == 2  # and the key that signs
        certified.house.pass_time(301)
        assert certified.call(restored, after).status_code == 200
        assert certified.call(certified.house.login(again), after).status_code == 200

    def test_another_name_takes_the_place_of_the_former(self, certified) -> None:
        session = certified.house.login(app(certified, "tls_client_auth"))
        other = ClientCertificate.from_pem(self_signed_pem("CN=other,O=Acme"))
        registration = app(certified, "tls_client_auth").registration.rotate_certificate(other)
        assert registration.metadata["tls_client_auth_subject_dn"] == "CN=other,O=Acme"
        assert certified.house.server.clients[session.client_id].tls_client_auth_subject_dn == "CN=other,O=Acme"
        restored = app(certified, "tls_client_auth", other).restore()
        assert certified.call(restored, other).status_code == 200

    def test_the_name_may_be_of_another_kind_then(self, certified) -> None:
        session = certified.house.login(app(certified, "tls_client_auth"))
        by_dns = TLSClientAuth(certified.wallet.certificate, named_by="san_dns")
        app(certified, "tls_client_auth", authentication=by_dns).registration.rotate_certificate()
        client = certified.house.server.clients[session.client_id]
        assert (client.tls_client_auth_subject_dn, client.tls_client_auth_san_dns) == (None, "svc.example.com")

    def test_an_app_without_a_certificate_has_none_to_register(self, certified) -> None:
        certified.house.login(certified.house.app())
        with pytest.raises(ConfigurationError) as caught:
            certified.house.app().registration.rotate_certificate()
        assert caught.value.code == "no_client_certificate"
        with pytest.raises(ConfigurationError) as caught:
            certified.house.app().registration.rotate_certificate(certified.wallet.certificate)
        assert caught.value.code == "not_registered_by_certificate"
        with pytest.raises(ConfigurationError) as caught:
            certified.house.app().registration.rotate_certificate("client.pem")
        assert caught.value.code == "unknown_setting"

    def test_an_app_that_comes_without_its_certificate_can_register_another_one(self, certified, method) -> None:
        """Its registration access token is all that this takes (RFC 7592): a way out when the former one is lost."""
        session = certified.house.login(app(certified, method))
        other = ClientCertificate.from_pem(self_signed_pem("CN=other,O=Acme"))
        without = certified.house.app(transport=certified.house.network.transport())
        without.registration.rotate_certificate(other)
        assert certified.call(app(certified, method, other).restore(), other).status_code == 200
        assert session.client_id in certified.house.server.clients

    def test_a_server_that_keeps_the_former_one_is_noticed(self, certified) -> None:
        certified.house.login(app(certified, "self_signed_tls_client_auth"))
        other = ClientCertificate.from_pem(self_signed_pem())
        certificates = [certified.wallet.certificate.current().jwk, other.current().jwk]
        certified.house.server.amend(
            misbehaviour.members(jwks={"keys": certificates}), endpoint="registration", times=None
        )
        with pytest.raises(InvalidResponse) as caught:
            app(certified, "self_signed_tls_client_auth").registration.rotate_certificate(other)
        assert caught.value.code == "key_not_dropped"
