"""How tokens are bound to the certificate of a client, and how that is checked (RFC 8705, sections 3 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from oauthclient.jose.certificate import x5t_s256
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from oauthclient.testing.clients import Client
    from oauthclient.testing.http import Request
    from oauthclient.testing.tokens import IssuedToken

CertificateBinding = Literal["required", "if presented", "never", "absent"]


def bound_to(request: Request, client: Client, binding: CertificateBinding) -> str | None:
    """The thumbprint of the certificate that a token is bound to, or None. Raises RefusedError.

    A client that registered for bound tokens and presents no certificate is refused where `binding` is `"required"`:
    section 3.4 leaves it to the server, and names no error; the certificate is then what the request lacks.
    """
    if not client.tls_client_certificate_bound_access_tokens or binding in {"never", "absent"}:
        return None
    if request.client_certificate:
        return x5t_s256(request.client_certificate)
    if binding == "required":
        raise RefusedError("invalid_request", "Tokens of this client are bound to its certificate (RFC 8705, 3.4).")
    return None


def check_binding(request: Request, token: IssuedToken) -> None:
    """Raise `invalid_token` unless the connection presented the certificate that the token is bound to (section 3)."""
    if token.x5t_s256 is None:
        return
    if not request.client_certificate:
        raise _invalid_token("The access token is bound to a certificate, and none was presented (RFC 8705, 3).")
    if x5t_s256(request.client_certificate) != token.x5t_s256:
        raise _invalid_token("The access token is bound to another certificate (RFC 8705, 3).")


def _invalid_token(description: str) -> RefusedError:
    return RefusedError("invalid_token", description, status=401)
