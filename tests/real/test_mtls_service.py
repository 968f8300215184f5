"""A service with a client certificate, on servers that nobody here wrote (RFC 8705)."""

import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from oauthclient import (
    Auth,
    ClientCertificate,
    DPoP,
    ErrorResponse,
    MutualTLS,
    NotOffered,
    NotRepeated,
    OAuthClient,
    PrivateKeyJWT,
    Resource,
    SelfSignedTLSClientAuth,
    SigningKey,
    TLSClientAuth,
    attach,
    not_repeated,
)
from oauthclient.protocol import audiences
from tests.doors import KINDS, Door
from tests.real.certificates import Issued
from tests.real.harness import Ground, RealServer
from tests.real.proxy import Proxy

METHODS = ["tls", "tls-san", "self-signed", "key-bound"]

_opened: list[OAuthClient] = []


def certificate_of(issued: Issued | None) -> ClientCertificate:
    assert issued
    return ClientCertificate.from_files(issued.chain_file, issued.key_file)


def service(real: RealServer, name: str, mine: ClientCertificate | None = None, **settings: Any) -> OAuthClient:
    """The client of that name, with its own certificate or with another one."""
    client = real.clients[name]
    certificate = mine or certificate_of(client.issued)
    authentication: Any = TLSClientAuth(certificate)
    if name == "self-signed":
        authentication = SelfSignedTLSClientAuth(certificate)
    if name == "key-bound":
        authentication = PrivateKeyJWT(SigningKey.from_pem(client.pem, algorithm="ES256"))
    usual: dict[str, Any] = {"authentication": authentication, "binding": MutualTLS(certificate), "verify": real.ca}
    _opened.append(OAuthClient(real.issuer, client_id=client.client_id, **(usual | settings)))
    return _opened[-1]


def auth_for(oauth: OAuthClient, url: str) -> Auth:
    return oauth.client_credentials(Resource(url, scope="read"))


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def get_all(door: Door, real: RealServer, certificate: ClientCertificate, auth: Auth, *urls: str, **more: Any) -> Any:
    """The answers to a GET of each URL, through one client of that kind which presents the certificate."""
    settings: dict[str, Any] = {"auth": auth, "verify": str(real.ca), "trust_env": False, "timeout": 10, **more}

    def get() -> list[Any]:
        with certificate.client(door.family.Client, **settings) as http:
            return [http.get(url) for url in urls]

    async def get_async() -> list[Any]:
        async with certificate.client(door.family.AsyncClient, **settings) as http:
            return [await http.get(url) for url in urls]

    return door.run(get_async if door.loop else get)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", METHODS)
def test_each_way_to_use_a_certificate_works_through_each_kind_of_client(
    real: RealServer, name: str, kind: str
) -> None:
    certificate = certificate_of(real.clients[name].issued)
    urls = [real.resource("mtls"), real.resource("mtls-reference")]
    oauth = service(real, name, certificate)
    auth = oauth.client_credentials(*(Resource(url, scope="read") for url in urls))
    x5t_s256 = certificate.current().x5t_s256
    for answer in get_all(Door(kind), real, certificate, auth, *urls):
        assert answer.status_code == 200, answer.text
        assert answer.json()["x5t#S256"] == x5t_s256
        assert answer.json()["proof"] is None
    assert auth.token(urls[0]).token_type == "Bearer"
    assert auth.token(urls[0]).certificate == x5t_s256


@pytest.mark.parametrize("kind", KINDS)
def test_http_2_is_spoken_too(real: RealServer, kind: str) -> None:
    certificate = certificate_of(real.clients["tls"].issued)
    url = real.resource("mtls")
    answers = get_all(Door(kind), real, certificate, auth_for(service(real, "tls", certificate), url), url, http2=True)
    assert [(answer.status_code, answer.http_version) for answer in answers] == [(200, "HTTP/2")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["tls", "self-signed"])
def test_a_proxy_before_the_api_passes_the_certificate_on(proxied: Proxy, kind: str, name: str) -> None:
    real = proxied.real
    certificate = certificate_of(real.clients[name].issued)
    url = proxied.resource("mtls")
    auth = auth_for(service(real, name, certificate), url)
    (answer,) = get_all(Door(kind), real, certificate, auth, url)
    assert answer.status_code == 200, answer.text
    assert answer.json()["x5t#S256"] == certificate.current().x5t_s256


def test_a_proxy_that_does_not_know_the_certificate_answers_in_its_own_words(
    start_proxied: Callable[..., Proxy], ground: Ground
) -> None:
    strict = start_proxied("on")
    mine = certificate_of(strict.real.clients["self-signed"].issued)
    url = strict.resource("mtls")
    (answer,) = get_all(Door("httpx"), strict.real, mine, auth_for(service(strict.real, "self-signed", mine), url), url)
    assert answer.status_code == 400
    assert "certificate" in answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_without_the_certificate_is_told_what_is_the_matter(real: RealServer, kind: str) -> None:
    door, url = Door(kind), real.resource("mtls")
    auth = auth_for(service(real, "tls"), url)
    plain: dict[str, Any] = {"verify": real.tls, "trust_env": False, "timeout": 10}

    def get() -> Any:
        with door.family.Client(auth=auth, **plain) as http:
            return http.get(url)

    async def get_async() -> Any:
        async with door.family.AsyncClient(auth=auth, **plain) as http:
            return await http.get(url)

    answer = door.run(get_async if door.loop else get)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert not_repeated(answer) is NotRepeated.CERTIFICATE_NOT_PRESENTED


def test_an_ssl_context_of_the_programs_own_may_present_it(real: RealServer) -> None:
    issued = real.clients["tls"].certificate
    context = ssl.create_default_context(cafile=str(real.ca))
    context.load_cert_chain(issued.chain_file, issued.key_file)
    url = real.resource("mtls")
    with httpx.Client(verify=context, trust_env=False) as http:
        auth = auth_for(service(real, "tls"), url)
        assert attach(http, auth, presents_certificate=True).get(url).status_code == 200


def test_another_certificate_with_the_same_name_is_the_same_client_but_not_the_same_sender(
    real: RealServer, ground: Ground
) -> None:
    mine, another = certificate_of(real.clients["tls"].issued), certificate_of(ground.issue("tls"))
    url = real.resource("mtls")
    auth = auth_for(service(real, "tls", mine), url)
    stolen = auth.token(url).authorization.reveal()
    settings: dict[str, Any] = {"verify": str(real.ca), "trust_env": False, "headers": {"Authorization": stolen}}
    with mine.client(httpx.Client, **settings) as right, another.client(httpx.Client, **settings) as wrong:
        assert [http.get(url).status_code for http in (right, wrong)] == [200, 401]
    assert auth_for(service(real, "tls", another), url).token(url).certificate == another.current().x5t_s256


def test_a_certificate_that_the_server_does_not_know_is_refused(real: RealServer, ground: Ground) -> None:
    url = real.resource("mtls")
    for name, stranger in (("self-signed", "self-signed"), ("tls", "tls-only"), ("tls", "self-signed")):
        certificate = certificate_of(ground.issue(stranger))
        with pytest.raises(ErrorResponse) as caught:
            auth_for(service(real, name, certificate), url).token(url)
        assert caught.value.code == "invalid_client"


def test_aliases_are_where_a_certificate_goes_and_nobody_else(start_real: Callable[..., RealServer]) -> None:
    real = start_real(dpop_nonces=False)
    url, plain = real.resource("mtls"), real.resource("a")
    assert auth_for(service(real, "tls"), url).token(url)
    seen = real.stats()["as"]
    assert (seen["aliases"].get("token"), seen["routes"].get("token")) == (1, None), seen
    without = service(
        real,
        "ES256",
        certificate_of(real.clients["tls"].issued),
        authentication=PrivateKeyJWT(SigningKey.from_pem(real.clients["ES256"].pem)),
        binding=DPoP(),
    )
    assert auth_for(without, plain).token(plain)
    seen = real.stats()["as"]
    assert (seen["aliases"].get("token"), seen["routes"].get("token")) == (1, 1), seen


@pytest.mark.parametrize("alone", [False, True])
def test_the_conventional_endpoint_sees_no_certificate(real: RealServer, alone: bool) -> None:  # noqa: FBT001  # a row
    """Neither by an override, nor for a certificate that is the connection's alone."""
    url = real.resource("mtls")
    if alone:
        plain = real.resource("a")
        certificate = certificate_of(real.clients["tls"].issued)
        key = PrivateKeyJWT(SigningKey.from_pem(real.clients["ES256"].pem))
        before = real.stats()["as"]["aliases"]
        oauth = service(real, "ES256", certificate, authentication=key, binding=DPoP(), certificate=certificate)
        assert auth_for(oauth, plain).token(plain)
        assert real.stats()["as"]["aliases"] == before
        return
    for override in (None, f"{real.issuer}/token"):
        oauth = service(real, "tls", mtls_endpoint_aliases={"token_endpoint": override})
        with pytest.raises(ErrorResponse) as caught:
            auth_for(oauth, url).token(url)
        assert caught.value.code == "invalid_client"


def test_an_assertion_may_name_the_alias_that_is_called(real: RealServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7523, section 3: the URL of the token endpoint, where a server wants that."""
    monkeypatch.setattr(audiences, "_audiences", {})  # the keys of the tests serve several real servers
    key = PrivateKeyJWT(SigningKey.from_pem(real.clients["key-bound"].pem, algorithm="ES256"), audience="endpoint")
    oauth = service(real, "key-bound", authentication=key)
    assert auth_for(oauth, real.resource("mtls")).token(real.resource("mtls")).access_token
    assert oauth.discover().token_endpoint.startswith(real.mtls)


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_authenticates_and_a_key_binds(real: RealServer, kind: str) -> None:
    certificate = certificate_of(real.clients["tls-only"].issued)
    url = real.resource("a")
    auth = auth_for(service(real, "tls-only", certificate, binding=DPoP()), url)
    (answer,) = get_all(Door(kind), real, certificate, auth, url)
    assert answer.status_code == 200, answer.text
    assert answer.json()["proof"]
    assert auth.token(url).certificate is None


def test_a_server_that_knows_no_certificates_is_refused_before_it_is_asked(
    start_real: Callable[..., RealServer],
) -> None:
    real = start_real(mtls=False)
    url = real.resource("a")
    signed = PrivateKeyJWT(SigningKey.from_pem(real.clients["ES256"].pem))
    for oauth in (service(real, "tls"), service(real, "tls", authentication=signed)):
        with pytest.raises(NotOffered):
            auth_for(oauth, url).token(url)
    assert not real.stats()["as"]["refused"]


@pytest.fixture
def renewable(ground: Ground, tmp_path: Path) -> tuple[ClientCertificate, Callable[[], str]]:
    """A certificate of the client "tls" in files of its own, and what renews it and waits until that is in use."""
    chain_file, key_file = tmp_path / "client.pem", tmp_path / "key.pem"

    def write() -> None:
        for path, text in zip((chain_file, key_file), ground.certify("tls"), strict=True):
            path.with_suffix(".new").write_bytes(text)
            os.replace(path.with_suffix(".new"), path)  # noqa: PTH105  # the word for it

    write()
    certificate = ClientCertificate.from_files(chain_file, key_file, check_every=0.01)

    def renew() -> str:
        before = certificate.current()
        write()
        deadline = time.monotonic() + 10
        while certificate.current().x5t_s256 == before.x5t_s256:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return certificate.current().x5t_s256

    return certificate, renew


@pytest.mark.parametrize("http2", [False, True])
def test_a_renewal_brings_new_tokens_and_lets_old_answers_end(
    real: RealServer,
    renewable: tuple[ClientCertificate, Callable[[], str]],
    http2: bool,  # noqa: FBT001  # a row
) -> None:
    certificate, renew = renewable
    url = real.resource("mtls")
    auth = auth_for(service(real, "tls", certificate), url)
    first = certificate.current().x5t_s256
    settings: dict[str, Any] = {"auth": auth, "verify": str(real.ca), "trust_env": False, "http2": http2}
    with certificate.client(httpx.Client, timeout=10, **settings) as http:
        assert http.get(url).json()["x5t#S256"] == first
        with http.stream("GET", f"{url}/events?count=4&pause=200") as answer:
            lines = answer.iter_lines()
            next(lines)
            second = renew()
            wait_for(lambda: http.get(url).json()["x5t#S256"], second)
            assert len([line for line in lines if line]) == 3  # they came over the old connection
        assert answer.extensions["client_certificate"] == first
        assert auth.token(url).certificate == second


def wait_for(look: Callable[[], str], expected: str) -> None:
    """The former token and its certificate may serve until the new ones are there."""
    deadline = time.monotonic() + 10
    while look() != expected:
        assert time.monotonic() < deadline


def test_requests_go_on_while_the_certificate_is_renewed(
    real: RealServer, renewable: tuple[ClientCertificate, Callable[[], str]]
) -> None:
    certificate, renew = renewable
    url = real.resource("mtls")
    auth = auth_for(service(real, "tls", certificate), url)
    over, seen = threading.Event(), set[str]()
    failures: list[object] = []

    def work(http: httpx.Client) -> None:
        while not over.is_set():
            answer = http.get(url)
            if answer.status_code == 200:
                seen.add(answer.json()["x5t#S256"])
            else:
                failures.append(answer.text)

    with certificate.client(httpx.Client, auth=auth, verify=str(real.ca), trust_env=False, timeout=10) as http:
        workers = [threading.Thread(target=work, args=(http,)) for _ in range(4)]
        for worker in workers:
            worker.start()
        expected = set()
        for _ in range(4):
            expected.add(renew())
            time.sleep(0.5)
        over.set()
        for worker in workers:
            worker.join()
    assert failures == []
    assert expected <= seen
