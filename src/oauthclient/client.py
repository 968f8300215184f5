"""The front door for a service: one client at one authorization server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import ConfigurationError
from oauthclient.protocol.authentication import ClientAuthentication
from oauthclient.protocol.binding import Binding, DPoP
from oauthclient.protocol.presented import aliases, one_certificate

if TYPE_CHECKING:
    from types import TracebackType, UnionType
    from typing import Self

    from oauthclient.engine.engine import Engine
    from oauthclient.engine.transport import Verify
    from oauthclient.flows.server import Told
    from oauthclient.plugin.auth import Auth, Outside
    from oauthclient.protocol.grants import Grant
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.resources import Resource
    from oauthclient.storage.memory import TokenStore
    from oauthclient.tls.client_certificate import ClientCertificate

_RESERVED: Final = frozenset(
    [
        "grant_type",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "assertion",
        "scope",
        "resource",
    ]
)


class OAuthClient:
    """A client of one authorization server (RFC 6749), made once and shared by the whole program.

    `issuer`: the server's identifier, byte for byte; everything else is discovered (RFC 8414), unless `metadata` is
    given by hand; then `issuer` may be None. `authentication`: how the client proves who it is. `binding`: what its
    tokens are bound to. `target`: the parameter that tells the server what a token is for, `"resource"` (RFC 8707),
    or `"audience"`, or `"scope"` for servers that know only scopes. `parameters`: further parameters of every token
    request. `insecure_loopback`: allow http where the server is on this machine.

    For the connection to the server: `verify` (an SSLContext, or the path of a file of CA certificates; beside a client
    certificate a function that makes an SSLContext, or that path), `proxy` (a URL), `timeout` (seconds), or an httpx or
    httpx2 `transport` of your own. `store`: where tokens are kept, by default in this process.

    A client certificate that authenticates or binds is presented to the server, at its `mtls_endpoint_aliases` where
    there are any (RFC 8705, section 5); `mtls_endpoint_aliases` here says otherwise for single endpoints: a URL, or
    None for the conventional one. `certificate`: a ClientCertificate for the connection alone, at the conventional
    endpoints, where an ecosystem wants one everywhere (FAPI 2.0 Message Signing).

    Nothing is sent, and no key is made, before the first request that needs it.
    """

    def __init__(
        self,
        issuer: str | None,
        *,
        client_id: str,
        authentication: ClientAuthentication,
        binding: Binding | None = None,
        metadata: Mapping[str, Any] | None = None,
        target: Told = "resource",
        parameters: Mapping[str, str] | None = None,
        insecure_loopback: bool = False,
        verify: Verify = None,
        proxy: str | None = None,
        transport: Any = None,
        timeout: float = 10.0,
        store: TokenStore | None = None,
        certificate: ClientCertificate | None = None,
        mtls_endpoint_aliases: Mapping[str, str | None] | None = None,
    ) -> None:
        _check("authentication", authentication, ClientAuthentication)
        _check("binding", binding, Binding | None)
        _check("metadata", metadata, Mapping | None)
        _check("parameters", parameters, Mapping | None)
        for name, value in (parameters or {}).items():
            _check(f"parameters: {name}", value, str)
        _check("timeout", timeout, int | float)
        if target not in ("resource", "audience", "scope"):
            raise ConfigurationError('target= is "resource", "audience" or "scope".', code="unknown_setting")
        reserved = _RESERVED.intersection(parameters or ())
        if reserved:
            raise ConfigurationError(
                f"A token request holds {', '.join(sorted(reserved))} already.",
                code="reserved_parameter",
                hint="Leave these out of parameters=: resource and scope belong to each Resource.",
            )
        if not client_id:
            raise ConfigurationError("client_id= is empty.", code="unknown_setting")
        self._issuer = _issuer(issuer, metadata, loopback=insecure_loopback)
        self._client_id = client_id
        self._authentication = authentication
        self._binding = DPoP() if binding is None else binding
        self._metadata = metadata
        self._target = target
        self._parameters = dict(parameters or {})
        self._loopback = insecure_loopback
        presented = one_certificate(authentication.certificate, self._binding.certificate)
        self._connection = {
            "verify": verify,
            "proxy": proxy,
            "transport": transport,
            "timeout": timeout,
            "certificate": one_certificate(presented, certificate),
        }
        self._aliases = aliases(mtls_endpoint_aliases, presented, loopback=insecure_loopback)
        self._store = store
        self._lazy_engine: Engine | None = None
        authentication.serve(self._issuer or None)

    def client_credentials(self, *resources: Resource, outside: Outside = "raise") -> Auth:
        """An auth object for a client acting for itself (RFC 6749, section 4.4), with a token for each resource.

        `outside`: what becomes of a request outside all of them: `"raise"`, or `"anonymous"`: it goes without a token.
        """
        from oauthclient.protocol.authentication import PublicClient
        from oauthclient.protocol.grants import ClientCredentials

        if isinstance(self._authentication, PublicClient):
            raise ConfigurationError(
                "A public client has no credentials to be its own grant (RFC 6749, section 4.4).",
                code="public_client",
                hint="Authenticate the client, or use another grant.",
            )
        return self.grant(ClientCredentials(), *resources, outside=outside)

    def grant(self, grant: Grant, *resources: Resource, outside: Outside = "raise") -> Auth:
        """An auth object for any other grant, such as `SelfIssuedAssertion`, or a subclass of `Grant` of your own."""
        from oauthclient.plugin.auth import Auth
        from oauthclient.plugin.target import Target
        from oauthclient.protocol.grants import Grant
        from oauthclient.protocol.resources import Resource, ResourceMap

        if not resources or not all(isinstance(resource, Resource) for resource in resources):
            raise ConfigurationError(
                "An auth object needs resources to get tokens for, and nothing else.",
                code="no_resource",
                hint='Give each as Resource("https://api.example.com", scope="read").',
            )
        if not isinstance(grant, Grant) or not _is_hashable(grant):
            raise ConfigurationError(
                f"A {type(grant).__name__} cannot be hashed, or is no Grant, so it cannot name a token.",
                code="unusable_grant",
                hint="Give it a __hash__ beside its __eq__; @dataclass(frozen=True) does, if no field is a list.",
            )
        grant.serve(self._issuer or None)
        engine = self._engine()
        return Auth(
            ResourceMap((resource, Target(engine, grant, resource)) for resource in resources),
            outside=outside,
        )

    def discover(self) -> ServerMetadata:
        """What the authorization server says of itself, read again once a day."""
        return self._engine().metadata().result()

    async def discover_async(self) -> ServerMetadata:
        """As `discover`, without blocking the event loop."""
        return await self._engine().metadata().result_async()

    def close(self) -> None:
        """Close the connections to the authorization server. Tokens stay; a later request opens new connections."""
        if self._lazy_engine is not None:
            self._lazy_engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OAuthClient({self._issuer!r}, client_id={self._client_id!r}, binding={self._binding!r})"

    def _engine(self) -> Engine:
        if self._lazy_engine is None:
            from oauthclient.engine.engine import Engine
            from oauthclient.engine.transport import Transport
            from oauthclient.flows.server import Server
            from oauthclient.protocol.metadata import ServerMetadata
            from oauthclient.storage.memory import MemoryStore

            metadata = None
            if self._metadata is not None:
                named = {"issuer": self._issuer} if self._issuer else {}
                metadata = ServerMetadata.from_document({**self._metadata, **named}, loopback=self._loopback)
            server = Server(
                self._issuer,
                client_id=self._client_id,
                authentication=self._authentication,
                binding=self._binding,
                told_by=self._target,
                parameters=self._parameters,
                loopback=self._loopback,
                metadata=metadata,
                aliases=self._aliases,
            )
            self._lazy_engine = Engine(server, Transport(**self._connection), self._store or MemoryStore())
        return self._lazy_engine


def _check(name: str, value: object, kind: type | UnionType) -> None:
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name}= cannot be a {type(value).__name__}.", code="unknown_setting")


def _issuer(issuer: str | None, metadata: Mapping[str, Any] | None, *, loopback: bool) -> str:
    """The issuer to go by, or "" where only metadata is given and it names none."""
    from oauthclient.protocol.metadata import checked_issuer

    named = None if metadata is None else metadata.get("issuer")
    if not issuer and metadata is None:
        raise ConfigurationError("There is neither an issuer nor metadata.", code="no_issuer")
    if issuer is not None and named is not None and issuer != named:
        raise ConfigurationError(
            f"The issuer is {issuer}, but the metadata given is that of {named}.", code="issuer_mismatch"
        )
    known = issuer or named
    return "" if known is None else checked_issuer(known, loopback=loopback)


def _is_hashable(value: object) -> bool:
    # A frozen dataclass has a __hash__ that fails if one of its fields has none.
    try:
        hash(value)
    except TypeError:
        return False
    return True
