import os
import pty
import re
import subprocess
import time

import pytest

from oauthclient import SigningKey
from oauthclient.testing import Response, misbehaviour
from tests.examples.conftest import Stage
from tests.examples.programs import STEPS, command, environment, leaks, run


def test_the_demo_tells_every_step_against_the_embedded_server():
    told = run("demo")

    assert (told.returncode, told.stderr) == (0, "")
    headings = re.findall(r"^━━ (.+?) ━+$", told.stdout, re.MULTILINE)
    assert [heading[: len(step)] for heading, step in zip(headings, STEPS, strict=False)] == STEPS
    assert headings[7:] == ["8  The server turns malicious, on command", "In the end"]
    assert "error              use_dpop_nonce" in told.stdout
    assert told.stdout.count("✓ NoResourceForURL") == 2
    assert told.stdout.count("✓ UnsafeURL") == 1
    assert told.stdout.count("✓ 401") == 6
    refusals = re.findall(r"✓ (\w+):", told.stdout.partition("━━ 8")[2])
    assert refusals == ["DowngradeRefused", "NotOffered", "DiscoveryFailed", "InvalidResponse"]
    assert "✗" not in told.stdout
    assert leaks(told, []) == []


def test_the_demo_shows_no_secret_that_the_server_saw(stage: Stage):
    told = run("demo", *stage.for_demo)

    assert (told.returncode, told.stderr) == (0, "")
    assert [step for step in STEPS if step not in told.stdout] == []
    assert "malicious" not in told.stdout  # a server that is not its own it does not command
    assert leaks(told, stage.secrets) == []


@pytest.mark.parametrize("token_format", ["reference", "paseto"])
def test_the_demo_shows_no_opaque_token_either(stage: Stage, token_format: str):
    stage.server.tokens.format = token_format

    told = run("demo", *stage.for_demo)

    assert told.returncode == 0
    assert leaks(told, stage.secrets) == []


def test_the_demo_sends_what_it_says_that_it_sent(stage: Stage):
    told = run("demo", *stage.for_demo)

    sent = [(exchange.endpoint, exchange.status) for exchange in stage.server.requests]
    assert sent == [("metadata", 200), ("token", 400), ("token", 200), ("token", 200)]
    calls = [exchange.status for exchange in (*stage.orders.requests, *stage.stock.requests)]
    assert calls.count(200) == 3
    assert calls.count(401) == 6  # the thief's
    assert re.search(r"requests for metadata +1\n +requests for tokens +3 .*\n +calls +3\n +proofs +6 ", told.stdout)


def test_a_repeat_is_shown_by_what_is_not_as_before(stage: Stage):
    told = run("demo", *stage.for_demo[:-1])  # no scope for the second API

    second = told.stdout.partition("━━ 4")[2].partition("←")[0]
    assert re.findall(r"^ {4}(\w+) ", second, re.MULTILINE) == ["resource", "scope", "all"]
    assert re.search(r"scope +# not this time\n", second)
    assert len(re.findall(r" jti ", second)) == 2
    assert " htu " not in second


def test_a_thief_who_succeeds_is_told_of_and_fails_the_demo(stage: Stage):
    stage.stock.amend(lambda _refusal: Response(200), status=401, times=None)

    told = run("demo", *stage.for_demo)

    assert told.returncode == 1
    assert "✗ 200" in told.stdout
    assert "worth nothing, and the proof" not in told.stdout
    assert told.stderr == ""


def test_a_token_that_is_bound_to_another_key_fails_the_demo(stage: Stage):
    other = SigningKey.generate("ES256").thumbprint
    claims = {"aud": stage.orders.url, "client_id": "sync", "sub": "sync", "cnf": {"jkt": other}}
    foreign = stage.server.tokens.issue(claims | {"iat": int(time.time()), "exp": int(time.time()) + 60})
    stage.server.amend(misbehaviour.members(access_token=foreign.access_token))

    told = run("demo", *stage.for_demo)

    assert told.returncode == 1
    assert "✗ The token is not bound to the key of the proof." in told.stdout


def test_what_was_sent_before_the_server_refused_is_shown(stage: Stage):
    stage.server.register("sync", key=SigningKey.generate("ES256"))

    told = run("demo", *stage.for_demo)

    assert told.returncode == 1
    assert re.search(r"← 40[01] .*\n +error +invalid_client", told.stdout)
    assert "invalid_client" in told.stdout.rpartition("✗")[2]
    assert told.stderr == ""
    assert leaks(told, stage.secrets) == []


def test_a_server_cannot_write_to_the_terminal(stage: Stage):
    stage.server.amend(misbehaviour.members(**{"\x1b[31m": "\x1b[2J\r\x9b1A\u202e"}))
    stage.server.amend(misbehaviour.members(**{"issuer\x1b": "\x1b]0;title\x07"}), endpoint="metadata")

    told = run("demo", *stage.for_demo)

    assert told.returncode == 0
    assert all(character.isprintable() for character in told.stdout.replace("\n", ""))


@pytest.mark.parametrize("columns", [60, 80, 110])
def test_no_line_is_wider_than_the_terminal(columns: int):
    told = run("demo", COLUMNS=str(columns))

    assert max(map(len, told.stdout.splitlines())) == columns


def test_a_stream_that_is_not_utf8_gets_ascii():
    told = run("demo", PYTHONIOENCODING="ascii")

    assert told.returncode == 0
    assert told.stdout.isascii()
    assert "?" not in told.stdout
    assert "eyJ0eX... (" in told.stdout
    assert max(map(len, told.stdout.splitlines())) == 100


@pytest.mark.parametrize(
    ("settings", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_there_are_colours_on_a_terminal_that_may_have_them(settings: dict[str, str], coloured: bool):  # noqa: FBT001 - a parameter of the test
    ours, theirs = pty.openpty()
    with subprocess.Popen(command("demo"), env=environment(**settings), stdout=theirs, close_fds=True) as process:
        os.close(theirs)
        printed = b""
        try:
            while piece := os.read(ours, 65_536):
                printed += piece
        except OSError:  # Linux says so that the other end is closed
            pass
    os.close(ours)

    assert process.returncode == 0
    assert (b"\x1b[" in printed) is coloured


def test_a_reader_may_go_away_early():
    with subprocess.Popen(
        command("demo"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--issuer", "https://as.example.com"],
        [
            "--issuer",
            "https://as.example.com",
            "--client-id",
            "x",
            "--key",
            "key.pem",
            "--resource",
            "https://a.example",
        ],
        ["--client-id", "x"],
    ],
)
def test_half_a_configuration_is_a_usage_error(options: list[str]):
    told = run("demo", *options)

    assert told.returncode == 2
    assert "usage:" in told.stderr


def test_a_key_that_cannot_be_read_is_said_in_a_line(stage: Stage):
    stage.key_file.write_text("no key")

    told = run("demo", *stage.for_demo)

    assert told.returncode == 1
    assert "✗" in told.stdout
    assert "Traceback" not in told.stderr
