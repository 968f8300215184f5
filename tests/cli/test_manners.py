"""How the command behaves as a program among programs, and in front of a person."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oauthclient.cli.place import Place
from oauthclient.testing import Response
from tests.cli.conftest import Stage
from tests.cli.programs import COMMAND, on_a_terminal

_PATIENCE = 30  # seconds
_EVERY_COMMAND = ["login", "logout", "status", "token", "request", "register", "doctor", "demo"]


def test_results_are_on_stdout_and_all_else_on_stderr(stage: Stage) -> None:
    login = stage.log_in(*stage.for_orders)
    assert login.stdout == ""
    for command in ["status"], ["token"], ["request", "GET", stage.orders.url], ["register", "show", stage.issuer]:
        code, out, told = stage.here(*command)
        assert (code, told) == (0, "")
        assert out != ""
    assert stage.here("logout")[1] == ""


def test_json_is_written_where_data_is(stage: Stage) -> None:
    login = stage.log_in(*stage.for_orders, "--json")
    assert json.loads(login.stdout)["granted"] == [{"target": stage.orders.url, "scope": "read"}]
    assert json.loads(stage.here("status", "--json")[1])[0]["subject"] == "alice"
    assert json.loads(stage.here("token", "--json")[1])["token_type"] == "DPoP"
    assert json.loads(stage.here("register", "show", stage.issuer, "--json")[1])["manageable"] is True
    rotated = stage.here("register", "rotate-key", stage.issuer, "--overlap", "0", "--json")
    assert json.loads(rotated[1])["metadata"]["client_name"] == "oauthclient"
    assert json.loads(stage.here("doctor", *stage.server_options, "--json")[1])["ready"] is True
    assert json.loads(stage.here("logout", "--json")[1])[0]["still_honoured"] == []


def test_no_secret_is_shown_but_by_the_command_that_is_there_for_it(stage: Stage) -> None:
    shown = "".join((login := stage.log_in(*stage.for_orders, "--json")).stdout + login.stderr)
    secrets = stage.secrets
    for command in (
        ["status"],
        ["status", "--json"],
        ["request", "GET", stage.orders.url, "-i"],
        ["register", "show", stage.issuer],
        ["register", "show", stage.issuer, "--json"],
        ["register", "show", stage.issuer, "--server", "--json"],
        ["doctor", *stage.server_options],
        ["logout", "--json"],
    ):
        code, out, told = stage.here(*command)
        assert code == 0
        shown += out + told
    assert [secret for secret in secrets if secret in shown] == []


def test_the_token_command_prints_the_token_and_nothing_else(logged_in: Stage) -> None:
    code, out, told = logged_in.here("token", f"{logged_in.orders.url}/17")

    assert (code, told) == (0, "")
    assert out.removesuffix("\n") in [token.access_token for token in logged_in.server.tokens.issued]


def test_which_token_is_to_be_printed_must_be_clear(logged_in: Stage) -> None:
    code, out, told = logged_in.here("token")

    assert (code, out) == (2, "")
    assert logged_in.orders.url in told
    assert logged_in.stock.url in told


@pytest.mark.parametrize("command", [[name] for name in _EVERY_COMMAND] + [["register", "rotate-key"], []])
def test_every_command_explains_itself(stage: Stage, command: list[str]) -> None:
    code, out, told = stage.here(*command, "--help")

    assert (code, told) == (0, "")
    assert out.startswith(f"Usage: {' '.join(['oauthclient', *command])}")
    assert all(len(line) <= 100 for line in out.splitlines())


def test_all_exit_codes_are_listed_in_the_help_and_in_the_docs(stage: Stage) -> None:
    told = stage.here("--help")[1].partition("Exit codes:")[2]
    documented = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()

    codes = re.findall(r"^\s+(\d+)  ", told, re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "4", "5", "6", "130", "141"]
    assert [code for code in codes if f"| {code} |" not in documented] == []


def test_without_a_command_the_help_comes_on_stderr(stage: Stage) -> None:
    code, out, told = stage.here()

    assert (code, out) == (2, "")
    assert "doctor" in told


@pytest.mark.parametrize("arguments", [["frobnicate"], ["status", "--frobnicate"], ["request", "GET"], ["doctor"]])
def test_a_wrong_line_is_one_line_and_a_hint(stage: Stage, arguments: list[str]) -> None:
    code, out, told = stage.here(*arguments)

    assert (code, out) == (2, "")
    assert re.fullmatch(r"oauthclient: .+\n  oauthclient.* --help\n", told)


def test_a_reader_who_leaves_ends_it_quietly(logged_in: Stage) -> None:
    logged_in.orders.instead(Response(200, body=b"x" * 1_000_000))
    command = [*COMMAND, "request", "GET", logged_in.orders.url]

    with subprocess.Popen(command, env=logged_in.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        told = process.stderr.read()
        code = process.wait(_PATIENCE)

    assert (code, told) == (141, b"")


def test_a_reader_who_leaves_before_a_table_ends_it_quietly(logged_in: Stage) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*COMMAND, "status"], env=logged_in.environ, stdout=writer, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writer)

    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("way", ["--no-browser", "--device"])
def test_ctrl_c_ends_a_login_at_once_and_leaves_nothing(stage: Stage, way: str) -> None:
    command = [*COMMAND, "login", *stage.for_orders, way]
    with subprocess.Popen(
        command, env=stage.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        told = process.stderr.readline()
        time.sleep(0.2)  # until it waits
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        told += process.stderr.read()
        code = process.wait(_PATIENCE)

    assert code == 130
    assert time.monotonic() - began < 5
    assert "Traceback" not in told
    assert Place(stage.folder).ledger.all() == []
    assert [name for name in stage.vault.records.names() if name.kind == "session"] == []


def test_a_device_login_shows_its_code_and_ends_when_it_was_entered(stage: Stage) -> None:
    command = [*COMMAND, "login", *stage.for_orders, "--device"]
    with subprocess.Popen(
        command, env=stage.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        told = ""
        for line in process.stderr:
            told += line
            code = re.fullmatch(r"    ([A-Z]{4}-[A-Z]{4})\n", line)
            if code:
                stage.server.device.approve(code[1])
        assert process.wait(_PATIENCE) == 0

    assert "Only go on if you started this login yourself." in told
    assert "Logged in as alice" in told
    assert stage.here("request", "GET", stage.orders.url)[0] == 0


def test_colours_are_for_terminals_that_want_them(logged_in: Stage) -> None:
    coloured = on_a_terminal("status", environ=logged_in.environ)[1]
    assert "\x1b[32m✓\x1b[0m" in coloured
    for changes in {"NO_COLOR": "1"}, {"TERM": "dumb"}:
        assert "\x1b" not in on_a_terminal("status", environ=logged_in.environ | changes)[1]
    assert "\x1b" not in logged_in.run("status").stdout
    assert "+ http" in logged_in.run("status", PYTHONIOENCODING="ascii").stdout


def test_an_answer_cannot_command_the_terminal(logged_in: Stage) -> None:
    logged_in.orders.instead(Response(200, (("X-Evil", "a"),), "\x1b]0;owned\x07ü\r\nend".encode()))

    seen = on_a_terminal("request", "GET", logged_in.orders.url, environ=logged_in.environ)[1]

    assert seen == "�]0;owned�ü\r\nend\r\n"  # the terminal itself makes \r\n of each line break


def test_a_person_is_waited_for_with_something_that_moves(stage: Stage) -> None:
    code, seen = on_a_terminal("login", *stage.for_orders, "--no-browser", "--timeout", "1.5", environ=stage.environ)

    assert code == 1
    frames = re.findall(r"\r\x1b\[2K(.) Waiting for you to log in \(0:0\d; Ctrl-C to stop\)", seen)
    assert len(set(frames)) > 2
    assert seen.partition("oauthclient:")[0].endswith("\r\x1b[2K\x1b[31;1m")


def test_a_passphrase_is_asked_for_and_not_shown(stage: Stage) -> None:
    del stage.environ["OAUTHCLIENT_STORAGE_KEY"]
    login = ["login", *stage.for_orders, "--no-browser", "--timeout", "1"]

    seen = on_a_terminal(*login, environ=stage.environ, answers=["very secret"] * 2)[1]

    assert "Passphrase for new sealed files: " in seen
    assert "Repeat for confirmation: " in seen
    assert "very secret" not in seen
    wrong = on_a_terminal(*login, environ=stage.environ, answers=["another"])
    assert wrong[0] == 6
    assert "The passphrase is not the one" in wrong[1]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_what_is_known(logged_in: Stage, shell: str) -> None:
    script = logged_in.run(_OAUTHCLIENT_COMPLETE=f"{shell}_source")
    assert script.returncode == 0
    assert "_OAUTHCLIENT_COMPLETE" in script.stdout

    def completed(*words: str) -> str:
        line = {"COMP_WORDS": " ".join(["oauthclient", *words]), "COMP_CWORD": str(len(words))}
        return str(logged_in.run(_OAUTHCLIENT_COMPLETE="bash_complete", **line).stdout)

    assert "plain,logout" in completed("logo")
    assert f"plain,{logged_in.issuer}" in completed("logout", "http")
    assert f"plain,{logged_in.stock.url}" in completed("request", "GET", logged_in.stock.url[:-2])


def test_without_its_packages_the_command_says_which_to_install(stage: Stage) -> None:
    program = "import sys; sys.modules['click'] = None; from oauthclient.cli.main import main; main()"

    told = subprocess.run(
        [sys.executable, "-c", program], env=stage.environ, capture_output=True, text=True, check=False
    )

    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == "oauthclient: The command needs more packages: pip install 'oauthclient[cli]'\n"
