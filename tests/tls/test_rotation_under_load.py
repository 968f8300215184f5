"""A short run of the soak test (python -m tests.soak --certificate)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.soak.certificate import rotate

if TYPE_CHECKING:
    from pathlib import Path


def test_no_request_fails_while_the_certificate_is_renewed_again_and_again(tmp_path: Path) -> None:
    assert "none failed" in rotate(tmp_path, seconds=5)
