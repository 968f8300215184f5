import json
import re

from oauthclient.cli.place import Place
from tests.cli.conftest import Stage


def test_a_person_logs_in_calls_an_api_and_logs_out(stage: Stage) -> None:
    login = stage.log_in(*stage.for_orders)
    assert (login.returncode, login.stdout) == (0, "")
    assert f"Logged in as alice at {stage.issuer}. The session is kept in sealed files." in login.stderr

    call = stage.run("request", "GET", f"{stage.orders.url}/17")
    assert (call.returncode, call.stderr) == (0, "")
    assert json.loads(call.stdout)["subject"] == "alice"

    logout = stage.run("logout")
    assert (logout.returncode, logout.stdout) == (0, "")
    assert [seen.status for seen in stage.server.requests if seen.endpoint == "revocation"] == [200, 200]
    assert stage.run("request", "GET", stage.orders.url).returncode == 3


def test_the_login_uses_all_that_the_server_offers(stage: Stage) -> None:
    stage.log_in(*stage.for_orders)

    endpoints = [seen.endpoint for seen in stage.server.requests]
    assert [name for name in endpoints if name != "metadata"][:3] == ["registration", "par", "authorization"]
    assert stage.server.tokens.issued[0].jkt is not None


def test_what_is_written_down_holds_no_secret_and_is_for_its_owner_alone(stage: Stage) -> None:
    login = stage.log_in(*stage.for_orders)

    ledger = stage.folder / "logins.json"
    assert [path.stat().st_mode & 0o777 for path in (stage.folder, ledger)] == [0o700, 0o600]
    shown = ledger.read_text() + login.stderr + login.stdout
    assert [secret for secret in stage.secrets if secret in shown] == []


def test_each_scope_belongs_to_the_resource_before_it_and_the_first_ones_to_the_login(stage: Stage) -> None:
    login = stage.log_in(
        *stage.server_options,
        *("--scope", "email"),
        *("--resource", stage.orders.url, "--scope", "read", "--scope", "write"),
        *("--resource", stage.stock.url, "--scope", "stock.write", "--also", "https://other.example/stock"),
    )

    assert login.returncode == 0
    [made] = Place(stage.folder).ledger.all()
    assert made.scope == "openid email"
    assert [(api.url, api.scope, api.also) for api in made.resources] == [
        (stage.orders.url, "read write", ()),
        (stage.stock.url, "stock.write", ("https://other.example/stock",)),
    ]


def test_a_login_is_repeated_as_it_was(logged_in: Stage) -> None:
    login = logged_in.log_in(logged_in.issuer)  # neither the resources nor --insecure-loopback are said again

    assert login.returncode == 0
    [made] = Place(logged_in.folder).ledger.all()
    assert [api.url for api in made.resources] == [logged_in.orders.url, logged_in.stock.url]
    assert len(logged_in.server.clients) == 1


def test_a_login_is_extended_by_what_it_lacks(stage: Stage) -> None:
    stage.keep_login(stage.orders)
    assert stage.here("request", "GET", stage.stock.url)[0] == 3

    login = stage.log_in(stage.issuer, "--extend", "--resource", stage.stock.url, "--scope", "stock.write")

    assert login.returncode == 0
    assert stage.here("request", "GET", stage.stock.url)[0] == 0
    assert stage.here("request", "GET", stage.orders.url)[0] == 0


def test_profiles_stand_side_by_side(stage: Stage) -> None:
    stage.keep_login()
    stage.server.person.subject = "bob"
    login = stage.log_in(*stage.for_orders, "--profile", "work", "--json")
    assert json.loads(login.stdout)["subject"] == "bob"

    for profile, person in ((), "alice"), (("--profile", "default"), "alice"), (("--profile", "work"), "bob"):
        code, out, _ = stage.here("request", "GET", stage.orders.url, *profile)
        assert (code, json.loads(out)["subject"]) == (0, person)


def test_another_person_needs_to_be_asked_for(logged_in: Stage) -> None:
    logged_in.server.person.subject = "mallory"

    refused = logged_in.log_in(logged_in.issuer)
    assert refused.returncode == 3
    assert "--switch-account" in refused.stderr
    assert '"alice"' in logged_in.here("request", "GET", logged_in.orders.url)[1]

    assert logged_in.log_in(logged_in.issuer, "--switch-account").returncode == 0
    assert '"mallory"' in logged_in.here("request", "GET", logged_in.orders.url)[1]


def test_a_person_who_says_no_is_heard(stage: Stage) -> None:
    stage.server.person.refusal = "access_denied"

    login = stage.log_in(*stage.for_orders)

    assert login.returncode == 4
    assert re.search(r"^oauthclient: .*access_denied", login.stderr, re.MULTILINE)
    assert Place(stage.folder).ledger.all() == []


def test_nobody_who_logs_in_is_not_waited_for_longer_than_was_said(stage: Stage) -> None:
    login = stage.run("login", *stage.for_orders, "--no-browser", "--timeout", "1")

    assert login.returncode == 1
    assert "--timeout" in login.stderr


def test_without_a_browser_the_ways_out_are_named_and_nothing_is_sent(stage: Stage) -> None:
    login = stage.run("login", *stage.for_orders, SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22")

    assert login.returncode == 1
    assert "--no-browser" in login.stderr
    assert "--device" in login.stderr
    assert stage.server.requests == []


def test_without_a_keyring_the_way_out_is_named_and_nothing_is_sent(stage: Stage) -> None:
    login = stage.run(
        "login",
        *stage.for_orders,
        "--no-browser",
        OAUTHCLIENT_STORE="keyring",
        PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring",
    )

    assert login.returncode == 6
    assert "--store file" in login.stderr
    assert stage.server.requests == []


def test_nobody_is_there_to_type_a_passphrase(stage: Stage) -> None:
    del stage.environ["OAUTHCLIENT_STORAGE_KEY"]

    login = stage.run("login", *stage.for_orders, "--no-browser")

    assert login.returncode == 6
    assert "OAUTHCLIENT_STORAGE_KEY_FILE" in login.stderr


def test_a_session_kept_elsewhere_is_not_left_behind(logged_in: Stage) -> None:
    code, _, told = logged_in.here("login", logged_in.issuer, "--store", "keyring", "--no-browser")

    assert code == 1
    assert "Log out of it first" in told


def test_a_client_that_was_registered_by_hand_is_used(stage: Stage) -> None:
    stage.server.register("by-hand", redirect_uris=["http://127.0.0.1/answers"])

    login = stage.log_in(*stage.for_orders, "--client-id", "by-hand", "--redirect-path", "/answers", "--json")

    assert json.loads(login.stdout)["client_id"] == "by-hand"
    assert list(stage.server.clients) == ["by-hand"]
    assert stage.here("request", "GET", stage.orders.url)[0] == 0
    assert stage.here("register", "show", stage.issuer)[0] == 1


def test_an_initial_access_token_is_read_from_a_file(stage: Stage) -> None:
    stage.server.registration.initial_access_tokens = {"first-one"}
    assert stage.log_in(*stage.for_orders).returncode == 4
    file = stage.folder.parent / "token"
    file.write_text("first-one\n")

    assert stage.log_in(*stage.for_orders, "--initial-access-token-file", str(file)).returncode == 0


def test_what_cannot_be_meant_is_a_usage_error(stage: Stage) -> None:
    for arguments in (
        [*stage.server_options],
        [*stage.server_options, "--identifier", "x", "--resource", stage.orders.url],
        [*stage.for_orders, "--device", "--no-browser"],
        [*stage.for_orders, "--client-secret-file", __file__],
        [*stage.for_orders, "--identifier", "urn:a:a", "--identifier", "urn:a:b"],
    ):
        code, out, told = stage.here("login", *arguments)
        assert (code, out) == (2, "")
        assert told.startswith("oauthclient: ")
        assert told.endswith("\n  oauthclient login --help\n")
    assert stage.server.requests == []
