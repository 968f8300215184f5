"""The programs of `examples/` against servers that nobody here wrote."""

import re
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.examples.programs import CERTIFIED_STEPS, STEPS, command, environment, leaks, run
from tests.real.certificates import Issued
from tests.real.harness import RealServer
from tests.real.identities import Client
from tests.real.native_app import visited


@pytest.fixture
def who(real: RealServer, tmp_path: Path) -> list[str]:
    client = real.clients["ES256"]
    key = tmp_path / "client.pem"
    key.write_bytes(client.pem)
    return ["--issuer", real.issuer, "--client-id", client.client_id, "--key", str(key), "--ca", str(real.ca)]


@pytest.fixture
def key_material(real: RealServer) -> list[str]:
    client = real.clients["ES256"]
    return [client.pem.decode().split("-----")[2], str(client.key.as_dict(private=True)["d"])]


def test_the_service_runs_against_the_real_server(real: RealServer, who: list[str], key_material: list[str]) -> None:
    a, b = real.resource("a"), real.resource("b")

    done = run("service", *who, "--orders", a, "read", "--stock", b, "admin")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"GET {a}/17: 200, with the scope read",
        f"PUT {b}/9: 200, with the scope admin",
    ]
    assert leaks(done, key_material) == []


def test_the_demo_runs_against_the_real_server(real: RealServer, who: list[str], key_material: list[str]) -> None:
    before = real.stats()

    told = run("demo", *who, "--resource", real.resource("a"), "read", "--resource", real.resource("b"), "admin")

    assert (told.returncode, told.stderr) == (0, "")
    assert [step for step in STEPS if step not in told.stdout] == []
    assert told.stdout.count("✓ 401") == 6
    assert "✗" not in told.stdout
    assert leaks(told, key_material) == []
    after = real.stats()
    granted, earlier = (stats["as"]["granted"].get("client_credentials", 0) for stats in (after, before))
    assert granted - earlier == 2
    assert after["api"]["accepted"] - before["api"]["accepted"] == 3


def presenting(real: RealServer, client: Client, folder: Path) -> list[str]:
    """The options of a client with a certificate; the key is that of "key-bound", which has one beside it."""
    words = ["--issuer", real.issuer, "--client-id", client.client_id, "--ca", str(real.ca)]
    words += certificate(client.certificate)
    if client.method == "self_signed_tls_client_auth":
        words.append("--self-signed")
    if client.pem:
        key = folder / "client.pem"
        key.write_bytes(client.pem)
        words += ["--key", str(key)]
    return words


def certificate(issued: Issued) -> list[str]:
    return ["--certificate", str(issued.chain_file), "--certificate-key", str(issued.key_file)]


def private(issued: Issued) -> list[str]:
    return [issued.key_pem.decode().split("-----")[2]]


@pytest.mark.parametrize("name", ["tls", "self-signed", "key-bound"])
def test_the_service_runs_with_a_client_certificate_against_the_real_server(
    real: RealServer, tmp_path: Path, name: str
) -> None:
    client = real.clients[name]
    a, b = real.resource("mtls"), real.resource("mtls-reference")
    before = real.stats()["as"]["aliases"].get("token", 0)

    done = run("service", *presenting(real, client, tmp_path), "--orders", a, "read", "--stock", b, "read")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"GET {a}/17: 200, with the scope read",
        f"PUT {b}/9: 200, with the scope read",
    ]
    assert real.stats()["as"]["aliases"]["token"] - before == 2
    assert leaks(done, private(client.certificate)) == []


@pytest.mark.parametrize("name", ["tls", "self-signed", "key-bound"])
def test_the_demo_runs_with_a_client_certificate_against_the_real_server(
    real: RealServer, tmp_path: Path, name: str
) -> None:
    client = real.clients[name]
    a, b = real.resource("mtls"), real.resource("mtls-reference")
    before = real.stats()

    told = run("demo", *presenting(real, client, tmp_path), "--resource", a, "read", "--resource", b, "read")

    assert (told.returncode, told.stderr) == (0, "")
    assert [step for step in CERTIFIED_STEPS if step not in told.stdout] == []
    assert told.stdout.count("✓ 401 invalid_token") == 3
    assert "✗" not in told.stdout
    assert f"cnf x5t#S256  {client.certificate.x5t_s256}" in told.stdout
    assert leaks(told, private(client.certificate)) == []
    assert real.stats()["api"]["accepted"] - before["api"]["accepted"] == 3


def logging_in(real: RealServer, options: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`examples/native.py` with --no-browser, and a person who opens the address that it shows and says yes."""
    words = command("native", *options, "--no-browser")
    told = ""
    visits: list[threading.Thread] = []
    with subprocess.Popen(
        words, env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stderr:
            told += line
            for url in re.findall(r"https://\S+/auth\?\S+", line):
                visits.append(threading.Thread(target=visited, args=(real, url)))
                visits[-1].start()
        printed = process.stdout.read()
        process.wait(20)
    for visit in visits:
        visit.join(20)
    assert process.returncode == 0, told
    return subprocess.CompletedProcess(words, process.returncode, printed, told)


@pytest.mark.parametrize("registered", [True, False])
def test_the_native_login_runs_with_a_client_certificate_against_the_real_server(
    real: RealServer, tmp_path: Path, *, registered: bool
) -> None:
    client = real.clients["native-tls"]
    options = ["--issuer", real.issuer, "--ca", str(real.ca), "--folder", str(tmp_path / "kept")]
    options += ["--api", real.resource("mtls"), "read", *certificate(client.certificate)]
    if registered:
        options += ["--client-id", client.client_id, "--redirect-path", "/callback"]
    environ = environment(OAUTHCLIENT_STORAGE_KEY="6b" * 32)
    before = real.stats()["as"]["granted"]

    first = logging_in(real, options, environ)
    again = run("native", *options, OAUTHCLIENT_STORAGE_KEY="6b" * 32)  # nobody is there to log in
    left = run("native", *options, "--logout", OAUTHCLIENT_STORAGE_KEY="6b" * 32)

    assert first.stdout == again.stdout == f"alice: GET {real.resource('mtls')}/today: 200\n"
    assert (again.returncode, again.stderr, left.returncode, left.stderr) == (0, "", 0, "")
    assert real.stats()["as"]["granted"]["authorization_code"] - before.get("authorization_code", 0) == 1
    assert leaks(first, private(client.certificate)) == []
