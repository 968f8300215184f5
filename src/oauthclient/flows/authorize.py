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
from oauthclient.protocol.urls import displayed, origin
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.jose.signers import Signer
    from oauthclient.protocol.authorization_request import Openly, Wish
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.wire import Parameters

_CREATED: Final = (200, 201)
_SIGNED: Final = ("jwt", "query.jwt", "form_post.jwt")  # JARM, section 2.3; "fragment.jwt" never reaches a server


def begin(server: Server, wish: Wish, *, redirect_uri: str, jkt: str) -> Story[tuple[str, Pending]]:
    """Where to send the browser, and what to remember until it comes back.

    Pushed (RFC 9126) where the server takes that, signed (RFC 9101) as the client and the server want it. `jkt`: the
    thumbprint of the session's key, to which the code is bound (RFC 9449, section 10), or "".
    """
    metadata = yield from known_metadata(server)
    server.binding.check(metadata)
    server.authentication.check(metadata)  # before a person has gone through a login that could not be finished
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
    signed_answer = dict(parameters).get("response_mode") in _SIGNED
    key = signing_key(server, metadata)
    push = metadata.pushed_authorization_request_endpoint
    if push is not None:
        parameters = yield from _pushed(server, metadata, push, key, parameters)
    elif metadata.require_pushed_authorization_requests:
        raise InvalidResponse(
            "The authorization server requires pushed requests, and names no endpoint for them.",
            code="missing_endpoint",
        )
    elif key is not None:
        parameters = yield from _by_value(server, metadata, key, parameters)
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
        signed_answer=signed_answer,
    )
    return front_channel_url(endpoint, parameters), pending


def signing_key(server: Server, metadata: ServerMetadata) -> tuple[Signer, str] | None:
    """The key for the request object, and what its algorithm is called here; None where the request goes unsigned."""
    listed = metadata.request_object_signing_alg_values_supported
    policy = server.policy
    signer = policy.signer
    required = bool(metadata.require_signed_request_object)
    wanted = required or policy.jar == "always"
    if not wanted and (policy.jar == "never" or listed is None):
        return None
    alg = "" if signer is None else listed_spelling(signer.algorithm, listed)
    if signer is not None and (listed is None or alg in listed):
        return signer, alg
    if wanted:
        raise ConfigurationError(
            "The authorization request has to be signed, and there is no key that the server takes for that.",
            code="no_signing_key",
            hint=f"Give the client a key for {', '.join(listed)}." if listed else "Give the client a key.",
        )
    return None


def signed_request(server: Server, key: tuple[Signer, str], parameters: Openly, *, issued_at: int, jti: str) -> str:
    """The parameters as a request object (RFC 9101, section 4)."""
    signer, alg = key
    claims = request_object_claims(parameters, issuer=server.issuer, now=issued_at, jti=jti)
    return issue(REQUEST_OBJECT, signer, claims, alg=alg)


def _by_value(server: Server, metadata: ServerMetadata, key: tuple[Signer, str], parameters: Openly) -> Story[Openly]:
    """The request object in the URL itself (RFC 9101, section 5.1); beside it only what must stand there."""
    now = yield from Now()
    clock = server.clocks.of(origin(server.token_endpoint))
    issued_at = clock.issued_at(now.wall, now.steady)
    request = signed_request(server, key, parameters, issued_at=issued_at, jti=(yield from FreshID()))
    if server.policy.request_encryption is not None:
        to, enc = server.policy.request_encryption
        request = yield from verified(
            server, metadata, lambda keys: encrypt(request, jwk=keys.encryption_jwk(to), alg=to, enc=enc)
        )
    openly: Openly = []
    if metadata.openid_only:  # OpenID Connect Core, section 6.1, wants these beside it, RFC 9101 does not
        openly.append(("response_type", "code"))
        if "openid" in dict(parameters).get("scope", "").split():
            openly.append(("scope", "openid"))
    return [("client_id", server.client_id), *openly, ("request", request)]


def _pushed(
    server: Server, metadata: ServerMetadata, endpoint: str, key: tuple[Signer, str] | None, parameters: Openly
) -> Story[Openly]:
    """The reference that stands for `parameters`, which go to the server directly (RFC 9126, sections 2 and 3).

    A request object is made anew for each sending, as the assertion and the proof are: it is good for one use.
    """

    def form(occasion: Occasion) -> Parameters:
        if key is None:
            return list(parameters)
        # An identifier of its own: the assertion beside it has the occasion's.
        jti = f"{occasion.jti}.request"
        request = signed_request(server, key, parameters, issued_at=occasion.issued_at, jti=jti)
        return [("client_id", server.client_id), ("request", request)]

    response = yield from call(server, metadata, endpoint, form)
    what = f"the answer of {displayed(endpoint)}"
    if response.status not in _CREATED:
        raise explain(server, read_error(response, what=what), response.certificate, grant=False)
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
