import json
import subprocess
import sys
from pathlib import Path

import pytest

from oauthclient.testing import NO_ANSWER, Pause, Response, misbehaviour
from tests.cli.conftest import Stage


def test_each_call_carries_a_proof_of_its_own_and_no_token_request_is_made(logged_in: Stage) -> None:
    before = len(logged_in.server.requests)
    for _ in range(2):
        assert logged_in.here("request", "GET", logged_in.orders.url)[0] == 0

    proofs = [seen.request.header("DPoP") for seen in logged_in.orders.requests]
    assert len(set(proofs)) == 2
    assert len(logged_in.server.requests) == before


def test_the_token_is_that_of_the_api_that_is_called(logged_in: Stage) -> None:
    assert json.loads(logged_in.here("request", "GET", logged_in.orders.url)[1])["scope"] == "read write"
    assert json.loads(logged_in.here("request", "GET", logged_in.stock.url)[1])["scope"] == "stock.write"


@pytest.mark.parametrize(
    ("options", "stdin", "content_type", "body"),
    [
        (["--json", '{"item": 7}'], None, "application/json", '{"item": 7}'),
        (["--json", "@{file}"], None, "application/json", "from a file\n"),
        (["--data", "a=b&c=ü"], None, "application/x-www-form-urlencoded", "a=b&c=ü"),
        (["-d", "@{file}"], None, "application/x-www-form-urlencoded", "from a file\n"),
        (["-d", "@-"], "from stdin\n", "application/x-www-form-urlencoded", "from stdin\n"),
        (["--data-file", "{file}"], None, "application/x-www-form-urlencoded", "from a file\n"),
        (["--data-file", "-"], "from stdin", "application/x-www-form-urlencoded", "from stdin"),
        (["-d", "", "-H", "content-type: text/plain"], None, "text/plain", ""),
    ],
)
def test_a_body_comes_from_the_line_a_file_or_stdin(
    logged_in: Stage, tmp_path: Path, options: list[str], stdin: str | None, content_type: str, body: str
) -> None:
    file = tmp_path / "body"
    file.write_text("from a file\n")

    called = logged_in.run(
        "request",
        "post",
        logged_in.orders.url,
        *(option.format(file=file) if "{file}" in option else option for option in options),
        stdin=stdin,
    )

    assert (called.returncode, called.stderr) == (0, "")
    [sent] = [seen.request for seen in logged_in.orders.requests]
    assert (sent.method, sent.header("Content-Type"), sent.body.decode()) == ("POST", content_type, body)


def test_headers_are_sent_as_written_and_one_of_a_name_joins_the_others(logged_in: Stage) -> None:
    logged_in.here("request", "GET", logged_in.orders.url, "-H", "X-One: a: b", "-H", "x-two: 1", "-H", "X-Two: 2")

    [sent] = [seen.request for seen in logged_in.orders.requests]
    assert (sent.header("X-One"), sent.header("X-Two")) == ("a: b", "1, 2")


@pytest.mark.parametrize("header", ["nothing", "a b: c", "x: a\r\nEvil: 1", ": x", "x: \x1b[31m"])
def test_a_header_that_is_none_is_a_usage_error(logged_in: Stage, header: str) -> None:
    assert logged_in.here("request", "GET", logged_in.orders.url, "-H", header)[0] == 2
    assert logged_in.orders.requests == []


def test_status_and_headers_come_before_the_body_when_asked_for(logged_in: Stage) -> None:
    _, out, _ = logged_in.here("request", "GET", logged_in.orders.url, "--include")

    head, body = out.split("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "\r\nContent-Type: application/json" in head
    assert json.loads(body)["method"] == "GET"


def test_the_answer_goes_into_a_file(logged_in: Stage, tmp_path: Path) -> None:
    code, out, _ = logged_in.here("request", "GET", logged_in.orders.url, "-o", str(tmp_path / "answer"))

    assert (code, out) == (0, "")
    assert json.loads((tmp_path / "answer").read_text())["subject"] == "alice"


def test_nothing_is_sent_whose_answer_has_nowhere_to_go(logged_in: Stage, tmp_path: Path) -> None:
    code, _, told = logged_in.here("request", "DELETE", logged_in.orders.url, "-o", str(tmp_path / "no" / "answer"))

    assert code == 1
    assert told == f"oauthclient: {tmp_path}/no/answer: No such file or directory\n"
    assert logged_in.orders.requests == []


@pytest.mark.parametrize(("status", "code"), [(204, 0), (301, 0), (404, 4), (409, 4), (500, 5), (503, 5)])
def test_the_exit_code_is_that_of_the_status(logged_in: Stage, status: int, code: int) -> None:
    logged_in.orders.instead(Response(status, (("Content-Type", "text/plain"),), b"" if status == 204 else b"why\n"))

    answered, out, told = logged_in.here("request", "GET", logged_in.orders.url)

    assert answered == code
    assert out == ("" if status == 204 else "why\n")
    assert told.startswith(f"oauthclient: {logged_in.orders.url} answered {status}") is (code != 0)


def test_a_scope_that_is_missing_is_said_with_the_way_to_it(logged_in: Stage) -> None:
    challenge = (("WWW-Authenticate", 'DPoP error="insufficient_scope", scope="admin"'),)
    logged_in.orders.instead(Response(403, challenge))

    code, _, told = logged_in.here("request", "GET", logged_in.orders.url)

    assert code == 4
    assert "403 Forbidden (insufficient_scope)" in told
    assert "--extend" in told


@pytest.mark.parametrize("url", ["orders", "https://user:pw@api.example.com/", "https://api.example.com\\x", "ftp://x"])
def test_a_url_that_is_none_gets_no_token(logged_in: Stage, url: str) -> None:
    code, out, told = logged_in.here("request", "GET", url)

    assert code in (1, 3)
    assert (out, "pw" in told) == ("", False)


def test_a_url_outside_every_resource_needs_a_login(logged_in: Stage) -> None:
    code, _, told = logged_in.here("request", "GET", f"{logged_in.orders.url}-archive/1?key=secret")

    assert code == 3
    assert f"oauthclient login ISSUER --resource {logged_in.orders.url}-archive/1" in told
    assert "secret" not in told


def test_a_redirect_is_followed_only_when_asked_for(logged_in: Stage) -> None:
    away = Response(302, (("Location", f"{logged_in.orders.url}/elsewhere"),))
    logged_in.orders.instead(away)
    assert logged_in.here("request", "GET", logged_in.orders.url)[:2] == (0, "")

    logged_in.orders.instead(away)
    code, out, _ = logged_in.here("request", "GET", logged_in.orders.url, "-L")
    assert (code, json.loads(out)["url"]) == (0, f"{logged_in.orders.url}/elsewhere")


def test_a_redirect_to_another_api_leaves_the_token_behind(logged_in: Stage) -> None:
    logged_in.orders.instead(Response(302, (("Location", logged_in.stock.url),)))

    code, _, _ = logged_in.here("request", "GET", logged_in.orders.url, "-L")

    assert code == 4
    [sent] = [seen.request for seen in logged_in.stock.requests]
    assert sent.header("Authorization") is None


def test_an_api_that_does_not_answer_is_no_traceback(logged_in: Stage) -> None:
    logged_in.orders.instead(Response(200, body=[b"first", Pause(5)]))
    code, _, told = logged_in.here("request", "GET", logged_in.orders.url, "--timeout", "0.3")
    assert (code, told) == (5, f"oauthclient: {logged_in.orders.url} gave no answer in time.\n")

    logged_in.orders.instead(NO_ANSWER)
    code, _, told = logged_in.here("request", "GET", logged_in.orders.url)
    assert code == 5
    assert told.startswith(f"oauthclient: No answer from {logged_in.orders.url}: ")


def test_a_session_that_the_server_has_ended_says_how_to_log_in_again(logged_in: Stage) -> None:
    logged_in.server.instead(misbehaviour.oauth_error("invalid_grant"))

    code, out, told = logged_in.here("request", "GET", logged_in.stock.url)  # whose token is yet to be fetched

    assert (code, out) == (3, "")
    assert told.endswith(f"  Log in again: oauthclient login {logged_in.issuer}\n")


def test_bytes_come_through_a_pipe_as_they_are(logged_in: Stage) -> None:
    picture = bytes(range(256))
    logged_in.orders.instead(Response(200, (("Content-Type", "image/png"),), picture))

    code, _, _ = logged_in.here("request", "GET", logged_in.orders.url, "-o", str(logged_in.folder / "picture"))

    assert code == 0
    assert (logged_in.folder / "picture").read_bytes() == picture


def test_a_call_with_a_token_at_hand_loads_nothing_that_it_does_not_need(logged_in: Stage) -> None:
    """A start is most of what a call costs (`python -m benchmarks cli`)."""
    program = f"""
import sys
from oauthclient.cli.main import run
assert run(["request", "GET", {logged_in.orders.url!r}]) == 0
print(*sorted(sys.modules))
"""
    called = subprocess.run(
        [sys.executable, "-c", program], env=logged_in.environ, capture_output=True, text=True, check=True
    )

    loaded = set(called.stdout.splitlines()[-1].split())
    assert "oauthclient.plugin.auth" in loaded
    assert loaded & {"joserfc", "filelock", "keyring", "platformdirs", "segno", "oauthclient.native.logins"} == set()
    assert [name for name in loaded if name.startswith("oauthclient.login")] == []
