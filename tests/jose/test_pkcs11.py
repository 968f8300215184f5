"""A key in SoftHSM: it signs like a key in memory, and each thing that can be wrong with a token has a name."""

import copy
import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import import_key

from oauthclient import DPoP, PrivateKeyJWT
from oauthclient.errors import ConfigurationError, InvalidKey
from oauthclient.jose import pkcs11_session
from oauthclient.jose.algorithms import SIGNING
from oauthclient.jose.encoding import base64url
from oauthclient.jose.jwk import thumbprint
from oauthclient.jose.pkcs11 import PKCS11Key
from oauthclient.jose.verifying_key import VerifyingKey
from oauthclient.secret import Secret
from tests.components import ComponentMissing, missing
from tests.jose.softhsm import PIN, TOKEN, make_key, make_token
from tests.jose.test_secrets import shown
from tests.world import ORDERS, World

OnToken = Callable[..., PKCS11Key]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> str:
    try:
        path = make_token(tmp_path_factory.mktemp("softhsm"))
    except ComponentMissing as gap:
        missing(gap)
    for label in ("ES256", "ES384", "ES512", "Ed25519", "RSA"):
        make_key(path, label, label, label.encode())
    return path


@pytest.fixture
def on_token(module: str) -> Iterator[OnToken]:
    """Opens keys on the token, and logs out of it when the test is over."""

    def on_token(algorithm: str = "ES256", **changes: Any) -> PKCS11Key:
        label = "RSA" if algorithm[:2] in ("PS", "RS") else algorithm
        settings = {"module": module, "token": TOKEN, "label": label, "pin": PIN} | changes
        return PKCS11Key(settings.pop("module"), algorithm=algorithm, **settings)

    yield on_token
    take_out(module)


def take_out(module: str) -> None:
    """A token that is taken out and put back has closed its sessions and logged out (PKCS #11 section 5.6)."""
    import pkcs11

    pkcs11.lib(module).reinitialize()


def code_of(make: Callable[[], object]) -> str:
    with pytest.raises(InvalidKey) as caught:
        make()
    assert caught.value.hint
    assert caught.value.__cause__ is None
    return caught.value.code


@pytest.mark.parametrize("algorithm", SIGNING)
def test_a_key_on_a_token_signs_as_one_in_memory(on_token: OnToken, algorithm: str) -> None:
    key = on_token(algorithm, kid="hsm-1")
    assert (key.algorithm, key.kid, key.thumbprint) == (algorithm, "hsm-1", thumbprint(key.public_jwk))
    assert VerifyingKey(key.public_jwk).verify(algorithm, b"message", key.sign(b"message"))
    message = base64url(json.dumps({"alg": algorithm}).encode()) + b"." + base64url(b"payload")
    compact = message + b"." + base64url(key.sign(message))
    assert jws.deserialize_compact(compact, import_key(key.public_jwk), algorithms=[algorithm]).payload == b"payload"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"module": "/nowhere.so"}, "module_unusable"),
        ({"token": "another"}, "no_such_token"),
        ({"label": "another"}, "no_such_key"),
        ({"label": "Ed25519"}, "no_such_key"),
        ({"pin": "0000"}, "wrong_pin"),
        ({"pin": ""}, "wrong_pin"),
        ({"pin": lambda: Secret("0000")}, "wrong_pin"),
        ({"label": "ES384"}, "algorithm_mismatch"),
        ({"label": "ES512"}, "algorithm_mismatch"),
        ({"algorithm": "HS256"}, "unsupported_algorithm"),
        ({"algorithm": "EdDSA"}, "unsupported_algorithm"),
    ],
    ids=range(11),
)
def test_whatever_is_wrong_has_an_error_of_its_own(on_token: OnToken, changes: Any, code: str) -> None:
    assert code_of(lambda: on_token(**changes)) == code


def test_a_private_key_without_its_public_half_is_told(module: str, on_token: OnToken) -> None:
    make_key(module, "half", "ES256", b"half", public=False)
    assert code_of(lambda: on_token(label="half")) == "no_public_key"


def test_a_label_that_two_keys_have_is_told(module: str, on_token: OnToken) -> None:
    make_key(module, "twins", "ES256", b"t1")
    make_key(module, "twins", "ES256", b"t2")
    assert code_of(lambda: on_token(label="twins")) == "ambiguous_key"


def test_keys_of_different_types_may_share_a_label(module: str, on_token: OnToken) -> None:
    make_key(module, "shared", "ES256", b"s1")
    make_key(module, "shared", "PS256", b"s2")
    assert on_token("ES256", label="shared").thumbprint != on_token("PS256", label="shared").thumbprint


def test_a_public_key_that_belongs_to_another_is_told(module: str, on_token: OnToken) -> None:
    """Both found by the same CKA_ID: a proof would carry the wrong key, and no server would accept it."""
    make_key(module, "whole", "ES256", b"same")
    make_key(module, "other", "ES256", b"same", public=False)
    assert code_of(lambda: on_token(label="other")) == "key_mismatch"


def test_a_token_that_cannot_do_an_algorithm_says_so(on_token: OnToken, monkeypatch: pytest.MonkeyPatch) -> None:
    from pkcs11 import Mechanism

    monkeypatch.setattr(pkcs11_session, "_mechanism", lambda algorithm: (Mechanism.SHA_1, None))
    assert code_of(on_token) == "unsupported_algorithm"


def test_an_unknown_failure_keeps_its_name() -> None:
    from pkcs11 import HostMemory

    fault = pkcs11_session._fault(HostMemory())
    assert fault.code == "token_failed"
    assert "HostMemory" in str(fault)


def test_every_fault_has_a_hint_and_is_an_error_of_the_package() -> None:
    import pkcs11

    assert {code for code, _ in pkcs11_session._FAULTS.values()} < pkcs11_session._HINTS.keys()
    assert all(issubclass(getattr(pkcs11, name), pkcs11.PKCS11Error) for name in pkcs11_session._FAULTS)


def test_the_pin_is_asked_for_once_and_again_when_the_token_was_away(module: str, on_token: OnToken) -> None:
    asked = []

    def pin() -> str:
        asked.append(1)
        return PIN

    key = on_token(pin=pin)
    for _ in range(3):
        key.sign(b"m")
    second = on_token("ES384", pin="not needed: the process is logged in")
    assert len(asked) == 1
    take_out(module)
    assert VerifyingKey(key.public_jwk).verify("ES256", b"m", key.sign(b"m"))
    assert len(asked) == 2
    assert second.sign(b"m")


def test_a_pin_that_was_refused_is_not_tried_again(
    module: str, on_token: OnToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token locks itself after a few. Who gives a callable is asked again."""
    key, asking = on_token(), on_token(pin=lambda: PIN)
    tried = []

    def refuse(*_arguments: Any) -> InvalidKey:
        tried.append(1)
        return InvalidKey("The token refuses the PIN.", code="wrong_pin", hint="Give another.")

    monkeypatch.setattr(pkcs11_session, "open_key", refuse)
    for one, attempts in ((key, 1), (asking, 3)):
        take_out(module)
        tried.clear()
        assert [code_of(lambda one=one: one.sign(b"m")) for _ in range(3)] == ["wrong_pin"] * 3
        assert len(tried) == attempts


def test_a_key_that_was_refused_leaves_nobody_logged_in(on_token: OnToken) -> None:
    assert code_of(lambda: on_token(label="ES384")) == "algorithm_mismatch"
    assert code_of(lambda: on_token(pin="0000")) == "wrong_pin"


def test_what_the_pin_callable_raises_is_raised(on_token: OnToken) -> None:
    class Cancelled(Exception): ...

    def pin() -> str:
        raise Cancelled

    with pytest.raises(Cancelled):
        on_token(pin=pin)
    assert on_token().sign(b"m")


def test_many_threads_sign_with_keys_of_one_token(on_token: OnToken) -> None:
    keys = [on_token(algorithm) for algorithm in ("ES256", "ES384", "Ed25519")]
    start = threading.Barrier(6)

    def work(number: int) -> bool:
        key = keys[number % 3]
        start.wait()
        messages = [f"{number}.{n}".encode() for n in range(30)]
        return all(VerifyingKey(key.public_jwk).verify(key.algorithm, m, key.sign(m)) for m in messages)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(6)))


FORK = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forks with threads: they are what is tried
from oauthclient.jose.pkcs11 import PKCS11Key
from oauthclient.jose.pkcs11_session import process
from oauthclient.jose.verifying_key import VerifyingKey
asked = []
key = PKCS11Key(sys.argv[1], token="oauth", label="ES256", pin=lambda: (asked.append(1), "5678")[1])
held, over = threading.Event(), threading.Event()
def hold():
    with process.lock:
        held.set()
        over.wait(60)
threading.Thread(target=hold, daemon=True).start()
held.wait(60)
child = os.fork()
if not child:
    good = all(VerifyingKey(key.public_jwk).verify("ES256", b"m", key.sign(b"m")) for _ in range(3))
    os._exit(0 if good and len(asked) == 2 else 1)
over.set()
_, status = os.waitpid(child, 0)
assert VerifyingKey(key.public_jwk).verify("ES256", b"m", key.sign(b"m"))
assert len(asked) == 1
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork.")
def test_a_forked_child_opens_a_session_of_its_own(module: str) -> None:
    """PKCS #11 leaves the parent's undefined there; and a thread of the parent's may hold the lock."""
    done = subprocess.run([sys.executable, "-c", FORK, module], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_client_with_both_keys_on_the_token_gets_a_bound_token_and_uses_it(on_token: OnToken) -> None:
    """`PrivateKeyJWT(key)` and `DPoP(key)`, against the embedded server."""
    client_key, binding_key = on_token("PS256"), on_token("ES256")
    world = World()
    world.server.register("hsm", key=client_key)
    auth = world.auth(client_id="hsm", authentication=PrivateKeyJWT(client_key), binding=DPoP(binding_key))
    with httpx.Client(transport=world.network.transport(), auth=auth) as api:
        assert api.get(f"{ORDERS}/17").status_code == 200
    [asked] = world.token_requests
    assert asked.assertion
    assert world.orders.requests[-1].error is None


def test_a_key_on_a_token_shows_no_pin_and_goes_nowhere(on_token: OnToken) -> None:
    key = on_token()
    assert PIN not in repr(key)
    assert PIN not in repr({name: getattr(key, name) for name in PKCS11Key.__slots__})
    assert copy.copy(key) is copy.deepcopy(key) is key
    with pytest.raises(TypeError):
        pickle.dumps(key)


@pytest.mark.parametrize(
    "pin", ["wrong-pin-hunter2", Secret("wrong-pin-hunter2"), lambda: "wrong-pin-hunter2"], ids=range(3)
)
def test_a_refused_pin_stands_in_no_traceback(on_token: OnToken, pin: Any) -> None:
    with pytest.raises(InvalidKey) as caught:
        on_token(pin=pin)
    assert not any("hunter2" in text for text in shown(caught.value))


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    monkeypatch.delitem(sys.modules, "oauthclient.jose.pkcs11_session", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        PKCS11Key("/nowhere.so", token=TOKEN, label="ES256", pin=PIN)
    assert caught.value.code == "extra_missing"
    assert "oauthclient[pkcs11]" in str(caught.value)
