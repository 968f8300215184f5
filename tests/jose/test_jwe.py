"""RFC 7516, and RFC 8725 sections 3.2, 3.4 and 3.6 where they speak of encryption."""

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey, RSAKey

from oauthclient.errors import ConfigurationError, InvalidJWT, InvalidKey, NotOffered
from oauthclient.jose.algorithms import CONTENT_ENCRYPTION, KEY_MANAGEMENT
from oauthclient.jose.decryption_key import DecryptionKey
from oauthclient.jose.encoding import base64url, base64url_octets
from oauthclient.jose.jwe import decrypt, encrypt
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.keys import SigningKey
from oauthclient.secret import Secret
from tests.jose.fixtures import Encode, KeyFor
from tests.jose.rfc7520 import JWE_5_4, JWE_5_5, KEY_5_4, KEY_5_5, PLAINTEXT_BEGINS

JWT = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"
ANY = {"algs": tuple(KEY_MANAGEMENT), "encs": CONTENT_ENCRYPTION}
EC = DecryptionKey.generate("ECDH-ES", kid="enc-1")
KEYS = {algorithm: DecryptionKey.generate(algorithm) for algorithm in KEY_MANAGEMENT}
PAIRS = [(alg, enc) for alg in KEY_MANAGEMENT for enc in CONTENT_ENCRYPTION]
OFF_CURVE = {"kty": "EC", "crv": "P-256", "x": EC.public_jwk["x"], "y": EC.public_jwk["x"]}


def encrypted(key: Any = EC, enc: Any = "A128GCM", content: Any = JWT) -> str:
    return encrypt(content, jwk=key.public_jwk, alg=key.algorithm, enc=enc)


def refusal(compact: Any, key: Any = EC, **accepted: Any) -> str:
    with pytest.raises(InvalidJWT) as caught:
        decrypt(compact, key, **(ANY | accepted))
    if caught.value.code == "decryption_failed":
        assert caught.value.__context__ is None  # a foreign error would hold the key in its frames
    return caught.value.code


def with_header(compact: str, **members: Any) -> str:
    """The same JWE with members of its header changed, or taken away by None."""
    head, rest = compact.split(".", 1)
    header = json.loads(base64url_octets(head)) | members
    header = {name: value for name, value in header.items() if value is not None}
    return f"{base64url(json.dumps(header).encode()).decode()}.{rest}"


@pytest.mark.parametrize(("alg", "enc"), PAIRS)
def test_what_is_encrypted_is_decrypted(alg: str, enc: str) -> None:
    assert decrypt(encrypted(KEYS[alg], enc), KEYS[alg], algs=[alg], encs=[enc]) == JWT


@pytest.mark.parametrize(("alg", "enc"), PAIRS)
def test_joserfc_reads_what_we_encrypt_and_writes_what_we_decrypt(alg: str, enc: str) -> None:
    key: Any = (RSAKey if KEY_MANAGEMENT[alg] == "RSA" else ECKey).import_key(json.loads(KEYS[alg].to_jwk().reveal()))
    ours = jwe.decrypt_compact(encrypted(KEYS[alg], enc), key, algorithms=[alg, enc])
    assert ours.plaintext == JWT.encode()
    theirs = jwe.encrypt_compact({"alg": alg, "enc": enc}, JWT, key, algorithms=[alg, enc])
    assert decrypt(theirs, KEYS[alg], **ANY) == JWT


@pytest.mark.parametrize(
    ("jwk", "compact", "alg"), [(KEY_5_4, JWE_5_4, "ECDH-ES+A128KW"), (KEY_5_5, JWE_5_5, "ECDH-ES")], ids=["5.4", "5.5"]
)
def test_the_examples_of_rfc_7520_are_decrypted(jwk: Any, compact: str, alg: str) -> None:
    key = DecryptionKey.from_jwk(jwk, algorithm=alg)
    assert decrypt(compact, key, **ANY).startswith(PLAINTEXT_BEGINS)


def test_a_nested_jwt_says_that_it_is_one_and_to_which_key(b64: Encode) -> None:
    """RFC 7519 section 5.2. It says nothing of what is inside."""
    header = json.loads(base64url_octets(encrypted().split(".")[0]))
    assert header.pop("epk").keys() == {"kty", "crv", "x", "y"}
    assert header == {"alg": "ECDH-ES", "enc": "A128GCM", "cty": "JWT", "kid": "enc-1"}


def test_every_encryption_has_keys_of_its_own() -> None:
    assert len({encrypted() for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("alg", "enc"),
    [
        ("RSA1_5", "A128GCM"),
        ("RSA-OAEP", "A128GCM"),
        ("dir", "A128GCM"),
        ("PBES2-HS256+A128KW", "A128GCM"),
        ("A128KW", "A128GCM"),
        ("ECDH-ES", "A192GCM"),
        ("ECDH-ES", ""),
    ],
)
def test_other_algorithms_encrypt_nothing(alg: str, enc: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        encrypt(JWT, jwk=EC.public_jwk, alg=alg, enc=enc)
    assert caught.value.code == "unsupported_algorithm"


@pytest.mark.parametrize(
    ("alg", "key", "enc"),
    [
        ("RSA1_5", RSAKey.generate_key(2048), "A128GCM"),
        ("RSA-OAEP", RSAKey.generate_key(2048), "A128GCM"),
        ("dir", OctKey.generate_key(128), "A128GCM"),
        ("PBES2-HS256+A128KW", OctKey.generate_key(128), "A128GCM"),
        ("A128KW", OctKey.generate_key(128), "A128GCM"),
        ("ECDH-ES", ECKey.import_key(EC.public_jwk), "A192GCM"),
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_other_algorithms_decrypt_nothing_whoever_lists_them(alg: str, key: Any, enc: str) -> None:
    jwe_by_others = jwe.encrypt_compact({"alg": alg, "enc": enc}, JWT, key, algorithms=[alg, enc])
    for ours in KEYS.values():
        assert refusal(jwe_by_others, ours, algs=[*KEY_MANAGEMENT, alg], encs=[*CONTENT_ENCRYPTION, enc]) == (
            "algorithm_not_allowed"
        )


@pytest.mark.parametrize("accepted", [{"algs": ["ECDH-ES+A256KW"]}, {"algs": []}, {"encs": ["A256GCM"]}, {"encs": []}])
def test_an_algorithm_that_the_caller_does_not_list_is_refused(accepted: Any) -> None:
    assert refusal(encrypted(), **accepted) == "algorithm_not_allowed"


@pytest.mark.parametrize(
    "members", [{"alg": None}, {"enc": None}, {"alg": ["ECDH-ES"]}, {"enc": {}}, {"alg": "ecdh-es"}]
)
def test_an_algorithm_that_is_missing_or_none_is_refused(members: Any) -> None:
    assert refusal(with_header(encrypted(), **members)) == "algorithm_not_allowed"


def test_a_key_decrypts_with_its_one_algorithm_only() -> None:
    other = DecryptionKey.from_jwk(json.loads(EC.to_jwk().reveal()) | {"alg": "ECDH-ES+A128KW"})
    assert refusal(encrypted(), other) == "algorithm_not_allowed"


def test_compressed_content_is_refused() -> None:
    """RFC 8725 section 3.6."""
    zipped = jwe.encrypt_compact(
        {"alg": "ECDH-ES", "enc": "A128GCM", "zip": "DEF"},
        JWT,
        ECKey.import_key(EC.public_jwk),
        algorithms=["ECDH-ES", "A128GCM", "DEF"],
    )
    assert refusal(zipped) == "compressed"


def test_a_critical_extension_is_refused() -> None:
    assert refusal(with_header(encrypted(), crit=["exp"], exp=1)) == "critical_header"


def test_a_jwt_that_is_only_signed_is_not_taken_for_encrypted() -> None:
    assert refusal(JWT) == "not_encrypted"


@pytest.mark.parametrize(
    "compact", ["", "a.b", "....", "=.b.c.d.e", "e30.a\u00e9.c.d.e", "e30.A.c.d.e", "WzFd.b64.AA.AA.AA"]
)
def test_what_is_no_compact_jwe_is_malformed(compact: str) -> None:
    assert refusal(compact) == "malformed"


def test_sizes_are_bounded() -> None:
    assert refusal("e30.." + "A" * 2**19 + "..") == "too_large"
    assert refusal(f"{'A' * 2**15}....") == "too_large"


def test_a_large_jwt_fits(key: KeyFor) -> None:
    """joserfc's own reader stops at 64 kB, and at headers of 1 kB."""
    assert decrypt(encrypted(content="a" * 200_000), EC, **ANY) == "a" * 200_000


def test_unknown_header_parameters_are_ignored() -> None:
    """RFC 7516 section 4; oidc-provider repeats `iss` and `aud` there."""
    header = {"alg": "ECDH-ES", "enc": "A128GCM", "iss": "https://as.example.com", "aud": "client-1"}
    registry = jwe.JWERegistry(algorithms=["ECDH-ES", "A128GCM"], strict_check_header=False)
    compact = jwe.encrypt_compact(header, JWT, ECKey.import_key(EC.public_jwk), registry=registry)
    assert decrypt(compact, EC, **ANY) == JWT


def test_a_jwe_to_another_key_is_told_by_its_kid() -> None:
    other = DecryptionKey.generate("ECDH-ES", kid="enc-2")
    assert refusal(encrypted(other)) == "unknown_key"
    assert refusal(encrypted(KEYS["ECDH-ES"])) == "decryption_failed"


@pytest.mark.parametrize(
    "epk",
    [
        None,
        "x",
        {},
        OFF_CURVE,
        OFF_CURVE | {"x": "A" * 43, "y": "A" * 43},
        OFF_CURVE | {"x": "AA"},
        OFF_CURVE | {"crv": ["P-256"]},
        SigningKey.generate("ES384").public_jwk,
        SigningKey.generate("Ed25519").public_jwk,
        {"kty": "oct", "k": "AAAA"},
    ],
    ids=range(10),
)
@pytest.mark.parametrize("alg", ["ECDH-ES", "ECDH-ES+A256KW"])
def test_an_ephemeral_key_that_is_not_a_point_on_our_curve_is_refused(alg: str, epk: Any) -> None:
    """RFC 8725 section 3.4: an invalid point would draw out our key bit by bit."""
    assert refusal(with_header(encrypted(KEYS[alg]), epk=epk), KEYS[alg]) == "decryption_failed"


@pytest.mark.parametrize("members", [{"apu": 12}, {"apv": "="}, {"apu": "A"}, {"apv": ["AA"]}, {"apu": "QWxpY2U"}])
def test_party_information_that_was_not_agreed_on_is_refused(members: Any) -> None:
    assert refusal(with_header(encrypted(), **members)) == "decryption_failed"


@pytest.mark.parametrize(("alg", "enc"), PAIRS)
def test_every_failure_of_decryption_is_the_same_one(alg: str, enc: str) -> None:
    """RFC 7516 section 11.5: which step failed would help whoever tries keys."""
    compact = encrypted(KEYS[alg], enc)
    parts = compact.split(".")
    octets = [base64url_octets(part) for part in parts]
    spoilt = [
        ".".join([*parts[:place], base64url(text).decode(), *parts[place + 1 :]])
        for place in (1, 2, 3, 4)
        for text in (b"\1" * len(octets[place]), octets[place][:-1], octets[place] + b"\1", b"", b"\1" * 300)
        if text != octets[place]
    ]
    spoilt.append(with_header(compact, enc=next(other for other in CONTENT_ENCRYPTION if other != enc)))
    spoilt.append(with_header(compact, added=1))
    assert len(spoilt) >= 19
    assert {refusal(one, KEYS[alg]) for one in spoilt} == {"decryption_failed"}


def test_an_agreed_key_leaves_no_room_for_an_encrypted_one() -> None:
    """RFC 7516 section 5.2 step 10."""
    head, _, rest = encrypted().split(".", 2)
    assert refusal(f"{head}.AAAA.{rest}") == "decryption_failed"


def test_content_that_is_not_text_is_refused() -> None:
    compact = jwe.encrypt_compact(
        {"alg": "ECDH-ES", "enc": "A128GCM"},
        b"\xff\xfe",
        ECKey.import_key(EC.public_jwk),
        algorithms=["ECDH-ES", "A128GCM"],
    )
    assert refusal(compact) == "decryption_failed"


@settings(max_examples=100)
@given(data=st.data())
def test_no_changed_character_goes_unnoticed(data: Any) -> None:
    compact = encrypted()
    place = data.draw(st.integers(0, len(compact) - 1))
    character = data.draw(st.sampled_from("AZaz09-_.=\0\u00e9").filter(lambda c: c != compact[place]))
    with pytest.raises(InvalidJWT):
        decrypt(compact[:place] + character + compact[place + 1 :], EC, **ANY)


def test_a_key_is_stored_and_read_again() -> None:
    for key in (EC, KEYS["RSA-OAEP-256"]):
        stored = key.to_jwk()
        assert repr(stored) == "<redacted>"
        again = DecryptionKey.from_jwk(stored)
        assert (again.algorithm, again.kid, again.public_jwk) == (key.algorithm, key.kid, key.public_jwk)
        assert decrypt(encrypted(key), again, **ANY) == JWT


def test_what_is_registered_says_what_it_is_for() -> None:
    assert EC.public_jwk.items() >= {"use": "enc", "alg": "ECDH-ES", "kid": "enc-1"}.items()
    assert "d" not in EC.public_jwk
    assert "kid" not in KEYS["ECDH-ES"].public_jwk
    assert EC.thumbprint == SigningKey.from_jwk(json.loads(EC.to_jwk().reveal()) | SIGNS).thumbprint


SIGNS = {"use": "sig", "alg": "ES256"}
EC_MEMBERS = json.loads(EC.to_jwk().reveal())


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: DecryptionKey.generate("RSA1_5"), "unsupported_algorithm"),
        (lambda: DecryptionKey.generate("dir"), "unsupported_algorithm"),
        (lambda: DecryptionKey.from_jwk(EC.public_jwk), "public_key"),
        (lambda: DecryptionKey.from_jwk(SigningKey.generate().to_jwk()), "not_for_decryption"),
        (lambda: DecryptionKey.from_jwk(SigningKey.generate("Ed25519").to_jwk()), "not_for_decryption"),
        (lambda: DecryptionKey.from_jwk(EC_MEMBERS | {"alg": "RSA-OAEP-256"}), "algorithm_mismatch"),
        (lambda: DecryptionKey.from_jwk(EC_MEMBERS, algorithm="ECDH-ES+A128KW"), "algorithm_mismatch"),
        (lambda: DecryptionKey.from_jwk(EC_MEMBERS | {"alg": "ES256"}), "unsupported_algorithm"),
        (lambda: DecryptionKey.from_jwk(EC_MEMBERS | {"alg": 7}), "unsupported_algorithm"),
        (lambda: DecryptionKey.from_jwk(EC_MEMBERS | {"kid": 7}), "unreadable_key"),
        (lambda: DecryptionKey.from_jwk(EC_MEMBERS | {"d": "AA"}), "unreadable_key"),
        (lambda: DecryptionKey.from_jwk("{"), "unreadable_key"),
        (lambda: DecryptionKey.from_jwk({"kty": "oct", "k": "AA"}), "unsupported_algorithm"),
    ],
    ids=range(13),
)
def test_each_unusable_key_has_an_error_of_its_own(make: Any, code: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        make()
    assert caught.value.code == code


def test_an_ed25519_key_decrypts_nothing() -> None:
    jwk = {n: v for n, v in json.loads(SigningKey.generate("Ed25519").to_jwk().reveal()).items() if n not in SIGNS}
    with pytest.raises(InvalidKey) as caught:
        DecryptionKey.from_jwk(jwk)
    assert caught.value.code == "unsupported_algorithm"


def test_a_decryption_key_shows_nothing_and_goes_nowhere() -> None:
    assert EC_MEMBERS["d"] not in repr(EC)
    assert copy.deepcopy(EC) is EC
    assert copy.copy(EC) is EC
    with pytest.raises(TypeError):
        pickle.dumps(EC)
    with pytest.raises(TypeError):
        DecryptionKey()


def test_a_server_is_encrypted_to_with_the_key_that_it_has_for_that(key: KeyFor) -> None:
    signs, both, only = key("ES256").public_jwk, SigningKey.generate().public_jwk, EC.public_jwk
    keys = KeySet.from_jwks({"keys": [signs | {"use": "sig"}, both | {"kid": "both"}, only, key("PS256").public_jwk]})
    assert keys.encryption_jwk("ECDH-ES")["kid"] == "enc-1"
    assert keys.encryption_jwk("ECDH-ES+A256KW")["kid"] == "both"
    assert keys.encryption_jwk("RSA-OAEP-256") == key("PS256").public_jwk
    assert decrypt(encrypt(JWT, jwk=keys.encryption_jwk("ECDH-ES"), alg="ECDH-ES", enc="A256GCM"), EC, **ANY) == JWT


@pytest.mark.parametrize(
    "change",
    [
        {"use": "sig"},
        {"alg": "ES256"},
        {"alg": ["ECDH-ES"]},
        {"key_ops": ["verify"]},
        {"key_ops": "deriveKey"},
        {"use": []},
    ],
    ids=range(6),
)
def test_no_key_for_something_else_is_encrypted_to(key: KeyFor, change: Any) -> None:
    jwk = key("ES256").public_jwk | change
    with pytest.raises(NotOffered) as caught:
        KeySet.of(jwk, key("PS256").public_jwk).encryption_jwk("ECDH-ES")
    assert caught.value.code == "no_encryption_key"
    with pytest.raises(InvalidKey) as refused:
        encrypt(JWT, jwk=jwk, alg="ECDH-ES", enc="A128GCM")
    assert refused.value.code == "algorithm_mismatch"


@pytest.mark.parametrize("operations", [["deriveKey"], ["deriveBits", "verify"], ["wrapKey"], ["encrypt"]])
def test_a_key_with_operations_that_encrypt_is_encrypted_to(key: KeyFor, operations: Any) -> None:
    jwk = key("ES256").public_jwk | {"key_ops": operations}
    assert encrypt(JWT, jwk=KeySet.of(jwk).encryption_jwk("ECDH-ES"), alg="ECDH-ES", enc="A128GCM")


@pytest.mark.parametrize("jwk", [OFF_CURVE, {}, {"kty": "oct", "k": "AA"}, EC_MEMBERS], ids=range(4))
def test_nothing_is_encrypted_to_a_broken_or_private_key(jwk: Any) -> None:
    with pytest.raises(InvalidKey):
        encrypt(JWT, jwk=jwk, alg="ECDH-ES", enc="A128GCM")


def test_a_stored_key_may_come_as_a_secret() -> None:
    assert DecryptionKey.from_jwk(Secret(json.dumps(EC_MEMBERS))).kid == "enc-1"
