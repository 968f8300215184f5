"""How a protected resource lets a request in (RFC 6750, 2.1 and 3; RFC 9449, 7; RFC 8705, 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.testing.certificate_binding import check_binding
from oauthclient.testing.http import Response
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from oauthclient.testing.http import Request
    from oauthclient.testing.proofs import ProofChecker
    from oauthclient.testing.tokens import IssuedToken, Tokens

_STATUS = {"invalid_request": 400, "insufficient_scope": 403}


def admit(
    request: Request, *, tokens: Tokens, audience: str, now: float, proofs: ProofChecker, accepts_bearer: bool
) -> tuple[IssuedToken, str | None]:
    """The token of the request, and the nonce to tell the client for its next one. Raises RefusedError."""
    values = request.values("Authorization")
    if len(values) > 1:
        raise RefusedError("invalid_request", "There is more than one Authorization header.")
    scheme, _, access_token = (values[0] if values else "").partition(" ")
    if scheme.lower() not in {"dpop", "bearer"}:
        raise RefusedError("no_token", "No access token was presented.", status=401)
    access_token = access_token.strip()
    token = tokens.check(access_token, audience=audience, now=now)
    check_binding(request, token)
    if scheme.lower() == "bearer":
        # RFC 9449, section 7.2: else a thief would only have to call a bound token a bearer token.
        if token.jkt is not None:
            raise RefusedError("invalid_token", "The access token is bound to a key: DPoP is needed.")
        if token.x5t_s256 is None and not accepts_bearer:
            raise RefusedError("invalid_token", "Only access tokens bound to a key or a certificate are accepted.")
        return token, None
    proof = proofs.check(request, access_token=access_token)
    # A token that is bound to no key is refused here too: its scheme is Bearer.
    if proof.thumbprint != token.jkt:
        raise RefusedError("invalid_token", "Invalid DPoP key binding.")
    return token, proofs.nonces.after_success(proof.claims.get("nonce"))


def challenge(
    request: Request, refused: RefusedError, *, dpop: bool, proofs: ProofChecker, accepts_bearer: bool, scope: str
) -> Response:
    """The answer to one that is not let in, without `error` if there was no token.

    `dpop`: whether there are tokens that are bound to a key. `scope`: what is needed.
    """
    details = {"algs": " ".join(proofs.algorithms)}
    if refused.error != "no_token":
        details |= {"error": refused.error, "error_description": refused.description}
    if refused.error == "insufficient_scope":
        details["scope"] = scope
    challenges = [_written("DPoP", details)] if dpop else []
    # A token that is bound to a certificate is presented as a bearer token (RFC 8705, section 3).
    as_bearer = accepts_bearer or request.client_certificate
    if not dpop or (as_bearer and (request.header("Authorization") or "").partition(" ")[0].lower() != "dpop"):
        challenges.append(_written("Bearer", {n: v for n, v in details.items() if n != "algs"}))
    status = refused.status or _STATUS.get(refused.error, 401)
    response = Response(status, tuple(("WWW-Authenticate", value) for value in challenges))
    return with_nonce(response, proofs.nonces.current if refused.error == "use_dpop_nonce" else None)


def with_nonce(response: Response, nonce: str | None) -> Response:
    """The answer with a nonce for the next proof: it must not be served from a cache (RFC 9449, section 8.2)."""
    if nonce is None:
        return response
    return response.with_header("Cache-Control", "no-store").with_header("DPoP-Nonce", nonce)


def _written(scheme: str, details: dict[str, str]) -> str:
    escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in details.items()}
    return " ".join([scheme, ", ".join(f'{name}="{value}"' for name, value in escaped.items())]).strip()
