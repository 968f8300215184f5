"""A cached session read from its sealed file, its key in memory: at most 1 millisecond; and over the least possible.

A session of 8 kB: a refresh token, an ID token and access tokens for three APIs. The second figure is over the least
that any such store pays: the file read, decrypted and parsed, by nobody's code.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.timing import interleaved, side
from oauthclient import Vault
from oauthclient.protocol.record_name import Name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAME = Name("session", "https://as.example.com", "app", "default")
_SESSION = {
    "refresh_token": "r" * 500,
    "id_token": "i" * 1500,
    "claims": {"sub": "alice", "name": "Alice Example", "amr": ["pwd", "otp"]},
    "tokens": {f"https://{api}.example.com": ["t" * 2000, "DPoP", "read", 1.5e9, 1.6e9] for api in ("a", "b", "c")},
}


def figures(*, quick: bool) -> Iterator[tuple[str, float]]:
    rounds = 5 if quick else 101
    with TemporaryDirectory() as folder:
        records = Vault.file(folder, key=os.urandom(32)).records
        records.save(_NAME, _SESSION)
        read = side(lambda: records.load(_NAME))
        yield "session_read_milliseconds", interleaved(lambda ours: ours * 1000, (read,), rounds=rounds, calls=100)
        least = side(_least(Path(folder) / "least"))
        yield (
            "session_read_over_least",
            interleaved(lambda ours, least: ours / least, (read, least), rounds=rounds, calls=100),
        )


def _least(file: Path) -> Callable[[], object]:
    cipher, nonce = AESGCM(os.urandom(32)), os.urandom(12)
    file.write_bytes(cipher.encrypt(nonce, json.dumps(_SESSION).encode(), None))
    return lambda: json.loads(cipher.decrypt(nonce, file.read_bytes(), None))
