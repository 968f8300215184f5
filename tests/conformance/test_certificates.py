"""What a client certificate is asked to do: RFC 8705, sections 2 to 4 and 7.1, and RFC 7517, section 4.7."""

from base64 import b64decode
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from cryptography import x509

from oauthclient import (
    ClientCertificate,
    ConfigurationError,
    DiscoveryFailed,
    DPoP,
    MutualTLS,
    NotOffered,
    NotRepeated,
    ReauthenticationRequired,
    Resource,
    SelfSignedTLSClientAuth,
    TLSClientAuth,
    Vault,
    attach,
    not_repeated,
)
from oauthclient.jose.certificate import Certificate
from oauthclient.protocol.client_metadata import Choice, ClientMetadata, registration_document
from oauthclient.protocol.metadata import ServerMetadata
from tests.conformance.presenting import (
    MTLS,
    REDIRECT_URI,
    a_renewal,
    a_service,
    an_app,
    asked,
    call,
    call_until_renewed,
    log_in,
    restored_and_used,
)
from tests.testing.certificates import SUBJECT, self_signed_pem
from tests.world import ORDERS, STOCK, World

# Section 2: a certificate authenticates


def test_every_request_that_a_certificate_authenticates_names_its_client_and_holds_no_other_credential(
    mesh: World, certificate: ClientCertificate, method: str
) -> None:
    """RFC 8705, section 2: for all requests, the client MUST include the client_id parameter."""
    app = an_app(mesh, certificate, method)
    session = log_in(mesh, app)
    assert call(mesh, session.auth, certificate) == 200
    session.logout()
    by_form = asked(mesh, "par", "token", "revocation")
    assert {seen.endpoint for seen in by_form} == {"par", "token", "revocation"}
    for seen in by_form:
        assert seen.form["client_id"] == ["app"]
        assert not {"client_secret", "client_assertion", "client_assertion_type"} & seen.form.keys()
        assert seen.request.header("Authorization") is None
        assert (seen.status < 300, seen.x5t_s256) == (True, certificate.current().x5t_s256)


@pytest.mark.parametrize(
    ("authenticate", "listed"),
    [
        (TLSClientAuth, ["self_signed_tls_client_auth", "private_key_jwt"]),
        (SelfSignedTLSClientAuth, ["tls_client_auth", "private_key_jwt"]),
    ],
)
def test_a_method_that_the_server_does_not_list_is_not_tried(
    mesh: World, certificate: ClientCertificate, authenticate: Any, listed: list[str]
) -> None:
    mesh.server.metadata = {"token_endpoint_auth_methods_supported": listed}
    oauth = a_service(mesh, certificate, authentication=authenticate(certificate))
    with pytest.raises(NotOffered) as refused:
        oauth.client_credentials(Resource(ORDERS)).token(ORDERS)
    assert refused.value.code == "authentication_not_offered"
    assert asked(mesh) == []


@pytest.mark.parametrize(
    ("named_by", "name"),
    [
        ("subject_dn", SUBJECT),
        ("san_dns", "svc.example.com"),
        ("san_uri", "spiffe://example.com/svc"),
        ("san_ip", "2001:db8::17"),
        ("san_email", "svc@example.com"),
    ],
)
def test_exactly_one_name_is_registered_in_its_own_spelling(
    certificate: ClientCertificate, named_by: Any, name: str
) -> None:
    """Section 2.1.2: as RFC 4514, and for addresses RFC 5952, write it."""
    told = TLSClientAuth(certificate, named_by=named_by).registered(certificate.current())
    assert told == {f"tls_client_auth_{named_by}": name}


def test_a_name_that_the_certificate_does_not_have_is_not_registered() -> None:
    leaf = trustme.CA().issue_cert("svc.example.com")
    certificate = ClientCertificate.from_pem(leaf.private_key_and_cert_chain_pem.bytes())
    with pytest.raises(ConfigurationError) as refused:
        TLSClientAuth(certificate, named_by="san_email").registered(certificate.current())
    assert refused.value.code == "certificate_without_name"


def test_a_renewed_certificate_of_the_same_subject_is_not_registered_again(mesh: World, tmp_path: Path) -> None:
    """Section 2.1: clients can rotate without the need to modify the respective data at the server."""
    certificate, renew = a_renewal(tmp_path)
    oauth = a_service(mesh, certificate, "tls_client_auth")
    auth = oauth.client_credentials(Resource(ORDERS))
    assert call(mesh, auth, certificate) == 200
    renew()
    assert set(call_until_renewed(mesh, auth, certificate)) == {200}
    first, second = asked(mesh, "token")
    assert first.x5t_s256 != second.x5t_s256 == certificate.current().x5t_s256


def test_the_key_in_the_first_certificate_of_x5c_is_that_of_the_jwk() -> None:
    """RFC 7517, section 4.7: base64 of DER, the key's own certificate first, each next one certifies the one before."""
    intermediate = trustme.CA().create_child_ca()
    leaf = intermediate.issue_cert("svc.example.com", key_type=trustme.KeyType.ECDSA)
    certificate = ClientCertificate.from_pem(leaf.private_key_and_cert_chain_pem.bytes())
    told = SelfSignedTLSClientAuth(certificate).registered(certificate.current())
    (jwk,) = told["jwks"]["keys"]
    chain = [x509.load_der_x509_certificate(b64decode(each, validate=True)) for each in jwk["x5c"]]
    assert len(chain) == 2
    chain[0].verify_directly_issued_by(chain[1])
    first = Certificate.from_der(b64decode(jwk["x5c"][0]))
    assert first.public_jwk.items() <= jwk.items()
    assert jwk["x5t#S256"] == first.x5t_s256
    assert "d" not in jwk


# Section 3: a certificate binds


def test_the_thumbprint_and_the_jwk_of_appendix_a() -> None:
    der = b64decode(
        "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UE"
        "AwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9Wu"
        "neIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJ"
        "SGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY="
    )
    certificate = Certificate.from_der(der)
    assert certificate.x5t_s256 == "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
    assert certificate.public_jwk == {
        "kty": "EC",
        "crv": "P-256",
        "x": "1yfLHCpXqFjxCeHHHMVDTcLscpb07KUxudBmOMn8C7Q",
        "y": "8_coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8",
    }
    assert [b64decode(each) for each in certificate.x5c] == [der]


@pytest.mark.parametrize("promise", [None, False])
def test_a_server_that_does_not_promise_bound_tokens_is_asked_for_none(
    mesh: World, certificate: ClientCertificate, *, promise: bool | None
) -> None:
    """Section 3.3: if omitted, the default value is false. Nothing else would show that a token is not bound."""
    mesh.server.metadata = {"tls_client_certificate_bound_access_tokens": promise}
    oauth = a_service(mesh, certificate)
    with pytest.raises(NotOffered) as refused:
        oauth.client_credentials(Resource(ORDERS)).token(ORDERS)
    assert refused.value.code == "binding_not_offered"
    assert asked(mesh) == []
    trusting = a_service(mesh, certificate, binding=MutualTLS(certificate, assume_bound=True))
    trusting.client_credentials(Resource(ORDERS)).token(ORDERS)
    assert mesh.server.tokens.issued[-1].x5t_s256 == certificate.current().x5t_s256


@pytest.mark.parametrize("promise", ["true", 1, ["yes"]])
def test_a_promise_is_a_boolean(mesh: World, certificate: ClientCertificate, promise: Any) -> None:
    mesh.server.metadata = {"tls_client_certificate_bound_access_tokens": promise}
    with pytest.raises(DiscoveryFailed, match="tls_client_certificate_bound_access_tokens"):
        a_service(mesh, certificate).client_credentials(Resource(ORDERS)).token(ORDERS)
    assert asked(mesh) == []


def test_a_bound_token_says_bearer_and_its_certificate_is_known(mesh: World, certificate: ClientCertificate) -> None:
    """Section 3: requests are made as RFC 6750 describes."""
    token = a_service(mesh, certificate).client_credentials(Resource(ORDERS)).token(ORDERS)
    assert token.token_type == "Bearer"
    assert token.certificate == certificate.current().x5t_s256


def test_a_token_is_bound_to_a_key_as_well_where_both_are_wanted(mesh: World, certificate: ClientCertificate) -> None:
    oauth = a_service(mesh, certificate, binding=MutualTLS(certificate, dpop=DPoP()))
    auth = oauth.client_credentials(Resource(ORDERS))
    assert call(mesh, auth, certificate) == 200
    (issued,) = mesh.server.tokens.issued
    assert issued.x5t_s256 == certificate.current().x5t_s256
    assert issued.jkt is not None
    (seen,) = mesh.orders.requests
    assert (seen.request.header("Authorization") or "").startswith("DPoP ")


def test_a_token_goes_with_the_certificate_that_it_was_asked_for_with(mesh: World, tmp_path: Path) -> None:
    """Section 3: requests MUST be made with the same certificate that was used at the token endpoint. Section 6.3."""
    certificate, renew = a_renewal(tmp_path)
    auth = a_service(mesh, certificate, "tls_client_auth").client_credentials(Resource(ORDERS), Resource(STOCK))
    assert call(mesh, auth, certificate) == 200
    renew()
    assert set(call_until_renewed(mesh, auth, certificate)) == {200}
    assert call(mesh, auth, certificate, f"{STOCK}/9") == 200
    for seen in (*mesh.orders.requests, *mesh.stock.requests):
        assert seen.token is not None
        assert seen.token["cnf"] == {"x5t#S256": seen.x5t_s256}
    assert {seen.status for seen in mesh.orders.requests} == {200}, "no token was tried in vain"
    assert len({seen.x5t_s256 for seen in mesh.orders.requests}) == 2


def test_a_token_under_way_while_the_certificate_is_renewed_goes_with_its_own(mesh: World, tmp_path: Path) -> None:
    certificate, renew = a_renewal(tmp_path)
    auth = a_service(mesh, certificate).client_credentials(Resource(ORDERS))
    auth.token(ORDERS)
    former = certificate.current().x5t_s256

    def on_the_way(_request: httpx.Request) -> None:
        renew()

    transport = mesh.network.transport(certificate)
    with httpx.Client(auth=auth, transport=transport, event_hooks={"request": [on_the_way]}) as api:
        assert api.get(f"{ORDERS}/17").status_code == 200
    (seen,) = mesh.orders.requests
    assert seen.x5t_s256 == former != certificate.current().x5t_s256


@pytest.mark.parametrize("kind", [httpx.Client, httpx.AsyncClient])
def test_a_client_that_can_present_no_certificate_is_not_given_a_bound_token(
    mesh: World, certificate: ClientCertificate, kind: Any
) -> None:
    auth = a_service(mesh, certificate).client_credentials(Resource(ORDERS))
    plain = kind()
    with pytest.raises(ConfigurationError) as refused:
        attach(plain, auth)
    assert refused.value.code == "certificate_not_presented"
    assert plain.auth is None
    assert attach(plain, auth, presents_certificate=True).auth is auth


def test_a_rejection_for_want_of_the_certificate_is_named(mesh: World, certificate: ClientCertificate) -> None:
    """Section 3: invalid_token is all that the API says."""
    auth = a_service(mesh, certificate).client_credentials(Resource(ORDERS))
    with httpx.Client(auth=auth, transport=mesh.network.transport()) as api:
        refused = api.get(f"{ORDERS}/17")
    assert (refused.status_code, not_repeated(refused)) == (401, NotRepeated.CERTIFICATE_NOT_PRESENTED)
    assert len(asked(mesh, "token")) <= 2, "the API made no storm"


@pytest.mark.parametrize("bound", [True, False])
def test_the_intention_is_registered(*, bound: bool) -> None:
    """Section 3.4: if omitted, the default value is false."""
    metadata = ServerMetadata.from_document({"token_endpoint": f"{MTLS}/token"})
    wanted = ClientMetadata(tls_client_certificate_bound_access_tokens=bound, redirect_uris=(REDIRECT_URI,))
    document = registration_document(wanted, Choice("none", None, signs_requests=False), metadata, None)
    assert document.get("tls_client_certificate_bound_access_tokens", False) is bound


# Section 4: public clients


def test_the_refresh_token_of_a_public_client_goes_with_its_certificate(mesh: World, tmp_path: Path) -> None:
    certificate, renew = a_renewal(tmp_path)
    session = log_in(mesh, an_app(mesh, certificate))
    former = certificate.current().x5t_s256
    renew()
    mesh.server.tokens.revoke()
    assert call(mesh, session.auth, certificate) == 200
    refreshed = asked(mesh, "token")[-1]
    assert (refreshed.grant_type, refreshed.status, refreshed.x5t_s256) == ("refresh_token", 200, former)
    assert mesh.orders.requests[-1].x5t_s256 == former


def test_with_another_certificate_it_is_not_sent(mesh: World, certificate: ClientCertificate) -> None:
    vault = Vault.memory()
    log_in(mesh, an_app(mesh, certificate, vault=vault))
    another = ClientCertificate.from_pem(self_signed_pem())
    before = len(asked(mesh))
    with pytest.raises(ReauthenticationRequired) as refused:
        restored_and_used(mesh, another, vault)
    assert refused.value.code == "certificate_changed"
    assert len(asked(mesh)) == before


def test_that_of_a_client_that_authenticates_goes_with_the_renewed_one(mesh: World, tmp_path: Path) -> None:
    """Section 7.1: it is bound to the client, by way of the client_id."""
    certificate, renew = a_renewal(tmp_path)
    session = log_in(mesh, an_app(mesh, certificate, "tls_client_auth"))
    assert call(mesh, session.auth, certificate) == 200
    renew()
    assert set(call_until_renewed(mesh, session.auth, certificate)) == {200}
    refreshed = asked(mesh, "token")[-1]
    assert (refreshed.grant_type, refreshed.x5t_s256) == ("refresh_token", certificate.current().x5t_s256)
