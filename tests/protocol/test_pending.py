"""A login under way, kept by a web backend in its own session."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import ConfigurationError
from oauthclient.protocol.pending import Pending
from oauthclient.protocol.session import Granted
from oauthclient.secret import Secret

TEXT = st.text(max_size=12)
SECRET = st.builds(Secret, TEXT)
PENDINGS = st.builds(
    Pending,
    issuer=TEXT,
    client_id=TEXT,
    redirect_uri=TEXT,
    state=SECRET,
    nonce=SECRET,
    verifier=SECRET,
    jkt=TEXT,
    targets=st.lists(st.builds(Granted, TEXT, st.none() | TEXT), max_size=3).map(tuple),
    scope=TEXT,
    max_age=st.none() | st.integers(0),
    began_at=st.floats(0, 1e11),
    signed_answer=st.booleans(),
)


def a_pending() -> Pending:
    return Pending(
        issuer="https://as.example.com",
        client_id="app",
        redirect_uri="http://127.0.0.1/callback",
        state=Secret("5t4te"),
        nonce=Secret("n0nce"),
        verifier=Secret("v3r1f13r"),
        jkt="thumb",
        targets=(Granted("urn:a", "read"),),
        scope="openid read",
        max_age=None,
        began_at=1.0,
    )


@given(PENDINGS)
def test_what_is_dumped_is_loaded(pending: Pending) -> None:
    assert Pending.load(pending.dump()) == pending


def test_it_shows_no_secret() -> None:
    for secret in ("5t4te", "n0nce", "v3r1f13r"):
        assert secret not in repr(a_pending())
        assert secret in a_pending().dump()


@pytest.mark.parametrize("text", ["", "null", "[]", "7", "{", "{}", '{"version": 1}', "\ud800", "[" * 100_000])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Pending.load(text)
    assert refused.value.code == "not_a_pending_login"


@pytest.mark.parametrize(
    "changes", [{"version": 2}, {"state": 7}, {"targets": [["a"]]}, {"targets": 1}, {"further": 1}], ids=repr
)
def test_one_of_another_shape_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Pending.load(json.dumps(json.loads(a_pending().dump()) | changes))
    assert refused.value.code == "not_a_pending_login"
