import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from oauthclient import ClientCertificate, DPoP, MutualTLS, ServerMetadata
from oauthclient.cli.certificate_findings import Presented, certificate_findings
from oauthclient.cli.findings import Finding, findings
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
        (
            {"dpop_signing_alg_values_supported": None, "tls_client_certificate_bound_access_tokens": True},
            "bound tokens",
            "--certificate binds",
        ),
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


_ALIAS = "https://mtls.as.example/token"
_BANK = {
    "tls_client_certificate_bound_access_tokens": True,
    "token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"],
    "mtls_endpoint_aliases": {"token_endpoint": _ALIAS},
}


@pytest.fixture(scope="module")
def certificate() -> ClientCertificate:
    leaf = trustme.CA().issue_cert("client.example.com")
    return ClientCertificate.from_pem(leaf.private_key_and_cert_chain_pem.bytes())


def certified(presented: Presented | None, **changes: Any) -> list[Finding]:
    document = {name: value for name, value in (_GOOD | changes).items() if value is not None}
    return list(certificate_findings(ServerMetadata.from_document(document), presented))


def test_what_a_server_offers_for_certificates_is_a_note_without_one() -> None:
    assert [(point.kind, point.topic, point.found) for point in certified(None)] == [
        ("note", "certificates", "no mTLS (RFC 8705)"),
        ("note", "aliases", "no mtls_endpoint_aliases"),
    ]
    assert [(point.kind, point.topic, point.found) for point in certified(None, **_BANK)] == [
        ("note", "certificates", "bound tokens"),
        ("note", "certificates", "tls_client_auth"),
        ("note", "aliases", "of 1 endpoints"),
    ]


def test_with_a_certificate_each_endpoint_and_what_it_says_are_shown(certificate: ClientCertificate) -> None:
    current = certificate.current()

    points = certified(Presented("client.pem", certificate, "", "tls_client_auth"), **_BANK)

    assert [(point.kind, point.topic, point.found, point.used) for point in points[:4]] == [
        ("good", "certificates", "bound tokens", "to the certificate"),
        ("good", "certificates", "tls_client_auth", "the certificate authenticates"),
        ("note", "aliases", "registration_endpoint", "no alias: it may not ask for a certificate"),
        ("good", "aliases", "token_endpoint", _ALIAS),
    ]
    said = {point.found: point.used for point in points[4:]}
    assert {point.topic for point in points[4:]} == {"certificate"}
    assert (said["subject"], said["san_dns"]) == (current.subject, "client.example.com")
    assert said["x5t#S256"] == current.x5t_s256


@pytest.mark.parametrize(
    ("changes", "method", "topic"),
    [
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "tls_client_auth", "certificates"),
        ({}, "self_signed_tls_client_auth", "certificates"),
        ({"mtls_endpoint_aliases": ["x"]}, None, "aliases"),
        ({"mtls_endpoint_aliases": {"token_endpoint": "http://as.example/token"}}, None, "aliases"),
    ],
)
def test_what_stands_in_the_way_of_a_certificate_is_a_cross(
    certificate: ClientCertificate, changes: dict[str, Any], method: str | None, topic: str
) -> None:
    points = certified(Presented("client.pem", certificate, "", method), **(_BANK | changes))

    assert [point.topic for point in points if point.kind == "bad"] == [topic]


def test_a_certificate_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    alone = tmp_path / "client.pem"
    alone.write_bytes(trustme.CA().issue_cert("client.example.com").cert_chain_pems[0].bytes())

    (cross,) = [point for point in certified(Presented.read(str(alone), None, None), **_BANK) if point.kind == "bad"]

    assert "--certificate-key" in cross.used


def test_what_would_bind_tokens_is_checked(certificate: ClientCertificate) -> None:
    by_certificate, by_both = MutualTLS(certificate), MutualTLS(certificate, dpop=DPoP())
    without_dpop = {"dpop_signing_alg_values_supported": None}

    def bound(binding: MutualTLS, **changes: Any) -> tuple[str, str]:
        document = {name: value for name, value in (_GOOD | _BANK | changes).items() if value is not None}
        metadata = ServerMetadata.from_document(document)
        return next((point.kind, point.used) for point in findings(metadata, binding) if point.topic == "bound tokens")

    assert bound(by_certificate)[0] == bound(by_both)[0] == bound(by_certificate, **without_dpop)[0] == "good"
    assert bound(by_both, **without_dpop) == ("bad", "leave --dpop out: the certificate alone will do")
    unbound = {"tls_client_certificate_bound_access_tokens": None}
    assert bound(by_certificate, **unbound) == ("bad", "leave --certificate out: a key does it (DPoP)")
    assert "--bearer" in bound(by_certificate, **unbound, **without_dpop)[1]
