r"""A command-line app: a person logs in once in the browser, and stays logged in (RFC 8252).

python examples/native.py --issuer https://as.example.com --api https://api.example.com/orders orders.read
python examples/native.py --issuer https://as.example.com --api https://api.example.com/orders orders.read --logout
"""

import argparse
import ssl
import sys

import httpx

from oauthclient import NativeApp, OAuthError, ReauthenticationRequired, Resource, Session, Vault


def main() -> None:
    """Call the API, and let a person log in where nobody is, or where the session has ended."""
    settings = arguments()
    tls = ssl.create_default_context(cafile=settings.ca) if settings.ca else httpx.create_ssl_context()
    url, scope = settings.api
    with NativeApp(
        settings.issuer,
        name="Orders of the day",  # it registers itself under that name, once
        resources=[Resource(url, scope=scope)],
        client_id=settings.client_id,
        vault=Vault.from_environment(settings.folder) if settings.folder else None,  # else the keyring
        verify=tls,
        insecure_loopback=settings.insecure_loopback,
    ) as app:
        if settings.logout:
            app.logout()
            return
        session = app.restore() or login(app, settings)
        try:
            show(session, url, tls)
        except ReauthenticationRequired:  # the one thing to handle: only the person can go on from here
            show(login(app, settings), url, tls)


def login(app: NativeApp, settings: argparse.Namespace) -> Session:
    """What the library tells the person goes to stderr: stdout belongs to results."""
    return app.login(open_browser=not settings.no_browser, device="always" if settings.device else "never")


def show(session: Session, url: str, tls: ssl.SSLContext) -> None:
    """Call the API as the person, each time with a fresh proof."""
    with httpx.Client(auth=session.auth, verify=tls) as api:
        response = api.get(f"{url}/today").raise_for_status()
        print(f"{session.subject}: GET {response.url}: {response.status_code}")


def arguments() -> argparse.Namespace:
    """Where to log in, and what to call."""
    parser = argparse.ArgumentParser(description="Calls an API as the person who uses it.")
    parser.add_argument("--issuer", required=True, help="the authorization server")
    parser.add_argument("--api", required=True, nargs=2, metavar=("URL", "SCOPE"), help="the API to read from")
    parser.add_argument("--client-id", help="of an app that was registered by hand")
    parser.add_argument("--no-browser", action="store_true", help="print the URL instead of opening it")
    parser.add_argument("--device", action="store_true", help="log in by way of another device")
    parser.add_argument("--logout", action="store_true", help="end the session")
    parser.add_argument("--folder", help="keep sealed files here, under OAUTHCLIENT_STORAGE_KEY, without a keyring")
    parser.add_argument("--ca", help="PEM file of a private CA, if the servers' certificates come from one")
    parser.add_argument("--insecure-loopback", action="store_true", help="allow a server on this machine without TLS")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (OAuthError, httpx.HTTPError) as error:
        sys.exit(f"native: {error}")
