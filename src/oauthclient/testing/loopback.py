"""The hosts of a test behind a real port of this machine: HTTP/1.1 on 127.0.0.1 (RFC 9112), also over TLS."""

from __future__ import annotations

import re
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from oauthclient.testing.http import Cut, Pause, Request, Response
from oauthclient.testing.network import framing, pieces

if TYPE_CHECKING:
    from oauthclient.testing.network import Network

_LARGEST_BODY = 16 * 1024 * 1024
_LONGEST_LINE = 65_536


class LoopbackPort:
    """A port of 127.0.0.1, chosen by the kernel, and the hosts behind it.

    Its `url` is known before there are hosts, so that they can be made with it:

        with LoopbackPort() as port:
            server = AuthorizationServer(f"{port.url}/as")
            api = ProtectedAPI(server, f"{port.url}/orders")
            port.serve(Network(server, api))

    One thread accepts connections and one serves each; all have ended when the `with` block is left. The
    network's `delay` counts here too.

    `tls`: the context of an https server, whose certificate is for the IP address 127.0.0.1. The certificate that a
    client presents to it is the `client_certificate` of each request on that connection; the context says whether one
    is asked for (`verify_mode`) and which are accepted. A handshake that fails ends that connection alone.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler, tls)
        self._thread: threading.Thread | None = None
        self.url = f"{self._server.scheme}://127.0.0.1:{self._server.server_address[1]}"

    def serve(self, network: Network) -> None:
        """Begin to answer, or go on with another network."""
        self._server.network = network
        if self._thread is None:
            # It looks every few milliseconds whether it is to end: each test waits for that.
            self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), name="loopback")
            self._thread.start()

    def close(self) -> None:
        """Break all connections and free the port."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.break_connections()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for them
    network: Network

    def __init__(self, address: tuple[str, int], handler: type[_Handler], tls: ssl.SSLContext | None) -> None:
        super().__init__(address, handler)
        self.scheme = "http" if tls is None else "https"
        self._tls = tls
        self.closing = threading.Event()
        self.connections: set[socket.socket] = set()

    def break_connections(self) -> None:
        """Wake the threads that wait for a client's next request, or to go on with a body."""
        self.closing.set()
        for connection in list(self.connections):
            try:
                # Of the socket below the TLS, which the connection's own thread is using.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster

    def get_request(self) -> tuple[socket.socket, object]:
        """The next connection. Hands are shaken with the first read, on its own thread: here the others wait."""
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """A client that went away is no news; anything else is a fault in a test, and is shown."""
        if not isinstance(sys.exception(), (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # with keep-alive
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        """Make the connection known, so that it can be broken; it may be too late already."""
        super().setup()
        self.server.connections.add(self.connection)
        if self.server.closing.is_set():
            self.server.break_connections()

    def finish(self) -> None:
        """Forget the connection."""
        self.server.connections.discard(self.connection)
        super().finish()

    def handle_one_request(self) -> None:
        """Read one request of any method, and answer it."""
        self.raw_requestline = self.rfile.readline(_LONGEST_LINE + 1)
        if not self.raw_requestline or len(self.raw_requestline) > _LONGEST_LINE:
            self.close_connection = True
        elif self.parse_request():
            host, port = self.server.server_address[:2]
            body = self._body()
            if body is None or self.headers["Host"] != f"{host!s}:{port}" or not self.path.startswith("/"):
                self.close_connection = True
                self._answer(Response(400))
            else:
                url = f"{self.server.scheme}://{self.headers['Host']}{self.path}"
                request = Request(self.command, url, tuple(self.headers.items()), body, self._client_certificate())
                self._answer(self.server.network.handle(request) or Response(404))

    def log_message(self, *_arguments: object) -> None:
        """Nothing: the hosts keep records."""

    def _client_certificate(self) -> bytes:
        if not isinstance(self.connection, ssl.SSLSocket):
            return b""
        return self.connection.getpeercert(binary_form=True) or b""

    def _body(self) -> bytes | None:
        """The body of the request (RFC 9112, section 6), or None if it cannot be read."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunked_body()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _chunked_body(self) -> bytes | None:
        body = b""
        while len(body) <= _LARGEST_BODY:
            line = self.rfile.readline(_LONGEST_LINE).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,7}", line):
                return None
            size = int(line, 16)
            body += self.rfile.read(size)
            self.rfile.readline(_LONGEST_LINE)
            if not size:
                return body
        return None

    def _answer(self, response: Response) -> None:
        wait = self.server.closing.wait
        if wait(self.server.network.delay + response.delay) or not response.status:
            self.close_connection = True
            return
        headers = framing(response)
        chunked = not isinstance(response.body, bytes)
        # Not send_response, which would add a Date and a Server of its own.
        self.send_response_only(response.status)
        for name, value in headers:
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces(self.command, response):
            if isinstance(piece, Cut) or (isinstance(piece, Pause) and wait(piece.seconds)):
                self.close_connection = True
                return
            if isinstance(piece, bytes) and piece:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked and self.command != "HEAD":
            self.wfile.write(b"0\r\n\r\n")
