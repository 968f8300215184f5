"""The programs of `examples/` that log people in, against the embedded server."""

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oauthclient import SigningKey
from tests.examples.programs import JWT
from tests.native.visitors import free_port, run_native, running_backend


@pytest.fixture
def options(house):
    return [
        *("--issuer", house.issuer, "--api", house.orders.url, "read"),
        *("--folder", str(house.folder), "--insecure-loopback"),
    ]


def test_the_app_logs_a_person_in_once_and_calls_the_api(house, options) -> None:
    first = run_native(*options, "--no-browser", visit=house.person.visit)
    assert (first.returncode, first.stdout) == (0, f"alice: GET {house.orders.url}/today: 200\n")
    assert JWT.search(first.stdout + first.stderr) is None
    again = run_native(*options, visit=house.person.visit)
    assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, "")
    assert len(house.person.pages) == 1


def test_the_app_lets_the_person_log_in_again_where_the_server_has_ended_the_session(house, options) -> None:
    run_native(*options, "--no-browser", visit=house.person.visit)
    house.server.refresh_tokens.end_all()
    again = run_native(*options, "--no-browser", visit=house.person.visit)
    assert (again.returncode, again.stdout) == (0, f"alice: GET {house.orders.url}/today: 200\n")
    assert len(house.person.pages) == 2


def test_the_app_logs_out(house, options) -> None:
    run_native(*options, "--no-browser", visit=house.person.visit)
    done = run_native(*options, "--logout", visit=house.person.visit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert house.server.refresh_tokens.issued[-1].login.ended
    run_native(*options, "--no-browser", visit=house.person.visit)
    assert len(house.person.pages) == 2


def test_the_app_says_in_a_line_what_went_wrong(house, options) -> None:
    house.port.close()
    done = run_native(*options, "--no-browser", visit=house.person.visit)
    assert done.returncode == 1
    assert done.stderr.startswith("native: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("kept", ["in memory", "in sealed files"])
def test_the_backend_serves_many_people_at_once(house, tmp_path, kept) -> None:
    port = free_port()
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "client.pem").write_bytes(pem)
    house.server.register("shop", key=SigningKey.from_pem(pem), redirect_uris=[f"http://127.0.0.1:{port}/callback"])
    options = ["--issuer", house.issuer, "--client-id", "shop", "--key", str(tmp_path / "client.pem")]
    options += ["--api", house.orders.url, "read", "--port", str(port), "--insecure-loopback"]
    options += ["--folder", str(house.folder)] if kept == "in sealed files" else []
    people = ("ann", "ben", "cleo")
    with running_backend(*options) as home:
        browsers = {
            each: httpx.Client(base_url=home, cookies={"subject": each}, follow_redirects=True, trust_env=False)
            for each in people
        }
        assert "Nobody is logged in." in browsers["ann"].get("/").text
        for person, browser in browsers.items():
            assert f"Hello, {person}." in browser.get("/login").text
        for person, browser in reversed(browsers.items()):
            assert f"{person}: GET {house.orders.url}/today: 200" in browser.get("/orders").text
        assert "Nobody is logged in." in browsers["ann"].post("/logout").text
        assert "Hello, ben." in browsers["ben"].get("/").text
        assert browsers["ben"].get("/callback?code=x&state=y").status_code == 400
        browsers["cleo"].cookies.set("refusal", "access_denied")
        refused = browsers["cleo"].get("/login")
        assert refused.status_code == 502
        assert "access_denied" in refused.text
        for browser in browsers.values():
            browser.close()


def test_the_backend_does_not_finish_what_another_browser_began(house, tmp_path) -> None:
    """An attacker who sends a victim the callback URL of their own login would log the victim in as themselves."""
    port = free_port()
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    house.server.register("shop", key=SigningKey.from_pem(pem), redirect_uris=[f"http://127.0.0.1:{port}/callback"])
    (tmp_path / "client.pem").write_bytes(pem)
    options = ["--issuer", house.issuer, "--client-id", "shop", "--key", str(tmp_path / "client.pem")]
    options += ["--api", house.orders.url, "read", "--port", str(port), "--insecure-loopback"]
    with running_backend(*options) as home, httpx.Client(trust_env=False) as attacker, httpx.Client() as victim:
        asked = attacker.get(f"{home}/login").headers["Location"]
        callback = house.person.callback(asked, subject="mallory")
        assert victim.get(callback).status_code == 400
        victim.get(f"{home}/login")
        assert victim.get(callback).status_code == 502
        assert "Nobody is logged in." in victim.get(home).text
