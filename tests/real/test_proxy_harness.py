"""nginx before the API (RFC 8705, section 6.5): it ends TLS, and passes the client's certificate on."""

import shutil
from collections.abc import Callable

import httpx
import pytest

from tests.components import ComponentMissing
from tests.real.by_hand import ByHand
from tests.real.certificates import HOUR, Issued
from tests.real.harness import Ground, RealServer
from tests.real.proxy import Proxy, find_nginx

TOO_LATE = {"starts": -2 * HOUR, "lifetime": -HOUR}


def token_for(proxy: Proxy, name: str, resource: str = "mtls") -> str:
    with proxy.real.client(proxy.real.clients[name].certificate) as http:
        answer = ByHand(proxy.real, name, http).token(resource=proxy.resource(resource), scope="read")
    token: str = answer["access_token"]
    return token


def call(proxy: Proxy, token: str, presents: Issued | None, **headers: str) -> httpx.Response:
    with proxy.real.client(presents, http2=True) as http:
        return http.get(f"{proxy.resource('mtls')}/x?y=1", headers={"Authorization": f"Bearer {token}", **headers})


@pytest.mark.parametrize("name", ["tls", "self-signed"])
def test_the_api_sees_the_certificate_that_the_proxy_was_presented(proxied: Proxy, name: str) -> None:
    certificate = proxied.real.clients[name].certificate
    answer = call(proxied, token_for(proxied, name), certificate)
    seen = answer.json()
    assert (answer.status_code, answer.http_version) == (200, "HTTP/2"), seen
    assert seen["x5t#S256"] == certificate.x5t_s256
    assert seen["url"] == f"{proxied.resource('mtls')}/x?y=1"


def test_no_certificate_and_another_one_are_refused_by_the_api(proxied: Proxy, ground: Ground) -> None:
    token = token_for(proxied, "tls")
    for presents in (None, ground.issue("tls"), ground.issue("self-signed")):
        refused = call(proxied, token, presents)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")


def test_a_header_of_the_clients_own_does_not_pass(proxied: Proxy, ground: Ground) -> None:
    token = token_for(proxied, "tls")
    escaped = proxied.real.clients["tls"].certificate.escaped
    for presents in (None, ground.issue("tls")):
        for header in ("X-Client-Cert", "x-client-cert", "X_Client_Cert"):
            assert call(proxied, token, presents, **{header: escaped}).status_code == 401


def test_a_token_for_the_proxy_is_none_for_the_api_itself(proxied: Proxy) -> None:
    token = token_for(proxied, "tls")
    url = proxied.real.resource("mtls")
    with proxied.real.client(proxied.real.clients["tls"].certificate) as http:
        assert http.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_proofs_are_for_the_url_of_the_proxy(proxied: Proxy) -> None:
    with proxied.real.client() as http:
        client = ByHand(proxied.real, "ES256", http)
        url = proxied.resource("a")
        token = client.token(resource=url, scope="read")["access_token"]
        assert client.call(token, url).json()["proof"]["htu"] == url


def test_a_proxy_that_insists_answers_itself_where_no_authority_vouches(
    start_proxied: Callable[..., Proxy], ground: Ground
) -> None:
    strict = start_proxied("on")
    token = token_for(strict, "tls")
    assert call(strict, token, strict.real.clients["tls"].certificate).status_code == 200
    for presents in (None, ground.issue("self-signed"), ground.issue("tls", **TOO_LATE)):
        refused = call(strict, token, presents)
        assert (refused.status_code, refused.headers["Content-Type"]) == (400, "text/html")
        assert "WWW-Authenticate" not in refused.headers


def test_a_proxy_that_only_asks_refuses_one_that_has_expired(proxied: Proxy, ground: Ground) -> None:
    token = token_for(proxied, "tls")
    for name in ("tls", "self-signed"):
        assert call(proxied, token, ground.issue(name, **TOO_LATE)).status_code == 400


def test_there_is_no_way_around_the_proxy_where_there_is_none(real: RealServer) -> None:
    assert real.behind == ""


def test_a_proxy_that_does_not_start_says_why(ground: Ground, start_real: Callable[..., RealServer]) -> None:
    with pytest.raises(RuntimeError, match='invalid value "nonsense"'):
        Proxy(ground, start_real, "nonsense")


def test_a_missing_nginx_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path: None)
    with pytest.raises(ComponentMissing, match="nginx is missing: tools/install-components"):
        find_nginx()


def test_nginx_takes_the_port_that_was_kept_for_it(proxied: Proxy) -> None:
    assert "using inherited sockets" in proxied.log()
    assert "[crit]" not in proxied.log()
    assert "[emerg]" not in proxied.log()
