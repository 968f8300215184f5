"""Where a client certificate is presented, and what is said where it did not arrive: RFC 8705, 2, 3.4, 5, 7 and 8."""

import ssl
from typing import Any

import httpx
import pytest

from oauthclient import (
    Bearer,
    ClientCertificate,
    ConfigurationError,
    DPoP,
    ErrorResponse,
    InvalidResponse,
    MutualTLS,
    OAuthClient,
    PrivateKeyJWT,
    Resource,
    SigningKey,
    TLSClientAuth,
)
from oauthclient.testing import misbehaviour as wrong
from oauthclient.tls.contexts import context, trust
from tests.conformance.presenting import (
    DIRECT,
    MTLS,
    a_service,
    an_app,
    asked,
    call,
    log_in,
)
from tests.testing.certificates import self_signed_pem
from tests.world import ORDERS, World

# Section 5: aliases


def test_an_alias_is_used_for_each_endpoint_that_has_one(
    mesh: World, certificate: ClientCertificate, method: str
) -> None:
    session = log_in(mesh, an_app(mesh, certificate, method))
    session.userinfo()
    session.logout()
    urls = {(seen.endpoint, seen.request.url) for seen in asked(mesh)}
    assert urls == {(endpoint, MTLS + path) for endpoint, (path, _) in DIRECT.items()}
    others = [seen for seen in mesh.server.requests if seen.endpoint not in DIRECT]
    assert {seen.endpoint for seen in others} >= {"metadata", "jwks", "authorization"}
    assert all(seen.request.url.startswith(mesh.server.issuer) for seen in others)


@pytest.mark.parametrize("endpoint", DIRECT)
def test_an_endpoint_without_an_alias_is_the_conventional_one(
    mesh: World, certificate: ClientCertificate, endpoint: str
) -> None:
    path, name = DIRECT[endpoint]
    mesh.server.amend(wrong.aliases(**{name: wrong.OMIT}), endpoint="metadata")
    metadata = a_service(mesh, certificate).discover()
    assert getattr(metadata, name) == mesh.server.issuer + path
    aliased = {name: getattr(metadata, name) for other, (_, name) in DIRECT.items() if other != endpoint}
    assert all(url.startswith(MTLS) for url in aliased.values())


@pytest.mark.parametrize("name", [name for _, name in DIRECT.values()])
def test_a_program_may_say_otherwise_for_one_endpoint(mesh: World, certificate: ClientCertificate, name: str) -> None:
    conventional = mesh.oauth().discover()
    usual = a_service(mesh, certificate).discover()
    for url, expected in ((None, getattr(conventional, name)), ("https://mesh.example/x", "https://mesh.example/x")):
        chosen = a_service(mesh, certificate, mtls_endpoint_aliases={name: url}).discover()
        assert getattr(chosen, name) == expected
        assert all(getattr(chosen, each) == getattr(usual, each) for _, each in DIRECT.values() if each != name)


def test_without_a_certificate_no_alias_is_used(mesh: World) -> None:
    auth = mesh.oauth(binding=DPoP()).client_credentials(Resource(ORDERS))
    auth.token(ORDERS)
    (seen,) = asked(mesh)
    assert seen.request.url == f"{mesh.server.issuer}/token"


@pytest.mark.parametrize("name", ["authorization_endpoint", "jwks_uri", "issuer", "end_session_endpoint", "nonsense"])
def test_an_alias_for_what_is_not_called_directly_means_nothing(
    mesh: World, certificate: ClientCertificate, name: str
) -> None:
    """Section 5: such parameters have no meaning and SHOULD be ignored."""
    mesh.server.amend(wrong.aliases(**{name: "https://evil.example/x"}), endpoint="metadata")
    metadata = a_service(mesh, certificate).discover()
    assert getattr(metadata, name, None) != "https://evil.example/x"
    assert metadata.issuer == mesh.server.issuer
    assert metadata.token_endpoint == f"{MTLS}/token"


@pytest.mark.parametrize(
    "url", ["http://mtls.as.example.com/token", "https://a/#b", "//mtls", "javascript:x", 42, ["x"]]
)
def test_an_alias_is_an_https_url(mesh: World, certificate: ClientCertificate, url: Any) -> None:
    mesh.server.amend(wrong.aliases(token_endpoint=url), endpoint="metadata", times=None)
    with pytest.raises(InvalidResponse) as refused:
        a_service(mesh, certificate).client_credentials(Resource(ORDERS)).token(ORDERS)
    assert refused.value.code in ("insecure_endpoint", "wrong_type")
    assert asked(mesh) == []
    mesh.oauth(binding=DPoP()).client_credentials(Resource(ORDERS)).token(ORDERS)


@pytest.mark.parametrize("audience", [None, "endpoint"])
def test_a_proof_names_the_alias_and_an_assertion_the_issuer_unless_it_is_to_name_what_is_called(
    mesh: World, certificate: ClientCertificate, audience: str | None
) -> None:
    """RFC 9449, section 4.2: the URI of the request; rfc7523bis: the issuer; RFC 7523, section 3: or the endpoint."""
    key = SigningKey.generate()
    mesh.server.register("svc", key=key, tls_client_certificate_bound_access_tokens=True)
    oauth = a_service(
        mesh,
        certificate,
        client_id="svc",
        authentication=PrivateKeyJWT(key, audience=audience),
        binding=MutualTLS(certificate, dpop=DPoP()),
    )
    if audience is None:
        oauth.client_credentials(Resource(ORDERS)).token(ORDERS)
    else:  # the embedded server takes its issuer alone
        with pytest.raises(ErrorResponse, match="invalid_client"):
            oauth.client_credentials(Resource(ORDERS)).token(ORDERS)
    seen = asked(mesh)[0]
    assert seen.request.url == f"{MTLS}/token"
    assert seen.proof["htu"] == f"{MTLS}/token"
    assert seen.assertion["aud"] == (f"{MTLS}/token" if audience else mesh.server.issuer)


def test_a_certificate_for_the_connection_alone_goes_to_the_root_endpoints(
    world: World, certificate: ClientCertificate
) -> None:
    """FAPI 2.0 Message Signing: where an ecosystem wants a certificate everywhere, the aliases are not for it."""
    world.server.mtls = True
    world.server.dpop = "offered"
    world.server.metadata = {"mtls_endpoint_aliases": {"token_endpoint": f"{MTLS}/token"}}
    oauth = world.oauth(binding=Bearer(), certificate=certificate, transport=world.network.transport(certificate))
    assert oauth.client_credentials(Resource(ORDERS)).token(ORDERS).certificate is None
    (seen,) = asked(world)
    assert (seen.request.url, seen.x5t_s256) == (f"{world.server.issuer}/token", certificate.current().x5t_s256)


# Sections 7 and 8: the connection


@pytest.mark.parametrize("http2", [False, True])
def test_a_connection_is_tls_1_2_or_the_newest_there_is_and_checks_the_server(
    certificate: ClientCertificate, *, http2: bool
) -> None:
    """Sections 7.3 and 8; RFC 9325, section 3.1: before TLS 1.3 the certificate is sent in the clear."""
    made = context(certificate.current(), trust(None, httpx), http2=http2)
    assert made.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert made.maximum_version == ssl.TLSVersion.MAXIMUM_SUPPORTED
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname


@pytest.mark.parametrize("verify", [False, 0, ssl.create_default_context()])
def test_the_servers_certificate_is_always_checked(certificate: ClientCertificate, verify: Any) -> None:
    """Section 7.3; who presents a certificate to anybody tells anybody who it is."""
    with pytest.raises(ConfigurationError) as refused:
        certificate.client(httpx.Client, verify=verify)
    assert refused.value.code == "unusable_verify"
    with pytest.raises(ConfigurationError) as refused:
        unused_service(certificate, verify=verify)
    assert refused.value.code == "unusable_verify"


@pytest.mark.parametrize("which", ["authentication", "certificate"])
def test_one_server_is_shown_one_certificate(certificate: ClientCertificate, which: str) -> None:
    another = ClientCertificate.from_pem(self_signed_pem())
    settings: dict[str, Any] = {which: TLSClientAuth(another) if which == "authentication" else another}
    with pytest.raises(ConfigurationError) as refused:
        unused_service(certificate, **settings)
    assert refused.value.code == "two_certificates"


def unused_service(presented: ClientCertificate, /, **settings: Any) -> OAuthClient:
    """A service that goes by the library's own connections; what is wrong with it is said before there are any."""
    usual: dict[str, Any] = {"authentication": TLSClientAuth(presented), "binding": MutualTLS(presented)}
    oauth = OAuthClient("https://as.example.com", client_id="app", **(usual | settings))
    with oauth:
        oauth.discover()
    return oauth


# What servers say where the certificate did not reach them


@pytest.mark.parametrize("client", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_a_client_that_the_server_does_not_know_is_told_about_its_certificate(
    mesh: World, certificate: ClientCertificate, client: str
) -> None:
    """Section 2: no certificate, or another one, is invalid_client. Which of the two, nobody says."""
    mesh.server.amend(wrong.aliases(token_endpoint=wrong.OMIT), endpoint="metadata", times=None)
    oauth = a_service(mesh, certificate, client)
    with pytest.raises(ErrorResponse) as refused:
        oauth.client_credentials(Resource(ORDERS)).token(ORDERS)
    assert refused.value.code == "invalid_client"
    assert certificate.current().x5t_s256 in refused.value.hint
    assert "mtls_endpoint_aliases" in refused.value.hint


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_request"])
def test_a_client_whose_tokens_are_to_be_bound_is_told_about_it_too(
    mesh: World, certificate: ClientCertificate, error: str
) -> None:
    """Section 3.4: what is said to a client without a certificate is at the server's discretion."""
    mesh.server.register("svc", key=mesh.key, tls_client_certificate_bound_access_tokens=True)
    settings: dict[str, Any] = {"client_id": "svc", "authentication": PrivateKeyJWT(mesh.key)}
    mesh.server.instead(wrong.oauth_error(error))
    with pytest.raises(ErrorResponse) as refused:
        a_service(mesh, certificate, **settings).client_credentials(Resource(ORDERS)).token(ORDERS)
    assert certificate.current().x5t_s256 in refused.value.hint


@pytest.mark.parametrize(
    ("error", "settings"),
    [
        ("invalid_scope", {}),
        ("invalid_grant", {}),  # the certificate has authenticated the client by then
        ("invalid_client", {"client_id": "svc", "authentication": PrivateKeyJWT(World.key)}),
        ("invalid_request", {"client_id": "svc", "authentication": PrivateKeyJWT(World.key), "binding": Bearer()}),
    ],
)
def test_other_refusals_say_nothing_of_it(
    mesh: World, certificate: ClientCertificate, error: str, settings: dict[str, Any]
) -> None:
    mesh.server.instead(wrong.oauth_error(error))
    with pytest.raises(ErrorResponse) as refused:
        a_service(mesh, certificate, **settings).client_credentials(Resource(ORDERS)).token(ORDERS)
    assert refused.value.code == error
    assert "certificate" not in refused.value.hint


@pytest.mark.parametrize("endpoint", ["par", "token"])
def test_a_login_is_told_about_it_at_each_endpoint(mesh: World, certificate: ClientCertificate, endpoint: str) -> None:
    app = an_app(mesh, certificate, "self_signed_tls_client_auth")
    mesh.server.instead(wrong.oauth_error("invalid_client", status=401), endpoint=endpoint)
    with pytest.raises(ErrorResponse) as refused:
        log_in(mesh, app)
    assert certificate.current().x5t_s256 in refused.value.hint


def test_a_refresh_is_told_about_it_and_the_session_goes_on(mesh: World, certificate: ClientCertificate) -> None:
    session = log_in(mesh, an_app(mesh, certificate, "self_signed_tls_client_auth"))
    mesh.server.tokens.revoke()
    mesh.server.instead(wrong.oauth_error("invalid_client", status=401))
    with pytest.raises(ErrorResponse) as refused:
        call(mesh, session.auth, certificate)
    assert certificate.current().x5t_s256 in refused.value.hint


@pytest.mark.parametrize("endpoint", ["device", "token"])
def test_a_login_by_way_of_another_device_is_told_about_it(
    mesh: World, certificate: ClientCertificate, endpoint: str
) -> None:
    mesh.server.device.codes.interval = 0.05
    app = an_app(mesh, certificate, "self_signed_tls_client_auth")
    mesh.server.instead(wrong.oauth_error("invalid_client", status=401), endpoint=endpoint)
    with pytest.raises(ErrorResponse) as refused:
        app.login(device="always", tell=lambda _: None)
    assert certificate.current().x5t_s256 in refused.value.hint
