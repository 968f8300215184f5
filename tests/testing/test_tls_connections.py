"""The certificate of a connection reaches the hosts, without a socket and over TLS: RFC 8705, section 2."""

from __future__ import annotations

import socket
import ssl
import threading

import anyio
import httpx
import httpx2
import pytest
import trustme

from oauthclient.jose.certificate import Certificate
from oauthclient.testing import AuthorizationServer, Bystander, LoopbackPort, Network, ProtectedAPI
from oauthclient.tls.client_certificate import ClientCertificate
from oauthclient.tls.transport import EXTENSION
from tests.testing.certificates import certificate, self_signed_pem

SITE = "https://site.example"


class Authority:
    """An authority for both sides of a test's connections."""

    def __init__(self):
        self.ca = trustme.CA()
        self._served = self.ca.issue_cert("127.0.0.1")
        self.mine = self.issue("mine.example.com")

    def issue(self, name):
        leaf = self.ca.issue_cert(name)
        return leaf.private_key_and_cert_chain_pem.bytes()

    def server(self, verify_mode=ssl.CERT_OPTIONAL):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._served.configure_cert(context)
        self.ca.configure_trust(context)
        context.verify_mode = verify_mode
        return context

    def client(self, pem, path):
        context = ssl.create_default_context(cadata=self.ca.cert_pem.bytes().decode())
        if pem is not None:
            (path / "client.pem").write_bytes(pem)
            context.load_cert_chain(path / "client.pem")
        return context


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def site():
    return Bystander(SITE)


@pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("how", [certificate, lambda: ClientCertificate.from_pem(self_signed_pem())])
def test_each_request_of_a_transport_carries_its_certificate(site, family, how):
    network, presented = Network(site), how()
    expected = presented if isinstance(presented, Certificate) else presented.current()
    transport = network.transport if family is httpx else network.transport2

    async def get():
        async with family.AsyncClient(transport=transport(presented)) as client:
            await client.get(SITE)

    with family.Client(transport=transport(presented)) as client:
        client.get(SITE)
    anyio.run(get)
    with family.Client(transport=transport()) as client:
        client.get(SITE)
    assert [seen.x5t_s256 for seen in site.requests] == [expected.x5t_s256] * 2 + [None]
    assert site.requests[0].request.client_certificate == expected.der
    with family.Client(transport=transport(presented)) as client:
        told = client.get(SITE).extensions.get(EXTENSION)
    assert told == (None if presented is expected else expected.x5t_s256)


def test_a_certificate_that_is_renewed_is_presented_from_then_on_but_to_tokens_of_the_one_before(site, tmp_path):
    file = tmp_path / "client.pem"
    file.write_bytes(self_signed_pem())
    presented = ClientCertificate.from_files(file, check_every=0)
    renewed = threading.Event()
    presented.on_renewal(lambda _before, _after: renewed.set())
    with httpx.Client(transport=Network(site).transport(presented)) as client:
        before = presented.current().x5t_s256
        client.get(SITE)
        file.write_bytes(pem := self_signed_pem() + b"\n")
        presented.current()
        assert renewed.wait(5)
        told = [client.get(SITE).extensions[EXTENSION]]
        told += [
            client.get(SITE, extensions={EXTENSION: name}).extensions[EXTENSION] for name in (before, "unheard of")
        ]
    after = Certificate.from_pem(pem).x5t_s256
    assert [seen.x5t_s256 for seen in site.requests] == [before, after, before, after]
    assert told == [after, before, after]


def test_over_tls_the_hosts_see_the_certificate_of_the_connection(authority, tmp_path):
    with LoopbackPort(tls=authority.server()) as port:
        assert port.url.startswith("https://127.0.0.1:")
        site = Bystander(port.url)
        port.serve(Network(site))
        for pem in (authority.mine, None):
            with httpx.Client(verify=authority.client(pem, tmp_path)) as client:
                assert [client.get(port.url).json()["url"] for _ in range(2)] == [f"{port.url}/"] * 2
    mine = Certificate.from_pem(authority.mine).x5t_s256
    assert [seen.x5t_s256 for seen in site.requests] == [mine, mine, None, None]


def test_a_port_that_asks_for_no_certificate_gets_none(authority, tmp_path):
    with LoopbackPort(tls=authority.server(ssl.CERT_NONE)) as port:
        port.serve(Network(site := Bystander(port.url)))
        with httpx.Client(verify=authority.client(authority.mine, tmp_path)) as client:
            assert client.get(port.url).status_code == 200
    assert site.requests[0].x5t_s256 is None


def test_a_self_signed_certificate_is_accepted_where_it_is_trusted_itself(authority, tmp_path):
    pem = self_signed_pem()
    context = authority.server(ssl.CERT_REQUIRED)
    context.load_verify_locations(cadata=pem[pem.index(b"-----BEGIN CERT") :].decode())
    with LoopbackPort(tls=context) as port:
        port.serve(Network(site := Bystander(port.url)))
        with httpx.Client(verify=authority.client(pem, tmp_path)) as client:
            assert client.get(port.url).status_code == 200
    assert site.requests[0].x5t_s256 == Certificate.from_pem(pem).x5t_s256


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_handshake_that_fails_tells_the_client_why_and_ends_nothing(authority, tmp_path, capfd, version):
    with LoopbackPort(tls=authority.server(ssl.CERT_REQUIRED)) as port:
        port.serve(Network(Bystander(port.url)))
        for _ in range(5):
            context = authority.client(None, tmp_path)
            context.maximum_version = version
            with httpx.Client(verify=context) as client, pytest.raises(httpx.TransportError) as caught:
                client.get(port.url)
            assert "alert" in str(caught.value)
        unknown = authority.client(self_signed_pem(), tmp_path)
        with httpx.Client(verify=unknown) as client, pytest.raises(httpx.TransportError, match="alert"):
            client.get(port.url)
        with socket.create_connection(("127.0.0.1", int(port.url.rpartition(":")[2]))) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.settimeout(5)
            connection.recv(1000)
        with httpx.Client(verify=authority.client(authority.mine, tmp_path)) as client:
            assert client.get(port.url).status_code == 200
    assert capfd.readouterr() == ("", "")


def test_who_shakes_no_hands_holds_up_nobody_and_is_ended_with_the_port(authority, tmp_path, capfd):
    before = threading.active_count()
    with LoopbackPort(tls=authority.server()) as port:
        port.serve(Network(Bystander(port.url)))
        silent = socket.create_connection(("127.0.0.1", int(port.url.rpartition(":")[2])))
        client = httpx.Client(verify=authority.client(authority.mine, tmp_path), timeout=5)
        assert client.get(port.url).status_code == 200
    client.close()
    silent.close()
    assert threading.active_count() == before
    assert capfd.readouterr() == ("", "")


def test_two_ports_are_an_authorization_server_with_aliases(authority, tmp_path):
    with LoopbackPort(tls=authority.server(ssl.CERT_NONE)) as plain, LoopbackPort(tls=authority.server()) as asking:
        server = AuthorizationServer(f"{plain.url}/as")
        server.mtls_base = f"{asking.url}/as"
        api = ProtectedAPI(server, f"{asking.url}/orders")
        for port in (plain, asking):
            port.serve(Network(server, api))
        bound = {"tls_client_certificate_bound_access_tokens": True}
        server.register("mesh", tls_client_auth_san_dns="mine.example.com", **bound)
        form = {"grant_type": "client_credentials", "client_id": "mesh", "resource": api.url}
        with httpx.Client(verify=authority.client(authority.mine, tmp_path)) as client:
            metadata = client.get(f"{plain.url}/.well-known/oauth-authorization-server/as").json()
            assert client.post(metadata["token_endpoint"], data=form).status_code == 401
            token = client.post(metadata["mtls_endpoint_aliases"]["token_endpoint"], data=form).json()["access_token"]
            bearer = {"Authorization": f"Bearer {token}"}
            assert client.get(api.url, headers=bearer).status_code == 200
        another = authority.issue("another.example.com")
        for pem in (another, None):
            with httpx.Client(verify=authority.client(pem, tmp_path)) as client:
                assert client.get(api.url, headers=bearer).status_code == 401
