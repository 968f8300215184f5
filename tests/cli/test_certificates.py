"""Logins that present a client certificate (RFC 8705): what is kept of it, what it binds, and what becomes of it."""

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from oauthclient.cli.place import Place
from oauthclient.jose.certificate import Certificate
from oauthclient.testing import LoopbackPort
from tests.cli.conftest import Stage
from tests.cli.programs import on_a_terminal

_OF_CERTIFICATES = {
    *("oauthclient.cli.certificate", "oauthclient.jose.certificate"),
    *("oauthclient.tls.client_certificate", "oauthclient.tls.clients", "oauthclient.tls.contexts"),
}
_REDIRECT = "http://127.0.0.1/answers"


class Certified(Stage):
    """Servers that speak TLS and ask for certificates. `bank`: who issues them; `files`: those of the client."""

    def __init__(self, port: LoopbackPort, folder: Path, capfd: pytest.CaptureFixture[str], bank: trustme.CA) -> None:
        super().__init__(port, folder, capfd)
        self.server.mtls = True
        self.bank = bank
        self.ca = folder.parent / "ca.pem"
        self.files = folder.parent / "client.pem", folder.parent / "client-key.pem"
        self.renew()

    @property
    def server_options(self) -> list[str]:
        return [self.issuer, "--ca", str(self.ca)]

    @property
    def certificate_options(self) -> list[str]:
        return ["--certificate", str(self.files[0]), "--certificate-key", str(self.files[1])]

    @property
    def x5t_s256(self) -> str:
        chain, key = (path.read_bytes() for path in self.files)
        return Certificate.from_pem(chain, key).x5t_s256

    def renew(self) -> None:
        """Put another certificate in place."""
        leaf = self.bank.issue_cert("client.example.com")
        self.files[0].write_bytes(leaf.cert_chain_pems[0].bytes())
        self.files[1].write_bytes(leaf.private_key_pem.bytes())

    def encrypt(self, passphrase: str) -> None:
        key = load_pem_private_key(self.files[1].read_bytes(), None)
        sealed = BestAvailableEncryption(passphrase.encode())
        self.files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))

    def keep(self, **settings: Any) -> None:
        """A login with the certificate, made quickly."""
        chain, key = map(str, self.files)
        self.keep_login(self.orders, **({"certificate": chain, "certificate_key": key, "ca": str(self.ca)} | settings))

    def keep_public(self, **settings: Any) -> None:
        """The same, by a client that nobody else could tell from another."""
        self.server.register("by-hand", redirect_uris=[_REDIRECT], tls_client_certificate_bound_access_tokens=True)
        self.keep(client_id="by-hand", registered=False, path="/answers", **settings)

    @property
    def sent(self) -> int:
        return len(self.server.requests) + len(self.orders.requests)


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Certified]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with LoopbackPort(tls=context) as port:
        made = Certified(port, tmp_path / "logins", capfd, authority)
        for name in list(os.environ):
            if name not in made.environ:
                monkeypatch.delenv(name)
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SSL_CERT_FILE", str(made.ca))  # for the browser
        yield made


def test_a_person_logs_in_with_a_certificate_and_calls_an_api(bank: Certified) -> None:
    login = bank.log_in(*bank.for_orders, *bank.certificate_options, "--json")

    assert (login.returncode, json.loads(login.stdout)["x5t#S256"]) == (0, bank.x5t_s256)
    code, out, told = bank.here("request", "GET", f"{bank.orders.url}/17")
    assert (code, told) == (0, "")
    assert json.loads(out)["subject"] == "alice"
    assert bank.orders.requests[-1].token["cnf"] == {"x5t#S256": bank.x5t_s256}
    assert bank.orders.requests[-1].x5t_s256 == bank.x5t_s256
    assert bank.here("logout")[0] == 0
    assert [seen.status for seen in bank.server.requests if seen.endpoint == "revocation"] == [200, 200]


def test_paths_are_kept_absolute_with_their_links(
    bank: Certified, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "current.pem").symlink_to("client.pem")
    monkeypatch.chdir(tmp_path)

    options = ["--certificate", "current.pem", "--certificate-key", "client-key.pem"]
    assert bank.log_in(*bank.for_orders, *options).returncode == 0

    [made] = Place(bank.folder).ledger.all()
    assert (made.certificate, made.certificate_key) == (str(tmp_path / "current.pem"), str(bank.files[1]))
    assert bank.log_in(bank.issuer).returncode == 0  # nothing is said again
    assert Place(bank.folder).ledger.all() == [made]


def test_a_certificate_in_one_file_takes_the_place_of_one_in_two(bank: Certified, tmp_path: Path) -> None:
    bank.keep()
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(path.read_bytes() for path in bank.files))

    assert bank.log_in(bank.issuer, "--certificate", str(both)).returncode == 0

    [made] = Place(bank.folder).ledger.all()
    assert (made.certificate, made.certificate_key) == (str(both), None)


def test_status_shows_what_tokens_are_bound_to(bank: Certified) -> None:
    bank.keep()

    code, out, _ = bank.here("status")

    assert code == 0
    assert f"to the client certificate (x5t#S256 {bank.x5t_s256})\n" in out
    assert "O=trustme" in out
    assert ", valid until " in out
    [document] = json.loads(bank.here("status", "--json")[1])
    assert document["bound_to"] == ["certificate"]
    assert document["certificate"]["x5t#S256"] == bank.x5t_s256
    assert document["certificate"]["san_dns"] == ["client.example.com"]


def test_tokens_can_be_bound_to_a_key_as_well(bank: Certified) -> None:
    login = bank.log_in(*bank.for_orders, *bank.certificate_options, "--dpop")

    assert login.returncode == 0
    assert bank.here("request", "GET", bank.orders.url)[0] == 0
    assert set(bank.orders.requests[-1].token["cnf"]) == {"jkt", "x5t#S256"}
    assert "), and to a key on this machine (DPoP)" in bank.here("status")[1]


def test_a_token_is_printed_with_what_it_is_bound_to(bank: Certified) -> None:
    bank.keep()

    assert json.loads(bank.here("token", "--json")[1])["x5t#S256"] == bank.x5t_s256
    code, seen = on_a_terminal("token", environ=bank.environ)
    assert code == 0
    assert f"curl --cert {bank.files[0]} --key {bank.files[1]}" in seen


def test_redirects_are_followed_with_the_certificate(bank: Certified) -> None:
    bank.keep()

    assert bank.here("request", "GET", bank.orders.url, "--location")[0] == 0
    assert bank.orders.requests[-1].x5t_s256 == bank.x5t_s256


def test_a_login_of_a_client_with_a_key_outlives_the_certificate(bank: Certified) -> None:
    bank.keep()
    assert bank.here("request", "GET", bank.orders.url)[0] == 0
    before = bank.x5t_s256

    bank.renew()

    assert bank.here("status")[0] == 0
    assert bank.here("request", "GET", bank.orders.url)[0] == 0
    assert bank.orders.requests[-1].x5t_s256 == bank.x5t_s256 != before


def test_the_login_of_a_public_client_ends_with_its_certificate(bank: Certified) -> None:
    bank.keep_public()
    assert bank.here("request", "GET", bank.orders.url)[0] == 0
    bank.renew()
    before = bank.sent

    code, out, _ = bank.here("status", "--json")
    assert (code, json.loads(out)[0]["code"]) == (3, "certificate_changed")
    code, out, told = bank.here("request", "GET", bank.orders.url)
    assert (code, out) == (3, "")
    assert f"Log in again: oauthclient login {bank.issuer}" in told
    assert bank.sent == before


@pytest.mark.parametrize("auth_method", [None, "tls_client_auth"])
def test_a_certificate_that_is_gone_is_said_and_does_not_keep_a_login_here(
    bank: Certified, auth_method: str | None
) -> None:
    bank.keep(auth_method=auth_method)
    bank.files[0].unlink()

    code, out, told = bank.here("request", "GET", bank.orders.url)
    assert (code, out) == (1, "")
    assert told == f"oauthclient: {bank.files[0]} cannot be read: No such file or directory.\n"
    assert bank.here("status", "--json")[0] == 1

    code, _, told = bank.here("logout")
    assert code == 0
    assert told.startswith(f"Without the client certificate: {bank.files[0]} cannot be read")
    assert Place(bank.folder).ledger.all() == []
    assert not any(name.kind == "session" for name in bank.vault.records.names())


def test_a_server_that_takes_no_such_certificate_gave_no_good_answer(bank: Certified) -> None:
    bank.keep()
    bank.bank = trustme.CA()
    bank.renew()

    code, out, told = bank.here("request", "GET", bank.orders.url)

    assert (code, out) == (5, "")
    assert "did not accept the client certificate" in told
    assert "--certificate FILE" in told


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_the_command_registers_itself_by_its_certificate(bank: Certified, method: str) -> None:
    login = bank.log_in(*bank.for_orders, *bank.certificate_options, "--auth-method", method)

    assert login.returncode == 0
    [client] = bank.server.clients.values()
    assert client.method == method
    assert bank.here("request", "GET", bank.orders.url)[0] == 0
    shown = bank.here("register", "show", bank.issuer)[1]
    assert method in shown
    if method.startswith("self"):
        assert f"x5t#S256 {bank.x5t_s256}" in shown


def test_the_next_certificate_is_registered_beside_the_present_one_then_alone(bank: Certified, tmp_path: Path) -> None:
    bank.keep(auth_method="self_signed_tls_client_auth")
    present = bank.files
    bank.files = tmp_path / "next.pem", tmp_path / "next-key.pem"
    bank.renew()
    [client] = bank.server.clients.values()

    def registered() -> set[str]:
        return {each.x5t_s256 for each in bank.server.clients[client.client_id].certificates}

    [before] = registered()
    code, _, told = bank.here("register", "rotate-certificate", bank.issuer, *bank.certificate_options, "--keep-former")
    assert (code, registered()) == (0, {before, bank.x5t_s256})
    assert "The former certificate is known too" in told
    assert Place(bank.folder).ledger.all()[0].certificate == str(present[0])

    assert bank.here("register", "rotate-certificate", bank.issuer, *bank.certificate_options, "--json")[0] == 0
    assert registered() == {bank.x5t_s256}
    [made] = Place(bank.folder).ledger.all()
    assert (made.certificate, made.certificate_key) == tuple(map(str, bank.files))
    assert bank.here("request", "GET", bank.orders.url)[0] == 0


def test_a_certificate_that_was_renewed_in_its_place_is_registered(bank: Certified) -> None:
    bank.keep(auth_method="self_signed_tls_client_auth")
    bank.renew()

    assert bank.here("register", "rotate-certificate", bank.issuer)[0] == 0

    [client] = bank.server.clients.values()
    assert [each.x5t_s256 for each in client.certificates] == [bank.x5t_s256]


def test_without_one_there_is_no_certificate_to_rotate(bank: Certified) -> None:
    bank.keep(certificate=None, certificate_key=None)

    code, out, told = bank.here("register", "rotate-certificate", bank.issuer)

    assert (code, out) == (1, "")
    assert "--certificate FILE" in told


def test_the_passphrase_comes_from_the_environment_or_a_person_and_is_kept_nowhere(bank: Certified) -> None:
    bank.encrypt("open sesame")

    login = bank.log_in(*bank.for_orders, *bank.certificate_options, OAUTHCLIENT_CERTIFICATE_PASSPHRASE="open sesame")
    assert login.returncode == 0

    nobody = bank.run("status")
    assert nobody.returncode == 1
    nobody = bank.run("request", "GET", bank.orders.url)
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert "OAUTHCLIENT_CERTIFICATE_PASSPHRASE" in nobody.stderr
    wrong = bank.run("request", "GET", bank.orders.url, OAUTHCLIENT_CERTIFICATE_PASSPHRASE="close sesame")
    assert wrong.returncode == 1
    assert "passphrase is wrong" in wrong.stderr
    code, seen = on_a_terminal("request", "GET", bank.orders.url, environ=bank.environ, answers=["open sesame"])
    assert code == 0
    assert f"Passphrase of {bank.files[1]}: " in seen
    shown = login.stderr + nobody.stderr + wrong.stderr + seen + (bank.folder / "logins.json").read_text()
    assert "sesame" not in shown


def test_what_is_shown_without_asking_the_server_needs_no_passphrase(bank: Certified) -> None:
    bank.keep()
    bank.encrypt("open sesame")

    assert bank.here("register", "show", bank.issuer)[0] == 0


def test_a_login_without_the_certificate_needs_a_registration_of_its_own(bank: Certified) -> None:
    bank.keep_login(bank.orders, ca=str(bank.ca))

    login = bank.log_in(*bank.for_orders, *bank.certificate_options, "--profile", "work")

    assert login.returncode == 1
    assert "oauthclient register delete ISSUER" in login.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--certificate-key", __file__],
        ["--dpop"],
        ["--auth-method", "tls_client_auth"],
        ["--certificate", __file__, "--dpop", "--bearer"],
        [
            "--certificate",
            __file__,
            "--auth-method",
            "tls_client_auth",
            "--client-id",
            "x",
            "--client-key-file",
            __file__,
        ],
        ["--certificate", "/nowhere.pem"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(bank: Certified, options: list[str]) -> None:
    code, out, told = bank.here("login", *bank.for_orders, *options)

    assert (code, out) == (2, "")
    assert told.endswith("\n  oauthclient login --help\n")


def test_what_is_no_certificate_is_said_before_anything_is_sent(bank: Certified) -> None:
    code, out, told = bank.here("login", *bank.for_orders, "--certificate", __file__)

    assert (code, out, bank.sent) == (1, "", 0)
    assert "openssl pkcs12" in told


def test_doctor_shows_what_a_login_with_the_certificate_would_use(bank: Certified) -> None:
    code, out, told = bank.here("doctor", *bank.server_options, *bank.certificate_options)

    assert (code, "✗" in out) == (0, False)
    assert "to certificates" in out
    assert bank.x5t_s256 in out
    assert " ".join(bank.certificate_options) in told
    document = json.loads(bank.here("doctor", *bank.server_options, *bank.certificate_options, "--json")[1])
    assert document["certificate"]["x5t#S256"] == bank.x5t_s256
    assert document["certificate"]["not_before"] < time.time() < document["certificate"]["not_after"]


def test_doctor_shows_what_is_wrong_with_the_certificate(bank: Certified) -> None:
    bank.files[1].write_bytes(trustme.CA().issue_cert("x.example.com").private_key_pem.bytes())

    code, out, _ = bank.here("doctor", *bank.server_options, *bank.certificate_options)

    assert code == 1
    assert "do not belong together" in next(line for line in out.splitlines() if "✗" in line)
    assert "✓ bound tokens" not in out


def test_a_call_without_a_certificate_loads_nothing_of_them(stage: Stage) -> None:
    stage.keep_login()
    program = f"""
import sys
from oauthclient.cli.main import run
code = run(["request", "GET", {stage.orders.url!r}, "-o", {os.devnull!r}])
print(code, *sorted({_OF_CERTIFICATES} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=stage.environ, capture_output=True, text=True, check=True
    )

    assert done.stdout == "0\n"
