"""An authorization server and two APIs on a loopback port of this process, for the demo, or by hand until Ctrl-C."""

import shlex
import sys
import tempfile
import threading
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oauthclient import Resource, SigningKey
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI

CLIENT_ID = "stock-sync"


class Embedded:
    """The server, which knows the client `stock-sync` by `key`, and its two APIs, while the `with` block lasts.

    It issues tokens for DPoP keys only, and wants a nonce in every proof that it is sent.
    """

    def __init__(self, key: SigningKey) -> None:
        self._port = LoopbackPort()
        self.server = AuthorizationServer(f"{self._port.url}/as")
        self.server.dpop = "required"
        self.server.nonces.mode = "required"
        self.server.register(CLIENT_ID, key=key)
        self.orders = Resource(f"{self._port.url}/orders", scope="orders.read")
        self.stock = Resource(f"{self._port.url}/stock", scope="stock.write")
        apis = [ProtectedAPI(self.server, api.url, scope=api.scope or ()) for api in (self.orders, self.stock)]
        self._network = Network(self.server, *apis)

    def __enter__(self) -> Self:
        self._port.serve(self._network)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._port.close()


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
