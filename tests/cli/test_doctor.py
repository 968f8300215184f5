import json
from typing import Any

import pytest

from oauthclient import ServerMetadata
from oauthclient.cli.findings import findings
from oauthclient.testing import misbehaviour
from tests.cli.conftest import Stage

_GOOD = {
    "issuer": "https://as.example",
    "token_endpoint": "https://as.example/token",
    "authorization_endpoint": "https://as.example/authorize",
    "registration_endpoint": "https://as.example/register",
    "code_challenge_methods_supported": ["S256"],
    "dpop_signing_alg_values_supported": ["ES256"],
    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
}


def found(**changes: Any) -> dict[str, Any]:
    document = {name: value for name, value in (_GOOD | changes).items() if value is not None}
    return {point.topic: point for point in findings(ServerMetadata.from_document(document))}


def test_a_server_that_offers_enough_has_no_cross() -> None:
    assert [point for point in found().values() if point.kind == "bad"] == []


@pytest.mark.parametrize(
    ("changes", "topic", "why"),
    [
        ({"registration_endpoint": None}, "registration", "http://127.0.0.1/callback/"),
        ({"token_endpoint_auth_methods_supported": ["tls_client_auth"]}, "registration", "tls_client_auth"),
        ({"authorization_endpoint": None}, "login", "nobody can log in"),
        ({"code_challenge_methods_supported": ["plain"]}, "login", "S256"),
        ({"code_challenge_methods_supported": []}, "login", "S256"),
        ({"require_pushed_authorization_requests": True}, "pushed requests", "broken"),
        ({"dpop_signing_alg_values_supported": None}, "bound tokens", "--bearer"),
        ({"dpop_signing_alg_values_supported": ["RS256"]}, "bound tokens", "--bearer"),
        ({"id_token_signing_alg_values_supported": ["HS256"]}, "identity", "no algorithm"),
    ],
)
def test_what_stands_in_the_way_of_a_login_is_a_cross(changes: dict[str, Any], topic: str, why: str) -> None:
    points = found(**changes)

    assert [point.topic for point in points.values() if point.kind == "bad"] == [topic]
    assert why in points[topic].used


@pytest.mark.parametrize(
    ("changes", "topic", "used"),
    [
        ({"pushed_authorization_request_endpoint": "https://as.example/par"}, "pushed requests", "used"),
        ({"request_object_signing_alg_values_supported": ["ES256"]}, "signed requests", "signed with ES256"),
        (
            {"authorization_response_iss_parameter_supported": True},
            "answers",
            "checked: no other server's answer passes",
        ),
        ({"scopes_supported": ["offline_access"]}, "staying", "asked for: the login lasts"),
        (
            {"device_authorization_endpoint": "https://as.example/d"},
            "other devices",
            "with --device only: it can be abused for phishing",
        ),
        ({"id_token_signing_alg_values_supported": ["RS256"]}, "identity", "ID tokens are verified"),
        ({"end_session_endpoint": "https://as.example/end"}, "logout there", "logout --browser"),
    ],
)
def test_what_is_offered_is_used(changes: dict[str, Any], topic: str, used: str) -> None:
    assert found()[topic].kind in ("note", "good")
    point = found(**changes)[topic]
    assert (point.kind, point.used) == ("good", used)


def test_the_table_and_the_exit_code_say_whether_a_login_works(stage: Stage) -> None:
    code, out, told = stage.here("doctor", *stage.server_options)
    assert (code, "✗" in out) == (0, False)
    assert "✓ bound tokens" in out
    assert told == f"A login works: oauthclient login {stage.issuer} --resource URL\n"

    stage.server.amend(misbehaviour.members(dpop_signing_alg_values_supported=misbehaviour.OMIT), endpoint="metadata")
    code, out, _ = stage.here("doctor", *stage.server_options, "--json")
    assert (code, json.loads(out)["ready"]) == (1, False)


def test_only_metadata_is_read(stage: Stage) -> None:
    stage.here("doctor", *stage.server_options)

    assert {seen.endpoint for seen in stage.server.requests} == {"metadata"}


def test_what_a_server_says_cannot_command_the_terminal(stage: Stage) -> None:
    evil = misbehaviour.members(dpop_signing_alg_values_supported=["\x1b[2J"])
    stage.server.amend(evil, endpoint="metadata")

    code, out, told = stage.here("doctor", *stage.server_options)

    assert code == 1
    assert "\x1b" not in out + told


def test_a_server_that_is_none_says_why(stage: Stage) -> None:
    code, out, told = stage.here("doctor", f"{stage.issuer}/nothing", "--insecure-loopback")

    assert (code, out) == (5, "")
    assert "404" in told
