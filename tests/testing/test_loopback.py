"""The same hosts behind a real socket."""

from __future__ import annotations

import socket
import threading
import time

import httpx
import httpx2
import pytest

from oauthclient.testing import NO_ANSWER, Bystander, Cut, LoopbackPort, Network, Pause, Response

FAMILIES = pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])


@pytest.fixture
def port():
    with LoopbackPort() as port:
        yield port


@pytest.fixture
def site(port):
    site = Bystander(f"{port.url}/site")
    port.serve(Network(site))
    return site


@FAMILIES
def test_a_client_reaches_the_hosts(family, port, site):
    with family.Client() as client:
        response = client.get(f"{port.url}/site/a?b=c")
        assert response.json() == {"method": "GET", "url": f"{port.url}/site/a?b=c"}
        assert response.headers.get_list("date") == [site.requests[0].response.header("Date")]
        assert client.get(f"{port.url}/elsewhere").status_code == 404
        assert client.request("PROPFIND", f"{port.url}/site").json()["method"] == "PROPFIND"


def test_the_whole_strictness_is_there(port, world):
    world = type(world)(f"{port.url}/as", f"{port.url}/apis")
    port.serve(world.network)
    with httpx.Client() as client:
        response = client.post(world.server.token_endpoint, data=world.form(), headers={"DPoP": world.token_proof()})
        assert response.json()["token_type"] == "DPoP"
        again = client.post(
            world.server.token_endpoint, data=world.form(), headers={"DPoP": world.token_proof(htm="GET")}
        )
        assert again.json()["error"] == "invalid_dpop_proof"


@FAMILIES
def test_a_body_of_unknown_length_arrives_whole(family, port, site):
    body = (piece for piece in [b"one", b"two" * 100_000])
    with family.Client() as client:
        client.post(f"{port.url}/site", content=body)
        assert site.requests[0].request.body == b"one" + b"two" * 100_000
        client.post(f"{port.url}/site", content=b"plain")
        assert site.requests[1].request.body == b"plain"


def test_a_connection_serves_several_requests(port, site):
    with httpx.Client() as client:
        streams = {id(client.get(f"{port.url}/site").extensions["network_stream"]) for _ in range(3)}
        client.head(f"{port.url}/site")
        site.instead(Response(204))
        assert client.get(f"{port.url}/site").content == b""
        site.instead(Response(200, body=(b"a", b"b")))
        assert client.get(f"{port.url}/site").content == b"ab"
        streams.add(id(client.get(f"{port.url}/site").extensions["network_stream"]))
    assert len(streams) == 1


def test_a_streamed_answer_comes_piece_by_piece(port, site):
    gate = threading.Event()

    def body():
        yield b"first"
        assert gate.wait(10)
        yield b"second"

    site.instead(lambda _request: Response(200, body=body()))
    with httpx.Client() as client, client.stream("GET", f"{port.url}/site") as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"first"
        gate.set()
        assert next(pieces) == b"second"


def test_an_answer_may_be_missing_or_break_off(port, site):
    site.instead(NO_ANSWER)
    site.instead(Response(200, body=(b"half", Cut())))
    with httpx.Client() as client:
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                client.get(f"{port.url}/site")


def test_a_slow_answer_meets_the_clients_timeout(port, site):
    site.instead(Response(200, delay=60))
    site.instead(Response(200, body=(b"a", Pause(60))))
    with httpx.Client(timeout=0.05) as client:
        for _ in range(2):
            with pytest.raises(httpx.ReadTimeout):
                client.get(f"{port.url}/site")


@pytest.mark.parametrize(
    "request_text",
    [
        "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "GET / of some kind HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_to_this_port_is_refused(port, site, request_text):
    host = port.url.removeprefix("http://")
    with socket.create_connection(tuple(host.split(":"))) as connection:
        connection.settimeout(5)
        connection.sendall(request_text.format(host=host).encode())
        assert b" 400 " in connection.recv(1000).splitlines()[0]
    assert site.requests == []


def test_leaving_ends_threads_and_connections_at_once():
    before = threading.active_count()
    with LoopbackPort() as port:
        site = Bystander(port.url)
        port.serve(Network(site))
        site.instead(Response(200, body=(b"a", Pause(60))))
        client = httpx.Client()
        idle = socket.create_connection(("127.0.0.1", int(port.url.rpartition(":")[2])))
        with client.stream("GET", port.url) as response:
            assert next(response.iter_raw()) == b"a"
            began = time.monotonic()
            port.close()
            assert time.monotonic() - began < 5
        client.close()
        idle.close()
    assert threading.active_count() == before


def test_a_port_that_never_served_closes():
    with LoopbackPort() as port:
        assert port.url.startswith("http://127.0.0.1:")
