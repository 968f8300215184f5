"""A session without a key, bound to a client certificate or to nothing, refreshed, replaced and killed: RFC 8705, 4."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from oauthclient.errors import ErrorResponse, ReauthenticationRequired
from oauthclient.flows.authorize import begin
from oauthclient.flows.conclude import answered, conclude
from oauthclient.flows.effects import CheckWritable, Send, Write
from oauthclient.flows.login_key import clear_away, new_keyless_login
from oauthclient.protocol.binding import MutualTLS
from oauthclient.protocol.certificate_authentication import TLSClientAuth
from oauthclient.protocol.presented import Pinned
from oauthclient.secret import Secret
from tests.flows.registering import killed_everywhere
from tests.flows.sessions import ANOTHER_KEY, NAME, ORDERS, REDIRECT_URI, Home, a_wish
from tests.flows.telling import error_answer
from tests.testing.certificates import certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.jose.certificate import Certificate
    from oauthclient.protocol.authorization_request import Wish
    from oauthclient.protocol.pending import Pending
    from oauthclient.protocol.session import SessionState
    from oauthclient.protocol.token import Token

FIRST, NEXT = certificate("first"), certificate("next")
DAY = 86_401.0


class Wallet:
    """The certificates that the program can present, the current one last."""

    def __init__(self, *generations: Certificate) -> None:
        self.generations = list(generations)

    def current(self) -> Certificate:
        return self.generations[-1]

    def generation(self, x5t_s256: str) -> Certificate | None:
        return next((each for each in self.generations if each.x5t_s256 == x5t_s256), None)

    def on_renewal(self, tell: Callable[[Certificate, Certificate], None]) -> None:
        raise AssertionError("no story asks for that")


class CertifiedHome(Home):
    """A home where tokens are bound to a certificate; the client is public, unless it is known by that."""

    def __init__(self, *, confidential: bool = False) -> None:
        self.wallet = Wallet(FIRST)
        self.confidential = confidential
        super().__init__()
        self.certificate = self.wallet
        self.server.mtls = True
        name: Any = {"tls_client_auth_san_dns": "svc.example.com"} if confidential else {}
        self.server.register(
            "app", redirect_uris=[REDIRECT_URI], tls_client_certificate_bound_access_tokens=True, **name
        )
        self.known = self.client()

    def client(self, **settings: Any) -> Server:
        session = self.session() if NAME in self.records else None
        pinned = session is not None and not self.confidential
        bound_to = Pinned(self.wallet, session.x5t_s256) if session is not None and pinned else self.wallet
        usual: dict[str, Any] = {"binding": MutualTLS(bound_to, assume_bound=True)}
        if self.confidential:
            usual["authentication"] = TLSClientAuth(self.wallet)
        server = super().client(**(usual | settings))
        server.login = "" if session is None else session.login
        return server

    def began(self, wish: Wish | None = None, server: Server | None = None) -> tuple[str, Pending]:
        story = begin(server or self.known, wish or a_wish(), redirect_uri=REDIRECT_URI, jkt="")
        url, pending = self.tell(story)
        return url, pending

    def renewal(self, seen: Token | None = None, *, server: Server | None = None, **slot: Any) -> Story[Token]:
        usual = {"thumbprint": "", "certificate": self.bound_to.x5t_s256}
        return super().renewal(seen, server=server, **(usual | slot))

    @property
    def bound_to(self) -> Certificate:
        """What the tokens are bound to that are asked for."""
        found = self.wallet.generation(self.session().x5t_s256)
        return self.wallet.current() if found is None or self.confidential else found


def a_home(*, expired: bool = True, grace: float = 0.0, confidential: bool = False) -> CertifiedHome:
    """Somebody is logged in, with the first certificate."""
    home = CertifiedHome(confidential=confidential)
    home.server.refresh_tokens.grace = grace
    home.log_in()
    home.known = home.client()
    if expired:
        home.expire()
    return home


def why(home: CertifiedHome, **how: Any) -> str:
    with pytest.raises(ReauthenticationRequired) as failed:
        home.renewed(**how)
    return failed.value.reason


# What a session is bound to


@pytest.mark.parametrize("confidential", [False, True])
def test_a_session_names_its_certificate_and_its_login_and_so_do_its_tokens(*, confidential: bool) -> None:
    home = a_home(confidential=confidential)
    state = home.session()
    assert (state.jkt, state.x5t_s256) == ("", FIRST.x5t_s256)
    assert state.login
    assert state.tokens[ORDERS].certificate == FIRST.x5t_s256
    assert home.renewed().certificate == FIRST.x5t_s256
    assert home.session().login == state.login
    assert home.session().x5t_s256 == FIRST.x5t_s256


def test_no_two_logins_are_called_the_same() -> None:
    home = a_home()
    before = home.session().login
    home.known = home.client()
    assert home.log_in().login not in ("", before)


def test_a_confidential_clients_session_moves_to_the_next_certificate_with_its_tokens() -> None:
    home = a_home(expired=False, confidential=True)
    home.wallet.generations.append(NEXT)
    token = home.renewed()
    assert token.certificate == home.session().x5t_s256 == NEXT.x5t_s256
    assert home.session().tokens[ORDERS].certificate == NEXT.x5t_s256
    assert home.refresh_requests() != []


def test_a_public_clients_stays_with_the_former_one() -> None:
    home = a_home()
    home.wallet.generations.append(NEXT)
    assert home.renewed().certificate == home.session().x5t_s256 == FIRST.x5t_s256
    assert home.sent[0].certificate == FIRST.x5t_s256


def test_where_the_former_one_is_gone_nothing_is_sent_and_nothing_written() -> None:
    home = a_home()
    before = dict(home.records)
    home.wallet.generations = [NEXT]
    assert why(home, server=home.client(metadata=None)) == "certificate_changed"
    assert home.sent == []
    assert not any(isinstance(effect, Write | CheckWritable) for effect in home.history)
    assert home.records == before


def test_the_right_certificate_may_come_back() -> None:
    home = a_home()
    home.wallet.generations = [NEXT]
    assert why(home) == "certificate_changed"
    home.wallet.generations = [FIRST]
    assert home.renewed().certificate == FIRST.x5t_s256


def test_a_server_that_binds_to_another_certificate_ends_it_and_says_so() -> None:
    home = a_home()
    home.server.refresh_tokens.issued[-1].login.x5t_s256 = NEXT.x5t_s256
    assert why(home) == "refresh_rejected"
    assert home.session().refresh_token is None


# Another login


def test_the_token_of_another_login_is_not_taken_and_its_refresh_token_not_sent() -> None:
    home = a_home(expired=False)
    former, slot = home.client(), {"certificate": FIRST.x5t_s256}
    home.known = home.client()
    home.keep(home.logged_in(subject="bob"), switch_account=True)
    home.sent.clear()
    assert why(home, server=former, **slot) == "no_session"
    home.expire()
    assert why(home, server=former, **slot) == "no_session"
    assert home.sent == []
    assert home.renewed(server=home.client()).certificate == FIRST.x5t_s256


# kill -9


@pytest.mark.parametrize("confidential", [False, True])
@pytest.mark.parametrize("grace", [0.0, 60.0])
def test_a_kill_at_any_instant_loses_nothing_but_an_answer_in_flight(*, grace: float, confidential: bool) -> None:
    counted = points = 0
    for home, _, _ in killed_everywhere(
        lambda: a_home(grace=grace, confidential=confidential), lambda home: home.renewal()
    ):
        assert isinstance(home, CertifiedHome)
        issued = home.server.refresh_tokens.issued[-1].value
        in_flight = Secret(issued) != home.session().refresh_token and not grace
        home.kill()
        if in_flight:
            assert why(home) == "refresh_outcome_unknown"
        else:
            assert home.renewed().certificate == FIRST.x5t_s256
        counted += in_flight
        points += 1
    assert points > 20
    assert (counted > 0) is (grace == 0)


def test_killed_at_any_instant_and_begun_anew_with_another_certificate_it_waits_for_the_right_one() -> None:
    for home, _, _ in killed_everywhere(lambda: a_home(grace=60), lambda home: home.renewal()):
        assert isinstance(home, CertifiedHome)
        home.wallet.generations = [NEXT]
        home.kill()
        before, sent = dict(home.records), len(home.sent)
        assert why(home, certificate=NEXT.x5t_s256) == "certificate_changed"
        assert (home.records, len(home.sent)) == (before, sent)
        home.wallet.generations = [FIRST]
        home.known = home.client()
        assert home.renewed().certificate == FIRST.x5t_s256


@pytest.mark.parametrize("keyed", [True, False], ids=["in place of one with a key", "in place of one without"])
def test_killed_at_any_instant_of_a_login_no_key_and_no_record_is_left_over(*, keyed: bool) -> None:
    def prepared() -> CertifiedHome:
        home = a_home(expired=False)
        if keyed:
            home.put(replace(home.session(), jkt=ANOTHER_KEY.thumbprint, login=""))
            home.keys = {ANOTHER_KEY.thumbprint: Secret("its key")}
        home.sent.clear()
        return home

    def login(home: Any) -> Story[SessionState]:
        record = yield from new_keyless_login(NAME.issuer, NAME.client, profile=NAME.profile)
        server = home.known
        url, pending = yield from begin(server, a_wish(), redirect_uri=REDIRECT_URI, jkt="")
        callback = Secret(home.server.person.approve(url))
        return (
            yield from conclude(
                server,
                NAME,
                record,
                lambda: answered(server, pending, callback, profile=NAME.profile),
                switch_account=False,
            )
        )

    succeeded = 0
    for home, _, _ in killed_everywhere(prepared, login):
        home.pass_time(DAY)
        home.tell(clear_away([name for name in home.records if name.kind == "login"]))
        state = home.session()
        assert home.records.keys() == {NAME}
        assert home.keys.keys() == ({state.jkt} if state.jkt else set())
        succeeded += not state.jkt
    assert succeeded > 0


def test_the_requests_of_a_login_and_a_refresh_go_with_the_certificate() -> None:
    home = CertifiedHome()
    home.keep(home.logged_in())
    home.known = home.client()
    home.expire()
    home.renewed()
    posted = [effect.request for effect in home.history if isinstance(effect, Send) and effect.request.body]
    assert {request.certificate for request in posted} == {FIRST.x5t_s256}
    assert not any("DPoP" in request.headers for request in posted)


def test_a_pushed_request_that_is_invalid_is_not_blamed_on_the_certificate() -> None:
    """Nothing is bound yet (section 4): only a client that the certificate proves may lack it there."""
    for code, confidential, named in (("invalid_request", False, False), ("invalid_client", True, True)):
        home = CertifiedHome(confidential=confidential)
        home.answers = [error_answer(code)]
        with pytest.raises(ErrorResponse) as refused:
            home.began()
        assert (FIRST.x5t_s256 in refused.value.hint) == named
