r"""A backend service that calls two APIs: a token of its own for each, worth nothing to a thief (RFC 9449, RFC 8705).

python examples/service.py --issuer https://as.example.com --client-id stock-sync --key client.pem \
    --orders https://api.example.com/orders orders.read --stock https://api.example.com/stock stock.write

With --certificate tokens are bound to that, not to a DPoP key; without --key it is what authenticates, too.
"""

import argparse
import ssl
import sys
from functools import partial
from pathlib import Path

import httpx

from oauthclient import (
    ClientAuthentication,
    ClientCertificate,
    DPoP,
    MutualTLS,
    OAuthClient,
    OAuthError,
    PrivateKeyJWT,
    Resource,
    SelfSignedTLSClientAuth,
    SigningKey,
    TLSClientAuth,
)


def main() -> None:
    """Read an order, then write a stock level."""
    settings = arguments()
    certificate = presented(settings)
    trust = partial(ssl.create_default_context, cafile=settings.ca) if settings.ca else httpx.create_ssl_context
    oauth = OAuthClient(
        settings.issuer,  # all else about the server is discovered
        client_id=settings.client_id,
        authentication=authentication(settings, certificate),
        # A stolen token is worth nothing without the key of the certificate, or one that this process makes.
        binding=MutualTLS(certificate) if certificate else DPoP(),
        verify=trust,
        insecure_loopback=settings.insecure_loopback,
    )
    orders, orders_scope = settings.orders
    stock, stock_scope = settings.stock
    auth = oauth.client_credentials(
        Resource(orders, scope=orders_scope),
        Resource(stock, scope=stock_scope),
    )
    client = (
        certificate.client(httpx.Client, auth=auth, verify=trust)
        if certificate
        else httpx.Client(auth=auth, verify=trust())
    )
    with oauth, client as api:
        order = api.get(f"{orders}/17")
        report(order, scope=auth.token(orders).scope)
        level = api.put(f"{stock}/9", json={"level": 3})
        report(level, scope=auth.token(stock).scope)


def presented(settings: argparse.Namespace) -> ClientCertificate | None:
    """The certificate for all connections. Its files may be renewed while the service runs."""
    if settings.certificate is None:
        return None
    return ClientCertificate.from_files(settings.certificate, settings.certificate_key)


def authentication(settings: argparse.Namespace, certificate: ClientCertificate | None) -> ClientAuthentication:
    """How the service proves who it is: by its key, or else by its certificate."""
    if settings.key is not None:
        return PrivateKeyJWT(SigningKey.from_pem(settings.key.read_bytes()))
    if certificate is None:
        raise SystemExit("service: --key or --certificate is needed: who is calling?")
    return SelfSignedTLSClientAuth(certificate) if settings.self_signed else TLSClientAuth(certificate)


def report(response: httpx.Response, *, scope: str | None) -> None:
    """Print what was called, and with which granted scope, which may be less than was asked for."""
    response.raise_for_status()
    print(f"{response.request.method} {response.url}: {response.status_code}, with the scope {scope}")


def arguments() -> argparse.Namespace:
    """What the service has to be told: its authorization server, who it is, and the two APIs."""
    parser = argparse.ArgumentParser(description="Calls two APIs as itself, with sender-constrained tokens.")
    parser.add_argument("--issuer", required=True, help="the authorization server")
    parser.add_argument("--client-id", required=True, help="the name it knows this service by")
    parser.add_argument("--key", type=Path, help="PEM file of the private key registered there")
    parser.add_argument("--certificate", help="PEM file of the client certificate to bind tokens to")
    parser.add_argument("--certificate-key", help="PEM file of its private key, if that is another one")
    parser.add_argument("--self-signed", action="store_true", help="it is registered itself, and not by its name")
    parser.add_argument("--orders", required=True, nargs=2, metavar=("URL", "SCOPE"), help="the API to read from")
    parser.add_argument("--stock", required=True, nargs=2, metavar=("URL", "SCOPE"), help="the API to write to")
    parser.add_argument("--ca", help="PEM file of a private CA, if the servers' certificates come from one")
    parser.add_argument("--insecure-loopback", action="store_true", help="allow a server on this machine without TLS")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except (OAuthError, httpx.HTTPError, OSError) as error:
        sys.exit(f"service: {error}")
