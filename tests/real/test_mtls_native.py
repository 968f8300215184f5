"""A native app whose sessions are bound to a client certificate, at the real server: RFC 8705, 3, 4 and 6.3."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from re import search
from typing import Any

import httpx
import pytest

from oauthclient import (
    ClientCertificate,
    MutualTLS,
    NativeApp,
    ReauthenticationRequired,
    RequestRefused,
    Resource,
    Session,
    TLSClientAuth,
    Vault,
    time,
)
from oauthclient.engine.transport import Transport
from oauthclient.protocol.wire import Request
from tests.browser import Browser
from tests.real.by_hand import authorize
from tests.real.harness import Ground, RealServer
from tests.real.native_app import app_at, logged_in
from tests.real.person import Person
from tests.real.test_native_chromium import Login, log_in_at
from tests.real.wallet import Wallet, called

Make = Callable[..., NativeApp]


@pytest.fixture
def wallet(ground: Ground, tmp_path: Path) -> Wallet:
    return Wallet(ground, "native-tls", tmp_path)


@pytest.fixture
def app(tmp_path: Path, real: RealServer, wallet: Wallet) -> Iterator[Make]:
    """Makes the app, as another process would. All of them are closed at the end."""
    made: list[NativeApp] = []

    def make(certificate: ClientCertificate | None = None, at: RealServer = real, **settings: Any) -> NativeApp:
        resources = [Resource(at.resource(name), scope="read") for name in ("mtls", "mtls-reference")]
        usual: dict[str, Any] = {
            "client_id": "native-tls",
            "redirect_path": "/callback",
            "binding": MutualTLS(certificate or wallet.certificate),
            "verify": str(at.ca),
            "resources": resources,
            "vault": Vault.file(tmp_path / "acme", key=b"k" * 32),
        }
        made.append(app_at(at, **(usual | settings)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def stored_token(tmp_path: Path, target: str) -> str:
    """The access token that the session was given for a target, out of the vault."""
    records = Vault.file(tmp_path / "acme", key=b"k" * 32).records
    (name,) = [name for name in records.names() if name.kind == "session"]
    record = records.load(name)
    assert record is not None
    token: str = record["tokens"][target][0]
    return token


def reason(act: Callable[[], object]) -> str:
    with pytest.raises(ReauthenticationRequired) as caught:
        act()
    return caught.value.reason


def requests(real: RealServer) -> Any:
    return real.stats()["as"]["aliases"]


def test_a_person_logs_in_and_the_tokens_are_bound(real: RealServer, app: Make, wallet: Wallet) -> None:
    session = logged_in(real, app(), user="bob")
    assert (session.subject, session.refreshable, session.x5t_s256) == ("bob", True, wallet.issued.x5t_s256)
    for name in ("mtls", "mtls-reference"):
        answer = called(real, session, wallet.certificate, name)
        assert (answer.status_code, answer.json()["x5t#S256"]) == (200, wallet.issued.x5t_s256)
    assert answer.json()["token"]["cnf"] == {"x5t#S256": wallet.issued.x5t_s256}


def test_a_person_logs_in_with_chromium(start_real: Callable[..., RealServer], browser: Browser, app: Make) -> None:
    pages = start_real(login_pages=True)
    login = Login(app(at=pages), prompt="consent", open_browser=False)
    with browser.page() as page:
        page.open(shown_url(login))
        log_in_at(page, "dora")
        page.click("button[type=submit]")
        page.wait_for("main.good")
    session = login.session()
    assert session.subject == "dora"
    assert session.userinfo()["sub"] == "dora"


def shown_url(login: Login) -> str:
    for _ in range(500):
        url = search(r"https://\S+", "".join(login.told))
        if url is not None:
            return url[0]
        login.check()
        time.sleep(0.02)
    raise AssertionError("The app told no URL.")


def test_by_way_of_another_device(real: RealServer, app: Make, wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.2)))
    # This server names the page where it was asked, and that listener would ask the browser for a certificate.
    conventional = app(mtls_endpoint_aliases={"device_authorization_endpoint": None})
    login = Login(conventional, device="always", prompt="consent", qr_code=False)
    with Person(real, user="emil") as person:
        code = None
        while code is None:
            login.check()
            sleep(0.02)
            code = search(r"https://\S+(?=[\s\S]*?\b([A-Z]{4}-[A-Z]{4})\b)", "".join(login.told))
        assert code[0].startswith(real.issuer)
        person.approve(f"{code[0]}?user_code={code[1]}")
    session = login.session()
    assert session.subject == "emil"
    assert called(real, session, wallet.certificate).status_code == 200


def test_userinfo_takes_the_right_certificate_and_no_other(
    real: RealServer, ground: Ground, app: Make, wallet: Wallet, tmp_path: Path
) -> None:
    """It is oidc-provider's own: a verifier that nobody here wrote."""
    session = logged_in(real, app())
    assert session.userinfo() == {"sub": "alice"}
    token = stored_token(tmp_path, "")
    url, bearer = f"{real.mtls}/me", {"Authorization": f"Bearer {token}"}
    for issued, status in ((wallet.issued, 200), (None, 401), (ground.issue("native-tls"), 401)):
        with real.client(issued) as http:
            assert http.get(url, headers=bearer).status_code == status

    def through_ours(certificate: ClientCertificate | None, bound_to: str | None) -> int:
        transport = Transport(verify=str(real.ca), certificate=certificate)
        try:
            return transport.send(Request("GET", url, bearer, certificate=bound_to)).status
        finally:
            transport.close()

    other = ground.issue("native-tls")
    another = ClientCertificate.from_files(other.chain_file, other.key_file)
    assert through_ours(wallet.certificate, wallet.issued.x5t_s256) == 200
    assert (through_ours(None, None), through_ours(another, None)) == (401, 401)
    with pytest.raises(RequestRefused) as caught:
        through_ours(another, wallet.issued.x5t_s256)  # who knows what it is bound to does not even try
    assert caught.value.code == "another_certificate"


def test_it_goes_on_after_a_restart_and_is_refreshed(real: RealServer, app: Make, wallet: Wallet) -> None:
    logged_in(real, app())
    certificate = wallet.read()
    session = app(certificate).restore()
    assert session is not None
    before = requests(real)
    assert called(real, session, certificate).status_code == 200
    assert requests(real) == before
    real.distrust()
    assert called(real, session, certificate).status_code == 200
    assert called(real, session, certificate, "mtls-reference").status_code == 200
    assert requests(real)["token"] > before["token"]


def test_with_another_certificate_its_person_is_needed_and_nothing_is_sent(
    real: RealServer, app: Make, wallet: Wallet
) -> None:
    logged_in(real, app())
    wallet.replace()
    certificate = wallet.read()
    session = app(certificate).restore()
    assert session is not None
    restored: Session = session
    before = real.stats()
    assert reason(lambda: called(real, restored, certificate)) == "certificate_changed"
    assert reason(restored.userinfo) == "certificate_changed"
    assert real.stats()["as"] == before["as"]
    again = logged_in(real, app(certificate))
    assert called(real, again, certificate).json()["x5t#S256"] == wallet.issued.x5t_s256


def test_a_renewal_while_it_runs_leaves_it_bound_to_the_former_certificate(
    real: RealServer, app: Make, wallet: Wallet, caplog: pytest.LogCaptureFixture
) -> None:
    running = app()
    session = logged_in(real, running)
    former = wallet.issued.x5t_s256
    with caplog.at_level(logging.WARNING, logger="oauthclient"):
        wallet.renew()
    assert "stay bound to the former client certificate" in caplog.text
    real.distrust()
    assert called(real, session, wallet.certificate).json()["x5t#S256"] == former  # refreshed with that one, too
    assert session.userinfo()["sub"] == "alice"
    later = logged_in(real, running)
    assert called(real, later, wallet.certificate).json()["x5t#S256"] == wallet.issued.x5t_s256
    assert reason(lambda: renewed(real, session, wallet)) == "no_session"
    assert called(real, later, wallet.certificate).status_code == 200


def renewed(real: RealServer, session: Session, wallet: Wallet) -> httpx.Response:
    real.distrust()
    return called(real, session, wallet.certificate)


def test_a_logout_says_what_is_left(real: RealServer, app: Make, wallet: Wallet) -> None:
    logged_in(real, app())
    wallet.replace()
    session = app(wallet.read()).restore()
    assert session is not None
    goodbye = session.logout()  # no certificate is needed to take a token back
    assert {left.code for left in goodbye.still_honoured} <= {"unsupported_token_type"}
    assert {left.token_type for left in goodbye.still_honoured} <= {"access_token"}


def test_a_confidential_client_goes_on_with_the_next_certificate(
    real: RealServer, ground: Ground, app: Make, tmp_path: Path
) -> None:
    """Its refresh token is bound to the client: RFC 8705, section 7.1."""
    wallet = Wallet(ground, "tls", tmp_path)

    def backend(certificate: ClientCertificate) -> NativeApp:
        client_id = real.clients["tls"].client_id
        return app(certificate, client_id=client_id, authentication=TLSClientAuth(certificate))

    url, pending = backend(wallet.certificate).begin_login("https://app.example.com/callback", prompt="consent")
    session = backend(wallet.certificate).finish_login(pending, authorize(real, url))
    assert called(real, session, wallet.certificate).json()["x5t#S256"] == wallet.issued.x5t_s256
    wallet.renew()
    assert called(real, session, wallet.certificate).status_code == 200
    real.distrust()
    assert called(real, session, wallet.certificate).json()["x5t#S256"] == wallet.issued.x5t_s256
    wallet.replace()
    certificate = wallet.read()
    restored = backend(certificate).restore()
    assert restored is not None
    assert called(real, restored, certificate).json()["x5t#S256"] == wallet.issued.x5t_s256
    assert restored.userinfo()["sub"] == "alice"
