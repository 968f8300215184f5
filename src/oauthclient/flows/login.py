"""A login, second half: from the browser's answer to a session (RFC 6749, section 4.1.3; OIDC Core, 3.1.3; JARM)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import ConfigurationError, ErrorResponse, InvalidResponse
from oauthclient.flows.discover import known_metadata
from oauthclient.flows.effects import FreshID, Jitter, Now
from oauthclient.flows.server_keys import verified
from oauthclient.flows.token_call import answer_of, explain, token_call
from oauthclient.jose.jwe import decrypt
from oauthclient.jose.jwt import verify
from oauthclient.jose.kinds import JARM_RESPONSE
from oauthclient.protocol.authorization_response import read_code
from oauthclient.protocol.id_token import acceptable_algorithms, verify_id_token
from oauthclient.protocol.session import USERINFO, Granted, SessionState
from oauthclient.protocol.strict_json import text_member
from oauthclient.protocol.token import read_success, read_token_response
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.flows.effects import Story
    from oauthclient.flows.server import Server
    from oauthclient.jose.jwks import KeySet
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.pending import Pending
    from oauthclient.protocol.policy import LoginPolicy
    from oauthclient.protocol.wire import Parameters, Response

_LEEWAY: Final = 10.0  # seconds
_ENCRYPTIONS: Final = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")


def finish(server: Server, pending: Pending, answer: Mapping[str, str], *, profile: str) -> Story[SessionState]:
    """The session that the browser's `answer` to `pending` brings.

    Whatever does not belong to this login is refused before any token request. The code is sent once, and again only
    where the server asked for a nonce.
    """
    metadata = yield from known_metadata(server)
    if pending.signed_answer and "response" not in answer:
        raise InvalidResponse(
            "The answer is not signed, though that was asked for: somebody may have taken the signature off.",
            code="unsigned_answer",
            hint="Begin the login again.",
        )
    if "response" in answer:
        beside = answer.get("iss", pending.issuer)
        answer = yield from _signed_answer(server, metadata, answer["response"])
        if beside != pending.issuer:  # RFC 9207, section 4: of several, none may name another server
            answer = {**answer, "iss": beside}
    code = read_code(
        dict(answer),
        state=pending.state.reveal(),
        issuer=pending.issuer,
        iss_required=bool(metadata.authorization_response_iss_parameter_supported),
    )
    first = pending.targets[0] if pending.targets else None

    def parameters(_: Occasion) -> Parameters:
        return [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", pending.redirect_uri),
            ("code_verifier", pending.verifier),
            *([] if first is None or server.told_by == "scope" else [(server.told_by, first.target)]),
            *server.parameters.items(),
        ]

    response = yield from token_call(server, parameters, code=True)
    return (yield from session_of(server, pending, response, profile=profile))


def session_of(server: Server, pending: Pending, response: Response, *, profile: str) -> Story[SessionState]:
    """The session in the token endpoint's answer to a login, a device's included (RFC 8628, section 3.5)."""
    what = answer_of(server)
    jitter = yield from Jitter()
    first = pending.targets[0] if pending.targets else None
    asked = pending.scope if first is None else first.scope
    own = _for_userinfo(pending)
    try:
        document = read_success(response, what=what)
        token = read_token_response(response, binding=server.binding, asked=asked, what=what, jitter=jitter)
    except ErrorResponse as error:
        raise explain(server, error, response.certificate) from None
    refresh_token = text_member(document, "refresh_token", what=what)
    login = "" if pending.jkt else (yield from FreshID())
    session = SessionState(
        issuer=pending.issuer,
        client_id=pending.client_id,
        profile=profile,
        jkt=pending.jkt,
        x5t_s256=token.certificate or "",
        login=login,
        granted=(*_granted(pending, token.scope), *own),
        refresh_token=Secret(refresh_token) if refresh_token else None,
    )
    if first is not None or own:
        target = USERINFO if first is None else first.target
        session = session.with_token(target, token.to_keep(asked=asked))
    id_token = text_member(document, "id_token", what=what)
    if id_token is None:
        if "openid" in pending.scope.split():
            raise InvalidResponse(
                f"There is no id_token in {what}, though openid was asked for.", code="missing_member"
            )
        return session
    claims = yield from identity(
        server,
        Secret(id_token),
        access_token=Secret(token.access_token),
        nonce=pending.nonce or None,  # a device's login has none
        max_age=pending.max_age,
    )
    return session.identified(subject=claims["sub"], claims=claims, id_token=Secret(id_token))


def _granted(pending: Pending, scope: str | None) -> tuple[Granted, ...]:
    """The targets, the first one with no more scope than its token has: the person may have said no to some of it.

    A server that calls the scopes by other names in its answer has not said that.
    """
    if not pending.targets or scope is None:
        return pending.targets
    first, *others = pending.targets
    left = " ".join(word for word in (first.scope or "").split() if word in scope.split())
    return (first._replace(scope=left) if left else first, *others)


def _for_userinfo(pending: Pending) -> tuple[Granted, ...]:
    """What OpenID Connect grants beside the resources: a token for the server's own UserInfo endpoint."""
    scopes = pending.scope.split()
    resources = {word for target in pending.targets for word in (target.scope or "").split()}
    own = " ".join(word for word in scopes if word not in resources and word != "offline_access")
    return (Granted(USERINFO, own),) if "openid" in scopes else ()


def identity(
    server: Server,
    id_token: Secret,
    *,
    access_token: Secret | None = None,
    nonce: Secret | None = None,
    max_age: int | None = None,
) -> Story[Mapping[str, Any]]:
    """The claims of an ID token, verified with the server's keys (OpenID Connect Core, section 3.1.3.7)."""
    metadata = yield from known_metadata(server)
    now = yield from Now()
    algorithms = acceptable_algorithms(
        metadata.id_token_signing_alg_values_supported, registered=server.policy.id_token_signed_response_alg
    )
    opened = _opened(server.policy, id_token.reveal())

    def check(keys: KeySet) -> Mapping[str, Any]:
        return verify_id_token(
            Secret(opened),
            keys,
            issuer=server.issuer,
            client_id=server.client_id,
            algorithms=algorithms,
            now=server.told_time(now),
            access_token=access_token,
            nonce=nonce,
            max_age=max_age,
        )

    return (yield from verified(server, metadata, check))


def _signed_answer(server: Server, metadata: ServerMetadata, response: str) -> Story[Mapping[str, str]]:
    """The parameters inside a signed answer (JARM, section 2.4)."""
    now = yield from Now()
    algorithms = acceptable_algorithms(
        metadata.authorization_signing_alg_values_supported, registered=server.policy.authorization_signed_response_alg
    )
    opened = _opened(server.policy, response)
    token = yield from verified(
        server,
        metadata,
        lambda keys: verify(
            JARM_RESPONSE,
            opened,
            keys,
            algorithms=algorithms,
            issuer=server.issuer,
            audience=server.client_id,
            now=server.told_time(now),
            leeway=_LEEWAY,
        ),
    )
    return {name: value for name, value in token.claims.items() if isinstance(value, str)}


def _opened(policy: LoginPolicy, jwt: str) -> str:
    """A JWT, decrypted where it is encrypted to us (RFC 7516)."""
    if jwt.count(".") != 4:  # noqa: PLR2004  # a JWE has five parts
        return jwt
    key = policy.decryption_key
    if key is None:
        raise ConfigurationError(
            "The server encrypts its answers, and there is no key for that.", code="no_decryption_key"
        )
    return decrypt(jwt, key, algs=(key.algorithm,), encs=_ENCRYPTIONS)
