import re
import shlex
import signal
import subprocess

from tests.examples.conftest import Stage
from tests.examples.programs import command, environment, leaks, run


def test_the_service_calls_two_apis_with_two_tokens(stage: Stage):
    done = run("service", *stage.for_service)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"GET {stage.orders.url}/17: 200, with the scope orders.read",
        f"PUT {stage.stock.url}/9: 200, with the scope stock.write",
    ]
    assert len(stage.server.tokens.issued) == 2
    assert all(token.jkt for token in stage.server.tokens.issued)
    assert [call.scheme for call in (*stage.orders.requests, *stage.stock.requests)] == ["dpop", "dpop"]
    assert leaks(done, stage.secrets) == []


def test_a_refusal_ends_the_service_with_one_line(stage: Stage):
    stage.server.register("sync", secret="another way of authenticating")

    done = run("service", *stage.for_service)

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("service: ")
    assert "invalid_client" in done.stderr


def test_a_server_on_this_machine_without_tls_needs_a_word(stage: Stage):
    done = run("service", *stage.for_service[1:])

    assert done.returncode == 1
    assert done.stderr.startswith("service: ")
    assert stage.server.requests == []


def test_an_api_that_refuses_ends_the_service_with_one_line(stage: Stage):
    stage.stock.required_scope = "stock.admin"

    done = run("service", *stage.for_service)

    assert done.returncode == 1
    assert "403" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_embedded_server_by_hand_says_how_to_run_the_programs_against_it():
    with subprocess.Popen(
        command("embedded"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as serving:
        assert serving.stdout is not None
        lines = [serving.stdout.readline() for _ in range(6)]
        commands = [shlex.split(line) for line in lines if "--issuer" in line]
        done = [
            subprocess.run(words, env=environment(), capture_output=True, timeout=60, check=False) for words in commands
        ]
        serving.send_signal(signal.SIGINT)
        _, complaints = serving.communicate(timeout=10)

    assert [re.sub(r".*/", "", words[1]) for words in commands] == ["service.py", "demo.py"]
    assert [(ended.returncode, ended.stderr) for ended in done] == [(0, b""), (0, b"")]
    assert (serving.returncode, complaints) == (0, "")
