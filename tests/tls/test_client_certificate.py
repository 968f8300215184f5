"""A client certificate as it is made: all forms that are in use, and what is said at once (RFC 8705, section 6.3)."""

from __future__ import annotations

import copy
import os
import pickle
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from oauthclient import ClientCertificate, ConfigurationError, InvalidKey, Secret
from oauthclient.tls.contexts import check_loads
from tests.jose.test_certificate import KEYS, cert_pem, issued, key_pem
from tests.showing import held, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tls.conftest import Passing
    from tests.tls.place import Place

PASSPHRASE = "correct horse battery staple, ü"


@pytest.fixture
def locked(place: Place) -> Path:
    """The same key, encrypted."""
    path = place.folder / "locked.pem"
    key = load_pem_private_key(place.key.read_bytes(), None)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE.encode())))
    return path


def test_it_is_read_from_two_files_or_one_or_from_memory(place: Place) -> None:
    chain, key = place.cert.read_bytes(), place.key.read_bytes()
    both = place.folder / "both.pem"
    both.write_bytes(key + chain)
    made = [
        ClientCertificate.from_files(place.cert, place.key),
        ClientCertificate.from_files(str(place.cert), str(place.key)),
        ClientCertificate.from_files(both),
        ClientCertificate.from_pem(chain, key),
        ClientCertificate.from_pem(chain.decode(), key.decode()),
        ClientCertificate.from_pem(chain, Secret(key.decode())),
        ClientCertificate.from_pem(chain + key),
    ]
    assert len({certificate.current().chain_s256 for certificate in made}) == 1
    assert len(made[0].current().x5c) == 2


@pytest.mark.parametrize("kind", [kind for kind in KEYS if kind != "P-521"])
def test_a_key_of_any_algorithm_of_tls_will_do(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oauthclient.time.wall", lambda: 1_750_000_000.0)
    made = ClientCertificate.from_pem(cert_pem(issued(KEYS[kind])), key_pem(KEYS[kind]))
    assert made.problem is None


PASSPHRASES: dict[str, Any] = {
    "text": PASSPHRASE,
    "bytes": PASSPHRASE.encode(),
    "secret": Secret(PASSPHRASE),
    "fetched text": lambda: PASSPHRASE,
    "fetched bytes": PASSPHRASE.encode,
    "fetched secret": lambda: Secret(PASSPHRASE),
}


@pytest.mark.parametrize("kind", PASSPHRASES)
def test_an_encrypted_key_comes_with_its_passphrase_or_with_a_function_that_fetches_it(
    place: Place, locked: Path, kind: str
) -> None:
    passphrase = PASSPHRASES[kind]
    assert ClientCertificate.from_files(place.cert, locked, passphrase=passphrase)
    assert ClientCertificate.from_pem(place.cert.read_bytes(), locked.read_bytes(), passphrase=passphrase)


def faults(place: Place, locked: Path) -> dict[str, tuple[str, Callable[[], object]]]:
    cert, other = place.cert, place.issue()
    stranger, old, early = (place.folder / f"{name}.pem" for name in ("stranger", "old", "early"))
    stranger.write_bytes(other.key)
    for path, times in ((old, {"starts": -7200.0, "lifetime": -60.0}), (early, {"starts": 60.0})):
        made = place.issue(**times)
        path.write_bytes(made.chain + made.key)
    read: Any = ClientCertificate.from_files
    return {
        "no passphrase": ("passphrase_needed", lambda: read(cert, locked)),
        "a wrong one": ("wrong_passphrase", lambda: read(cert, locked, passphrase=f"{PASSPHRASE}?")),
        "a wrong one fetched": ("wrong_passphrase", lambda: read(cert, locked, passphrase=lambda: f"{PASSPHRASE}?")),
        "none fetched": ("passphrase_needed", lambda: read(cert, locked, passphrase=lambda: None)),
        "a number": ("not_a_string", lambda: read(cert, locked, passphrase=17)),
        "not that key": ("certificate_key_mismatch", lambda: read(cert, stranger)),
        "no key": ("certificate", lambda: read(cert)),
        "expired": ("certificate_expired", lambda: read(old)),
        "not valid yet": ("certificate_not_yet_valid", lambda: read(early)),
        "nothing there": ("unreadable_file", lambda: read(place.folder / "nowhere.pem")),
        "no key there": ("unreadable_file", lambda: read(cert, place.folder / "nowhere.pem")),
        "a folder": ("unreadable_file", lambda: read(place.folder)),
        "not a path": ("unreadable_file", lambda: read(17)),
        "not a path either": ("unreadable_file", lambda: read("a\0b")),
        "what stands in the file": ("unreadable_file", lambda: read(cert, place.key.read_text())),
        "expired in memory": ("certificate_expired", lambda: ClientCertificate.from_pem(old.read_bytes())),
        "not that key in memory": (
            "certificate_key_mismatch",
            lambda: ClientCertificate.from_pem(cert.read_bytes(), Secret(other.key.decode())),
        ),
        "a wrong one in memory": (
            "wrong_passphrase",
            lambda: ClientCertificate.from_pem(cert.read_bytes(), locked.read_bytes(), passphrase=f"{PASSPHRASE}?"),
        ),
    }


FAULTS = (
    "no passphrase", "a wrong one", "a wrong one fetched", "none fetched", "a number", "not that key", "no key",
    "expired", "not valid yet", "nothing there", "no key there", "a folder", "not a path", "not a path either",
    "what stands in the file", "expired in memory", "not that key in memory", "a wrong one in memory",
)  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_wrong_is_said_when_it_is_made_and_nothing_secret_with_it(
    place: Place, locked: Path, kind: str
) -> None:
    code, make = faults(place, locked)[kind]
    with pytest.raises((InvalidKey, ConfigurationError)) as caught:
        make()
    assert caught.value.code == code
    assert caught.value.hint or code in ("wrong_passphrase", "not_a_string")
    shown = "\n".join(told(caught.value))
    pems = [path.read_text() for path in place.folder.glob("*.pem") if path != place.ca]
    keys = [line for pem in pems for line in pem.split("PRIVATE KEY")[1:2] for line in line.splitlines()[1:-1] if line]
    assert keys
    assert not [secret for secret in [PASSPHRASE, *keys] if secret in shown]


def test_the_error_of_the_programs_own_function_comes_out_as_it_is(place: Place, locked: Path) -> None:
    def vault() -> str:
        raise ConnectionError("the vault is sealed")

    for make in (
        lambda: ClientCertificate.from_files(place.cert, locked, passphrase=vault),
        lambda: ClientCertificate.from_pem(place.cert.read_bytes(), place.key.read_text(), passphrase=vault),
    ):
        with pytest.raises(ConnectionError) as caught:
            make()
        assert place.key.read_text().splitlines()[1] not in "\n".join(told(caught.value))


def test_nothing_it_holds_shows_the_key_or_the_passphrase(place: Place, locked: Path) -> None:
    for passphrase in (PASSPHRASE, PASSPHRASE.encode()):
        made = ClientCertificate.from_files(place.cert, locked, passphrase=passphrase)
        shown = "\n".join(held(made))
        assert "<redacted>" in shown
        for secret in (PASSPHRASE, repr(PASSPHRASE.encode()), place.key.read_text().splitlines()[1]):
            assert secret not in shown


def test_it_shows_who_it_is_and_is_neither_pickled_nor_copied_nor_made_otherwise(place: Place) -> None:
    made = place.certificate()
    assert repr(made) == f"ClientCertificate({made.current()})"
    assert "An app" not in repr(made)
    for make in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            make(made)
    with pytest.raises(TypeError):
        ClientCertificate()


def test_what_openssl_does_not_take_is_said_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oauthclient.time.wall", lambda: 1_750_000_000.0)

    def refuse(*_: object, **__: object) -> None:
        raise ssl.SSLError(1, "[SSL: EE_KEY_TOO_SMALL] ee key too small")

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", refuse)
    with pytest.raises(InvalidKey, match="ee key too small") as caught:
        ClientCertificate.from_pem(cert_pem(issued(KEYS["RSA"])), key_pem(KEYS["RSA"]))
    assert caught.value.code == "unusable_certificate"


def test_the_file_that_tls_reads_has_an_encrypted_key_and_is_gone_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    read: list[tuple[str, int]] = []
    load = ssl.SSLContext.load_cert_chain

    def look(context: ssl.SSLContext, path: str, *arguments: Any, **settings: Any) -> None:
        read.append((Path(path).read_text(), Path(path).stat().st_mode & 0o777))
        load(context, path, *arguments, **settings)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", look)
    place.certificate()
    [(text, mode)] = read
    assert ("ENCRYPTED PRIVATE KEY" in text, text.count("PRIVATE KEY"), mode) == (True, 2, 0o600)
    assert list(folder.iterdir()) == []

    def fail(*_: object, **__: object) -> None:
        raise ssl.SSLError(1, "no")

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", fail)
    with pytest.raises(InvalidKey):
        place.certificate()
    assert list(folder.iterdir()) == []


def test_without_a_place_for_that_file_it_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = place.certificate().current()
    monkeypatch.setattr(tempfile, "tempdir", str(place.folder / "read-only"))
    with pytest.raises(ConfigurationError, match="No such file or directory") as caught:
        check_loads(certificate)
    assert caught.value.code == "no_temporary_file"
    assert "TMPDIR" in caught.value.hint


def test_the_files_are_looked_at_once_in_an_interval_and_not_for_each_request(
    place: Place, pass_time: Passing, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = place.certificate(check_every=2.0)
    looks: list[object] = []
    stat = os.stat

    def counted(path: Any, *arguments: Any, **settings: Any) -> os.stat_result:
        looks.append(path)
        return stat(path, *arguments, **settings)

    monkeypatch.setattr(os, "stat", counted)
    monkeypatch.setattr(Path, "stat", counted)
    for _ in range(3):
        for _ in range(1000):
            certificate.current()
        pass_time(1.0)
    assert looks == [place.cert, place.key]


def test_one_from_memory_is_never_looked_for(place: Place, pass_time: Passing) -> None:
    certificate = ClientCertificate.from_pem(place.cert.read_bytes(), place.key.read_bytes())
    first = certificate.current()
    place.put()
    pass_time(100_000_000)
    assert certificate.current() is first
    assert certificate.generation(first.x5t_s256) is None  # it has expired
