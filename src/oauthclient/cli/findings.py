"""What a server's metadata means for a login by this command, point by point (RFC 8414, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from oauthclient.errors import NotOffered
from oauthclient.jose.algorithms import VERIFYING
from oauthclient.login.redirect import RedirectTarget, redirect_path
from oauthclient.protocol.binding import DPoP, MutualTLS
from oauthclient.protocol.client_metadata import ClientMetadata, choose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.metadata import ServerMetadata

_WAYS_OUT: Final = {
    "key": "leave --certificate out: a key does it (DPoP)",
    "--certificate": "--certificate binds to a client certificate; --bearer does without",
    "--bearer": "--bearer does without: a stolen token can be used",
}


class Finding(NamedTuple):
    """One point. `kind`: `good`: offered, and used; `note`: not there, or not used; `bad`: no login without more.

    `found`: what the server says; `used`: what comes of that, and why.
    """

    topic: str
    kind: Literal["good", "note", "bad"]
    found: str
    used: str


def findings(
    metadata: ServerMetadata, binding: Binding | None = None, *, auth_method: str | None = None
) -> Iterator[Finding]:
    """All points, in the order in which a login meets them; but for `certificate_findings`.

    `binding`: what tokens are to be bound to, by default a key. `auth_method`: by which a certificate authenticates.
    """
    wanted = ClientMetadata(token_endpoint_auth_method=auth_method)
    yield _registration(metadata, wanted)
    yield _login(metadata)
    yield _pushed(metadata)
    yield _signed(metadata, wanted)
    yield _answer(metadata)
    yield _binding(metadata, DPoP() if binding is None else binding)
    yield _staying(metadata)
    yield _device(metadata)
    yield _identity(metadata)
    yield _there("userinfo", metadata.userinfo_endpoint, "userinfo_endpoint", "what it says about the person")
    yield _there("revocation", metadata.revocation_endpoint, "revocation_endpoint", "tokens end with a logout")
    yield _there("logout there", metadata.end_session_endpoint, "end_session_endpoint", "logout --browser")


def _registration(metadata: ServerMetadata, wanted: ClientMetadata) -> Finding:
    topic = "registration"
    try:
        choice = choose(wanted, metadata)
    except NotOffered as error:
        return Finding(topic, "bad", "nothing that software can do alone", error.message)
    if metadata.registration_endpoint is None:
        uris = " and ".join(RedirectTarget(redirect_path(metadata.issuer or "")).registered())
        return Finding(topic, "bad", "no registration_endpoint", f"--client-id of a native app registered for {uris}")
    how = (
        choice.method
        if choice.algorithm is None or wanted.token_endpoint_auth_method
        else f"{choice.method}, {choice.algorithm}"
    )
    return Finding(topic, "good", "registration_endpoint", f"the command registers itself: {how}")


def _login(metadata: ServerMetadata) -> Finding:
    methods = metadata.code_challenge_methods_supported
    if metadata.authorization_endpoint is None:
        return Finding("login", "bad", "no authorization_endpoint", "nobody can log in in a browser")
    if methods is None:
        return Finding(
            "login", "good", "authorization_endpoint", "PKCE S256 is sent, though the server does not list it"
        )
    if "S256" not in methods:
        return Finding(
            "login", "bad", f"PKCE: {', '.join(methods) or 'none'}", "without S256 a caught code can be used"
        )
    return Finding("login", "good", "authorization_endpoint, PKCE S256", "in the browser")


def _pushed(metadata: ServerMetadata) -> Finding:
    if metadata.pushed_authorization_request_endpoint is not None:
        return Finding(
            "pushed requests", "good", _wanted("PAR", metadata.require_pushed_authorization_requests), "used"
        )
    if metadata.require_pushed_authorization_requests:
        return Finding("pushed requests", "bad", "PAR required, and no endpoint for it", "the metadata is broken")
    return Finding("pushed requests", "note", "no PAR", "requests go by way of the browser")


def _signed(metadata: ServerMetadata, wanted: ClientMetadata) -> Finding:
    listed = metadata.request_object_signing_alg_values_supported
    needed = metadata.require_signed_request_object
    try:
        choice = choose(wanted, metadata)
    except NotOffered:
        return Finding("signed requests", "note", "", "see registration")
    if choice.signs_requests:
        return Finding("signed requests", "good", _wanted("JAR", needed), f"signed with {choice.algorithm}")
    if listed is None:
        return Finding("signed requests", "note", "no JAR", "requests are not signed")
    return Finding("signed requests", "note", f"JAR: {', '.join(listed)}", "no algorithm that we sign with")


def _answer(metadata: ServerMetadata) -> Finding:
    if metadata.authorization_response_iss_parameter_supported:
        return Finding("answers", "good", "iss (RFC 9207)", "checked: no other server's answer passes")
    return Finding(
        "answers", "note", "no iss (RFC 9207)", "told apart by the redirect path, which is this issuer's own"
    )


def _binding(metadata: ServerMetadata, binding: Binding) -> Finding:
    key = _offered(DPoP(), metadata)
    by_key = f"DPoP: {', '.join(metadata.dpop_signing_alg_values_supported or ()) or 'none'}"
    if binding.certificate is None:
        if key:
            return Finding("bound tokens", "good", "DPoP", "ES256; a stolen token is worth nothing")
        instead = "--certificate" if metadata.tls_client_certificate_bound_access_tokens else "--bearer"
        return Finding("bound tokens", "bad", by_key, _WAYS_OUT[instead])
    if not _offered(MutualTLS(binding.certificate), metadata):
        return Finding("bound tokens", "bad", "none to certificates", _WAYS_OUT["key" if key else "--bearer"])
    if binding.key_algorithm is None:
        return Finding("bound tokens", "good", "to certificates", "a stolen token is worth nothing")
    if not key:
        return Finding("bound tokens", "bad", by_key, "leave --dpop out: the certificate alone will do")
    return Finding("bound tokens", "good", "to certificates, DPoP", "both; a stolen token is worth nothing")


def _offered(binding: Binding, metadata: ServerMetadata) -> bool:
    try:
        binding.check(metadata)
    except NotOffered:
        return False
    return True


def _staying(metadata: ServerMetadata) -> Finding:
    grants, scopes = metadata.grant_types_supported, metadata.scopes_supported or ()
    if grants is not None and "refresh_token" not in grants:
        return Finding("staying", "note", "no refresh tokens", "a login ends with its access tokens")
    if "offline_access" in scopes:
        return Finding("staying", "good", "refresh tokens, offline_access", "asked for: the login lasts")
    return Finding("staying", "good", "refresh tokens", "the login lasts, if the server gives one")


def _device(metadata: ServerMetadata) -> Finding:
    if metadata.device_authorization_endpoint is None:
        return Finding("other devices", "note", "no device flow", "a browser on this machine is needed")
    return Finding("other devices", "good", "device flow", "with --device only: it can be abused for phishing")


def _identity(metadata: ServerMetadata) -> Finding:
    listed, scopes = metadata.id_token_signing_alg_values_supported, metadata.scopes_supported
    if listed is None or (scopes is not None and "openid" not in scopes):
        return Finding("identity", "note", "no OpenID Connect", "who has logged in is not known here")
    if not {*VERIFYING, "EdDSA"}.intersection(listed):
        return Finding("identity", "bad", f"ID tokens: {', '.join(listed)}", "no algorithm that can be verified")
    return Finding("identity", "good", "OpenID Connect", "ID tokens are verified")


def _there(topic: str, endpoint: str | None, name: str, used: str) -> Finding:
    if endpoint is None:
        return Finding(topic, "note", f"no {name}", "")
    return Finding(topic, "good", name, used)


def _wanted(what: str, required: object) -> str:
    return f"{what}, required" if required else what
