"""`certificate.client(...)` keeps every setting of a client, and refuses what would take the certificate's place."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from oauthclient import ConfigurationError
from oauthclient.testing import Response
from oauthclient.tls.transport import EXTENSION
from tests.doors import KINDS
from tests.tls.caller import Caller, ConnectProxy, play
from tests.tls.place import Place, renewed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.tls.place import Site

CLASSES = [httpx.Client, httpx.AsyncClient, httpx2.Client, httpx2.AsyncClient]


@pytest.fixture
def site(place: Place) -> Iterator[Site]:
    with place.site() as site:
        yield site


@pytest.fixture
def proxy() -> Iterator[ConnectProxy]:
    with ConnectProxy() as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        for variable in (f"{name}_proxy", f"{name}_PROXY".upper()):
            monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_it_is_of_the_class_that_was_asked_for(place: Place, kind: type) -> None:
    class Mine(kind):
        pass

    certificate = place.certificate()
    for asked in (kind, Mine):
        made = certificate.client(asked, base_url="https://api.example.com", headers={"X-Mine": "1"})
        assert type(made) is asked
        assert (str(made.base_url), made.headers["X-Mine"]) == ("https://api.example.com", "1")


@pytest.mark.parametrize("kind", [int, httpx.Request, "httpx.Client", 17, None], ids=str)
def test_nothing_but_a_client_is_made(place: Place, kind: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        place.certificate().client(kind)
    assert caught.value.code == "unusable_client"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
@pytest.mark.parametrize("setting", ["cert", "transport"])
def test_what_would_take_its_place_is_refused(place: Place, kind: Any, setting: str) -> None:
    value = (str(place.cert), str(place.key)) if setting == "cert" else httpx.HTTPTransport()
    with pytest.raises(ConfigurationError) as caught:
        place.certificate().client(kind, **{setting: value})
    assert caught.value.code == "certificate_replaced"
    assert place.certificate().client(kind, **{setting: None})


@pytest.mark.parametrize("verify", [False, ssl.create_default_context()])
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_trust_is_never_switched_off_nor_tied_to_one_context(place: Place, kind: Any, verify: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        place.certificate().client(kind, verify=verify)
    assert caught.value.code == "unusable_verify"


@pytest.mark.parametrize("kind", KINDS)
def test_limits_and_other_settings_of_connections_are_kept(place: Place, kind: str) -> None:
    family = httpx2 if kind.startswith("httpx2") else httpx
    limits = family.Limits(max_connections=3, max_keepalive_connections=2, keepalive_expiry=7)
    certificate = place.certificate()
    settings: dict[str, Any] = {"limits": limits, "retries": 4, "local_address": "127.0.0.2", "http2": True}
    caller = Caller(kind, place, certificate, **settings)
    assert renewed(certificate, place.put())
    caller.pools.take(None)
    pools = [pool.transport._pool for pool in caller.pools._pools.values()]
    assert len(pools) == 2
    for pool in pools:
        assert (pool._max_connections, pool._max_keepalive_connections, pool._keepalive_expiry) == (3, 2, 7)
        assert (pool._retries, pool._local_address, pool._http1, pool._http2) == (4, "127.0.0.2", True, True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_is_one(place: Place, site: Site, kind: str) -> None:
    async def scenario() -> None:
        family = httpx2 if kind.startswith("httpx2") else httpx
        caller = Caller(
            kind,
            place,
            place.certificate(),
            limits=family.Limits(max_connections=1),
            timeout=family.Timeout(5, pool=0.1),
        )
        site.instead(Response(200, body=[b"x" * 10, b"y"]))
        answer = await caller.begin(site.url)
        with pytest.raises(family.PoolTimeout):
            await caller.get(site.url)
        await caller.end(answer)
        assert (await caller.get(site.url)).status_code == 200
        await caller.close()

    play(kind, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_presented_to_the_server_behind_a_proxy(place: Place, site: Site, proxy: ConnectProxy, kind: str) -> None:
    certificate = place.certificate()

    async def scenario() -> None:
        caller = Caller(kind, place, certificate, proxy=proxy.url)
        for _ in range(2):
            assert (await caller.get(site.url)).extensions[EXTENSION] == certificate.current().x5t_s256
            assert renewed(certificate, place.put())
        await caller.close()

    play(kind, scenario)
    assert proxy.targets == [site.url.removeprefix("https://")] * 2
    assert len(set(site.seen)) == 2
    assert None not in site.seen


@pytest.mark.parametrize("kind", KINDS)
def test_the_proxies_of_the_environment_are_used_unless_that_is_switched_off(
    place: Place, site: Site, proxy: ConnectProxy, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = place.certificate()
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)

    async def get(**settings: Any) -> int:
        before = len(proxy.targets)
        caller = Caller(kind, place, certificate, **settings)
        await caller.get(site.url)
        await caller.close()
        return len(proxy.targets) - before

    async def scenario() -> None:
        assert await get(trust_env=True) == 1
        assert await get(trust_env=False) == 0
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert await get(trust_env=True) == 0
        assert await get(trust_env=True, proxy=proxy.url) == 1
        # What the program mounts comes before all.
        assert await get(trust_env=False, proxy=proxy.url, mounts={"https://127.0.0.1": None}) == 0

    play(kind, scenario)
    assert set(site.seen) == {certificate.current().x5t_s256}


@pytest.mark.parametrize("kind", KINDS)
def test_mounts_are_the_programs_own(place: Place, site: Site, kind: str) -> None:
    async def scenario() -> None:
        family = httpx2 if kind.startswith("httpx2") else httpx
        mine = family.MockTransport(lambda _: family.Response(418))
        caller = Caller(kind, place, place.certificate(), mounts={"https://mine.example": mine})
        assert (await caller.get("https://mine.example")).status_code == 418
        assert (await caller.get(site.url)).status_code == 200
        await caller.close()

    play(kind, scenario)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_proxy_that_cannot_be_one_is_said_when_the_client_is_made(place: Place, kind: Any) -> None:
    with pytest.raises(ValueError, match="scheme"):
        place.certificate().client(kind, proxy="gopher://proxy.example")
