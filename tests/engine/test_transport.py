"""Design 4.2: the one way to an authorization server follows, keeps and reveals nothing, and ends in time."""

from __future__ import annotations

import gzip
import ssl
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
import trustme

from oauthclient.engine.transport import Transport
from oauthclient.errors import ConfigurationError, InvalidResponse, OAuthError, Unreachable
from oauthclient.protocol.wire import Form, Request, get, post
from tests.engine.scripted import Handler, Server, chunks, replies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def transport(**settings: Any) -> Iterator[Transport]:
    made = Transport(**settings)
    try:
        yield made
    finally:
        made.close()


def failure(kind: type[OAuthError], url: str, **settings: Any) -> Any:
    with transport(**settings) as way, pytest.raises(kind) as failed:
        way.send(post(url, Form([("client_secret", "hunter2")]), {"DPoP": "pr00f"}))
    error = failed.value
    assert error.__cause__ is error.__context__ is None
    assert "hunter2" not in str(error)
    assert "pr00f" not in str(error)
    return error


def test_what_was_asked_for_is_sent_and_what_came_is_read() -> None:
    with Server(replies(400, b'{"error": "x"}', DPoP_Nonce="n1")) as server, transport() as way:
        response = way.send(post(server.url, Form([("a", "1")]), {"DPoP": "pr00f"}))
        assert (response.status, response.body) == (400, b'{"error": "x"}')
        assert response.headers["dpop-nonce"] == "n1"
        assert response.sent.steady <= response.received.steady
        assert abs(response.sent.wall - time.time()) < 5
    ((method, path, headers, body),) = server.seen
    assert (method, path, body) == ("POST", "/token", b"a=1")
    assert headers["dpop"] == "pr00f"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"] == "oauthclient"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_handed_back_and_never_followed(status: int) -> None:
    with Server(replies(status, b"", Location="/elsewhere")) as server, transport() as way:
        assert way.send(post(server.url, Form([("client_secret", "hunter2")]), {})).status == status
    assert [path for _, path, _, _ in server.seen] == ["/token"]


def test_no_cookie_is_sent_back() -> None:
    with Server(replies(Set_Cookie="session=1; Path=/")) as server, transport() as way:
        for _ in range(2):
            way.send(get(server.url))
    assert all("cookie" not in headers for _, _, headers, _ in server.seen)


def test_a_connection_is_used_again() -> None:
    ports = []

    def answer(handler: Handler) -> None:
        ports.append(handler.client_address[1])
        replies()(handler)

    with Server(answer) as server, transport() as way:
        for _ in range(3):
            way.send(get(server.url))
    assert len(set(ports)) == 1


def test_no_credentials_come_from_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A netrc would put somebody else's Authorization into a request to the token endpoint."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login evil password evil\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with Server(replies()) as server, transport() as way:
        way.send(get(server.url))
    assert "authorization" not in server.seen[0][2]


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_of_a_mebibyte_is_read_and_a_longer_one_is_not(framing: str) -> None:
    size = 1024 * 1024
    for more in (0, 1):
        body = b"x" * (size + more)
        answer = replies(200, body) if framing == "length" else chunks(lambda body=body: iter([body]))
        with Server(answer) as server:
            if more:
                assert failure(InvalidResponse, server.url).code == "too_large"
            else:
                with transport() as way:
                    assert len(way.send(get(server.url)).body) == size


def test_an_endless_body_is_cut_off() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65_536

    with Server(chunks(endless)) as server:
        assert failure(InvalidResponse, server.url).code == "too_large"


def test_a_dripping_body_is_given_up() -> None:
    """Each drop comes in time, all of them never."""
    with Server(chunks(lambda: _drops(server))) as server:
        began = time.monotonic()
        error = failure(Unreachable, server.url, timeout=0.1)
        assert time.monotonic() - began < 2
    assert error.code == "timeout"
    assert "did not finish" in str(error)


def _drops(server: Server) -> Iterator[bytes]:
    while not server.stop.wait(0.02):
        yield b" "


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip", "unheard-of"])
def test_a_compressed_answer_is_refused_unread(encoding: str) -> None:
    """It was not asked for, and a kilobyte may unfold to a gigabyte."""
    with Server(replies(200, gzip.compress(b" " * 10_000_000), Content_Encoding=encoding)) as server:
        assert failure(InvalidResponse, server.url).code == "unasked_encoding"


def test_an_answer_that_says_it_is_not_compressed_is_read() -> None:
    with Server(replies(200, b"{}", Content_Encoding="identity")) as server, transport() as way:
        assert way.send(get(server.url)).body == b"{}"


def test_a_server_that_says_nothing_is_given_up() -> None:
    with Server(lambda _: server.stop.wait(5) and None) as server:
        error = failure(Unreachable, server.url, timeout=0.1)
        server.stop.set()
    assert error.code == "timeout"
    assert server.url in str(error)


def test_a_port_where_nobody_listens() -> None:
    with Server(replies()) as server:
        url = server.url
    error = failure(Unreachable, url)
    assert error.code == "connection_failed"
    assert url in str(error)


@pytest.mark.parametrize(
    "garbage",
    [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 99999 \r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"],
)
def test_an_answer_that_is_not_http_or_breaks_off(garbage: bytes) -> None:
    def answer(handler: Handler) -> None:
        handler.wfile.write(garbage)
        handler.close_connection = True

    with Server(answer) as server:
        assert failure(Unreachable, server.url).code == "connection_failed"


def test_an_error_does_not_show_the_query() -> None:
    with Server(replies()) as server:
        url = server.url
    assert "s3cret" not in str(failure(Unreachable, f"{url}?key=s3cret"))


@pytest.mark.parametrize("url", ["foo://as.example.com/", "https://[::1", "not a url", "https://as\x00.example/"])
def test_a_url_that_httpx_refuses_is_an_error_of_ours(url: str) -> None:
    with transport() as way, pytest.raises(Unreachable):
        way.send(get(url))


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def test_a_certificate_of_an_unknown_authority_is_refused_with_the_remedy(authority: trustme.CA) -> None:
    with Server(replies(), tls=serving(authority, "127.0.0.1")) as server:
        error = failure(Unreachable, server.url)
    assert error.code == "tls_failed"
    assert "verify=" in error.hint
    assert server.seen == []


@pytest.mark.parametrize("how", ["context", "str", "path"])
def test_a_private_authority_can_be_trusted(authority: trustme.CA, tmp_path: Path, how: str) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    verify: Any = {"context": ssl.create_default_context(cafile=str(file)), "str": str(file), "path": file}[how]
    with Server(replies(), tls=serving(authority, "127.0.0.1")) as server, transport(verify=verify) as way:
        assert way.send(get(server.url)).status == 200


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with Server(replies(), tls=serving(authority, "other.example")) as server:
        assert failure(Unreachable, server.url, verify=context).code == "tls_failed"
    assert server.seen == []


def test_a_server_that_speaks_no_tls() -> None:
    with Server(replies()) as server:
        error = failure(Unreachable, server.url.replace("http:", "https:"))
    assert error.code in ("tls_failed", "connection_failed")


@pytest.mark.parametrize("verify", [False, True, 5, "", "/nowhere/ca.pem", "a\x00b"])
def test_certificates_that_cannot_be_read_are_refused_at_once(verify: Any) -> None:
    """Verification cannot be turned off either."""
    with pytest.raises(ConfigurationError) as refused:
        Transport(verify=verify)
    assert refused.value.code == "unreadable_ca"
    assert "path of a file" in refused.value.hint


@pytest.mark.parametrize("made", [lambda context: context, lambda context: lambda: context], ids=["one", "a function"])
def test_a_context_that_verifies_no_server_is_refused(made: Any) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises(ConfigurationError) as refused:
        Transport(verify=made(context))
    assert refused.value.code == "unusable_verify"


def test_a_host_of_any_length_is_cut_in_an_error() -> None:
    assert len(str(failure(Unreachable, f"https://{'a.' * 50_000}example/token"))) < 1000


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(ConfigurationError):
        Transport(verify=file)


# Proxies


def test_the_proxy_of_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    with Server(replies(200, b'{"by": "proxy"}')) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        with transport() as way:
            assert way.send(get("http://as.example.com/token")).body == b'{"by": "proxy"}'
    assert proxy.seen[0][1] == "http://as.example.com/token"


def test_a_proxy_that_was_named_counts() -> None:
    with (
        Server(replies(502, b"")) as proxy,
        transport(proxy=f"http://user:hunter2@127.0.0.1:{proxy.port}") as way,
        pytest.raises(Unreachable) as failed,
    ):
        way.send(get("https://as.example.com/token"))
    assert [method for method, _, _, _ in proxy.seen] == ["CONNECT"]
    assert "hunter2" not in str(failed.value)


def test_a_proxy_that_is_none_is_an_error_of_ours() -> None:
    with transport(proxy="foo://user:hunter2@proxy") as way, pytest.raises(OAuthError) as failed:
        way.send(get("https://as.example.com/token"))
    assert "hunter2" not in str(failed.value)


# A transport of the program's own


@pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_transport_of_either_family_can_be_used(family: Any) -> None:
    seen = []

    def handle(request: Any) -> Any:
        seen.append((request.method, str(request.url), request.headers["dpop"], request.read()))
        return family.Response(307, headers={"Location": "https://evil.example/", "Set-Cookie": "a=1"}, content=b"{}")

    with transport(transport=family.MockTransport(handle)) as way:
        assert way.send(post("https://as.example.com/token", Form([("a", "1")]), {"DPoP": "p"})).status == 307
    assert seen == [("POST", "https://as.example.com/token", "p", b"a=1")]


@pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_whatever_it_raises_becomes_an_error_of_ours(family: Any) -> None:
    for exception, code in (
        (family.ReadTimeout("x"), "timeout"),
        (ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] no"), "tls_failed"),
        (family.RemoteProtocolError("x"), "connection_failed"),
        (family.InvalidURL("x"), "connection_failed"),
        (OSError("\x1b[2J" + "y" * 1000), "connection_failed"),
        (UnicodeError(), "connection_failed"),
        (RecursionError(), "connection_failed"),
    ):

        def handle(_: Any, exception: Exception = exception) -> Any:
            raise exception

        error = failure(Unreachable, "https://as.example.com/token", transport=family.MockTransport(handle))
        assert error.code == code
        assert "\x1b" not in str(error)
        assert len(str(error)) < 500


@pytest.mark.parametrize(
    "thing", [httpx.AsyncHTTPTransport(), httpx.Client, "https://proxy", 5], ids=["async", "class", "text", "number"]
)
def test_what_cannot_carry_a_request_is_refused(thing: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Transport(transport=thing)
    assert refused.value.code == "unusable_transport"


def test_it_can_be_closed_and_used_again() -> None:
    with Server(replies()) as server:
        way = Transport()
        way.close()
        for _ in range(2):
            assert way.send(get(server.url)).status == 200
            way.close()
            way.close()


def test_what_is_under_way_when_it_is_closed_is_finished() -> None:
    """The answer may hold the only refresh token there is."""
    answered = threading.Event()

    def answer(handler: Handler) -> None:
        answered.wait(5)
        replies()(handler)

    with Server(answer) as server:
        way, seen = Transport(), []
        thread = threading.Thread(target=lambda: seen.append(way.send(get(server.url)).status))
        thread.start()
        while not server.seen:
            time.sleep(0.01)
        way.close()
        answered.set()
        thread.join()
        assert seen == [200]
        assert way._client is None  # and no connection stays open


def test_many_threads_may_use_it() -> None:
    with Server(replies()) as server, transport() as way:
        seen = []
        threads = [threading.Thread(target=lambda: seen.append(way.send(get(server.url)).status)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [200] * 20


def test_its_repr_shows_nothing() -> None:
    with transport(proxy="http://user:hunter2@proxy") as way:
        assert "hunter2" not in repr(way)
    assert repr(Request("GET", "https://a.example/?k=hunter2", {})) == "<Request GET https://a.example/>"
