"""The embedded server's logins by way of another device (RFC 8628), and ours through it."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlencode

import pytest

from oauthclient.engine.driver import Driver
from oauthclient.engine.transport import Transport
from oauthclient.errors import ErrorResponse, LoginTimeout
from oauthclient.flows.poll import begin_device, poll
from oauthclient.flows.server import Server
from oauthclient.protocol.authentication import PublicClient
from oauthclient.protocol.authorization_request import Wish
from oauthclient.protocol.binding import DPoP
from oauthclient.protocol.session import Granted
from oauthclient.storage.memory import MemoryStore
from oauthclient.testing import RefusedError, Request
from oauthclient.testing.misbehaviour import OMIT, html
from oauthclient.testing.pages import read_form

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
ORDERS = "https://api.example.com/orders"


@pytest.fixture
def device(app: Any, read: Any) -> Any:
    class Device:
        url = app.server.device.device_authorization_endpoint

        def ask(self, **changes: Any) -> Any:
            form = {"client_id": "app", "scope": "openid read", "resource": ORDERS} | changes
            return app.world.post({n: v for n, v in form.items() if v is not OMIT}, url=self.url)

        def begin(self, **changes: Any) -> Any:
            response = self.ask(**changes)
            assert response.status == 200, response.body
            return read(response)

        def poll(self, codes: Any, *, after: float = 5.0, **changes: Any) -> Any:
            app.world.clock.advance(after)
            form = {"grant_type": DEVICE_CODE, "device_code": codes["device_code"], "resource": ORDERS}
            return app.token(**(form | changes))

    return Device()


def test_the_answer_has_the_codes_and_where_to_enter_them(device, app):
    codes = device.begin()
    assert codes["verification_uri"] == "https://as.example.com/device"
    assert codes["verification_uri_complete"] == f"https://as.example.com/device?user_code={codes['user_code']}"
    assert (codes["expires_in"], codes["interval"]) == (600, 5.0)
    metadata = app.server.metadata_document()
    assert metadata["device_authorization_endpoint"] == device.url
    assert DEVICE_CODE in metadata["grant_types_supported"]


def test_what_is_optional_can_be_left_out(device, app):
    app.server.device.tells_interval = app.server.device.complete = False
    assert {"interval", "verification_uri_complete"}.isdisjoint(device.begin())


def test_a_yes_brings_tokens_once(device, app, read, refused):
    codes = device.begin()
    assert refused(device.poll(codes)) == (400, "authorization_pending")
    app.server.device.approve(codes["user_code"], subject="bob")
    document = read(device.poll(codes))
    assert document["token_type"] == "DPoP"
    assert {"access_token", "refresh_token", "id_token"} <= document.keys()
    assert app.server.tokens.issued[-1].claims["sub"] == "bob"
    assert refused(device.poll(codes)) == (400, "invalid_grant")
    assert app.refresh(document["refresh_token"]).status == 200


def test_a_no_ends_it(device, app, refused):
    codes = device.begin()
    app.server.device.refuse(codes["user_code"])
    assert refused(device.poll(codes)) == (400, "access_denied")


def test_the_setting_of_the_person_says_no_too(device, app, refused):
    app.server.person.refusal = "access_denied"
    codes = device.begin()
    app.server.device.approve(codes["user_code"])
    assert refused(device.poll(codes)) == (400, "access_denied")


def test_polling_too_fast_is_noticed_and_the_interval_grows(device, app, refused):
    codes = device.begin()
    assert refused(device.poll(codes, after=4.9)) == (400, "slow_down")
    assert refused(device.poll(codes, after=9.9)) == (400, "slow_down")
    assert refused(device.poll(codes, after=15.0)) == (400, "authorization_pending")
    (asked,) = app.server.device.codes.issued
    assert (asked.polls, asked.too_fast, asked.interval) == (3, 2, 15.0)


def test_the_codes_expire(device, app, refused):
    codes = device.begin()
    assert refused(device.poll(codes, after=600)) == (400, "expired_token")
    with pytest.raises(RefusedError):
        app.server.device.approve(codes["user_code"])


def test_a_code_is_its_clients(device, app, refused):
    app.server.register("other")
    codes = device.begin()
    assert refused(device.poll(codes, client_id="other")) == (400, "invalid_grant")
    assert refused(device.poll({"device_code": "guessed"})) == (400, "invalid_grant")
    assert refused(app.token(grant_type=DEVICE_CODE)) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "nobody"}, "invalid_client"),
        ({"scope": "all"}, "invalid_scope"),
        ({"resource": "https://nowhere.example"}, "invalid_target"),
        ({"authorization_details": "x"}, "invalid_authorization_details"),
    ],
)
def test_a_request_is_checked_at_once(device, refused, changes, error):
    assert refused(device.ask(**changes))[1] == error


def test_a_client_may_not_be_registered_for_it(device, app, refused):
    app.client.grant_types = frozenset({"authorization_code"})
    assert refused(device.ask()) == (400, "unauthorized_client")


def test_what_was_granted_is_what_was_asked_for(device, app, read):
    details = [{"type": "payment"}]
    codes = device.begin(authorization_details='[{"type": "payment"}]', login_hint="carol", scope="read")
    app.server.device.approve(codes["user_code"])
    document = read(device.poll(codes))
    assert (document["scope"], document["authorization_details"]) == ("read", details)
    assert app.server.tokens.issued[-1].claims["sub"] == "carol"


def browse(app, *, method="GET", url=None, **fields):
    url = url or app.server.device.verification_uri
    if method == "GET":
        return app.server.handle(Request("GET", url))
    headers = (("Content-Type", "application/x-www-form-urlencoded"),)
    return app.server.handle(Request("POST", url, headers, urlencode(fields).encode()))


def test_a_person_enters_the_code_and_decides(device, app, read):
    codes = device.begin()
    page = browse(app)
    assert b'name="user_code"' in page.body
    question = browse(app, method="POST", user_code=codes["user_code"].lower().replace("-", " "))
    assert b"app" in question.body
    assert b"alice" in question.body
    form = read_form(question)
    assert b"Go back" in browse(app, method="POST", **dict(form.fields), decision="allow").body
    assert "access_token" in read(device.poll(codes))


def test_a_link_asks_and_decides_nothing(device, app, refused):
    """Section 5.4: remote phishing."""
    codes = device.begin()
    link = f"{codes['verification_uri_complete']}&decision=allow"
    assert b"Allow access?" in browse(app, url=link).body
    assert refused(device.poll(codes)) == (400, "authorization_pending")


def test_a_person_may_say_no_on_the_page(device, app, refused):
    codes = device.begin()
    browse(app, method="POST", ticket=codes["user_code"], decision="deny")
    assert refused(device.poll(codes)) == (400, "access_denied")
    assert browse(app, method="POST", ticket=codes["user_code"], decision="allow").status == 400


def test_a_code_that_nobody_waits_for_is_told(app):
    page = browse(app, method="POST", user_code="BBBB-BBBB")
    assert page.status == 400
    assert b"No device waits" in page.body


class Program:
    """Ours, against the embedded server: the stories told by the driver, in real time."""

    def __init__(self, app: Any) -> None:
        from oauthclient.testing import Network

        self.device = app.server.device
        self.device.codes.interval = 0.05
        self.driver = Driver(Transport(transport=Network(app.server).transport()), MemoryStore())
        self.server = Server(
            app.server.issuer,
            client_id="app",
            authentication=PublicClient(),
            binding=DPoP(),
            told_by="resource",
            parameters={},
            loopback=False,
            metadata=None,
        )
        self.codes = self.driver.run(
            begin_device(self.server, Wish(targets=(Granted(ORDERS, "read"),), scope="openid"))
        )

    def poll(self) -> Any:
        return self.driver.run(poll(self.server, self.codes, [("resource", ORDERS)]))


@pytest.fixture
def app_now(world, app):
    """The app at a server whose clock runs."""
    import time

    for part in (world.server, world.server.proofs):
        part.now = time.time
    return app


def test_our_poll_waits_for_a_person_and_keeps_the_interval(app_now, read):
    app_now.server.nonces.mode = "rolling"
    program = Program(app_now)
    app_now.server.instead(html(503))
    threading.Timer(0.5, program.device.approve, [program.codes.user_code]).start()
    assert "access_token" in read(program.poll())
    (asked,) = program.device.codes.issued
    assert asked.too_fast == 0
    assert asked.polls > 2


def test_our_poll_ends_with_a_no(app_now):
    program = Program(app_now)
    program.device.refuse(program.codes.user_code)
    with pytest.raises(ErrorResponse) as caught:
        program.poll()
    assert caught.value.code == "access_denied"


def test_our_poll_ends_with_the_codes(app_now):
    app_now.server.device.codes.lifetime = 1
    program = Program(app_now)
    with pytest.raises(LoginTimeout):
        program.poll()
