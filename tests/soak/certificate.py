"""A service whose client certificate is renewed each second under load: no request fails (RFC 8705, section 6.3)."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import httpx2

from oauthclient import MutualTLS, OAuthClient, Resource, TLSClientAuth
from oauthclient.testing import AuthorizationServer, LoopbackPort, Network, ProtectedAPI
from oauthclient.tls import contexts
from tests.tls.place import Place, replace

if TYPE_CHECKING:
    from pathlib import Path

    from oauthclient import Auth, ClientCertificate

_THREADS = 3  # for each of the families
_TASKS = 3
_SLOW = "/events?count=4&pause=0.4"


class Load:
    """Threads and tasks that call the API until they are told to stop; each answer must be a 200."""

    def __init__(self, certificate: ClientCertificate, auth: Auth, url: str, ca: Path) -> None:
        self._settings: dict[str, Any] = {"auth": auth, "verify": str(ca), "trust_env": False, "timeout": 10}
        self._certificate = certificate
        self._url = url
        self.over = threading.Event()
        self.answers: Counter[str] = Counter()
        self.clients: list[Any] = []

    def in_threads(self, family: Any) -> None:
        """One client of the family, shared by threads."""
        client = self._client(family.Client)

        def work(path: str) -> None:
            while not self.over.is_set():
                self._count(client.get(f"{self._url}{path}"), family)

        with client, ThreadPoolExecutor(_THREADS) as pool:
            # One of them reads answers that last longer than a certificate.
            for worker in [pool.submit(work, path) for path in (_SLOW, *[""] * (_THREADS - 1))]:
                worker.result()

    def in_a_loop(self, family: Any) -> None:
        """One client of the family, shared by tasks."""

        async def main() -> None:
            async with self._client(family.AsyncClient) as client:

                async def work() -> None:
                    while not self.over.is_set():
                        self._count(await client.get(self._url), family)

                await asyncio.gather(*(work() for _ in range(_TASKS)))

        asyncio.run(main())

    def _client(self, kind: Any) -> Any:
        self.clients.append(self._certificate.client(kind, **self._settings))
        return self.clients[-1]

    def _count(self, answer: Any, family: Any) -> None:
        assert answer.status_code == 200, (answer.status_code, answer.headers, answer.text)
        self.answers[family.__name__] += 1


def rotate(folder: Path, *, seconds: float, every: float = 1.0) -> str:
    """Renew the certificate every so many seconds, for so long; what was seen, in a line."""
    place = Place(folder)
    first = place.put()
    certificate = place.certificate(check_every=every / 10)
    before = len(contexts._contexts)
    with LoopbackPort(tls=place.serving(ssl.CERT_REQUIRED)) as port:
        server = AuthorizationServer(f"{port.url}/as")
        server.mtls = True
        api = ProtectedAPI(server, f"{port.url}/orders", scope="read")
        subject = certificate.current().subject
        server.register("svc", tls_client_auth_subject_dn=subject, tls_client_certificate_bound_access_tokens=True)
        port.serve(Network(server, api))
        oauth = OAuthClient(
            server.issuer,
            client_id="svc",
            authentication=TLSClientAuth(certificate),
            binding=MutualTLS(certificate),
            verify=str(place.ca),
        )
        auth = oauth.client_credentials(Resource(api.identifier, scope="read"))
        load = Load(certificate, auth, api.identifier, place.ca)
        names = [first.x5t_s256]
        with oauth, ThreadPoolExecutor(4) as pool:
            crowds = [
                pool.submit(make, family) for make in (load.in_threads, load.in_a_loop) for family in (httpx, httpx2)
            ]
            end = time.monotonic() + seconds
            while time.monotonic() < end and not any(crowd.done() for crowd in crowds):
                time.sleep(every)
                issued = place.issue()
                names.append(issued.x5t_s256)
                replace(place.key, issued.key)
                replace(place.cert, issued.chain)
            load.over.set()
            for crowd in crowds:
                crowd.result()
    seen = Counter(exchange.x5t_s256 for exchange in api.requests)
    asked = [exchange for exchange in server.requests if exchange.endpoint == "token"]
    assert {exchange.status for exchange in (*api.requests, *server.requests)} == {200}
    assert seen.keys() <= set(names)
    assert len(seen) >= len(names) - 2, "nearly each of them has been in use"
    assert len(asked) <= len(names) + 2, "one token for each"
    assert max(len(client._transport._pools._pools) for client in load.clients) <= 10 / every + 2, (
        "and they have drained"
    )
    assert len(contexts._contexts) - before <= 10 / every + 2
    return f"{sum(load.answers.values())} requests, {len(seen)} of {len(names)} certificates in use, none failed"
