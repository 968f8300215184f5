"""Typed use of client certificates: where they come from, what they do, and clients that present them."""

import ssl
from pathlib import Path
from typing import assert_type

import httpx

from oauthclient import (
    Auth,
    ClientAuthentication,
    ClientCertificate,
    DPoP,
    MutualTLS,
    NativeApp,
    NotRepeated,
    OAuthClient,
    PrivateKeyJWT,
    Resource,
    Secret,
    SelfSignedTLSClientAuth,
    SigningKey,
    TLSClientAuth,
    TLSFailed,
    Token,
    attach,
    not_repeated,
)


def fetched() -> Secret:
    """The passphrase of a key, from wherever."""
    return Secret("...")


certificate = ClientCertificate.from_files("client.pem", Path("client.key"), passphrase=fetched, check_every=5)
assert_type(certificate, ClientCertificate)
assert_type(ClientCertificate.from_files(Path("both.pem"), passphrase="..."), ClientCertificate)
assert_type(ClientCertificate.from_pem(b"...", Secret("..."), passphrase=lambda: b"..."), ClientCertificate)
assert_type(certificate.problem, str | None)
assert_type(certificate.current().x5t_s256, str)
assert_type(certificate.current().subject, str)
assert_type(certificate.current().not_after, float)
renewals: list[tuple[str, str]] = []
certificate.on_renewal(lambda former, renewed: renewals.append((former.x5t_s256, renewed.x5t_s256)))

ways: list[ClientAuthentication] = [
    TLSClientAuth(certificate),
    TLSClientAuth(certificate, named_by="san_uri"),
    SelfSignedTLSClientAuth(certificate),
    PrivateKeyJWT(SigningKey.generate()),
]
bindings = [MutualTLS(certificate), MutualTLS(certificate, dpop=DPoP(algorithm="Ed25519"), assume_bound=True)]


def context() -> ssl.SSLContext:
    """What trusts the CAs of this program's own."""
    return ssl.create_default_context(cafile="ca.pem")


oauth = OAuthClient(
    "https://as.example.com",
    client_id="stock-sync",
    authentication=ways[0],
    binding=bindings[0],
    verify=context,
    mtls_endpoint_aliases={"token_endpoint": None, "revocation_endpoint": "https://mesh.example.com/revoke"},
)
OAuthClient("https://as.example.com", client_id="x", authentication=ways[3], certificate=certificate, verify="ca.pem")
NativeApp(
    "https://as.example.com",
    name="App",
    resources=[Resource("https://api.example.com")],
    authentication=ways[2],
    binding=bindings[1],
    certificate=certificate,
    mtls_endpoint_aliases={"userinfo_endpoint": None},
)
auth = oauth.client_credentials(Resource("https://api.example.com"))


class SDK(httpx.Client):
    """A client that somebody else made."""


def a_client_has_the_type_that_was_asked_for(auth: Auth) -> None:
    """Attached as well."""
    with certificate.client(httpx.Client, auth=auth, http2=True, verify="ca.pem", proxy="http://proxy") as client:
        assert_type(client, httpx.Client)
        assert_type(client.get("https://api.example.com"), httpx.Response)
    assert_type(certificate.client(SDK, limits=httpx.Limits(), retries=2), SDK)
    assert_type(attach(certificate.client(httpx.Client, verify=context), auth), httpx.Client)
    assert_type(attach(httpx.Client(verify=context()), auth, presents_certificate=True), httpx.Client)


async def an_async_one_too(auth: Auth) -> None:
    """And what went wrong."""
    async with certificate.client(httpx.AsyncClient, auth=auth) as client:
        assert_type(client, httpx.AsyncClient)
        try:
            response = await client.get("https://api.example.com")
        except TLSFailed as error:
            assert_type((error.code, error.hint), tuple[str, str])
        else:
            assert_type(not_repeated(response) is NotRepeated.CERTIFICATE_NOT_PRESENTED, bool)


def a_token_names_its_certificate(token: Token) -> None:
    """Or none."""
    assert_type(token.certificate, str | None)
