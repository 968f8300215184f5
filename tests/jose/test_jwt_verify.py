import hashlib
import hmac
import json
import socket
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import generate_key, import_key

from oauthclient.errors import InvalidJWT
from oauthclient.jose.algorithms import HMAC, SIGNING, VERIFYING
from oauthclient.jose.jwks import KeySet
from oauthclient.jose.jwt import issue, unverified_claims, verify
from oauthclient.jose.keys import SigningKey
from oauthclient.jose.kinds import CLIENT_ASSERTION
from oauthclient.jose.signers import SharedSecret
from oauthclient.secret import Secret
from tests.jose.fixtures import Check, Claims, Encode, Forge, KeyFor, Refused

AS = "https://as.example.com"


@pytest.mark.parametrize("algorithm", SIGNING)
def test_what_we_issue_verifies(key: KeyFor, assertion: Claims, check: Check, algorithm: str) -> None:
    jwt = issue(CLIENT_ASSERTION, key(algorithm), assertion)
    verified = check(jwt, keys=KeySet.of(key(algorithm).public_jwk), algorithms=[algorithm])
    assert verified.claims == assertion
    assert verified.header["alg"] == algorithm


@pytest.mark.parametrize("algorithm", VERIFYING)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_what_joserfc_signs_verifies(
    key: KeyFor, rsa_pem: str, assertion: Claims, check: Check, algorithm: str
) -> None:
    if algorithm[:2] in ("PS", "RS"):
        theirs = import_key(rsa_pem, "RSA")
    else:
        kty, crv = {"ES": ("EC", f"P-{algorithm[2:]}".replace("512", "521")), "Ed": ("OKP", "Ed25519")}[algorithm[:2]]
        theirs = generate_key(kty, crv)
    jwt = jws.serialize_compact({"alg": algorithm, "typ": "JWT"}, json.dumps(assertion), theirs, algorithms=[algorithm])
    assert check(jwt, keys=KeySet.of(theirs.as_dict()), algorithms=[algorithm]).claims == assertion


@pytest.mark.parametrize("algorithm", HMAC)
def test_client_secret_jwt_verifies_with_its_secret(
    assertion: Claims, check: Check, refused: Refused, algorithm: str
) -> None:
    secret, other = (SharedSecret(Secret(c * 64), algorithm) for c in "so")
    jwt = issue(CLIENT_ASSERTION, secret, assertion)
    assert check(jwt, keys=secret, algorithms=HMAC).claims == assertion
    assert refused(jwt, keys=other, algorithms=HMAC) == "bad_signature"


# --- RFC 8725 section 3.1: algorithm verification


@pytest.mark.parametrize("alg", ["none", "NONE", "nOnE", "", None, 7, ["ES256"], "es256", "ES256K"])
def test_alg_none_in_any_case_is_refused(forged: Forge, refused: Refused, alg: Any) -> None:
    """Even where the caller's list, taken from a server's metadata, holds it."""
    jwt = forged({"alg": alg}, signature=b"")
    assert refused(jwt) == "algorithm_not_allowed"
    assert refused(jwt, algorithms=["ES256", "none", "None", "", "es256", "ES256K"]) == "algorithm_not_allowed"


def test_a_missing_alg_is_refused(forged: Forge, refused: Refused) -> None:
    assert refused(forged(without=("alg",))) == "algorithm_not_allowed"


def test_an_algorithm_outside_the_callers_list_is_refused(key: KeyFor, forged: Forge, refused: Refused) -> None:
    jwt = forged({"alg": "PS256"}, signer=key("PS256"))
    keys = KeySet.of(key("PS256").public_jwk)
    assert refused(jwt, keys=keys, algorithms=["ES256", "RS256"]) == "algorithm_not_allowed"
    assert refused(jwt, keys=keys, algorithms=[]) == "algorithm_not_allowed"


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "Ed25519"])
def test_a_public_key_is_never_an_hmac_secret(key: KeyFor, forged: Forge, refused: Refused, algorithm: str) -> None:
    """The HS/RS confusion of RFC 8725 section 2.1, with each form the public key could take."""
    jwk = key(algorithm).public_jwk
    public = import_key(jwk)
    for secret in (public.as_pem(), public.as_der(), json.dumps(jwk).encode()):

        class Confused:
            def sign(self, message: bytes, secret: Any = secret) -> bytes:
                return hmac.new(secret, message, hashlib.sha256).digest()

        jwt = forged({"alg": "HS256"}, signer=Confused())
        keys = KeySet.of(jwk)
        assert refused(jwt, keys=keys, algorithms=[algorithm]) == "algorithm_not_allowed"
        assert refused(jwt, keys=keys, algorithms=[algorithm, "HS256"]) == "unknown_key"


def test_a_secret_verifies_only_its_own_algorithm(
    key: KeyFor, assertion: Claims, forged: Forge, refused: Refused
) -> None:
    short, long = (SharedSecret(Secret("s" * 64), algorithm) for algorithm in ("HS256", "HS512"))
    assert refused(issue(CLIENT_ASSERTION, long, assertion), keys=short, algorithms=HMAC) == ("algorithm_not_allowed")
    assert refused(forged(), keys=short, algorithms=["ES256", *HMAC]) == "algorithm_not_allowed"


def test_a_key_declared_for_one_algorithm_verifies_no_other(
    key: KeyFor, forged: Forge, refused: Refused, check: Check
) -> None:
    jwt = forged({"alg": "PS256"}, signer=key("PS256"))
    jwk = key("PS256").public_jwk
    both = ["PS256", "RS256"]
    assert check(jwt, keys=KeySet.of(jwk | {"alg": "PS256"}), algorithms=both)
    assert refused(jwt, keys=KeySet.of(jwk | {"alg": "RS256"}), algorithms=both) == "unknown_key"


# --- RFC 8725 section 3.3: all cryptographic operations


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\xff" * 64, b"x", b"\0" * 63, b"\0" * 65])
def test_an_empty_or_hollow_signature_is_refused(forged: Forge, refused: Refused, signature: bytes) -> None:
    """All zeros is the "psychic signature" that some ECDSA verifiers took."""
    assert refused(forged(signature=signature)) == "bad_signature"


@pytest.mark.parametrize("algorithm", ["Ed25519", "PS256", "RS256", "ES512"])
@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\xff" * 256, b"\0" * 132])
def test_no_algorithm_takes_a_hollow_signature(
    key: KeyFor, forged: Forge, refused: Refused, algorithm: str, signature: bytes
) -> None:
    jwt = forged({"alg": algorithm}, signature=signature)
    keys = KeySet.of(key(algorithm).public_jwk)
    assert refused(jwt, keys=keys, algorithms=[algorithm]) == "bad_signature"


def test_an_ecdsa_signature_in_der_is_refused(
    key: KeyFor, forged: Forge, refused: Refused, assertion: Claims, b64: Encode
) -> None:
    octets = urlsafe_b64decode(forged().split(".")[2] + "==")
    der = encode_dss_signature(int.from_bytes(octets[:32]), int.from_bytes(octets[32:]))
    assert refused(forged(signature=der)) == "bad_signature"


def test_a_key_nobody_knows_is_told_from_a_bad_signature(key: KeyFor, forged: Forge, refused: Refused) -> None:
    """The caller reads the JWK Set again for the first (rules of discovery)."""
    other = SigningKey.generate()
    assert refused(forged(), keys=KeySet.of(key("ES384").public_jwk)) == "unknown_key"
    assert refused(forged(), keys=KeySet.of(other.public_jwk)) == "bad_signature"
    assert refused(forged({"kid": "2"}), keys=KeySet.of(key().public_jwk | {"kid": "1"})) == "unknown_key"


def test_duplicated_key_ids_are_resolved_by_trying_the_few_that_fit(key: KeyFor, forged: Forge, check: Check) -> None:
    jwks = [
        jwk | {"kid": "1"}
        for jwk in (key("PS256").public_jwk, SigningKey.generate().public_jwk, key("ES256").public_jwk)
    ]
    assert check(forged({"kid": "1"}), keys=KeySet.from_jwks({"keys": jwks}))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_changed_octet_goes_unnoticed(key: KeyFor, now: float, data: st.DataObject) -> None:
    claims = {"iss": "c", "sub": "c", "aud": AS, "iat": now, "exp": now + 60, "jti": "1"}
    jwt = issue(CLIENT_ASSERTION, key(), claims)
    at = data.draw(st.integers(0, len(jwt) - 1))
    with_ = data.draw(st.characters(exclude_characters=jwt[at]))
    changed = jwt[:at] + with_ + jwt[at + 1 :]
    with pytest.raises(InvalidJWT):
        verify(
            CLIENT_ASSERTION,
            changed,
            KeySet.of(key().public_jwk),
            algorithms=SIGNING,
            issuer="c",
            audience=AS,
            now=now,
        )


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(st.text(alphabet="eyJhbGciOiJ9-_0"), max_size=5).map(".".join)))
def test_rubbish_is_a_clear_error(key: KeyFor, now: float, text: Any) -> None:
    with pytest.raises(InvalidJWT):
        verify(
            CLIENT_ASSERTION,
            text,
            KeySet.of(key().public_jwk),
            algorithms=SIGNING,
            issuer="c",
            audience=AS,
            now=now,
        )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_header_and_claims_are_judged_without_a_foreign_error(
    key: KeyFor, now: float, forge: Forge, data: st.DataObject
) -> None:
    """The signature is good, so that every rule behind it is reached."""
    names = ["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "iss", "sub", "aud", "exp", "iat", "nbf", "jti"]
    some = st.dictionaries(st.sampled_from(names), json_values, max_size=4)
    good = {"iss": "c", "sub": "c", "aud": AS, "iat": now, "exp": now + 60, "jti": "1"}
    header = {"alg": "ES256", "typ": "JWT"} | data.draw(some)
    claims = good | data.draw(some)
    try:
        jwt = forge(key(), header, claims)
        verified = verify(
            CLIENT_ASSERTION,
            jwt,
            KeySet.of(key().public_jwk),
            algorithms=SIGNING,
            issuer="c",
            audience=AS,
            now=now,
        )
    except (InvalidJWT, UnicodeEncodeError):
        return
    assert verified.claims["iss"] == verified.claims["sub"] == "c"
    assert verified.claims["aud"] in (AS, [AS])


# --- RFC 8725 section 3.10, RFC 7515 sections 4.1.2 to 4.1.6: nothing is taken from the message


@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_urls_in_the_header_are_never_followed(
    forged: Forge, check: Check, refused: Refused, name: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", None)
    attacker = SigningKey.generate()
    assert check(forged({name: "https://evil.example/keys"}))
    assert refused(forged({name: "https://evil.example/keys"}, signer=attacker)) == "bad_signature"


def test_an_embedded_key_is_never_trusted(key: KeyFor, forged: Forge, refused: Refused) -> None:
    attacker = SigningKey.generate()
    assert refused(forged({"jwk": attacker.public_jwk}, signer=attacker)) == "embedded_key"
    assert refused(forged({"jwk": key().public_jwk})) == "embedded_key"


def test_an_embedded_certificate_is_never_trusted(forged: Forge, check: Check, refused: Refused) -> None:
    attacker = SigningKey.generate()
    assert check(forged({"x5c": ["MIIB"], "x5t#S256": "abc"}))
    assert refused(forged({"x5c": ["MIIB"]}, signer=attacker)) == "bad_signature"


@pytest.mark.parametrize("kid", ["../../dev/null", "' OR 1=1 --", "*)(uid=*", "a" * 5000, "\u0000"])
def test_a_key_id_is_only_ever_compared(key: KeyFor, forged: Forge, refused: Refused, kid: Any) -> None:
    assert refused(forged({"kid": kid}), keys=KeySet.of(key().public_jwk | {"kid": "1"})) == "unknown_key"


@pytest.mark.parametrize("kid", [7, None, [], {}])
def test_a_key_id_that_is_no_string_is_malformed(forged: Forge, refused: Refused, kid: Any) -> None:
    assert refused(forged({"kid": kid})) == "malformed"


@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["http://openid.net/specs/x"], [], ["alg"], "b64", None, {}])
def test_a_critical_header_parameter_is_refused(forged: Forge, refused: Refused, crit: Any) -> None:
    assert refused(forged({"crit": crit, "exp": 1})) == "critical_header"


@pytest.mark.parametrize("more", [{}, {"crit": ["b64"]}])
@pytest.mark.parametrize("b64_value", [False, 0, None, "false"])
def test_an_unencoded_payload_is_refused(
    key: KeyFor, forged: Forge, refused: Refused, b64: Encode, more: Any, b64_value: Any
) -> None:
    assert refused(forged({"b64": b64_value} | more)) == "unencoded_payload"
    header = b64({"alg": "ES256", "typ": "JWT", "b64": False, "crit": ["b64"]})
    payload = '{"iss":"client-1"}'
    signature = b64(key().sign(f"{header}.{payload}".encode()))
    assert refused(f"{header}.{payload}.{signature}") == "unencoded_payload"


# --- RFC 8725 section 3.7 and the encodings


@pytest.mark.parametrize(
    "payload", [b"\xff\xfe{\x00}\x00", b'\xef\xbb\xbf{"iss":"client-1"}', b'{"iss":"\xe9"}', b"\x00{\x00}"]
)
def test_another_encoding_than_utf_8_is_refused(forged: Forge, refused: Refused, payload: Any) -> None:
    assert refused(forged(claims=payload)) == "malformed"


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b'"x"', b"null", b"{", b'{"a":NaN}', b"[" * 50_000])
def test_a_payload_that_is_no_json_object_is_malformed(forged: Forge, refused: Refused, payload: Any) -> None:
    assert refused(forged(claims=payload)) == "malformed"


def test_a_member_that_stands_twice_is_refused(
    key: KeyFor, forge: Forge, forged: Forge, refused: Refused, assertion: Claims
) -> None:
    twice = json.dumps(assertion)[:-1] + ',"iss":"client-2"}'
    assert refused(forged(claims=twice.encode())) == "malformed"
    header = b'{"alg":"ES256","typ":"JWT","alg":"ES256"}'
    assert refused(forge(key(), header, assertion)) == "malformed"


def test_sloppy_base64url_is_malformed(forged: Forge, refused: Refused) -> None:
    header, payload, signature = forged().split(".")
    for jwt in (
        f"{header}=.{payload}.{signature}",
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}.{signature}==",
        f"{header}.{payload}\n.{signature}",
        f" {header}.{payload}.{signature}",
        f"{header}.{payload}.{signature}\u00e9",
        f"{header}.\u00e9{payload}.{signature}",
        # trailing bits: 64 octets leave four of them
        f"{header}.{payload}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}",
    ):
        assert refused(jwt) in {"malformed", "bad_signature"}, jwt
    assert refused(f"{header}.{payload}.{signature[:-1]}{'B' if signature[-1] == 'A' else 'R'}") == "malformed"


@pytest.mark.parametrize("jwt", ["", ".", "..", "a.b", "a.b.c.d", "eyJ9", '{"payload":"","signature":""}'])
def test_what_has_not_three_parts_is_malformed(refused: Refused, jwt: Any) -> None:
    assert refused(jwt) == "malformed"


def test_an_encrypted_jwt_is_told_as_such(refused: Refused) -> None:
    assert refused("a.b.c.d.e") == "encrypted"


def test_sizes_are_bounded(forged: Forge, refused: Refused, check: Check) -> None:
    assert refused("a" * 1_000_000) == "too_large"
    assert refused(forged({"x": "a" * 20_000})) == "too_large"
    assert check(forged({"x5c": ["a" * 4000]}))


def test_what_a_jwt_claims_can_be_read_without_verifying(forged: Forge, b64: Encode) -> None:
    assert (unverified_claims(forged(signature=b"")) or {})["iss"] == "client-1"
    for rubbish in ("", "a", "a.b", "a.\u00e9", "x" * 500_000):
        assert unverified_claims(rubbish) is None


def test_no_foreign_error_stays_behind(refused: Refused, forged: Forge, check: Check) -> None:
    with pytest.raises(InvalidJWT) as caught:
        check(forged(claims=b"\xff"))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
