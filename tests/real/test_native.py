"""A native app at the real server: every kind of request and answer, of client, of login; and the examples."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from oauthclient import DecryptionKey, PrivateKeyJWT, Resource, SigningKey, Vault
from tests.native.visitors import free_port, run_native, running_backend
from tests.real.harness import RealServer
from tests.real.identities import LOGIN_GRANTS, Client
from tests.real.native_app import answered, app_at, called, logged_in, visited
from tests.real.person import Person


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "acme"


def sealed(folder: Path) -> Vault:
    return Vault.file(folder, key=b"k" * 32)


@pytest.mark.parametrize("mode", [None, "form_post", "query.jwt", "form_post.jwt"])
@pytest.mark.parametrize("jar", ["auto", "never"])
@pytest.mark.parametrize("par", [True, False])
def test_each_kind_of_request_and_answer(
    start_real: Callable[..., RealServer], real: RealServer, folder: Path, *, par: bool, jar: str, mode: str | None
) -> None:
    server = real if par else unpushed(start_real)
    with app_at(server, vault=sealed(folder), jar=jar) as app:
        session = logged_in(server, app, response_mode=mode, user="bob")
        assert session.subject == "bob"
        assert called(server, session).status_code == 200
        assert called(server, session, "b").status_code == 200


_UNPUSHED: list[RealServer] = []


def unpushed(start_real: Callable[..., RealServer]) -> RealServer:
    """One server without pushed requests for all tests that want it."""
    if not _UNPUSHED:
        _UNPUSHED.append(start_real(par=False))
    return _UNPUSHED[0]


def test_a_server_may_demand_all_of_it(start_real: Callable[..., RealServer], folder: Path) -> None:
    server = start_real(require_par=True, require_signed_request_object=True, initial_access_token="let-me-in")
    with app_at(server, vault=sealed(folder), initial_access_token="let-me-in") as app:
        assert called(server, logged_in(server, app)).status_code == 200


@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "ECDH-ES"])
def test_requests_and_answers_can_be_encrypted(real: RealServer, folder: Path, alg: str) -> None:
    key = DecryptionKey.generate(alg)
    members = dict.fromkeys(("authorization_encrypted_response_alg", "id_token_encrypted_response_alg"), alg)
    with app_at(
        real,
        vault=sealed(folder),
        decryption_key=key,
        request_encryption=("RSA-OAEP-256", "A256GCM"),
        registration=members | {"authorization_signed_response_alg": "ES256", "id_token_signed_response_alg": "PS256"},
    ) as app:
        session = logged_in(real, app, response_mode="query.jwt")
        assert session.subject == "alice"
        assert called(real, session).status_code == 200


def test_a_registered_app_is_restored_rotates_its_key_and_goes(real: RealServer, folder: Path) -> None:
    with app_at(real, vault=sealed(folder)) as app:
        session = logged_in(real, app)
        client_id = session.client_id
        before = app.registration.show()
        assert before is not None
        assert app.registration.rotate_key().key != before.key
    with app_at(real, vault=sealed(folder)) as again:
        restored = again.restore()
        assert restored is not None
        real.distrust()
        assert called(real, restored).status_code == 200  # refreshed, with an assertion by the new key
        assert logged_in(real, again).client_id == client_id
        restored = again.restore()
        assert restored is not None
        restored.logout()
        again.registration.delete()
        assert again.registration.show() is None


@pytest.mark.parametrize("name", ["native", "native-key", "native-jar"])
def test_a_client_registered_by_hand(real: RealServer, folder: Path, name: str) -> None:
    client = real.clients[name]
    settings: dict[str, Any] = {"client_id": client.client_id, "redirect_path": "/callback", "vault": sealed(folder)}
    if client.pem:
        settings["authentication"] = PrivateKeyJWT(SigningKey.from_pem(client.pem))
    with app_at(real, **settings) as app:
        session = logged_in(real, app)
        assert called(real, session).status_code == 200
        assert called(real, session, "b").status_code == 200


def test_a_second_login_of_the_same_person_does_not_end_with_the_first(real: RealServer, folder: Path) -> None:
    """The server has one grant for a person and a client, and ends all of it with any refresh token of it."""
    with Person(real) as person, app_at(real, vault=sealed(folder)) as app:
        for _ in range(2):
            session = logged_in(real, app, visit=lambda url: answered(person, url))
        real.distrust()
        assert called(real, session).status_code == 200
        assert called(real, session, "b").status_code == 200


def test_no_refresh_token_is_said_and_the_next_login_asks_for_consent(real: RealServer, folder: Path) -> None:
    with app_at(real, vault=sealed(folder)) as app:
        assert not logged_in(real, app, prompt=None).refreshable
        assert logged_in(real, app, prompt=None).refreshable


def test_what_the_person_did_not_grant_is_known_before_a_refresh_token_is_spent(real: RealServer, folder: Path) -> None:
    resources = [Resource(real.resource("a"), scope="read write")]
    with Person(real, refuse="write") as person, app_at(real, vault=sealed(folder), resources=resources) as app:
        session = logged_in(real, app, visit=lambda url: answered(person, url))
        assert [granted.scope for granted in session.granted] == ["read"]
        real.distrust()
        assert called(real, session).status_code == 200


def test_the_app_of_the_examples(real: RealServer, folder: Path) -> None:
    options = ["--issuer", real.issuer, "--api", real.resource("a"), "read", "--folder", str(folder)]
    options += ["--ca", str(real.ca)]
    first = run_native(*options, "--no-browser", visit=lambda url: visited(real, url))
    assert (first.returncode, first.stdout) == (0, f"alice: GET {real.resource('a')}/today: 200\n")
    again = run_native(*options, visit=lambda url: visited(real, url))
    assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, "")


def test_the_backend_of_the_examples(start_real: Callable[..., RealServer], folder: Path, tmp_path: Path) -> None:
    port = free_port()
    real = start_real()
    key = next(client for client in real.clients.values() if client.client_id == "native-key")
    told = register_backend(real, key, port)
    (tmp_path / "client.pem").write_bytes(key.pem)
    options = [
        "--issuer",
        real.issuer,
        f"--client-id={told}",  # which may begin with a hyphen
        "--key",
        str(tmp_path / "client.pem"),
        "--ca",
        str(real.ca),
    ]
    options += ["--api", real.resource("a"), "read", "--port", str(port)]
    with running_backend(*options) as home:
        for user in ("ann", "ben"):
            with httpx.Client(trust_env=False) as shop, Person(real, user=user) as person:
                callback = person.authorize(shop.get(f"{home}/login").headers["Location"])
                assert shop.get(callback).status_code == 303
                assert f"Hello, {user}." in shop.get(home).text
                assert f"{user}: GET {real.resource('a')}/today: 200" in shop.get(f"{home}/orders").text


def register_backend(real: RealServer, key: Client, port: int) -> str:
    """A web client with that key; its client_id."""
    with real.client() as http:
        endpoint = http.get(f"{real.issuer}/.well-known/openid-configuration").json()["registration_endpoint"]
        asked = {
            "application_type": "native",  # for http on a loopback address
            "redirect_uris": [f"http://127.0.0.1:{port}/callback"],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": key.algorithm,
            "jwks": key.jwks,
            "grant_types": list(LOGIN_GRANTS),
            "dpop_bound_access_tokens": True,
            "id_token_signed_response_alg": "ES256",
        }
        answer = http.post(endpoint, json=asked)
        assert answer.status_code == 201, answer.text
        client_id: str = answer.json()["client_id"]
        return client_id
