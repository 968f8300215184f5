"""A call with a certificate-bound token on a warm TLS connection, over one of a plain client on the same: at most 1.05.

`certificate.client(...)` with our auth, and the library's own client with an SSLContext that holds the same certificate
and a static Authorization header. The API is a process of its own that asks for the certificate and answers at once.
"""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import httpx2

from benchmarks.api import tls_api
from benchmarks.auth import auth_with_token
from benchmarks.timing import interleaved, side, side_async
from oauthclient import ClientCertificate, MutualTLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.api import TLSAPI


def figures(*, quick: bool) -> Iterator[tuple[str, float]]:
    with tls_api() as api:
        certificate = ClientCertificate.from_files(api.certificate)
        auth = auth_with_token(api.url, MutualTLS(certificate))
        header = {"Authorization": f"Bearer {auth.token(api.url).access_token}"}
        for family in (httpx, httpx2):
            for manner, made in (("sync", _sync), ("async", side_async)):
                kind = family.Client if manner == "sync" else family.AsyncClient
                with ExitStack() as stack:
                    ours = certificate.client(kind, auth=auth, verify=api.ca, trust_env=False)
                    plain = kind(headers=header, verify=_context(api), trust_env=False)
                    yield (
                        f"mutual_tls_over_plain_{family.__name__}_{manner}",
                        interleaved(
                            lambda ours, plain: ours / plain,
                            (made(stack, ours, api.url), made(stack, plain, api.url)),
                            rounds=5 if quick else 101,
                            calls=100,
                        ),
                    )


def _context(api: TLSAPI) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=api.ca)
    made.load_cert_chain(api.certificate)
    return made


def _sync(stack: ExitStack, client: Any, url: str) -> Callable[[int], float]:
    stack.enter_context(client)
    return side(lambda: client.get(url))
