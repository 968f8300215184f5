"""An authorization server and two APIs on a loopback port of this process, for the demo, or by hand until Ctrl-C."""

import shlex
import ssl
import sys
import tempfile
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Self

from authority import Authority
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oauthclient import Resource, SigningKey
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI

CLIENT_ID = "stock-sync"


class Embedded:
    """The server, which knows the client `stock-sync`, and its two APIs, while the `with` block lasts.

    It knows the client by `key`, issues tokens for DPoP keys only, and wants a nonce in every proof. With an
    `authority` it speaks TLS, knows the client by the name in a certificate of that, and binds its tokens to it.
    """

    def __init__(self, key: SigningKey | None = None, *, authority: Authority | None = None) -> None:
        self._ports = ExitStack()
        conventional = self._port(authority, asks=False)
        asking = conventional if authority is None else self._port(authority, asks=True)
        self.server = AuthorizationServer(f"{conventional.url}/as")
        if authority is None:
            self.server.dpop = "required"
            self.server.nonces.mode = "required"
            self.server.register(CLIENT_ID, key=key)
        else:
            self.server.mtls_base = f"{asking.url}/as"
            self.server.register(
                CLIENT_ID, tls_client_auth_san_dns=CLIENT_ID, tls_client_certificate_bound_access_tokens=True
            )
        self.orders = Resource(f"{asking.url}/orders", scope="orders.read")
        self.stock = Resource(f"{asking.url}/stock", scope="stock.write")
        apis = [ProtectedAPI(self.server, api.url, scope=api.scope or ()) for api in (self.orders, self.stock)]
        network = Network(self.server, *apis)
        self._serve = [partial(port.serve, network) for port in {conventional, asking}]

    def __enter__(self) -> Self:
        for serve in self._serve:
            serve()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ports.close()

    def _port(self, authority: Authority | None, *, asks: bool) -> LoopbackPort:
        context = None if authority is None else _context(authority, asks=asks)
        return self._ports.enter_context(LoopbackPort(tls=context))


def _context(authority: Authority, *, asks: bool) -> ssl.SSLContext:
    """Of a server on this machine that asks for client certificates of the authority, or for none."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.pem.decode())
    context.verify_mode = ssl.CERT_OPTIONAL if asks else ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder, "server.pem")
        pem.touch(mode=0o600)
        pem.write_bytes(b"".join(authority.issue("server", address="127.0.0.1")))
        context.load_cert_chain(pem)
    return context


def main() -> None:
    """Serve until Ctrl-C, after saying how to run `service.py` and `demo.py` against it."""
    private_key = ec.generate_private_key(ec.SECP256R1())
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with tempfile.TemporaryDirectory() as folder, Embedded(SigningKey.from_pem(pem)) as embedded:
        key = Path(folder, "client.pem")
        key.touch(mode=0o600)
        key.write_bytes(pem)
        issuer, orders, stock = embedded.server.issuer, embedded.orders, embedded.stock
        who = f"--insecure-loopback --issuer {issuer} --client-id {CLIENT_ID} --key {shlex.quote(str(key))}"
        apis = ((orders.url, orders.scope), (stock.url, stock.scope))
        print("Serving until Ctrl-C. In another terminal:\n")
        for program, options in (("service", ("--orders", "--stock")), ("demo", ("--resource", "--resource"))):
            told = " ".join(f"{option} {url} {scope}" for option, (url, scope) in zip(options, apis, strict=True))
            print(f"{sys.executable} {Path(__file__).with_name(program)}.py {who} {told}\n", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
