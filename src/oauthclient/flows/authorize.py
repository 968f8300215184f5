"""A login, first half: from what is wanted to where the browser is sent (RFC 6749, section 4.1; RFC 9126; RFC 9101)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oauthclient.errors import ConfigurationError, InvalidResponse, NotOffered
from oauthclient.flows.call import call
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.effects import FreshID, Now
from oauthclient.flows.server_keys import verified
from oauthclient.flows.token_call import explain
from oauthclient.jose.jwe import encrypt
from oauthclient.jose.jwt import issue
from oauthclient.jose.kinds import REQUEST_OBJECT
from oauthclient.protocol.authentication import listed_spelling
from oauthclient.protocol.authorization_request import front_channel_url, request_object_claims, request_parameters
from oauthclient.protocol.pending import Pending
from oauthclient.protocol.strict_json import parse_object, text_member
from oauthclient.protocol.token import read_error
from oauthclient.protocol.urls import origin
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.protocol.authorization_request import Openly, Wish
    from oauthclient.protocol.metadata import ServerMetadata

_CREATED: Final = (200, 201)
_OPENLY: Final = ("response_type", "scope")


def begin(server: Server, wish: Wish, *, redirect_uri: str, jkt: str) -> Story[tuple[str, Pending]]:
    """Where to send the browser, and what to remember until it comes back.

    Pushed (RFC 9126) where the server takes that, signed (RFC 9101) as the client and the server want it. `jkt`: the
    thumbprint of the session's key, to which the code is bound (RFC 9449, section 10), or "".
    """
    metadata = yield from known_metadata(server)
    server.binding.check(metadata)
    endpoint = _checked_endpoint(metadata)
    state = yield from FreshID()
    nonce = yield from FreshID()
    verifier = (yield from FreshID()) + (yield from FreshID())
    now = yield from Now()
    parameters = request_parameters(
        wish,
        client_id=server.client_id,
        redirect_uri=redirect_uri,
        told_by=server.told_by,
        state=state,
        nonce=nonce,
        verifier=verifier,
        jkt=jkt,
    )
    parameters = yield from _signed(server, metadata, parameters)
    if metadata.pushed_authorization_request_endpoint is not None:
        parameters = yield from _pushed(server, metadata, metadata.pushed_authorization_request_endpoint, parameters)
    elif metadata.require_pushed_authorization_requests:
        raise InvalidResponse(
            "The authorization server requires pushed requests, and names no endpoint for them.",
            code="missing_endpoint",
        )
    pending = Pending(
        issuer=server.issuer,
        client_id=server.client_id,
        redirect_uri=redirect_uri,
        state=Secret(state),
        nonce=Secret(nonce),
        verifier=Secret(verifier),
        jkt=jkt,
        targets=wish.targets,
        scope=wish.scopes(),
        max_age=wish.max_age,
        began_at=now.wall,
    )
    return front_channel_url(endpoint, parameters), pending


def _signed(server: Server, metadata: ServerMetadata, parameters: Openly) -> Story[Openly]:
    """The parameters as a request object, where they are to be signed; with it go only those that must."""
    listed = metadata.request_object_signing_alg_values_supported
    policy = server.policy
    signer = policy.signer
    wanted = policy.jar == "always" or bool(metadata.require_signed_request_object)
    if policy.jar == "never" and not metadata.require_signed_request_object:
        return parameters
    alg = "" if signer is None else listed_spelling(signer.algorithm, listed)
    if signer is None or (listed is not None and alg not in listed):
        if wanted:
            raise ConfigurationError(
                "The authorization request has to be signed, and there is no key that the server takes for that.",
                code="no_signing_key",
                hint=f"Give the client a key for {', '.join(listed)}." if listed else "Give the client a key.",
            )
        return parameters
    if listed is None and not wanted:
        return parameters
    now = yield from Now()
    clock = server.clocks.of(origin(server.token_endpoint))
    claims = request_object_claims(
        parameters,
        issuer=server.issuer,
        now=clock.issued_at(now.wall, now.steady),
        jti=(yield from FreshID()),
    )
    request = issue(REQUEST_OBJECT, signer, claims, alg=alg)
    if policy.request_encryption is not None:
        to, enc = policy.request_encryption
        request = yield from verified(
            server, metadata, lambda keys: encrypt(request, jwk=keys.encryption_jwk(to), alg=to, enc=enc)
        )
    pushed = metadata.pushed_authorization_request_endpoint is not None
    openly = [pair for pair in parameters if metadata.openid_only and not pushed and pair[0] in _OPENLY]
    return [("client_id", server.client_id), *openly, ("request", request)]


def _pushed(server: Server, metadata: ServerMetadata, endpoint: str, parameters: Openly) -> Story[Openly]:
    """The reference that stands for `parameters`, which go to the server directly (RFC 9126, section 2)."""
    response = yield from call(server, metadata, endpoint, lambda _: parameters)
    what = f"the answer of {endpoint}"
    if response.status not in _CREATED:
        error = read_error(response, what=what)
        raise explain(server, error)
    reference = text_member(parse_object(response.body, what=what), "request_uri", what=what, required=True)
    return [("client_id", server.client_id), ("request_uri", reference)]


def _checked_endpoint(metadata: ServerMetadata) -> str:
    if metadata.authorization_endpoint is None:
        raise InvalidResponse("The authorization server names no authorization_endpoint.", code="missing_endpoint")
    methods = metadata.code_challenge_methods_supported
    if methods is not None and "S256" not in methods:
        raise NotOffered(
            f"The authorization server's PKCE methods are {', '.join(methods) or 'none'}, without S256.",
            code="pkce_not_offered",
            hint="Without PKCE a code that is caught can be used: this server is not safe to log in at.",
        )
    return metadata.authorization_endpoint
