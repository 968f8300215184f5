"""Runs the real server by hand: `python -m tests.real [settings as JSON]`, until Ctrl-C or end of stdin."""

import json
import sys
import tempfile
from pathlib import Path

from tests.real.harness import Ground
from tests.real.node import find_node, install_packages


def main() -> None:
    """Start a server, say in one line of JSON where it is and how to call it, and wait."""
    node = find_node()
    install_packages(node)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Ground(node, folder).start(**json.loads(sys.argv[1] if sys.argv[1:] else "{}"))
        client = server.clients["ES256"]
        key = folder / "client.pem"
        key.write_bytes(client.pem)
        certified = server.clients["key-bound"]  # with the same key, beside that of the certificate
        where: dict[str, object] = {
            "issuer": server.issuer,
            "resources": [server.resource("a"), server.resource("b")],
            "ca": str(server.ca),
            "client_id": client.client_id,
            "key": str(key),
        }
        if server.mtls:
            where["mtls"] = {
                "resource": server.resource("mtls"),
                "client_id": certified.client_id,
                "certificate": str(certified.certificate.chain_file),
                "certificate_key": str(certified.certificate.key_file),
            }
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        try:
            sys.stdin.read()
        except KeyboardInterrupt:
            pass
        finally:
            sys.stderr.write(server.log())
            server.stop()


if __name__ == "__main__":
    main()
