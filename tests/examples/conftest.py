"""Fixture: `stage`, the embedded server in the test's own process, which so knows every secret that was sent to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey

from oauthclient import SigningKey
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI
from tests.examples.programs import Called


@dataclass
class Stage(Called):
    pem: bytes
    key_file: Path

    @property
    def who(self) -> list[str]:
        return [
            "--insecure-loopback",
            "--issuer",
            self.server.issuer,
            "--client-id",
            "sync",
            "--key",
            str(self.key_file),
        ]

    @property
    def secrets(self) -> list[str]:
        """Whole tokens, and the signatures without which assertions and proofs are worth nothing."""
        signed = [token.access_token for token in self.server.tokens.issued]
        for exchange in (*self.server.requests, *self.orders.requests, *self.stock.requests):
            signed += parse_qs(exchange.request.body.decode()).get("client_assertion", [])
            signed += exchange.request.values("DPoP")
        assert signed
        key = ECKey.import_key(self.pem).as_dict(private=True)
        return [
            *signed,
            *(jwt.rpartition(".")[2] for jwt in signed),
            str(key["d"]),
            self.pem.decode().split("-----")[2],
        ]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key_file = tmp_path / "client.pem"
    key_file.write_bytes(pem)
    with LoopbackPort() as port:
        server = AuthorizationServer(f"{port.url}/as")
        server.nonces.mode = "required"
        server.register("sync", key=SigningKey.from_pem(pem))
        orders = ProtectedAPI(server, f"{port.url}/orders", scope="orders.read")
        stock = ProtectedAPI(server, f"{port.url}/stock", scope="stock.write")
        port.serve(Network(server, orders, stock))
        yield Stage(server, orders, stock, pem, key_file)
