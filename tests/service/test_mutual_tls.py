"""A service with a client certificate, at a server with aliases: RFC 8705, sections 2, 3 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from oauthclient import (
    ClientCertificate,
    ConfigurationError,
    DPoP,
    ErrorResponse,
    InvalidResponse,
    MutualTLS,
    NotOffered,
    OAuthClient,
    PrivateKeyJWT,
    Resource,
    SelfSignedTLSClientAuth,
    TLSClientAuth,
)
from oauthclient.testing import misbehaviour
from tests.doors import Api
from tests.testing.certificates import SUBJECT, self_signed_pem
from tests.world import ORDERS

if TYPE_CHECKING:
    from tests.doors import Door
    from tests.world import World

MTLS = "https://mtls.as.example.com"
ROOT = "https://as.example.com"
CERTIFICATE = ClientCertificate.from_pem(self_signed_pem())
ANOTHER = ClientCertificate.from_pem(self_signed_pem())
X5T = CERTIFICATE.current().x5t_s256


def certified(world: World, **settings: Any) -> OAuthClient:
    """The client "mesh": its certificate authenticates it, and binds its tokens, unless settings say otherwise."""
    world.server.mtls_base = MTLS
    world.server.dpop = settings.pop("server_dpop", "absent")
    usual: dict[str, Any] = {
        "client_id": "mesh",
        "authentication": TLSClientAuth(CERTIFICATE),
        "binding": MutualTLS(CERTIFICATE),
        "transport": world.network.transport(CERTIFICATE),
    }
    world.server.register(
        "mesh",
        method="tls_client_auth",
        tls_client_auth_subject_dn=SUBJECT,
        tls_client_certificate_bound_access_tokens=True,
    )
    return world.oauth(**(usual | settings))


def get(world: World, door: Door, oauth: OAuthClient, presented: ClientCertificate | None = CERTIFICATE) -> Any:
    """The answer of the API to a client of that kind."""
    network = world.network
    transport = network.transport2(presented) if door.family.__name__ == "httpx2" else network.transport(presented)
    make = door.family.AsyncClient if door.loop else door.family.Client
    auth = oauth.client_credentials(Resource(ORDERS, scope="orders.read"))
    return Api(door, make(auth=auth, transport=transport)).get(ORDERS)


def asked(world: World) -> str:
    """Where the last token request went."""
    return world.token_requests[-1].request.url


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth", "private_key_jwt"])
def test_the_one_word_changed_a_call_is_bound_to_the_certificate(world: World, door: Door, method: str) -> None:
    oauth = certified(world)
    if method == "self_signed_tls_client_auth":
        world.server.register("self", key=CERTIFICATE.current(), tls_client_certificate_bound_access_tokens=True)
        oauth = certified(world, client_id="self", authentication=SelfSignedTLSClientAuth(CERTIFICATE))
    if method == "private_key_jwt":
        world.server.register("key", key=world.key, tls_client_certificate_bound_access_tokens=True)
        oauth = certified(world, client_id="key", authentication=PrivateKeyJWT(world.key))
    assert get(world, door, oauth).status_code == 200
    (seen,) = world.token_requests
    assert (asked(world), seen.x5t_s256) == (f"{MTLS}/token", X5T)
    assert (seen.form["client_id"], seen.proof) == ([oauth._client_id], None)
    assert world.server.tokens.issued[-1].x5t_s256 == X5T
    call = world.orders.requests[-1]
    assert (call.scheme, call.x5t_s256, call.request.header("DPoP")) == ("bearer", X5T, None)


@pytest.mark.parametrize("presented", [None, ANOTHER], ids=["no certificate", "another"])
def test_a_stolen_token_is_worth_nothing(world: World, door: Door, presented: ClientCertificate | None) -> None:
    answer = get(world, door, certified(world), presented)
    assert answer.status_code == 401
    assert {seen.error for seen in world.orders.requests} == {"invalid_token"}


def test_a_certificate_and_a_key_bind_together(world: World, door: Door) -> None:
    binding = MutualTLS(CERTIFICATE, dpop=DPoP())
    oauth = certified(world, binding=binding, server_dpop="required")
    assert get(world, door, oauth).status_code == 200
    claims = world.server.tokens.issued[-1].claims
    assert set(claims["cnf"]) == {"jkt", "x5t#S256"}
    (token_request,) = world.token_requests
    assert token_request.proof
    assert token_request.proof["htu"] == f"{MTLS}/token"  # the URL that is really called
    call = world.orders.requests[-1]
    assert (call.scheme, call.x5t_s256) == ("dpop", X5T)
    assert get(world, door, oauth, None).status_code == 401


def test_both_are_checked_before_anything_is_sent(world: World, door: Door) -> None:
    oauth = certified(world, binding=MutualTLS(CERTIFICATE, dpop=DPoP()))
    with pytest.raises(NotOffered, match="dpop_signing_alg_values_supported") as caught:
        get(world, door, oauth)
    assert caught.value.code == "binding_not_offered"
    assert world.token_requests == []


def test_binding_that_the_metadata_does_not_promise_is_refused_before_anything_is_sent(
    world: World, door: Door
) -> None:
    """An unbound token says Bearer, and so does a bound one (RFC 8705, section 3.4)."""
    oauth = certified(world)
    world.server.metadata = {"tls_client_certificate_bound_access_tokens": None}
    with pytest.raises(NotOffered, match="tls_client_certificate_bound_access_tokens") as caught:
        get(world, door, oauth)
    assert caught.value.code == "binding_not_offered"
    assert "assume_bound=True" in caught.value.hint
    assert world.token_requests == []


def test_the_program_may_know_better(world: World, door: Door) -> None:
    oauth = certified(world, binding=MutualTLS(CERTIFICATE, assume_bound=True))
    world.server.metadata = {"tls_client_certificate_bound_access_tokens": None}
    assert get(world, door, oauth).status_code == 200
    assert world.server.tokens.issued[-1].x5t_s256 == X5T


def test_authentication_by_certificate_binds_nothing_by_itself(world: World, door: Door) -> None:
    oauth = certified(world, binding=DPoP(), server_dpop="required", client_id="by-key")
    world.server.register("by-key", method="tls_client_auth", tls_client_auth_subject_dn=SUBJECT)
    assert get(world, door, oauth, None).status_code == 200
    assert set(world.server.tokens.issued[-1].claims["cnf"]) == {"jkt"}
    assert asked(world) == f"{MTLS}/token"


def test_without_a_certificate_the_aliases_are_never_used(world: World, door: Door) -> None:
    world.server.mtls_base = MTLS
    assert get(world, door, world.oauth(), None).status_code == 200
    assert asked(world) == f"{ROOT}/token"


def test_a_certificate_for_the_connection_alone_goes_to_the_conventional_endpoints(world: World, door: Door) -> None:
    """FAPI 2.0 Message Signing; with what authenticates and binds unchanged."""
    world.server.mtls_base = MTLS
    oauth = world.oauth(certificate=CERTIFICATE, transport=world.network.transport(CERTIFICATE))
    assert get(world, door, oauth, None).status_code == 200
    assert asked(world) == f"{ROOT}/token"
    world.server.mtls, world.server.mtls_base = True, None
    assert get(world, door, world.oauth(certificate=CERTIFICATE, transport=world.network.transport(CERTIFICATE)), None)
    assert world.token_requests[-1].x5t_s256 == X5T
    assert set(world.server.tokens.issued[-1].claims["cnf"]) == {"jkt"}


@pytest.mark.parametrize("alias", [None, "https://as.example.com/token"], ids=["the conventional one", "a URL"])
def test_the_program_chooses_single_endpoints_itself(world: World, door: Door, alias: str | None) -> None:
    oauth = certified(world, mtls_endpoint_aliases={"token_endpoint": alias})
    with pytest.raises(ErrorResponse) as caught:  # that one asks for no certificate
        get(world, door, oauth)
    assert caught.value.code == "invalid_client"
    assert asked(world) == f"{ROOT}/token"


@pytest.mark.parametrize("name", ["authorization_endpoint", "jwks_uri", "token", ""])
def test_what_a_client_does_not_call_directly_has_no_alias(world: World, name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        certified(world, mtls_endpoint_aliases={name: f"{MTLS}/x"})
    assert caught.value.code == "unknown_setting"


@pytest.mark.parametrize(
    ("alias", "code"),
    [
        ("http://mtls.as.example.com/token", "insecure_endpoint"),
        ("mtls.as.example.com/token", "insecure_endpoint"),
        (42, "wrong_type"),
        ([f"{MTLS}/token"], "wrong_type"),
    ],
    ids=str,
)
def test_an_alias_that_cannot_be_one_is_an_error_of_the_server(
    world: World, door: Door, alias: object, code: str
) -> None:
    oauth = certified(world)
    world.server.amend(misbehaviour.aliases(token_endpoint=alias), endpoint="metadata", times=None)
    with pytest.raises(InvalidResponse) as caught:
        get(world, door, oauth)
    assert caught.value.code == code
    assert world.token_requests == []


def test_such_an_alias_is_nobodys_concern_who_presents_no_certificate(world: World, door: Door) -> None:
    world.server.mtls_base = MTLS
    world.server.amend(misbehaviour.aliases(token_endpoint=42), endpoint="metadata", times=None)
    assert get(world, door, world.oauth(), None).status_code == 200


def test_aliases_that_are_no_object_are_an_error_of_the_server(world: World, door: Door) -> None:
    oauth = certified(world)
    world.server.metadata = {"mtls_endpoint_aliases": [f"{MTLS}/token"]}
    with pytest.raises(InvalidResponse) as caught:
        get(world, door, oauth)
    assert caught.value.code == "wrong_type"


def test_an_alias_of_something_unheard_of_is_passed_over(world: World, door: Door) -> None:
    oauth = certified(world)
    world.server.amend(misbehaviour.aliases(unheard_of_endpoint=42), endpoint="metadata", times=None)
    assert get(world, door, oauth).status_code == 200


def test_an_endpoint_without_an_alias_is_the_conventional_one(world: World, door: Door) -> None:
    oauth = certified(world)
    world.server.amend(misbehaviour.aliases(token_endpoint=misbehaviour.OMIT), endpoint="metadata", times=None)
    with pytest.raises(ErrorResponse) as caught:
        get(world, door, oauth)
    assert (asked(world), caught.value.code) == (f"{ROOT}/token", "invalid_client")


@pytest.mark.parametrize(
    "settings",
    [
        {"authentication": TLSClientAuth(ANOTHER)},
        {"binding": MutualTLS(ANOTHER)},
        {"certificate": ANOTHER},
        {"authentication": SelfSignedTLSClientAuth(ANOTHER), "certificate": CERTIFICATE},
    ],
    ids=" and ".join,
)
def test_a_connection_presents_one_certificate(world: World, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        certified(world, **settings)
    assert caught.value.code == "two_certificates"
    assert certified(world, certificate=CERTIFICATE)


@pytest.mark.parametrize(
    "what", ["client.pem", b"-----BEGIN", None, CERTIFICATE.current()], ids=["path", "pem", "none", "one"]
)
@pytest.mark.parametrize("make", [MutualTLS, TLSClientAuth, SelfSignedTLSClientAuth])
def test_only_a_client_certificate_is_presented(make: Any, what: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(what)
    assert caught.value.code == "unknown_setting"
    assert "ClientCertificate.from_files" in caught.value.hint
