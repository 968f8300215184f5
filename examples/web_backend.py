r"""A web backend that logs many people in and calls an API as each of them: begin_login and finish_login.

python examples/web_backend.py --issuer https://as.example.com --client-id shop --key client.pem \
    --api https://api.example.com/orders orders.read --port 8000

The client is registered by hand, with the redirect URI http://127.0.0.1:8000/callback here, and https elsewhere.
"""

import argparse
import secrets
import ssl
import sys
from collections.abc import Callable
from html import escape
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from oauthclient import (
    NativeApp,
    OAuthError,
    Pending,
    PrivateKeyJWT,
    ReauthenticationRequired,
    Resource,
    SigningKey,
    Vault,
)


class Shop(ThreadingHTTPServer):
    """The backend. `pending`: the logins under way, by the visitor's cookie; a real one keeps `pending.dump()`."""

    daemon_threads = True

    def __init__(self, settings: argparse.Namespace) -> None:
        super().__init__(("127.0.0.1", settings.port), Visit)
        self.pending: dict[str, Pending] = {}
        self.redirect_uri = f"http://127.0.0.1:{self.server_port}/callback"
        self.tls = ssl.create_default_context(cafile=settings.ca) if settings.ca else httpx.create_ssl_context()
        self.api, scope = settings.api
        self.app = NativeApp(
            settings.issuer,
            name="Shop",
            client_id=settings.client_id,
            authentication=PrivateKeyJWT(SigningKey.from_pem(settings.key.read_bytes())),
            resources=[Resource(self.api, scope=scope)],
            vault=Vault.from_environment(settings.folder) if settings.folder else Vault.memory(),
            verify=self.tls,
            insecure_loopback=settings.insecure_loopback,
        )

    def server_close(self) -> None:
        """Close the port, and the connections to the authorization server."""
        super().server_close()
        self.app.close()


class Visit(BaseHTTPRequestHandler):
    """One request of a visitor. Who it is says a random cookie, which is the name of the session's profile, too."""

    server: Shop

    def do_GET(self) -> None:
        """Show a page, or begin or finish a login."""
        pages = {"/": self.home, "/login": self.login, "/callback": self.callback, "/orders": self.orders}
        self.answer_with(pages.get(urlsplit(self.path).path))

    def do_POST(self) -> None:
        """Log out. The cookie is SameSite, so no other site's form can do this."""
        self.answer_with({"/logout": self.logout}.get(self.path))

    def answer_with(self, page: Callable[[], None] | None) -> None:
        """Answer, and tell the visitor what went wrong in the library's words, which hold no secret."""
        try:
            if page is None:
                self.show(404, "There is nothing here.")
            else:
                page()
        except ReauthenticationRequired:
            self.go("/login")
        except (OAuthError, httpx.HTTPError) as error:
            self.show(502, str(error))

    def home(self) -> None:
        """Say who is here."""
        session = self.server.app.restore(profile=self.visitor()) if self.visitor() else None
        self.show(200, "Nobody is logged in." if session is None else f"Hello, {session.subject}.")

    def login(self) -> None:
        """Send the browser to the authorization server; what has to be remembered stays here."""
        visitor = self.visitor() or secrets.token_urlsafe(16)
        url, self.server.pending[visitor] = self.server.app.begin_login(self.server.redirect_uri)
        self.go(url, cookie=visitor)

    def callback(self) -> None:
        """The browser is back: finish the login that this very browser began, and give it a new cookie."""
        pending = self.server.pending.pop(self.visitor(), None)
        if pending is None:
            self.show(400, "No login of yours is under way.")
            return
        visitor = secrets.token_urlsafe(16)  # nobody could have slipped this one in before
        came = f"{self.server.redirect_uri}?{urlsplit(self.path).query}"  # proxies may have changed all but the query
        self.server.app.finish_login(pending, came, profile=visitor)
        self.go("/", cookie=visitor)

    def orders(self) -> None:
        """Call the API as this visitor."""
        session = self.server.app.restore(profile=self.visitor()) if self.visitor() else None
        if session is None:
            self.go("/login")
            return
        with httpx.Client(auth=session.auth, verify=self.server.tls) as api:
            response = api.get(f"{self.server.api}/today").raise_for_status()
        self.show(200, f"{session.subject}: GET {response.url}: {response.status_code}")

    def logout(self) -> None:
        """End the visitor's session, here and at the authorization server."""
        if self.visitor():
            self.server.app.logout(profile=self.visitor())
        self.go("/")

    def visitor(self) -> str:
        """What the visitor's cookie says, or ""."""
        try:
            cookies = SimpleCookie(self.headers.get("Cookie", ""))
        except CookieError:
            return ""
        return cookies["visitor"].value if "visitor" in cookies else ""

    def show(self, status: int, text: str) -> None:
        """A page with one sentence."""
        body = f"<!doctype html><title>Shop</title><p>{escape(text)}</p>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def go(self, location: str, *, cookie: str = "") -> None:
        """Send the browser elsewhere, if need be with another cookie. Over https it would be Secure as well."""
        self.send_response(303)
        self.send_header("Location", location)
        if cookie:
            self.send_header("Set-Cookie", f"visitor={cookie}; Path=/; HttpOnly; SameSite=Lax")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write no log: the callback's URL holds a code."""


def arguments() -> argparse.Namespace:
    """Where people log in, and what is called as them."""
    parser = argparse.ArgumentParser(description="Calls an API as each of the people who visit it.")
    parser.add_argument("--issuer", required=True, help="the authorization server")
    parser.add_argument("--client-id", required=True, help="the name it knows this backend by")
    parser.add_argument("--key", required=True, type=Path, help="PEM file of the private key registered there")
    parser.add_argument("--api", required=True, nargs=2, metavar=("URL", "SCOPE"), help="the API to read from")
    parser.add_argument("--port", type=int, default=8000, help="where to listen")
    parser.add_argument("--folder", help="keep sessions here, sealed under OAUTHCLIENT_STORAGE_KEY; else in memory")
    parser.add_argument("--ca", help="PEM file of a private CA, if the servers' certificates come from one")
    parser.add_argument("--insecure-loopback", action="store_true", help="allow a server on this machine without TLS")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        with Shop(arguments()) as shop:
            print(f"http://127.0.0.1:{shop.server_port}", flush=True)
            shop.serve_forever()
    except KeyboardInterrupt:
        sys.exit(130)
    except (OAuthError, OSError) as error:
        sys.exit(f"web_backend: {error}")
