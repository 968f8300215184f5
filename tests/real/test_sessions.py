"""The real server keeps sessions and clients as the tests take it to: seen with httpx and joserfc alone."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from tests.real.by_hand import authorize
from tests.real.harness import RealServer
from tests.real.identities import DEVICE_CODE, Client
from tests.real.login_by_hand import LoginByHand, register
from tests.real.person import Person


@pytest.fixture
def http(real: RealServer) -> Iterator[httpx.Client]:
    with real.client() as client:
        yield client


@pytest.fixture
def native(real: RealServer, http: httpx.Client) -> LoginByHand:
    return LoginByHand(real, "native", http)


def logged_in(client: LoginByHand, user: str = "alice") -> str:
    """The refresh token of a login for resources a and b."""
    resources = [client.real.resource("a"), client.real.resource("b")]
    request = client.parameters(scope="openid offline_access read write admin") | {"resource": resources}
    callback = authorize(client.real, client.front(request), user=user)
    token: str = client.redeem(callback, resource=resources[0])["refresh_token"]
    return token


def test_each_refresh_brings_another_refresh_token_for_either_resource(real: RealServer, native: LoginByHand) -> None:
    tokens = [logged_in(native)]
    for name, scope in (("a", "read write"), ("b", "read admin"), ("a", "read write")):
        answer = native.refresh(tokens[-1], resource=real.resource(name)).json()
        assert answer["scope"] == scope
        assert native.call(answer["access_token"], real.resource(name)).status_code == 200
        assert native.verified(answer["id_token"], "ES256")["sub"] == "alice"
        tokens.append(answer["refresh_token"])
    assert len(set(tokens)) == 4


def test_a_refresh_token_that_comes_twice_ends_the_session_and_is_counted(
    real: RealServer, native: LoginByHand
) -> None:
    before = real.stats()["as"]
    first = logged_in(native)
    a = real.resource("a")
    second = native.refresh(first, resource=a).json()["refresh_token"]
    assert native.refresh(first, resource=a).json()["error"] == "invalid_grant"
    assert native.refresh(second, resource=a).json()["error"] == "invalid_grant"
    after = real.stats()["as"]
    assert after["replayed"] == before["replayed"] + 1
    assert after["granted"]["refresh_token"] == before["granted"].get("refresh_token", 0) + 1
    assert after["requested"]["refresh_token"] >= before["requested"].get("refresh_token", 0) + 3


def test_a_refresh_without_resource_costs_nothing_where_openid_was_granted(
    real: RealServer, native: LoginByHand
) -> None:
    """It is a token for UserInfo then; without openid it is an error, which comes when the token is used up already."""
    refreshed = native.refresh(logged_in(native)).json()
    userinfo = native.call(refreshed["access_token"], native.metadata["userinfo_endpoint"], nonce=native.nonce)
    assert userinfo.json()["sub"] == "alice"
    resources = [real.resource("a"), real.resource("b")]
    request = native.parameters(scope="offline_access read") | {"resource": resources}
    del request["nonce"]
    token = native.redeem(authorize(real, native.front(request)), resource=resources[0])["refresh_token"]
    assert native.refresh(token).json()["error"] == "invalid_target"
    assert native.refresh(token, resource=resources[0]).json()["error"] == "invalid_grant"


def test_what_was_not_granted_is_refused_before_the_token_is_used_up_or_after(
    real: RealServer, native: LoginByHand
) -> None:
    token = logged_in(native)
    a = real.resource("a")
    assert native.refresh(token, resource=a, scope="read unheard-of").json()["error"] == "invalid_scope"
    token = native.refresh(token, resource=a).json()["refresh_token"]
    assert native.refresh(token, resource=real.resource("reference")).json()["error"] == "invalid_target"
    assert native.refresh(token, resource=a).json()["error"] == "invalid_grant"


def test_a_public_clients_refresh_token_is_bound_to_its_key_and_a_confidential_ones_is_not(
    real: RealServer, http: httpx.Client
) -> None:
    for name, status in (("native", 400), ("native-key", 200)):
        client = LoginByHand(real, name, http)
        token = logged_in(client)
        client.dpop_key = ECKey.generate_key("P-256")
        assert client.refresh(token, resource=real.resource("a")).status_code == status


def test_a_server_need_not_rotate(start_real: Callable[..., RealServer]) -> None:
    server = start_real(rotate_refresh_tokens=False)
    with server.client() as http:
        native = LoginByHand(server, "native", http)
        token = logged_in(native)
        for _ in range(2):
            assert native.refresh(token, resource=server.resource("a")).json()["refresh_token"] == token


def test_a_server_may_take_a_refresh_token_again_for_a_while(start_real: Callable[..., RealServer]) -> None:
    server = start_real(refresh_grace=2)
    with server.client() as http:
        native = LoginByHand(server, "native", http)
        token = logged_in(native)
        for _ in range(3):
            answer = native.refresh(token, resource=server.resource("a"))
            assert answer.status_code == 200
        time.sleep(2.1)
        assert native.refresh(token, resource=server.resource("a")).json()["error"] == "invalid_grant"
    assert server.stats()["as"]["replayed"] == 3


def test_two_refreshes_at_once_are_a_replay_even_if_both_are_granted(start_real: Callable[..., RealServer]) -> None:
    server = start_real(token_delay=200, dpop_nonces=False)
    with server.client() as http, ThreadPoolExecutor(2) as pool:
        native = LoginByHand(server, "native", http)
        token = logged_in(native)
        for done in [pool.submit(native.refresh, token, resource=server.resource("a")) for _ in range(2)]:
            assert done.result().status_code in {200, 400}
    assert server.stats()["as"]["replayed"] == 1


def test_the_token_endpoint_can_be_slow_and_finishes_what_nobody_waits_for(
    start_real: Callable[..., RealServer],
) -> None:
    server = start_real(token_delay=600, dpop_nonces=False)
    with server.client() as http:
        native = LoginByHand(server, "native", http)
        token = logged_in(native)
        http.timeout = 0.2
        with pytest.raises(httpx.ReadTimeout):
            native.refresh(token, resource=server.resource("a"))
        http.timeout = 10
        begun = time.monotonic()
        assert native.refresh(token, resource=server.resource("a")).json()["error"] == "invalid_grant"
        assert time.monotonic() - begun >= 0.6
    assert server.stats()["as"]["replayed"] == 1


def test_the_server_can_take_back_what_it_granted(real: RealServer, native: LoginByHand) -> None:
    alice, bob = logged_in(native), logged_in(native, "bob")
    real.forget("alice")
    assert native.refresh(alice, resource=real.resource("a")).json()["error"] == "invalid_grant"
    bob = native.refresh(bob, resource=real.resource("a")).json()["refresh_token"]
    real.forget()
    assert native.refresh(bob, resource=real.resource("a")).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("name", ["native", "native-key"])
def test_revoking_the_refresh_token_ends_the_session(real: RealServer, http: httpx.Client, name: str) -> None:
    client = LoginByHand(real, name, http)
    token = logged_in(client)
    endpoint = client.metadata["revocation_endpoint"]
    for _ in range(2):  # RFC 7009, section 2.2: an unknown token is no error
        assert client.send(endpoint, {"token": token, "token_type_hint": "refresh_token"}).status_code == 200
    assert client.refresh(token, resource=real.resource("a")).json()["error"] == "invalid_grant"


def test_revoking_an_access_token_ends_the_session_or_cannot_be_done(real: RealServer, native: LoginByHand) -> None:
    token = logged_in(native)
    endpoint = native.metadata["revocation_endpoint"]
    answer = native.refresh(token, resource=real.resource("a")).json()
    refused = native.send(endpoint, {"token": answer["access_token"]})
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_token_type")
    answer = native.refresh(answer["refresh_token"]).json()
    assert native.send(endpoint, {"token": answer["access_token"]}).status_code == 200
    assert native.refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("user", ["alice", "deny"])
def test_a_device_waits_until_the_person_has_decided(real: RealServer, native: LoginByHand, user: str) -> None:
    url = real.resource("a")
    form = {"scope": "openid offline_access read", "resource": url}
    answer = native.send(native.metadata["device_authorization_endpoint"], form).json()
    assert answer.keys() == {"device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in"}
    poll = {"grant_type": DEVICE_CODE, "device_code": answer["device_code"], "resource": url}
    native.ask(**poll)
    assert native.ask(**poll).json()["error"] == "authorization_pending"
    with Person(real, user=user) as person:
        page = person.approve(answer["verification_uri_complete"])
    assert ("Sign-in Success" in page) == (user == "alice")
    done = native.ask(**poll).json()
    if user == "deny":
        assert done["error"] == "access_denied"
    else:
        assert native.call(done["access_token"], url).json()["token"]["sub"] == "alice"
        assert native.refresh(done["refresh_token"], resource=url).status_code == 200


def test_a_device_code_expires(start_real: Callable[..., RealServer]) -> None:
    server = start_real(device_lifetime=1, dpop_nonces=False)
    with server.client() as http:
        native = LoginByHand(server, "native", http)
        answer = native.send(native.metadata["device_authorization_endpoint"], {"scope": "openid"}).json()
        time.sleep(1.1)
        poll = native.ask(grant_type=DEVICE_CODE, device_code=answer["device_code"])
        assert poll.json()["error"] == "expired_token"


def test_a_client_registers_itself_and_manages_its_registration(real: RealServer, http: httpx.Client) -> None:
    key, other = (ECKey.generate_key("P-256") for _ in range(2))
    asked: dict[str, Any] = {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": [key.as_dict(private=False)]},
        "client_name": "Acme CLI",
        "software_id": "acme",
    }
    told = register(real, http, **asked)
    assert asked.items() <= told.items()
    uri, first = told.pop("registration_client_uri"), told.pop("registration_access_token")
    client = LoginByHand(real, _client(told["client_id"], key), http)
    session = logged_in(client)

    assert http.get(uri, headers=_bearer(first)).json()["registration_access_token"] == first  # reading rotates nothing
    told.pop("client_id_issued_at")
    update = told | {"jwks": {"keys": [other.as_dict(private=False)]}}
    assert http.put(uri, json=update | {"client_id_issued_at": 1}, headers=_bearer(first)).status_code == 400
    answer = http.put(uri, json=update, headers=_bearer(first))
    assert answer.status_code == 200, answer.text
    second = answer.json()["registration_access_token"]
    assert second != first
    assert http.get(uri, headers=_bearer(first)).status_code == 401

    # The new key is in effect, the old one is not; the session stays.
    assert client.refresh(session, resource=real.resource("a")).json()["error"] == "invalid_client"
    client.identity = _client(told["client_id"], other)
    assert client.refresh(session, resource=real.resource("a")).status_code == 200

    assert http.delete(uri, headers=_bearer(second)).status_code == 204
    assert http.get(uri, headers=_bearer(second)).status_code == 401
    assert client.ask().json()["error"] == "invalid_client"


def test_registration_can_need_a_token_and_leave_its_own_as_it_is(start_real: Callable[..., RealServer]) -> None:
    server = start_real(initial_access_token="let-me-in", rotate_registration_tokens=False)
    with server.client() as http:
        endpoint = LoginByHand(server, "native", http).metadata["registration_endpoint"]
        assert http.post(endpoint, json={}).json()["error"] == "invalid_token"
        told = register(server, http, token="let-me-in")
        uri, token = told.pop("registration_client_uri"), told.pop("registration_access_token")
        told.pop("client_id_issued_at")
        assert http.put(uri, json=told, headers=_bearer(token)).json()["registration_access_token"] == token


def test_a_server_may_lack_registration_and_pushed_requests(start_real: Callable[..., RealServer]) -> None:
    server = start_real(registration=False, par=False)
    with server.client() as http:
        native = LoginByHand(server, "native", http)
        assert native.metadata.keys().isdisjoint({"registration_endpoint", "pushed_authorization_request_endpoint"})
        native.redeem(authorize(server, native.front(native.parameters())))


def test_a_login_works_where_the_issuer_has_a_path(start_real: Callable[..., RealServer]) -> None:
    server = start_real(issuer_path="/tenant")
    with server.client() as http:
        native = LoginByHand(server, "native", http)
        assert native.refresh(logged_in(native), resource=server.resource("a")).status_code == 200
        form = {"scope": "openid", "client_id": "native"}
        answer = native.send(native.metadata["device_authorization_endpoint"], form).json()
        with Person(server) as person:
            assert "Sign-in Success" in person.approve(answer["verification_uri_complete"])


def _client(client_id: str, key: ECKey) -> Client:
    pem = key.as_pem(private=True)
    return Client(client_id, "private_key_jwt", algorithm="ES256", pem=pem)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
