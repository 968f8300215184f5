"""kill -9 at every instant of the end of a login: no session without its key, no code sent twice, no key left over."""

from contextlib import suppress

import pytest

from oauthclient import SigningKey
from oauthclient.engine.driver import Driver
from oauthclient.engine.stored import Stored
from oauthclient.engine.transport import Transport
from oauthclient.errors import LoginError, OAuthError
from oauthclient.flows.authorize import begin
from oauthclient.flows.conclude import answered_once
from oauthclient.flows.keep import stored_session
from oauthclient.flows.login_key import clear_away, new_login_key, pending_name, remember
from oauthclient.flows.server import Server
from oauthclient.protocol.authentication import PublicClient
from oauthclient.protocol.authorization_request import Wish
from oauthclient.protocol.binding import Binding, DPoP, MutualTLS
from oauthclient.protocol.record_name import Name
from oauthclient.protocol.session import Granted
from oauthclient.secret import Secret

BACK = "https://shop.example/callback"
DAY = 86401.0


class Process:
    """A process of the program, which shares nothing but the vault with the next one. Dies after `effects` effects."""

    def __init__(self, house, certificate=None) -> None:
        self.house = house
        self.transport = Transport(transport=house.network.transport(certificate), certificate=certificate)
        self.driver = Driver(self.transport, None, Stored(house.vault()))
        self.effects = 0

    def server(self, binding: Binding) -> Server:
        return Server(
            self.house.issuer,
            client_id="shop",
            authentication=PublicClient(),
            binding=binding,
            told_by="resource",
            parameters={},
            loopback=True,
            metadata=None,
            aliases=None if binding.certificate is None else {},
        )

    def tell(self, story, *, dies_after: int | None = None):
        """What the story returns, or raises; or None where the process was killed before."""
        reply = failure = None
        while True:
            try:
                effect = story.send(reply) if failure is None else story.throw(failure)
            except StopIteration as told:
                return told.value
            if self.effects == dies_after:
                return None
            self.effects += 1
            reply = failure = None
            try:
                reply = self.driver._answer(effect)
            except OAuthError as error:
                failure = error

    def die(self) -> None:
        """The operating system lets go of the leases, and breaks the connections."""
        self.transport.close()


def begun(house, certificate=None):
    """A login that has begun, and the answer to it: bound to a key, or to the certificate."""
    process = Process(house, certificate)
    wish = Wish(targets=(Granted(house.orders.url, "read"),), scope="openid")
    if certificate is None:
        key = process.tell(new_login_key(house.issuer, "shop", algorithm="ES256", profile=None))
        url, pending = process.tell(begin(process.server(DPoP(key)), wish, redirect_uri=BACK, jkt=key.thumbprint))
    else:
        url, pending = process.tell(begin(process.server(MutualTLS(certificate)), wish, redirect_uri=BACK, jkt=""))
        process.tell(remember(pending_name(pending), key="", profile=None))
    process.die()
    return pending, Secret(house.person.callback(url))


def finish(house, pending, answer, certificate=None, *, dies_after: int | None = None):
    process = Process(house, certificate)
    key = house.vault().keys.load(pending.jkt) if pending.jkt else None
    if certificate is None and key is None:
        return process, None
    name = Name("session", house.issuer, "shop", "ann")
    server = process.server(DPoP(SigningKey.from_jwk(key)) if key is not None else MutualTLS(certificate))
    story = answered_once(server, name, pending, answer, switch_account=False)
    try:
        return process, process.tell(story, dies_after=dies_after)
    finally:
        process.die()


@pytest.fixture(autouse=True)
def client(house):
    house.server.register("shop", redirect_uris=[BACK])


@pytest.mark.parametrize("before", [False, True], ids=["the first login", "a session is there"])
@pytest.mark.parametrize("by_certificate", [False, True], ids=["a key", "a certificate"])
def test_at_every_instant(house, certified, before, by_certificate) -> None:
    name = Name("session", house.issuer, "shop", "ann")
    if before:  # with a key of its own, in any case
        finish(house, *begun(house))
    certificate = None
    if by_certificate:
        certificate = certified.wallet.certificate
        house.server.register("shop", redirect_uris=[BACK], tls_client_certificate_bound_access_tokens=True)
    instant, killed = 0, True
    while killed:
        pending, answer = begun(house, certificate)
        sent = len(house.seen("token"))
        earlier = Process(house).tell(stored_session(name))
        process, state = finish(house, pending, answer, certificate, dies_after=instant)
        killed = process.effects == instant
        stored = Process(house).tell(stored_session(name))
        assert stored is not None or not before
        assert stored in (earlier, state) or stored.jkt == pending.jkt

        with suppress(LoginError):
            finish(house, pending, answer, certificate)
        assert len(house.seen("token")) <= sent + 1  # the code was not sent again
        stored = Process(house).tell(stored_session(name))
        if stored is not None and stored.jkt:
            assert house.vault().keys.load(stored.jkt) is not None

        house.pass_time(DAY)
        Process(house).tell(clear_away(house.records("login")))
        assert house.records("login") == []
        assert house.keys() == (stored is not None and stored.jkt != "")
        instant += 1
    assert instant > 15
