"""The embedded server as a process of its own: `python -m tests.sessions.house '{"delay": 0.1}'`.

Prints one line of JSON with its URLs. Each line on stdin is a JSON object of what to do; one line answers it.
"""

import json
import sys
import time
from typing import Any

from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI

CLIENT = "app"
REDIRECT_URI = "http://127.0.0.1/callback"


def say(document: object) -> None:
    """Print one line of JSON."""
    sys.stdout.write(f"{json.dumps(document)}\n")
    sys.stdout.flush()


def stats(server: AuthorizationServer) -> dict[str, int]:
    """What the server has seen of refresh tokens."""
    asked = [seen for seen in server.requests if seen.grant_type == "refresh_token"]
    tokens = server.refresh_tokens
    return {"asked": len(asked), "refreshed": tokens.refreshed, "replays": tokens.replays}


def main(settings: dict[str, Any]) -> None:
    """Serve until stdin is closed."""
    passed = 0.0

    def now() -> float:
        return time.time() + passed

    with LoopbackPort() as port:
        server = AuthorizationServer(f"{port.url}/as", now=now)
        server.register(CLIENT, redirect_uris=[REDIRECT_URI])
        apis = [
            ProtectedAPI(server, f"{port.url}/{name}", scope=scope, now=now)
            for name, scope in (("orders", "read"), ("stock", "write"))
        ]
        server.refresh_tokens.grace = settings.get("grace", 0.0)
        server.lifetime = settings.get("lifetime", 300)
        network = Network(server, *apis, delay=settings.get("delay", 0.0))
        port.serve(network)
        say({"issuer": server.issuer, "api": port.url})
        for line in sys.stdin:
            command = json.loads(line)
            passed += command.get("advance", 0.0)
            say(stats(server))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
