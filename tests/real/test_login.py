"""The real server logs people in as the tests take it to: seen with httpx and joserfc alone."""

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import httpx
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from tests.real.by_hand import authorize
from tests.real.harness import RealServer
from tests.real.identities import Client
from tests.real.login_by_hand import REDIRECT_URI, LoginByHand, parameters_of, register
from tests.real.person import Person


@pytest.fixture
def http(real: RealServer) -> Iterator[httpx.Client]:
    with real.client() as client:
        yield client


@pytest.fixture
def native(real: RealServer, http: httpx.Client) -> LoginByHand:
    return LoginByHand(real, "native", http)


@pytest.fixture
def with_key(real: RealServer, http: httpx.Client) -> LoginByHand:
    return LoginByHand(real, "native-key", http)


def logged_in(client: LoginByHand, **changes: str) -> dict[str, str]:
    """The tokens of a login for both resources, the first one for resource a."""
    resources = [client.real.resource("a"), client.real.resource("b")]
    request = client.parameters(scope="openid offline_access read write admin") | {"resource": resources} | changes
    callback = authorize(client.real, client.front(request))
    return client.redeem(callback, resource=resources[0])


def opened(sealed: str, key: RSAKey) -> str:
    """What the server encrypted. It repeats claims in the header (RFC 7519, section 5.3): joserfc must be told."""
    registry = jwe.JWERegistry(algorithms=["RSA-OAEP-256", "A128CBC-HS256"], strict_check_header=False)
    token = jwe.decrypt_compact(sealed, key, registry=registry)
    assert {"iss", "aud"} <= token.headers().keys()
    assert token.plaintext is not None
    return token.plaintext.decode()


def test_the_metadata_offers_what_a_login_needs(native: LoginByHand) -> None:
    told = native.metadata
    endpoints = {
        "authorization_endpoint",
        "device_authorization_endpoint",
        "end_session_endpoint",
        "introspection_endpoint",
        "pushed_authorization_request_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
        "userinfo_endpoint",
    }
    assert endpoints <= told.keys()
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert {"offline_access", "openid"} <= set(told["scopes_supported"])
    assert {"query.jwt", "form_post.jwt", "form_post"} <= set(told["response_modes_supported"])
    algorithms = {"RS256", "PS256", "ES256", "Ed25519"}
    for what in ("id_token", "authorization", "userinfo", "request_object"):
        assert algorithms <= set(told[f"{what}_signing_alg_values_supported"])
    assert {"RSA-OAEP-256", "ECDH-ES"} <= set(told["request_object_encryption_alg_values_supported"])
    assert told["authorization_details_types_supported"] == ["stock"]
    assert "require_pushed_authorization_requests" not in told


def test_a_public_native_client_logs_a_person_in_and_calls_both_apis(real: RealServer, native: LoginByHand) -> None:
    tokens = logged_in(native)
    assert tokens["token_type"] == "DPoP"
    assert tokens["scope"] == "read write"
    claims = native.verified(tokens["id_token"], "ES256")
    assert (claims["sub"], claims["aud"], claims["iss"]) == ("alice", "native", real.issuer)
    assert claims["nonce"] == native.oidc_nonce
    assert native.call(tokens["access_token"], real.resource("a")).json()["token"]["sub"] == "alice"
    other = native.refresh(tokens["refresh_token"], resource=real.resource("b"), scope="read admin").json()
    assert other["scope"] == "read admin"
    assert native.call(other["access_token"], real.resource("b")).status_code == 200


@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1:1/callback", "http://[::1]:65535/callback"])
def test_the_loopback_redirect_uri_may_have_any_port(real: RealServer, native: LoginByHand, redirect_uri: str) -> None:
    callback = authorize(real, native.front(native.parameters(redirect_uri=redirect_uri)))
    assert callback.startswith(f"{redirect_uri}?")
    elsewhere = native.front(native.parameters(redirect_uri=f"{redirect_uri}/elsewhere"))
    assert "redirect_uri did not match" in native.http.get(elsewhere).text


def test_pkce_is_demanded_of_everybody(real: RealServer, with_key: LoginByHand) -> None:
    request = with_key.parameters()
    del request["code_challenge"], request["code_challenge_method"]
    assert parameters_of(authorize(real, with_key.front(request)))["error"] == "invalid_request"


def test_who_logs_in_is_whom_the_person_is_or_the_request_hints_at(real: RealServer, native: LoginByHand) -> None:
    hinting = native.front(native.parameters(login_hint="bob"))
    tokens = native.redeem(authorize(real, hinting))
    assert native.verified(tokens["id_token"], "ES256")["sub"] == "bob"
    tokens = native.redeem(authorize(real, hinting, user="carol"))
    assert native.verified(tokens["id_token"], "ES256")["sub"] == "carol"
    refused = parameters_of(authorize(real, native.front(native.parameters(login_hint="deny"))))
    assert (refused["error"], refused["iss"], refused["state"]) == ("access_denied", real.issuer, native.state)


def test_a_person_may_refuse_a_scope(real: RealServer, native: LoginByHand) -> None:
    a = real.resource("a")
    request = native.front(native.parameters(scope="openid offline_access read write", resource=a))
    tokens = native.redeem(authorize(real, request, refuse="write offline_access"), resource=a)
    assert tokens["scope"] == "read"
    assert "refresh_token" not in tokens


def test_offline_access_needs_the_consent_prompt(real: RealServer, native: LoginByHand) -> None:
    request = native.parameters()
    del request["prompt"]
    assert "refresh_token" not in native.redeem(authorize(real, native.front(request)))


def test_a_server_may_give_refresh_tokens_to_everybody(start_real: Callable[..., RealServer]) -> None:
    server = start_real(offline_access=False, dpop_nonces=False)
    with server.client() as http:
        native = LoginByHand(server, "native", http)
        request = native.parameters(scope="openid")
        del request["prompt"]
        assert "refresh_token" in native.redeem(authorize(server, native.front(request)))


def test_a_pushed_request_needs_the_clients_key_and_serves_once(real: RealServer, with_key: LoginByHand) -> None:
    url = with_key.pushed(with_key.parameters())
    assert parameters_of(url).keys() == {"client_id", "request_uri"}
    with_key.redeem(authorize(real, url))
    assert "invalid_request_uri" in with_key.http.get(url).text
    forged = with_key.assertion(real.clients["ES384"], iss="native-key", sub="native-key")
    refused = with_key.push(with_key.parameters() | {"client_assertion": forged})
    assert refused.json()["error"] == "invalid_client"


def test_a_proof_at_the_pushed_request_binds_the_code_to_its_key(real: RealServer, with_key: LoginByHand) -> None:
    request = with_key.parameters()
    del request["dpop_jkt"]
    challenge = with_key.push(request, proof=True)
    assert (challenge.status_code, challenge.json()["error"]) == (400, "use_dpop_nonce")
    uri = with_key.push(request, proof=True).json()["request_uri"]
    callback = authorize(real, with_key.front({"client_id": "native-key", "request_uri": uri}))
    with_key.dpop_key = ECKey.generate_key("P-256")
    form = {"grant_type": "authorization_code", "code": parameters_of(callback)["code"]}
    form |= {"redirect_uri": REDIRECT_URI, "code_verifier": with_key.verifier}
    assert with_key.ask(**form).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("pushed", [True, False])
def test_a_client_can_be_bound_to_signed_requests(real: RealServer, http: httpx.Client, *, pushed: bool) -> None:
    client = LoginByHand(real, "native-jar", http)
    plain = parameters_of(authorize(real, client.front(client.parameters())))
    assert plain["error_description"] == "Request Object must be used by this client"
    request = {"client_id": "native-jar", "request": client.signed(client.parameters())}
    tokens = client.redeem(authorize(real, client.pushed(request) if pushed else client.front(request)))
    assert client.verified(tokens["id_token"], "ES256")["sub"] == "alice"


@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "ECDH-ES"])
@pytest.mark.parametrize("pushed", [True, False])
def test_a_signed_request_can_be_encrypted(real: RealServer, http: httpx.Client, alg: str, *, pushed: bool) -> None:
    client = LoginByHand(real, "native-jar", http)
    request = {"client_id": "native-jar", "request": client.encrypted(client.signed(client.parameters()), alg)}
    client.redeem(authorize(real, client.pushed(request) if pushed else client.front(request)))


def test_the_server_can_demand_pushed_and_signed_requests(start_real: Callable[..., RealServer]) -> None:
    server = start_real(require_par=True, require_signed_request_object=True)
    with server.client() as http:
        client = LoginByHand(server, "native-key", http)
        assert client.metadata["require_pushed_authorization_requests"] is True
        assert client.metadata["require_signed_request_object"] is True
        assert parameters_of(authorize(server, client.front(client.parameters())))["error"] == "invalid_request"
        assert client.push(client.parameters()).json()["error"] == "invalid_request"
        client.redeem(authorize(server, client.pushed({"request": client.signed(client.parameters())})))


def test_the_answer_can_be_a_form(real: RealServer, native: LoginByHand) -> None:
    with Person(real) as person:
        action, fields = person.authorize_by_form(native.front(native.parameters(response_mode="form_post")))
    assert action == REDIRECT_URI
    native.redeem(f"{action}?{urlencode(fields)}")


@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "form_post.jwt"])
def test_the_answer_can_be_signed(real: RealServer, native: LoginByHand, mode: str) -> None:
    url = native.front(native.parameters(response_mode=mode))
    with Person(real) as person:
        fields = person.authorize_by_form(url)[1] if mode == "form_post.jwt" else parameters_of(person.authorize(url))
    assert fields.keys() == {"response"}
    claims = native.verified(fields["response"], "RS256")  # JARM, section 3: the default of a client's registration
    assert claims["aud"] == "native"
    native.redeem(f"{REDIRECT_URI}?{urlencode({name: claims[name] for name in ('code', 'state', 'iss')})}")


def test_the_answer_and_the_id_token_can_be_signed_and_encrypted(real: RealServer, http: httpx.Client) -> None:
    key = RSAKey.generate_key(2048, parameters={"use": "enc"})
    told = register(
        real, http, jwks={"keys": [key.as_dict(private=False)]},
        authorization_signed_response_alg="Ed25519", id_token_signed_response_alg="PS256",
        **dict.fromkeys(("authorization_encrypted_response_alg", "id_token_encrypted_response_alg"), "RSA-OAEP-256"),
    )  # fmt: skip
    client = LoginByHand(real, Client(told["client_id"], "none"), http)
    url = client.front(client.parameters(response_mode="query.jwt"))
    sealed = parameters_of(authorize(real, url))["response"]
    assert sealed.count(".") == 4
    answer = client.verified(opened(sealed, key), "Ed25519")
    tokens = client.redeem(f"{REDIRECT_URI}?{urlencode({name: answer[name] for name in ('code', 'state', 'iss')})}")
    assert client.verified(opened(tokens["id_token"], key), "PS256")["nonce"] == client.oidc_nonce


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "Ed25519"])
def test_id_token_and_userinfo_are_signed_as_registered(real: RealServer, http: httpx.Client, alg: str) -> None:
    told = register(real, http, id_token_signed_response_alg=alg, userinfo_signed_response_alg=alg)
    client = LoginByHand(real, Client(told["client_id"], "none"), http)
    tokens = client.redeem(authorize(real, client.front(client.parameters(scope="openid profile"))))
    assert client.verified(tokens["id_token"], alg)["sub"] == "alice"
    userinfo = client.call(tokens["access_token"], client.metadata["userinfo_endpoint"], nonce=client.nonce)
    assert userinfo.headers["Content-Type"] == "application/jwt; charset=utf-8"
    claims = client.verified(userinfo.text, alg)
    assert (claims["sub"], claims["name"], claims["aud"]) == ("alice", "alice of the tests", told["client_id"])


def test_userinfo_tells_what_the_claims_parameter_asks_for(native: LoginByHand) -> None:
    asked = '{"userinfo": {"email": null}, "id_token": {"name": {"essential": true}}}'
    url = native.front(native.parameters(claims=asked, scope="openid", acr_values="silver", max_age="60"))
    tokens = native.redeem(authorize(native.real, url))
    claims = native.verified(tokens["id_token"], "ES256")
    assert (claims["name"], claims["acr"]) == ("alice of the tests", "silver")
    assert "auth_time" in claims
    userinfo = native.call(tokens["access_token"], native.metadata["userinfo_endpoint"], nonce=native.nonce)
    assert userinfo.json() == {"sub": "alice", "email": "alice@example.com"}


def test_authorization_details_reach_the_api(real: RealServer, native: LoginByHand) -> None:
    url = real.resource("a")
    details = '[{"type":"stock","actions":["move"]}]'
    request = native.parameters(authorization_details=details, scope="read", resource=url)
    del request["nonce"]
    tokens = native.redeem(authorize(real, native.front(request)), resource=url)
    assert tokens["authorization_details"] == [{"type": "stock", "actions": ["move"]}]
    token = native.call(tokens["access_token"], url).json()["token"]
    assert token["authorization_details"] == [{"type": "stock", "actions": ["move"]}]
    refused = authorize(real, native.front(request | {"authorization_details": '[{"type":"unheard-of"}]'}))
    assert parameters_of(refused)["error"] == "invalid_authorization_details"


def test_a_person_stays_logged_in_and_signs_out(real: RealServer, native: LoginByHand) -> None:
    with Person(real, user="bob") as person:
        request = native.parameters()
        tokens = native.redeem(person.authorize(native.front(request)))
        silent = native.front(request | {"prompt": "none"})
        assert parameters_of(person.authorize(silent))["error"] == "interaction_required"  # a native client
        web = LoginByHand(real, "web", native.http)
        again = web.front(web.parameters(redirect_uri="http://127.0.0.1:8000/callback"))
        assert "code" in parameters_of(person.authorize(again))

        here = "http://127.0.0.1:50000/signed-out"
        query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": here, "state": "s"}
        assert person.sign_out(f"{native.metadata['end_session_endpoint']}?{urlencode(query)}") == f"{here}?state=s"
        assert parameters_of(person.authorize(silent))["error"] == "login_required"
    # What was granted offline outlives that (OpenID Connect Core, section 11): to end it takes a revocation.
    assert native.refresh(tokens["refresh_token"]).status_code == 200


def test_the_server_has_keys_to_rotate(real: RealServer, native: LoginByHand) -> None:
    url = real.resource("a")
    first = {key.kid for key in native.key_set()}
    real.rotate_keys(overlap=True)
    both = {key.kid for key in native.key_set()}
    assert first < both
    real.rotate_keys()
    assert both.isdisjoint({key.kid for key in native.key_set()})
    tokens = logged_in(native)
    assert native.verified(tokens["id_token"], "ES256")["sub"] == "alice"
    assert native.call(tokens["access_token"], url).status_code == 200
