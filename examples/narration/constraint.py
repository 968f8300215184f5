"""What the tokens of the story are bound to: a key of this process (RFC 9449), or a client certificate (RFC 8705)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
from narration import thief, words

from oauthclient import DPoP, MutualTLS, SigningKey
from oauthclient.cli.narration.anatomy import Line, read_jwt
from oauthclient.tls.transport import EXTENSION

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Sequence

    from oauthclient import ClientCertificate, ServerMetadata
    from oauthclient.protocol.binding import Binding

    Trust = Callable[[], ssl.SSLContext]


class Constraint(ABC):
    """What they are bound to, how to connect so that they are good, and what a thief would try.

    `binding`: as the library takes it; `source`: as the program writes it. `cnf`: what a token must say that it is
    bound to, and `bound_to` the same in words. `client`: how the program makes its HTTP client. `kept`: whether all
    requests that have been summed up have proved what they had to.
    """

    words: ClassVar[words.Words]
    by_certificate: ClassVar[bool]
    binding: Binding
    source: ClassVar[str]
    bound_to: ClassVar[str]
    client: ClassVar[tuple[str, ...]]
    cnf: dict[str, Any]
    kept = True

    @abstractmethod
    def connect(self, trust: Trust) -> httpx.Client:
        """The HTTP client that the service sends with."""

    @abstractmethod
    def missing(self, metadata: ServerMetadata) -> str:
        """What the server does not offer that it has to, or nothing."""

    @abstractmethod
    def summary(self, requests: Sequence[httpx.Request]) -> list[Line]:
        """What it was in all the requests that carried credentials."""

    @abstractmethod
    def attempts(self, stolen: httpx.Request, elsewhere: str, trust: Trust) -> Iterator[thief.Attempt]:
        """Ways to use a stolen request. `elsewhere`: a URL that another token is for."""


class ByKey(Constraint):
    """A key made here, which signs a proof for each request."""

    words = words.BY_KEY
    by_certificate = False
    source = "DPoP()"
    bound_to = "the key of the proof"
    client = ("api = httpx.Client(auth=auth)",)

    def __init__(self) -> None:
        key = SigningKey.generate("ES256")
        self.binding = DPoP(key)
        self.cnf = {"jkt": key.thumbprint}

    def connect(self, trust: Trust) -> httpx.Client:
        """A client like any other."""
        return httpx.Client(verify=trust(), trust_env=False)

    def missing(self, metadata: ServerMetadata) -> str:
        """DPoP has to be listed (RFC 9449, section 5.1)."""
        if metadata.dpop_signing_alg_values_supported:
            return ""
        return "The server does not offer DPoP (dpop_signing_alg_values_supported)."

    def summary(self, requests: Sequence[httpx.Request]) -> list[Line]:
        """Proofs, none of which was used twice."""
        proofs = [jwt for jwt in (read_jwt(request.headers.get("DPoP", "")) for request in requests) if jwt]
        self.kept = len({proof.claims["jti"] for proof in proofs}) == len(requests)
        return [
            Line("proofs", str(len(proofs)), "a new one for every request to a token endpoint or an API"),
            Line("key of the proofs", self.cnf["jkt"], "its private half was in no message"),
        ]

    def attempts(self, stolen: httpx.Request, elsewhere: str, trust: Trust) -> Iterator[thief.Attempt]:
        """Without the key."""
        return thief.without_key(stolen, elsewhere, trust)


class ByCertificate(Constraint):
    """A certificate, which each connection is opened with. `another`: one that a thief has."""

    words = words.BY_CERTIFICATE
    by_certificate = True
    source = "MutualTLS(certificate)"
    bound_to = "the certificate of the connection"
    client = ("api = certificate.client(httpx.Client, auth=auth)",)

    def __init__(self, certificate: ClientCertificate, *, another: ClientCertificate) -> None:
        self.certificate = certificate
        self.binding = MutualTLS(certificate)
        x5t_s256 = certificate.current().x5t_s256
        self.cnf = {"x5t#S256": x5t_s256}
        self._another = another

    def connect(self, trust: Trust) -> httpx.Client:
        """A client that presents it."""
        return self.certificate.client(httpx.Client, verify=trust, trust_env=False)

    def missing(self, metadata: ServerMetadata) -> str:
        """Binding has to be promised (RFC 8705, section 3.3)."""
        if metadata.tls_client_certificate_bound_access_tokens:
            return ""
        return "The server does not bind tokens to certificates (tls_client_certificate_bound_access_tokens)."

    def summary(self, requests: Sequence[httpx.Request]) -> list[Line]:
        """Connections, all of which were opened with it."""
        ours = self.cnf["x5t#S256"]
        self.kept = all(request.extensions.get(EXTENSION) == ours for request in requests)
        return [Line("their certificate", f"x5t#S256 {ours}", "its private key was in no message")]

    def attempts(self, stolen: httpx.Request, elsewhere: str, trust: Trust) -> Iterator[thief.Attempt]:
        """Without the certificate's key."""
        return thief.without_certificate(stolen, elsewhere, trust, self._another)
