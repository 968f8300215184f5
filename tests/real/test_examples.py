"""The programs of `examples/` against servers that nobody here wrote."""

from pathlib import Path

import pytest

from tests.examples.programs import STEPS, leaks, run
from tests.real.harness import RealServer


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
