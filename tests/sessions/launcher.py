"""Starts processes of an app quickly, as forks of one that has imported everything.

`python -m tests.sessions.launcher SOCKET`

Each connection to that Unix socket becomes a process of its own (worker.py): it tells its pid, reads its
settings, and serves the connection. All ends when stdin is closed.
"""

import importlib
import json
import os
import select
import signal
import socket
import sys

from oauthclient.engine import transport
from tests.sessions import worker

NEEDED = (
    "cryptography.x509",
    "filelock",
    "httpcore",
    "httpcore._backends.sync",
    "joserfc.jws",
    "oauthclient.flows.login",
    "oauthclient.jose.private_key",
    "oauthclient.jose.proof",
    "oauthclient.jose.sealing",
    "oauthclient.native.restoring",
    "oauthclient.native.setting",
    "oauthclient.protocol.challenges",
    "oauthclient.storage.given_key",
    "oauthclient.storage.lease",
    "oauthclient.storage.sealed_files",
    "oauthclient.storage.sealed_keys",
)


def serve(connection: socket.socket) -> None:
    """Be a worker, until the connection is closed or somebody kills this."""
    with connection.makefile("rw") as lines:
        print(json.dumps({"pid": os.getpid()}), file=lines, flush=True)
        worker.main(json.loads(lines.readline()), lines, lines)


def main(path: str) -> None:
    """Accept connections until stdin is closed."""
    for module in NEEDED:
        importlib.import_module(module)
    transport._default_context()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(128)
        sys.stdout.write("{}\n")
        sys.stdout.flush()
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    sys.stdin.close()
                    try:
                        serve(connection)
                    except BrokenPipeError:
                        os._exit(1)  # whoever asked is gone
                    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
