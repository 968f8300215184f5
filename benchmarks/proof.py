"""One DPoP proof over one raw ES256 signature (RFC 9449, section 4.2): at most 1.20.

The rest is what is paid beside the mathematics. A proof as the plugin makes one for an API request: with `ath`, a fresh
`jti` and the time of now, and no nonce.
"""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from benchmarks.raw_signature import raw_signature
from benchmarks.timing import interleaved, side
from oauthclient import SigningKey
from oauthclient.engine.driver import fresh_id
from oauthclient.jose.proof import Prover, ath

if TYPE_CHECKING:
    from collections.abc import Iterator

_URL = "https://api.example.com/orders/17"


def figures(*, quick: bool) -> Iterator[tuple[str, float]]:
    prover = Prover(SigningKey.generate("ES256"))
    hashed = ath("t" * 1200)

    def proof() -> str:
        return prover.proof("GET", _URL, int(time()), fresh_id(), hashed)

    yield (
        "proof_over_raw_signature",
        interleaved(
            lambda ours, raw: ours / raw,
            (side(proof), side(raw_signature())),
            rounds=5 if quick else 101,
            calls=500,
        ),
    )
