"""The embedded server authenticates clients by their certificates, and refuses what is wrong: RFC 8705, section 2."""

from __future__ import annotations

import pytest

from oauthclient.errors import ConfigurationError
from oauthclient.jose.certificate import Certificate
from oauthclient.jose.keys import SigningKey
from oauthclient.testing import Request
from oauthclient.testing.misbehaviour import OMIT
from tests.testing.certificates import SUBJECT, certificate, self_signed_pem

SUBJECTS = {
    "tls_client_auth_subject_dn": SUBJECT,
    "tls_client_auth_san_dns": "svc.example.com",
    "tls_client_auth_san_uri": "spiffe://example.com/svc",
    "tls_client_auth_san_ip": "2001:db8::17",
    "tls_client_auth_san_email": "svc@example.com",
}
NONE = object()


@pytest.fixture(autouse=True)
def asking(world):
    world.server.mtls = True


@pytest.fixture
def outcome(world, read):
    """What comes of a token request of the client `mesh` over a connection with a certificate."""

    def ask(presented=None, *headers, **form):
        answer = world.post(
            world.unauthenticated(**({"client_id": "mesh"} | form)),
            *headers,
            certificate=None if presented is NONE else presented or certificate(),
        )
        return answer.status, read(answer).get("error")

    return ask


@pytest.mark.parametrize("member", SUBJECTS)
def test_the_certificate_must_say_the_subject_that_is_registered(world, outcome, member):
    world.server.register("mesh", **{member: SUBJECTS[member]})
    assert world.server.clients["mesh"].method == "tls_client_auth"
    assert outcome() == (200, None)
    setattr(world.server.clients["mesh"], member, SUBJECTS[member].replace("8", "9").replace("e", "f"))
    assert outcome() == (401, "invalid_client")


@pytest.mark.parametrize(
    ("member", "spelt"),
    [
        ("tls_client_auth_subject_dn", "cn=stock  sync\\, EAST, ou=Stock, o=Acme"),
        ("tls_client_auth_san_dns", "SVC.example.com"),
        ("tls_client_auth_san_ip", "2001:0DB8:0:0:0:0:0:17"),
    ],
)
def test_another_spelling_of_the_same_subject_is_the_same(world, outcome, member, spelt):
    world.server.register("mesh", **{member: spelt})
    assert outcome() == (200, None)


@pytest.mark.parametrize(
    ("member", "other"),
    [
        ("tls_client_auth_subject_dn", "O=Acme,OU=Stock,CN=Stock Sync\\, East"),
        ("tls_client_auth_subject_dn", "CN=Stock Sync,OU=East,OU=Stock,O=Acme"),
        ("tls_client_auth_subject_dn", "CN=Stock Sync\\, East"),
        ("tls_client_auth_san_dns", "*.example.com"),
        ("tls_client_auth_san_dns", "example.com"),
        ("tls_client_auth_san_uri", "spiffe://example.com/svc/"),
    ],
)
def test_a_subject_is_no_pattern_and_no_part(world, outcome, member, other):
    world.server.register("mesh", **{member: other})
    assert outcome() == (401, "invalid_client")


def test_a_certificate_of_the_subject_may_be_replaced_by_another(world, outcome):
    world.server.register("mesh", tls_client_auth_san_dns="svc.example.com")
    assert outcome(certificate("mine")) == outcome(certificate("renewed")) == (200, None)


@pytest.mark.parametrize(("since", "until"), [(1_700_000_000, 1_799_999_999), (1_800_000_001, 1_900_000_000)])
def test_a_certificate_counts_while_it_is_valid_by_the_servers_clock(world, outcome, since, until):
    world.server.register("mesh", tls_client_auth_san_dns="svc.example.com")
    assert outcome(Certificate.from_pem(self_signed_pem(since=since, until=until))) == (401, "invalid_client")
    world.clock.advance(2 if since > 1_800_000_000 else -2)
    assert outcome(Certificate.from_pem(self_signed_pem(since=since, until=until))) == (200, None)


@pytest.mark.parametrize("how", ["itself", "jwk", "jwks"])
def test_a_self_signed_certificate_must_be_one_that_is_registered(world, outcome, how):
    mine = certificate()
    key = {"itself": mine, "jwk": mine.jwk, "jwks": {"keys": [SigningKey.generate().public_jwk, mine.jwk]}}[how]
    world.server.register("mesh", key=key, method="self_signed_tls_client_auth")
    assert outcome(mine) == (200, None)
    assert outcome(certificate("another")) == (401, "invalid_client")


def test_several_self_signed_certificates_may_be_registered(world, outcome):
    both = [certificate("mine"), certificate("next")]
    world.server.register("mesh", key={"keys": [one.jwk for one in both]}, method="self_signed_tls_client_auth")
    assert [outcome(one) for one in both] == [(200, None)] * 2


def test_a_certificate_as_the_key_is_for_the_method_of_self_signed_ones(world):
    assert world.server.register("mesh", key=certificate()).method == "self_signed_tls_client_auth"


@pytest.mark.parametrize("self_signed", [True, False])
def test_a_client_without_its_certificate_or_with_rubbish_is_refused(world, read, outcome, self_signed):
    how = {"key": certificate()} if self_signed else {"tls_client_auth_san_dns": "svc.example.com"}
    world.server.register("mesh", **how)
    assert outcome(NONE) == (401, "invalid_client")
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    body = b"grant_type=client_credentials&client_id=mesh"
    rubbish = world.server.handle(Request("POST", world.server.token_endpoint, form, body, b"rubbish"))
    assert (rubbish.status, read(rubbish)["error"]) == (401, "invalid_client")


def test_the_client_must_name_itself(world, outcome):
    world.server.register("mesh", key=certificate())
    assert outcome(client_id=OMIT) == (401, "invalid_client")


def test_a_certificate_authenticates_no_client_of_another_method(world, outcome):
    world.server.register("mesh", secret="s" * 40)
    assert outcome() == (401, "invalid_client")


def test_a_client_of_a_certificate_may_not_use_another_method(world, outcome):
    world.server.register("mesh", key=certificate())
    assert outcome(client_secret="s" * 40) == (401, "invalid_client")
    assert outcome(None, ("Authorization", "Basic bWVzaDpzZWNyZXQ=")) == (401, "invalid_client")


def test_a_server_that_asks_for_no_certificate_sees_none(world, outcome):
    world.server.register("mesh", key=certificate())
    world.server.mtls = False
    assert outcome() == (401, "invalid_client")
    assert world.server.requests[-1].x5t_s256 is None


def test_what_was_presented_is_on_record(world, outcome):
    world.server.register("mesh", key=certificate())
    outcome()
    outcome(NONE)
    assert [seen.x5t_s256 for seen in world.server.requests] == [certificate().x5t_s256, None]


@pytest.mark.parametrize("endpoint", ["par", "device", "revocation"])
def test_the_other_endpoints_authenticate_in_the_same_way(world, app, endpoint):
    world.server.register("app", key=certificate(), redirect_uris=["http://127.0.0.1/callback"])
    named = {"client_id": "app"}
    form = {
        "par": app.parameters(),
        "device": {**named, "resource": world.orders.identifier},
        "revocation": {**named, "token": "unknown"},
    }
    url = world.server.endpoints[endpoint].url
    assert world.post(form[endpoint], url=url, certificate=certificate()).status in {200, 201}
    assert world.post(form[endpoint], url=url).status == 401


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "tls_client_auth"},
        {"method": "private_key_jwt", "key": certificate(), "tls_client_auth_san_dns": "a"},
        {"tls_client_auth_san_dns": "a.example", "tls_client_auth_san_uri": "https://a.example"},
        {"tls_client_auth_san_ip": "a.example"},
        {"tls_client_auth_san_dns": ""},
        {"tls_client_auth_san_dns": "a.example", "secret": "s" * 40},
        {"method": "self_signed_tls_client_auth"},
        {"method": "self_signed_tls_client_auth", "key": SigningKey.generate()},
        {"method": "self_signed_tls_client_auth", "key": certificate().public_jwk},
        {"key": {**SigningKey.generate().public_jwk, "x5c": list(certificate().x5c)}},
        {"key": {**certificate().jwk, "x5c": ["rubbish"]}},
        {"key": {**certificate().jwk, "x5c": []}},
        {"key": {**certificate().jwk, "x5c": "rubbish"}},
    ],
)
def test_what_does_not_go_together_is_refused_at_registration(world, settings):
    with pytest.raises(ConfigurationError) as caught:
        world.server.register("mesh", **settings)
    assert caught.value.code in {"credentials", "certificate_subject", "unreadable_certificate"}
    assert "mesh" not in world.server.clients
