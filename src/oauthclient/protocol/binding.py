"""What a token is bound to: a DPoP key (RFC 9449), or by explicit word nothing (RFC 6750)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.errors import ConfigurationError, NotOffered
from oauthclient.protocol.authentication import listed_spelling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.proof import Prover
    from oauthclient.jose.signers import Signer
    from oauthclient.protocol.metadata import ServerMetadata


class Binding:
    """How the sender of a token is constrained. `token_type` is the scheme a token is presented with."""

    __slots__ = ()

    token_type: str = ""

    def check(self, metadata: ServerMetadata) -> None:
        """Raise NotOffered, before anything is spent, if `metadata` does not promise this constraint."""
        raise NotImplementedError

    def prover(self, issuer: str) -> Prover | None:
        """Who signs the proofs for tokens of `issuer`, or None where no proof is sent."""
        raise NotImplementedError

    def htu(self, url: str) -> str:
        """The target URI to name in a proof for `url`, which has no query and no fragment."""
        return url


class Bearer(Binding):
    """No sender constraint: whoever holds the token may use it (RFC 6750). Has to be asked for by name."""

    __slots__ = ()

    token_type = "Bearer"  # noqa: S105  # the scheme's name

    def check(self, metadata: ServerMetadata) -> None:
        """Every server issues bearer tokens."""

    def prover(self, issuer: str) -> Prover | None:
        """No proof."""

    def __repr__(self) -> str:
        return "Bearer()"


class DPoP(Binding):
    """Tokens bound to a key; every request carries a fresh proof signed with it (RFC 9449).

    `key`: the binding key, by default one made for each issuer when it is first needed; processes that give the same
    key may share tokens. `algorithm`: of a key made here. `assume_supported`: go on although the metadata forgets to
    list `dpop_signing_alg_values_supported`. `htu`: URL prefixes as sent, and what stands for each in the proof, for
    gateways that rewrite paths.
    """

    __slots__ = ("_algorithm", "_assume_supported", "_htu", "_key", "_provers")

    token_type = "DPoP"  # noqa: S105  # the scheme's name

    def __init__(
        self,
        key: Signer | None = None,
        *,
        algorithm: str = "ES256",
        assume_supported: bool = False,
        htu: Mapping[str, str] | None = None,
    ) -> None:
        if key is not None and algorithm not in (key.algorithm, "ES256"):
            raise ConfigurationError(
                f"The DPoP key given is for {key.algorithm}, not {algorithm}.", code="algorithm_mismatch"
            )
        self._key = key
        self._algorithm = key.algorithm if key is not None else algorithm
        self._assume_supported = assume_supported
        self._htu = sorted((htu or {}).items(), key=lambda pair: -len(pair[0]))
        self._provers: dict[str, Prover] = {}

    def check(self, metadata: ServerMetadata) -> None:
        """DPoP must be listed (RFC 9449, section 5.1), and our algorithm with it."""
        listed = metadata.dpop_signing_alg_values_supported
        if not listed:
            if self._assume_supported:
                return
            raise NotOffered(
                "The authorization server's metadata does not offer DPoP (dpop_signing_alg_values_supported).",
                code="binding_not_offered",
                hint="DPoP(assume_supported=True) if only the metadata forgets it; Bearer() to do without.",
            )
        spelling = listed_spelling(self._algorithm, listed)
        if spelling not in listed:
            raise NotOffered(
                f"The authorization server accepts DPoP proofs signed with {', '.join(listed)}, not {self._algorithm}.",
                code="algorithm_not_offered",
                hint=f"DPoP(algorithm={listed[0]!r}) makes a key for an algorithm it accepts.",
            )
        prover = self._provers.get(metadata.issuer or metadata.token_endpoint)
        if prover is not None and prover.algorithm != spelling:
            prover.spell(spelling)

    def prover(self, issuer: str) -> Prover:
        """The prover for `issuer`; its key is made at the first call where none was given."""
        if issuer not in self._provers:
            from oauthclient.jose.keys import SigningKey
            from oauthclient.jose.proof import Prover

            key = self._key or SigningKey.generate(self._algorithm)
            return self._provers.setdefault(issuer, Prover(key))
        return self._provers[issuer]

    def htu(self, url: str) -> str:
        """`url`, with the longest prefix that the map knows replaced."""
        for prefix, signed in self._htu:
            if url.startswith(prefix):
                return signed + url[len(prefix) :]
        return url

    def __repr__(self) -> str:
        return f"DPoP({self._algorithm})"
