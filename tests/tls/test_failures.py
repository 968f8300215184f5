"""TLS connections that fail, in words: the host, the reason, and whose certificate it was (RFC 8446, section 6.2)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme

from oauthclient import ClientCertificate, OAuthClient, PublicClient, TLSFailed, Unreachable
from oauthclient.testing import Bystander, LoopbackPort, Network
from oauthclient.tls.failures import tls_failure
from tests.doors import KINDS, Door
from tests.real.certificates import Subject, self_signed
from tests.showing import told
from tests.tls.caller import Caller, here, play
from tests.tls.place import refusing

if TYPE_CHECKING:
    from tests.tls.conftest import Passing
    from tests.tls.place import Place

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def fails(kind: str, place: Place, certificate: ClientCertificate, url: str) -> TLSFailed:
    async def scenario() -> TLSFailed:
        caller = Caller(kind, place, certificate)
        for _ in range(2):  # it is no better the second time
            with pytest.raises(TLSFailed) as caught:
                await caller.get(url)
        assert caller.users == 0
        await caller.close()
        return caught.value

    error: TLSFailed = play(kind, scenario)
    return error


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_demands_one_and_gets_none_says_so(place: Place, kind: str, version: ssl.TLSVersion) -> None:
    """To a client that presents none; the words are the same that a client of ours would give them."""
    door = Door(kind)
    trusting = ssl.create_default_context(cafile=str(place.ca))

    async def scenario() -> TLSFailed | None:
        make = door.family.AsyncClient if door.loop else door.family.Client
        client = make(verify=trusting, trust_env=False)
        with pytest.raises((door.family.TransportError, ssl.SSLError)) as caught:
            await here(client.get(url))
        await here(client.aclose() if door.loop else client.close())
        return tls_failure(caught.value, "api.example.com")

    with refusing(place.serving(ssl.CERT_REQUIRED, version)) as url:
        failure = play(kind, scenario)
    assert failure.code == "certificate_refused"
    assert "api.example.com" in failure.message
    assert ("certificate required" if version is VERSIONS[1] else "handshake failure") in failure.message


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_of_an_authority_that_the_server_does_not_know(
    place: Place, kind: str, version: ssl.TLSVersion
) -> None:
    chain, key = self_signed(Subject.called("nobody's"))
    with refusing(place.serving(ssl.CERT_OPTIONAL, version)) as url:
        failure = fails(kind, place, ClientCertificate.from_pem(chain, key), url)
    assert failure.code == "certificate_refused"
    assert url.removeprefix("https://") in failure.message
    assert "unknown ca" in failure.message
    assert "its CA" in failure.hint


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_has_expired_meanwhile(
    place: Place, kind: str, version: ssl.TLSVersion, pass_time: Passing
) -> None:
    old = place.issue(starts=-7200, lifetime=-3600)
    pass_time(-5000)
    certificate = ClientCertificate.from_pem(old.chain, old.key)
    with refusing(place.serving(ssl.CERT_REQUIRED, version)) as url:
        failure = fails(kind, place, certificate, url)
    assert failure.code == "certificate_refused"
    assert "expired" in failure.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_ends_the_connection_before_it_has_said_why(place: Place, kind: str) -> None:
    """Then nobody can know; but where to look can be said."""
    chain, key = self_signed(Subject.called("nobody's"))
    certificate = ClientCertificate.from_pem(chain, key)

    async def scenario() -> list[str]:
        caller = Caller(kind, place, certificate)
        with pytest.raises((caller.door.family.NetworkError, TLSFailed)) as caught:
            await caller.get(url)
        await caller.close()
        if isinstance(caught.value, TLSFailed):  # it had been read in time
            return ["may be that it does not accept the client certificate"]
        return caught.value.__notes__

    with refusing(place.serving(ssl.CERT_REQUIRED), rudely=True) as url:
        notes = play(kind, scenario)
    assert "may be that it does not accept the client certificate" in notes[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_not_trusted(place: Place, kind: str) -> None:
    stranger = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    stranger.issue_cert("127.0.0.1").configure_cert(context)
    with place.site(context) as site:
        failure = fails(kind, place, place.certificate(), site.url)
    assert failure.code == "tls_failed"
    assert "unable to get local issuer certificate" in failure.message
    assert "verify=" in failure.hint


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_of_another_name(place: Place, kind: str) -> None:
    with place.site() as site:
        failure = fails(kind, place, place.certificate(), site.url.replace("127.0.0.1", "localhost"))
    assert failure.code == "tls_failed"
    assert "localhost" in failure.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_does_not_speak_tls(place: Place, kind: str) -> None:
    with LoopbackPort() as port:
        port.serve(Network(Bystander(port.url)))
        failure = fails(kind, place, place.certificate(), port.url.replace("http:", "https:"))
    assert failure.code == "tls_failed"
    assert "wrong version number" in failure.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_asks_for_none_is_served_without(place: Place, kind: str) -> None:
    async def scenario() -> None:
        caller = Caller(kind, place, place.certificate())
        assert (await caller.get(site.url)).status_code == 200
        await caller.close()

    with place.site(place.serving(ssl.CERT_NONE)) as site:
        play(kind, scenario)
        assert site.seen == [None]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_about_tls_stays_what_it_is(place: Place, kind: str) -> None:
    """Even while the program is handling a TLS failure, which Python makes a part of the new error's context."""

    def fail() -> None:
        raise ssl.SSLError(ssl.SSL_ERROR_SSL, "[SSL: TLSV1_ALERT_UNKNOWN_CA] of another connection")

    async def scenario() -> None:
        caller = Caller(kind, place, place.certificate())
        try:
            fail()
        except ssl.SSLError:
            with pytest.raises(caller.door.family.ConnectError):
                await caller.get("https://127.0.0.1:1")
        await caller.close()

    play(kind, scenario)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_authorization_server_that_demands_one_is_told_alike(place: Place, version: ssl.TLSVersion) -> None:
    with refusing(place.serving(ssl.CERT_REQUIRED, version)) as url:
        oauth = OAuthClient(url, client_id="app", authentication=PublicClient(), verify=str(place.ca))
        with oauth, pytest.raises(Unreachable) as caught:
            oauth.discover()
    assert caught.value.code == "certificate_refused"


def test_an_error_that_is_its_own_cause_ends_the_search() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert tls_failure(one, "api.example.com") is None


def test_the_error_shows_no_credentials(place: Place) -> None:
    chain, key = self_signed(Subject.called("nobody's"))
    with (
        place.site() as site,
        ClientCertificate.from_pem(chain, key).client(
            httpx.Client, verify=str(place.ca), trust_env=False, headers={"Authorization": "Bearer hunter2"}
        ) as client,
        pytest.raises(TLSFailed) as caught,
    ):
        client.get(f"{site.url}/?key=hunter2")
    shown: list[Any] = list(told(caught.value))
    assert not [text for text in shown if key.decode().splitlines()[1] in text]
    assert "hunter2" not in f"{caught.value!r} {caught.value}"
