"""nginx before the API: it ends TLS and passes the client's certificate on (RFC 8705, section 6.5)."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.components import ComponentMissing
from tests.real.harness import Ground, RealServer

START_TIMEOUT = 10.0
STOP_TIMEOUT = 5.0
# nginx ends when the standard input does, so that no test run leaves an orphan; not even one that Ctrl-C has ended.
UNTIL_STDIN_ENDS = 'trap "" INT; "$@" & cat >/dev/null; kill $!; wait $!'
CONFIGURATION = """\
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {address} ssl http2;
        ssl_certificate {tls}/cert.pem;
        ssl_certificate_key {tls}/key.pem;
        ssl_client_certificate {client_ca};
        ssl_verify_client {verify};
        ssl_verify_depth 2;
        location / {{
            proxy_pass {behind};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            # This is also what takes such a header of a client's own away; an empty one is not passed on at all.
            proxy_set_header X-Client-Cert $ssl_client_escaped_cert;
            proxy_buffering off;
        }}
    }}
}}
"""


def find_nginx() -> str:
    """The machine's nginx, where programs of the system are too."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise ComponentMissing("nginx", "tools/install-components, or apt-get install nginx")
    return found


class Proxy:
    """nginx, and behind it a real server of its own, whose API has the URL of the proxy as well.

    `url`: where it is. `real`: the server. `verify`: "optional_no_ca" passes on whatever certificate a client has,
    or none; "on" takes only those that the clients' authority vouches for. `switches`: as for `Ground.start`.
    """

    def __init__(
        self, ground: Ground, start: Callable[..., RealServer], verify: str = "optional_no_ca", **switches: object
    ) -> None:
        folder = ground.folder / f"proxy-{len(list(ground.folder.glob('proxy-*')))}"
        folder.mkdir()
        self._log = folder / "error.log"
        # The port must be known before either of the two is started. It stays open until nginx has it.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            self.url = f"https://{address}"
            self.real = start(proxy=self.url, **switches)
            configuration = folder / "nginx.conf"
            configuration.write_text(
                CONFIGURATION.format(
                    user="user root;" if os.geteuid() == 0 else "",
                    folder=folder,
                    address=address,
                    tls=ground.folder,
                    client_ca=ground.client_ca,
                    verify=verify,
                    behind=self.real.behind,
                )
            )
            self._process = self._start(configuration, listener)
        self._wait()

    def resource(self, name: str) -> str:
        """The URL, which is the identifier too, of a resource as it is seen from outside."""
        return f"{self.url}/{name}"

    def log(self) -> str:
        """What nginx logged."""
        return self._log.read_text() if self._log.exists() else ""

    def stop(self) -> None:
        """End nginx. The server behind it is not stopped."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self, configuration: Path, listener: socket.socket) -> "subprocess.Popen[bytes]":
        """The way nginx hands its sockets to its successor: it listens on those whose numbers it finds in NGINX."""
        nginx = (find_nginx(), "-e", str(self._log), "-p", str(configuration.parent), "-c", str(configuration))
        return subprocess.Popen(
            ("sh", "-c", UNTIL_STDIN_ENDS, "sh", *nginx),
            env=os.environ | {"NGINX": f"{listener.fileno()};"},
            pass_fds=(listener.fileno(),),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # it is in the log too
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while "[emerg]" not in self.log() and time.monotonic() < deadline:
            try:
                with self.real.client() as http:
                    http.get(f"{self.url}/stats", timeout=1)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        message = f"nginx did not start:\n{self.log()[-2000:]}"
        raise RuntimeError(message)
