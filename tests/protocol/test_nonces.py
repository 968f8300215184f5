"""RFC 9449, sections 8 and 9: nonces are kept by origin and role."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.protocol.nonces import Nonces

API, SERVER = "https://api.example.com", "https://as.example.com"


def test_no_nonce_is_known_at_first() -> None:
    assert Nonces().newest(API, with_token=True) is None


def test_the_newest_is_the_one_to_send() -> None:
    nonces = Nonces()
    nonces.keep(API, "first", with_token=True)
    nonces.keep(API, "second", with_token=True)
    assert nonces.newest(API, with_token=True) == "second"


def test_an_answer_without_one_changes_nothing() -> None:
    nonces = Nonces()
    nonces.keep(API, "first", with_token=True)
    nonces.keep(API, None, with_token=True)
    assert nonces.newest(API, with_token=True) == "first"


def test_origins_and_roles_are_kept_apart() -> None:
    """Section 8.2 and 9: the nonce of a token endpoint is not that of the API beside it."""
    nonces = Nonces()
    nonces.keep(API, "api", with_token=True)
    nonces.keep(SERVER, "token-endpoint", with_token=False)
    nonces.keep(SERVER, "userinfo", with_token=True)
    assert nonces.newest(API, with_token=False) is None
    assert nonces.newest(SERVER, with_token=False) == "token-endpoint"
    assert nonces.newest(SERVER, with_token=True) == "userinfo"


@pytest.mark.parametrize(
    "nonce",
    ["", " ", "a b", 'a"b', "a\\b", "a\x7fb", "a\nb", "a\r\nDPoP: x", "é", "first, second", "n" * 4097],
)
def test_a_malformed_one_is_ignored(nonce: str) -> None:
    """NQCHAR (RFC 6749, appendix A), at most 4 KiB: it goes into a header of ours."""
    nonces = Nonces()
    nonces.keep(API, "good", with_token=True)
    nonces.keep(API, nonce, with_token=True)
    assert nonces.newest(API, with_token=True) == "good"


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1))
def test_every_nqchar_is_kept(nonce: str) -> None:
    nonces = Nonces()
    nonces.keep(API, nonce, with_token=False)
    assert nonces.newest(API, with_token=False) == nonce


def test_four_kibibytes_are_kept() -> None:
    nonces = Nonces()
    nonces.keep(API, "n" * 4096, with_token=True)
    assert nonces.newest(API, with_token=True) == "n" * 4096
