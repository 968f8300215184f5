"""One TLS context for each certificate and choice of CAs in the process, ready before it is needed."""

from __future__ import annotations

import gc
import os
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from oauthclient import ClientCertificate, ConfigurationError, TLSFailed
from oauthclient.tls import contexts
from oauthclient.tls.contexts import context, trust
from tests.tls.place import renewed, settled

if TYPE_CHECKING:
    from tests.tls.place import Place


class Count:
    """The contexts that were made, by which thread each."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.by: list[str] = []
        make = ssl.create_default_context

        def counted(*arguments: Any, **settings: Any) -> ssl.SSLContext:
            if ssl.Purpose.CLIENT_AUTH not in arguments:  # that of a server of the tests
                self.by.append(threading.current_thread().name)
            return make(*arguments, **settings)

        patch.setattr(ssl, "create_default_context", counted)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Count:
    return Count(monkeypatch)


def test_however_many_clients_share_one_context(place: Place, made: Count) -> None:
    chain, key = place.cert.read_bytes(), place.key.read_bytes()
    certificates = [place.certificate(), place.certificate(), ClientCertificate.from_pem(chain, key)]
    clients: list[Any] = [
        certificate.client(kind, verify=str(place.ca), trust_env=False)
        for certificate in certificates
        for kind in (httpx.Client, httpx.AsyncClient, httpx2.Client, httpx2.AsyncClient)
    ]
    assert len(made.by) == 1
    # What is negotiated is written into the context (ALPN), so these have one of their own.
    clients += [certificates[0].client(httpx.Client, verify=place.ca, trust_env=False, http2=True) for _ in range(2)]
    assert len(made.by) == 2


def test_proxies_share_it_too(place: Place, made: Count) -> None:
    mounts = {"https://a.example": httpx.MockTransport(lambda _: httpx.Response(200))}
    with place.certificate().client(httpx.Client, verify=place.ca, proxy="http://127.0.0.1:9", mounts=mounts):
        assert len(made.by) == 1


def test_a_context_is_gone_with_the_last_who_uses_it(place: Place) -> None:
    client = place.certificate().client(httpx.Client, verify=place.ca, trust_env=False)
    name = client._transport._pools._source.current().chain_s256
    assert [which for which in contexts._contexts if which.chain_s256 == name]
    client.close()
    del client
    gc.collect()
    assert [which for which in contexts._contexts if which.chain_s256 == name] == []


def test_a_renewed_one_is_ready_before_it_is_used_and_no_request_makes_it(place: Place, made: Count) -> None:
    certificate = place.certificate()
    with place.site() as site, certificate.client(httpx.Client, verify=place.ca, trust_env=False) as client:
        client.get(site.url)
        for _ in range(3):
            new = place.put()
            assert renewed(certificate, new)
            client.get(site.url)
            assert site.seen[-1] == new.x5t_s256
    main = threading.current_thread().name
    assert [name for name in made.by if name == main] == [main]
    assert made.by[-3:] == ["oauthclient-certificate"] * 3


def test_many_threads_make_one(place: Place, made: Count) -> None:
    certificate = place.certificate().current()
    trusted = trust(str(place.ca), httpx)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: context(certificate, trusted, http2=False), range(32)))
    assert len({id(each) for each in found}) == len(made.by) == 1


def test_the_default_is_what_the_library_trusts(place: Place, monkeypatch: pytest.MonkeyPatch, made: Count) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(place.ca))
    for family in (httpx, httpx2):
        with place.site() as site, place.certificate().client(family.Client) as client:
            assert client.get(site.url).status_code == 200
    with (
        place.certificate().client(httpx.Client, trust_env=False) as client,
        place.site() as site,
        pytest.raises(TLSFailed, match="No trusted connection"),
    ):
        client.get(site.url)


def test_a_path_is_one_whatever_it_is_called_and_its_links_are_followed_when_it_is_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bundles of CAs are exchanged behind links, as certificates are."""
    monkeypatch.chdir(place.folder)
    link = place.folder / "bundle.pem"
    first = place.folder / "first.pem"
    first.write_bytes(place.ca.read_bytes())
    link.symlink_to(first)
    trusted = trust("bundle.pem", httpx)
    assert trusted is trust(link, httpx2) is trust(place.folder / "x" / ".." / "bundle.pem", httpx)
    assert len(trusted().get_ca_certs()) == 1
    link.unlink()
    first.unlink()
    link.symlink_to(place.ca)
    assert len(trusted().get_ca_certs()) == 1


def test_a_renewal_waits_for_cas_that_cannot_be_read(place: Place) -> None:
    certificate = place.certificate()
    with certificate.client(httpx.Client, verify=place.ca, trust_env=False):
        before = certificate.current()
        bundle = place.ca.read_bytes()
        place.ca.write_bytes(b"")
        new = place.put()
        certificate.current()
        assert not_renewed(certificate, before)
        assert "CA certificates" in str(certificate.problem)
        place.ca.write_bytes(bundle)
        place.put(new)
        assert renewed(certificate, new)


def not_renewed(certificate: ClientCertificate, before: object) -> bool:
    return settled(certificate) and certificate.current() is before


def test_a_function_makes_a_new_context_at_each_call(place: Place) -> None:
    def make() -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(place.ca))
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        return made

    certificate = place.certificate()
    with (
        place.site() as site,
        certificate.client(httpx.Client, verify=make, trust_env=False) as client,
    ):
        stream = client.get(site.url).extensions["network_stream"]
        assert stream.get_extra_info("ssl_object").version() == "TLSv1.2"
        new = place.put()
        assert renewed(certificate, new)
        client.get(site.url)
    assert site.seen[-1] == new.x5t_s256


def test_a_function_that_gives_the_same_context_again_is_found_out(place: Place) -> None:
    """The second certificate would go over the connections of the first one."""
    shared = ssl.create_default_context(cafile=str(place.ca))
    certificate = place.certificate()
    with certificate.client(httpx.Client, verify=lambda: shared, trust_env=False):
        before, new = certificate.current(), place.put()
        assert not_renewed(certificate, before)
        assert "new SSLContext" in str(certificate.problem)
        assert certificate.current().x5t_s256 != new.x5t_s256


@pytest.mark.parametrize("kind", ["False", "a context", "a number", "a function of nothing", "one that trusts anybody"])
def test_what_cannot_be_trusted_anew_is_refused(place: Place, kind: str) -> None:
    verify: Any = {
        "False": False,
        "a context": ssl.create_default_context(),
        "a number": 17,
        "a function of nothing": lambda: None,
        "one that trusts anybody": lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
    }[kind]
    with pytest.raises(ConfigurationError) as caught:
        place.certificate().client(httpx.Client, verify=verify)
    assert caught.value.code == "unusable_verify"


@pytest.mark.parametrize("text", [b"", b"garbage", None])
def test_cas_that_cannot_be_read_are_said_when_the_client_is_made(place: Place, text: bytes | None) -> None:
    place.ca.unlink() if text is None else place.ca.write_bytes(text)
    with pytest.raises(ConfigurationError) as caught:
        place.certificate().client(httpx.Client, verify=place.ca)
    assert caught.value.code == "unreadable_ca"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_while_a_context_is_made_does_not_hang_the_child(place: Place) -> None:
    certificate = place.certificate().current()
    making, go_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def slowly() -> ssl.SSLContext:
        if os.getpid() == parent:
            making.set()
            go_on.wait(0.3)
        return ssl.create_default_context(cafile=str(place.ca))

    thread = threading.Thread(target=context, args=(certificate, slowly), kwargs={"http2": False})
    thread.start()
    assert making.wait(10)
    child = os.fork()
    if child == 0:
        context(certificate, ssl.create_default_context, http2=True)
        os._exit(0)
    thread.join()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
