"""The programs of `examples/` with a client certificate, over TLS (RFC 8705)."""

import re
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from oauthclient.jose.certificate import Certificate
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI, Response, misbehaviour
from tests.examples.programs import CERTIFIED_STEPS, Called, leaks, run

_NAME = "sync.example.com"


@dataclass
class Certified(Called):
    certificate: Certificate
    pem: bytes
    folder: Path

    @property
    def who(self) -> list[str]:
        server = ["--issuer", self.server.issuer, "--client-id", "sync", "--ca", str(self.folder / "ca.pem")]
        files = ("--certificate", "chain.pem"), ("--certificate-key", "key.pem")
        return [*server, *(word for option, name in files for word in (option, str(self.folder / name)))]

    @property
    def secrets(self) -> list[str]:
        """Whole tokens, and the private key."""
        tokens = [token.access_token for token in self.server.tokens.issued]
        assert tokens
        return [*tokens, *(token.rpartition(".")[2] for token in tokens), self.pem.decode().split("-----")[2]]


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[Certified]:
    """A server that asks for certificates, and knows the client `sync` by a name in its own."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    authority.issue_cert("127.0.0.1").configure_cert(context)
    leaf = authority.issue_cert(_NAME)
    chain, key = leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    with LoopbackPort(tls=context) as port:
        server = AuthorizationServer(f"{port.url}/as")
        server.mtls = True
        server.register("sync", tls_client_auth_san_dns=_NAME, tls_client_certificate_bound_access_tokens=True)
        orders = ProtectedAPI(server, f"{port.url}/orders", scope="orders.read")
        stock = ProtectedAPI(server, f"{port.url}/stock", scope="stock.write")
        port.serve(Network(server, orders, stock))
        yield Certified(server, orders, stock, Certificate.from_pem(chain, key), key, tmp_path)


def test_the_service_authenticates_and_calls_by_its_certificate(certified: Certified):
    done = run("service", *certified.for_service)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"GET {certified.orders.url}/17: 200, with the scope orders.read",
        f"PUT {certified.stock.url}/9: 200, with the scope stock.write",
    ]
    x5t_s256 = certified.certificate.x5t_s256
    assert [token.x5t_s256 for token in certified.server.tokens.issued] == [x5t_s256] * 2
    assert [call.scheme for call in (*certified.orders.requests, *certified.stock.requests)] == ["bearer", "bearer"]
    assert leaks(done, certified.secrets) == []


def test_a_certificate_that_the_server_does_not_know_ends_the_service_with_one_line(certified: Certified):
    certified.server.register("sync", tls_client_auth_san_dns="another.example.com")

    done = run("service", *certified.for_service)

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "invalid_client" in done.stderr


def test_a_service_that_cannot_say_who_it_is_says_so(certified: Certified):
    done = run("service", *certified.for_service[:6], *certified.for_service[10:])

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "service: --key or --certificate is needed: who is calling?\n"
    assert certified.server.requests == []


def test_files_that_do_not_belong_together_end_the_service_before_anything_is_sent(certified: Certified):
    (certified.folder / "key.pem").write_bytes(trustme.CA().issue_cert(_NAME).private_key_pem.bytes())

    done = run("service", *certified.for_service)

    assert (done.returncode, done.stdout) == (1, "")
    assert "do not belong together" in done.stderr
    assert certified.server.requests == []


def test_the_demo_tells_every_step_with_client_certificates_against_the_embedded_server():
    told = run("demo", "--mutual-tls")

    assert (told.returncode, told.stderr) == (0, "")
    headings = re.findall(r"^━━ (.+?) ━+$", told.stdout, re.MULTILINE)
    assert headings[:7] == CERTIFIED_STEPS
    assert headings[7:] == ["8  The server turns malicious, on command", "In the end"]
    assert told.stdout.count("✓ NoResourceForURL") == 2
    assert told.stdout.count("✓ 401") == 3
    refusals = re.findall(r"✓ (\w+):", told.stdout.partition("━━ 8")[2])
    assert refusals == ["NotOffered", "InvalidResponse", "DiscoveryFailed", "InvalidResponse"]
    assert "✗" not in told.stdout
    assert leaks(told, []) == []


def test_the_demo_shows_the_certificate_of_each_connection_and_what_the_token_is_bound_to(certified: Certified):
    told = run("demo", *certified.for_demo)

    assert (told.returncode, told.stderr) == (0, "")
    x5t_s256 = certified.certificate.x5t_s256
    assert re.findall(r"^ +(connection|cnf|their certificate) .*?([\w-]{43})", told.stdout, re.MULTILINE) == [
        ("connection", x5t_s256),
        ("cnf", x5t_s256),
        ("connection", x5t_s256),
        ("cnf", x5t_s256),
        ("their certificate", x5t_s256),
    ]
    calls = [exchange.status for exchange in (*certified.orders.requests, *certified.stock.requests)]
    assert calls.count(200) == 3
    assert leaks(told, certified.secrets) == []


def test_a_thief_whose_certificate_the_api_does_not_even_take_fails_too(certified: Certified):
    told = run("demo", *certified.for_demo)

    theft = told.stdout.partition("━━ 7")[2]
    assert theft.count("✓ 401") == 1  # without any
    assert len(re.findall(r"✓ 127\.0\.0\.1:\d+ did not accept the client certificate", theft)) == 2


def test_a_thief_who_succeeds_without_the_certificate_fails_the_demo(certified: Certified):
    certified.orders.amend(lambda _refusal: Response(200), status=401, times=None)

    told = run("demo", *certified.for_demo)

    assert told.returncode == 1
    assert "✗ 200" in told.stdout
    assert "Without the key of that one certificate" not in told.stdout


def test_a_token_that_is_bound_to_another_certificate_fails_the_demo(certified: Certified):
    claims = {"aud": certified.orders.url, "client_id": "sync", "sub": "sync", "cnf": {"x5t#S256": "A" * 43}}
    foreign = certified.server.tokens.issue(claims | {"iat": int(time.time()), "exp": int(time.time()) + 60})
    certified.server.amend(misbehaviour.members(access_token=foreign.access_token))

    told = run("demo", *certified.for_demo)

    assert told.returncode == 1
    assert "✗ The token is not bound to the certificate of the connection." in told.stdout


@pytest.mark.parametrize(
    "options",
    [["--mutual-tls", "--certificate", "x"], ["--certificate", "x"], ["--mutual-tls", "--issuer", "https://a"]],
)
def test_certificates_that_cannot_be_meant_are_a_usage_error(options: list[str]):
    told = run("demo", *options)

    assert told.returncode == 2
    assert "usage:" in told.stderr
