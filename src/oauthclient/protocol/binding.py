"""What a token is bound to: a DPoP key (RFC 9449), a client certificate (RFC 8705), or by explicit word nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oauthclient.errors import ConfigurationError, NotOffered
from oauthclient.protocol.authentication import listed_spelling
from oauthclient.protocol.presented import check_presented

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.proof import Prover
    from oauthclient.jose.signers import Signer
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.presented import Presented


class Binding:
    """How the sender of a token is constrained.

    `token_type`: the scheme a token is presented with. `certificate`: the client certificate that it is bound to, None
    for none. `key_algorithm`: of the key that it is bound to, None for none. `key`: that key, if it was given.
    """

    __slots__ = ()

    token_type: str = ""
    certificate: Presented | None = None
    key_algorithm: str | None = None
    key: Signer | None = None
    _assume_bound: bool = False

    def check(self, metadata: ServerMetadata) -> None:
        """Raise NotOffered, before anything is spent, if `metadata` does not promise this constraint."""
        raise NotImplementedError

    def check_registered(self, client: Mapping[str, Any]) -> None:
        """Raise ConfigurationError if tokens of a client with that metadata would come without this constraint, unseen.

        One that shows in the token endpoint's answer is checked there.
        """

    def prover(self, issuer: str) -> Prover | None:
        """Who signs the proofs for tokens of `issuer`, or None where no proof is sent."""
        raise NotImplementedError

    def htu(self, url: str) -> str:
        """The target URI to name in a proof for `url`, which has no query and no fragment."""
        return url

    def to(self, key: Signer | None, certificate: Presented | None) -> Binding:
        """What binds to this key and this certificate, those of one session, with the settings that this one has."""
        dpop = None if key is None else self.keyed(key)
        if certificate is None:
            return Bearer() if dpop is None else dpop
        return MutualTLS(certificate, dpop=dpop, assume_bound=self._assume_bound)

    def keyed(self, key: Signer) -> DPoP:
        """DPoP with `key`, with the settings that this one has."""
        return DPoP(key)


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

    __slots__ = ("_assume_supported", "_htu", "_provers", "key", "key_algorithm")

    key_algorithm: str
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
        self.key = key
        self.key_algorithm = key.algorithm if key is not None else algorithm
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
        spelling = listed_spelling(self.key_algorithm, listed)
        if spelling not in listed:
            raise NotOffered(
                f"The authorization server accepts DPoP proofs signed with {', '.join(listed)}, "
                f"not {self.key_algorithm}.",
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

            key = self.key or SigningKey.generate(self.key_algorithm)
            return self._provers.setdefault(issuer, Prover(key))
        return self._provers[issuer]

    def htu(self, url: str) -> str:
        """`url`, with the longest prefix that the map knows replaced."""
        for prefix, signed in self._htu:
            if url.startswith(prefix):
                return signed + url[len(prefix) :]
        return url

    def keyed(self, key: Signer) -> DPoP:
        """The same, with `key`."""
        return DPoP(key, assume_supported=self._assume_supported, htu=dict(self._htu))

    def __repr__(self) -> str:
        return f"DPoP({self.key_algorithm})"


class MutualTLS(Binding):
    """Tokens bound to the client certificate of the TLS connection (RFC 8705, section 3).

    `certificate`: a ClientCertificate. Calls go through a client that presents it: `certificate.client(httpx.Client)`.
    `dpop`: a DPoP, for a server that wants both. `assume_bound`: go on although the metadata does not promise
    `tls_client_certificate_bound_access_tokens`; nothing else would show that a token is not bound.
    """

    __slots__ = ("_assume_bound", "_dpop", "certificate", "key", "key_algorithm", "token_type")

    certificate: Presented

    def __init__(self, certificate: Presented, *, dpop: DPoP | None = None, assume_bound: bool = False) -> None:
        check_presented(certificate)
        self.certificate = certificate
        self._assume_bound = assume_bound
        self._dpop = dpop
        beside = Bearer() if dpop is None else dpop  # bound tokens, too, say Bearer (RFC 8705, section 3.4)
        self.token_type = beside.token_type
        self.key_algorithm = beside.key_algorithm
        self.key = beside.key

    def check(self, metadata: ServerMetadata) -> None:
        """Binding must be promised (RFC 8705, section 3.3); and DPoP offered, where that is wanted too."""
        if not metadata.tls_client_certificate_bound_access_tokens and not self._assume_bound:
            raise NotOffered(
                "The authorization server's metadata does not promise tokens bound to client certificates "
                "(tls_client_certificate_bound_access_tokens).",
                code="binding_not_offered",
                hint="MutualTLS(certificate, assume_bound=True) if only the metadata forgets it: "
                "an unbound token cannot be told from a bound one.",
            )
        if self._dpop is not None:
            self._dpop.check(metadata)

    def check_registered(self, client: Mapping[str, Any]) -> None:
        """Binding must have been registered for (RFC 8705, section 3.4). Raises (`binding_not_registered`)."""
        if client.get("tls_client_certificate_bound_access_tokens") is not True and not self._assume_bound:
            dpop = self._dpop is not None
            raise ConfigurationError(
                "This app is not registered for tokens bound to client certificates "
                "(tls_client_certificate_bound_access_tokens); an unbound token cannot be told from a bound one.",
                code="binding_not_registered",
                hint='app.registration.update({"tls_client_certificate_bound_access_tokens": True, '
                f'"dpop_bound_access_tokens": {dpop}}}) asks for them; or MutualTLS(certificate, assume_bound=True), '
                "if the server binds them all the same.",
            )

    def prover(self, issuer: str) -> Prover | None:
        """Who signs the proofs, where there are any beside the certificate."""
        return None if self._dpop is None else self._dpop.prover(issuer)

    def htu(self, url: str) -> str:
        """As `DPoP`."""
        return url if self._dpop is None else self._dpop.htu(url)

    def keyed(self, key: Signer) -> DPoP:
        """The same, with `key`."""
        return (self._dpop or DPoP()).keyed(key)

    def __repr__(self) -> str:
        beside = "" if self._dpop is None else f", dpop={self._dpop!r}"
        return f"MutualTLS({self.certificate!r}{beside})"
