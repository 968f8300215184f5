"""Clients that present a certificate, over real TLS: each of its generations has connections of its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio

from oauthclient import RequestRefused
from oauthclient.testing import misbehaviour
from oauthclient.tls.transport import EXTENSION, transport_class
from tests.doors import KINDS
from tests.tls.caller import Caller, here, play
from tests.tls.place import Place, renewed, soon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.tls.conftest import Passing
    from tests.tls.place import Site

ASYNC = [kind for kind in KINDS if " " in kind]


@pytest.fixture
def site(place: Place) -> Iterator[Site]:
    with place.site() as site:
        yield site


def connection(answer: Any) -> object:
    """Our end of the connection that an answer came over."""
    return answer.extensions["network_stream"].get_extra_info("client_addr")


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_presents_the_certificate_and_keeps_its_connection(place: Place, site: Site, kind: str) -> None:
    certificate = place.certificate()

    async def scenario() -> None:
        caller = Caller(kind, place, certificate)
        for _ in range(3):
            answer = await caller.get(site.url)
            assert (answer.status_code, answer.extensions[EXTENSION]) == (200, certificate.current().x5t_s256)
        assert site.connections == 1
        await caller.close()

    play(kind, scenario)
    assert site.seen == [certificate.current().x5t_s256] * 3
    assert soon(lambda: site.connections == 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_renewed_one_goes_over_new_connections_and_the_old_ones_are_closed_when_they_have_drained(
    place: Place, site: Site, pass_time: Passing, kind: str
) -> None:
    certificate = place.certificate()

    async def scenario() -> None:
        caller = Caller(kind, place, certificate)
        await caller.get(site.url)
        new = place.put()
        assert renewed(certificate, new)
        address = connection(await caller.get(site.url))
        assert site.seen[-1] == new.x5t_s256
        assert site.connections == 2
        pass_time(6)
        assert connection(await caller.get(site.url)) == address  # that one stays
        assert soon(lambda: site.connections == 1)
        assert len(caller.pools._pools) == 1
        await caller.close()

    play(kind, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_being_read_goes_on_through_any_number_of_renewals(
    place: Place, site: Site, pass_time: Passing, kind: str
) -> None:
    certificate = place.certificate()

    async def scenario() -> None:
        caller = Caller(kind, place, certificate)
        may_end = threading.Event()
        site.hold(may_end)
        answer = await caller.begin(site.url)
        for _ in range(3):
            assert renewed(certificate, place.put(place.issue(lifetime=200_000)))
            pass_time(3600)
            await caller.get(site.url)
        assert caller.users == 1
        may_end.set()
        assert await caller.end(answer) == b"the beginning, the end"
        assert caller.users == 0
        pass_time(6)
        await caller.get(site.url)
        assert soon(lambda: site.connections == 1)
        await caller.close()

    play(kind, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_of_a_former_certificate_goes_only_with_that_one(
    place: Place, site: Site, pass_time: Passing, kind: str
) -> None:
    certificate = place.certificate()
    before = certificate.current().x5t_s256
    new = place.put()
    assert renewed(certificate, new)

    async def scenario() -> None:
        caller = Caller(kind, place, certificate)
        for wanted in (None, before, new.x5t_s256, before):
            answer = await caller.get(site.url, extensions={} if wanted is None else {EXTENSION: wanted})
            assert answer.extensions[EXTENSION] == (wanted or new.x5t_s256)
        with pytest.raises(RequestRefused) as caught:
            await caller.get(site.url, extensions={EXTENSION: "of somebody else"})
        assert caught.value.code == "another_certificate"
        pass_time(86_400)
        with pytest.raises(RequestRefused, match="expired"):
            await caller.get(site.url, extensions={EXTENSION: before})
        # Whether the present one is good for anything is not for us to say.
        assert (await caller.get(site.url, extensions={EXTENSION: new.x5t_s256})).status_code == 200
        assert caller.users == 0
        await caller.close()

    play(kind, scenario)
    assert site.seen == [new.x5t_s256, before, new.x5t_s256, before, new.x5t_s256]


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_connections_of_former_certificates_are_closed(
    place: Place, site: Site, pass_time: Passing, kind: str
) -> None:
    certificate = place.certificate()
    before = certificate.current().x5t_s256
    assert renewed(certificate, place.put())

    async def scenario() -> None:
        caller = Caller(kind, place, certificate)
        address = connection(await caller.get(site.url))
        await caller.get(site.url, extensions={EXTENSION: before})
        pass_time(6)
        assert connection(await caller.get(site.url)) == address
        assert soon(lambda: site.connections == 1)
        await caller.close()

    play(kind, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_an_intermediate_that_came_later_is_presented_over_new_connections(place: Place, site: Site, kind: str) -> None:
    new = place.issue()
    certificate = place.certificate()

    async def scenario() -> None:
        caller = Caller(kind, place, certificate)
        await caller.get(site.url)
        text = place.cert.read_bytes()
        place.cert.write_bytes(text + new.chain[new.chain.index(b"-----BEGIN", 9) :])
        assert soon(lambda: len(certificate.current().x5c) == 3)
        await caller.get(site.url)
        assert site.connections == 2
        await caller.close()

    play(kind, scenario)
    assert len(set(site.seen)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("failure", ["no answer", "a cut answer", "a slow answer"])
def test_a_request_that_fails_holds_no_pool(place: Place, site: Site, kind: str, failure: str) -> None:
    edit = {
        "no answer": misbehaviour.lost,
        "a cut answer": misbehaviour.cut(3),
        "a slow answer": misbehaviour.slow(1),
    }[failure]

    async def scenario() -> None:
        caller = Caller(kind, place, place.certificate(), timeout=0.2 if failure == "a slow answer" else 5)
        site.amend(edit)
        with pytest.raises(caller.door.family.TransportError):
            await caller.get(site.url)
        assert caller.users == 0
        await caller.close()

    play(kind, scenario)


@pytest.mark.parametrize("kind", ASYNC)
@pytest.mark.parametrize("when", ["before the answer", "in its body"])
def test_a_request_that_is_cancelled_holds_no_pool(place: Place, site: Site, kind: str, when: str) -> None:
    may_end = threading.Event()

    async def scenario() -> None:
        caller = Caller(kind, place, place.certificate())
        await caller.get(site.url)
        if when == "in its body":
            site.hold(may_end)
        else:
            site.amend(misbehaviour.slow(0.5))
        if kind.endswith("trio"):
            with trio.move_on_after(0.1):
                await caller.get(site.url)
                raise AssertionError("It has been answered.")
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(caller.get(site.url), 0.1)
        assert caller.users == 0
        may_end.set()
        assert (await caller.get(site.url)).status_code == 200
        await caller.close()

    play(kind, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_a_former_pool_that_cannot_be_closed_is_no_concern_of_the_next_request(
    place: Place, site: Site, pass_time: Passing, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one whose event loop has ended."""
    certificate = place.certificate()
    closed: list[object] = []

    async def scenario() -> None:
        caller = Caller(kind, place, certificate)
        await caller.get(site.url)
        [former] = [pool.transport for pool in caller.pools._pools.values()]
        close, name = (former.aclose, "aclose") if caller.door.loop else (former.close, "close")

        def fail() -> None:
            closed.append(former)
            raise RuntimeError("Event loop is closed")

        monkeypatch.setattr(former, name, fail)
        assert renewed(certificate, place.put())
        pass_time(6)
        for _ in range(2):
            assert (await caller.get(site.url)).status_code == 200
        assert closed == [former]
        await here(close())
        await caller.close()

    play(kind, scenario)


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_threads_share_a_client_through_renewals(place: Place, site: Site, pass_time: Passing, kind: str) -> None:
    certificate = place.certificate()
    caller = Caller(kind, place, certificate)
    over = threading.Event()
    known = {certificate.current().x5t_s256}

    def work() -> int:
        done = 0
        while not over.is_set():
            answer = caller.client.get(site.url)
            assert answer.status_code == 200
            done += 1
        return done

    with ThreadPoolExecutor(6) as pool:
        workers = [pool.submit(work) for _ in range(6)]
        for _ in range(8):
            new = place.put()
            assert renewed(certificate, new)
            known.add(new.x5t_s256)
            pass_time(3)
            assert soon(lambda new=new: site.seen[-1] == new.x5t_s256)
        over.set()
        assert all(worker.result() > 8 for worker in workers)
    assert set(site.seen) == known
    assert caller.users == 0
    assert len(caller.pools._pools) < 5
    caller.client.close()
    assert soon(lambda: site.connections == 0)


@pytest.mark.parametrize("kind", KINDS)
def test_closing_the_client_closes_the_former_connections_too(place: Place, site: Site, kind: str) -> None:
    certificate = place.certificate()

    async def scenario() -> None:
        caller = Caller(kind, place, certificate)
        await caller.get(site.url)
        assert renewed(certificate, place.put())
        await caller.get(site.url)
        assert site.connections == 2
        await caller.close()
        with pytest.raises(RuntimeError, match="closed"):
            await caller.get(site.url)

    play(kind, scenario)
    assert soon(lambda: site.connections == 0)


@pytest.mark.parametrize("wanted", ["unheard of", b"bytes", 17, ["a list"]])
def test_a_request_that_wants_what_is_no_certificate_of_ours_is_not_sent(place: Place, wanted: Any) -> None:
    place.put()
    with place.site() as site, place.certificate().client(httpx.Client, verify=place.ca, trust_env=False) as client:
        with pytest.raises(RequestRefused) as caught:
            client.get(site.url, extensions={"client_certificate": wanted})
        assert caught.value.code == "another_certificate"
        assert site.seen == []


def test_closing_goes_on_where_one_pool_cannot_be_closed() -> None:
    closed: list[str] = []

    class Pool:
        def __init__(self, name: str) -> None:
            self.name = name

        def close(self) -> None:
            closed.append(self.name)
            raise OSError(self.name)

    class Two:
        def all(self) -> list[Pool]:
            return [Pool("one"), Pool("another")]

    two: Any = Two()
    with pytest.raises(OSError, match="one"):
        transport_class(httpx, asynchronous=False)(two).close()
    assert sorted(closed) == ["another", "one"]
