r"""A command-line app: a person logs in once in the browser, and stays logged in (RFC 8252).

python examples/native.py --issuer https://as.example.com --api https://api.example.com/orders orders.read
python examples/native.py --issuer https://as.example.com --api https://api.example.com/orders orders.read --logout

With --certificate the session is bound to that, and not to a key of its own (RFC 8705).
"""

import argparse
import ssl
import sys
from collections.abc import Callable
from functools import partial

import httpx

from oauthclient import (
    ClientCertificate,
    DPoP,
    MutualTLS,
    NativeApp,
    OAuthError,
    ReauthenticationRequired,
    Resource,
    Session,
    Vault,
)


def main() -> None:
    """Call the API, and let a person log in where nobody is, or where the session has ended."""
    settings = arguments()
    trust = partial(ssl.create_default_context, cafile=settings.ca) if settings.ca else httpx.create_ssl_context
    certificate: ClientCertificate | None = None
    if settings.certificate is not None:
        certificate = ClientCertificate.from_files(settings.certificate, settings.certificate_key)
    url, scope = settings.api
    with NativeApp(
        settings.issuer,
        name="Orders of the day",  # it registers itself under that name, once
        resources=[Resource(url, scope=scope)],
        client_id=settings.client_id,
        vault=Vault.from_environment(settings.folder) if settings.folder else None,  # else the keyring
        binding=MutualTLS(certificate) if certificate else DPoP(),
        redirect_path=settings.redirect_path,
        verify=trust,
        insecure_loopback=settings.insecure_loopback,
    ) as app:
        if settings.logout:
            app.logout()
            return
        session = app.restore() or login(app, settings)
        try:
            show(session, url, certificate, trust)
        except ReauthenticationRequired:  # the one thing to handle: only the person can go on from here
            show(login(app, settings), url, certificate, trust)


def login(app: NativeApp, settings: argparse.Namespace) -> Session:
    """What the library tells the person goes to stderr: stdout belongs to results."""
    return app.login(open_browser=not settings.no_browser, device="always" if settings.device else "never")


def show(
    session: Session, url: str, certificate: ClientCertificate | None, trust: Callable[[], ssl.SSLContext]
) -> None:
    """Call the API as the person: each time with a fresh proof, or over a connection that presents the certificate."""
    client = (
        certificate.client(httpx.Client, auth=session.auth, verify=trust)
        if certificate
        else httpx.Client(auth=session.auth, verify=trust())
    )
    with client as api:
        response = api.get(f"{url}/today").raise_for_status()
        print(f"{session.subject}: GET {response.url}: {response.status_code}")


def arguments() -> argparse.Namespace:
    """Where to log in, and what to call."""
    parser = argparse.ArgumentParser(description="Calls an API as the person who uses it.")
    parser.add_argument("--issuer", required=True, help="the authorization server")
    parser.add_argument("--api", required=True, nargs=2, metavar=("URL", "SCOPE"), help="the API to read from")
    parser.add_argument("--client-id", help="of an app that was registered by hand")
    parser.add_argument(
        "--redirect-path", help="of such an app, where it was registered for another one than we choose"
    )
    parser.add_argument("--certificate", help="PEM file of the client certificate to bind tokens to")
    parser.add_argument("--certificate-key", help="PEM file of its private key, if that is another one")
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
