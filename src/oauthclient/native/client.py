"""Who an app is at one authorization server: a client that was registered before, or that registers itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from oauthclient.errors import ConfigurationError, InvalidResponse
from oauthclient.native.stored_key import StoredKey
from oauthclient.protocol.authentication import (
    ClientAuthentication,
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJWT,
    PublicClient,
)
from oauthclient.protocol.policy import LoginPolicy
from oauthclient.protocol.text import shown
from oauthclient.protocol.urls import is_loopback, secure_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthclient.jose.decryption_key import DecryptionKey
    from oauthclient.jose.signers import Signer
    from oauthclient.protocol.authentication import Credentials
    from oauthclient.protocol.binding import Binding
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.policy import Jar
    from oauthclient.protocol.registration import Registration
    from oauthclient.storage.keys import Keys


_WITH_CERTIFICATE: Final = {
    "tls_client_auth": "authentication=TLSClientAuth(certificate)",
    "self_signed_tls_client_auth": "authentication=SelfSignedTLSClientAuth(certificate)",
}


class Wanted(NamedTuple):
    """What the program sets for its logins, whoever the client turns out to be; see `NativeApp`."""

    jar: Jar
    request_encryption: tuple[str, str] | None
    decryption_key: DecryptionKey | None


class NotBrought(ClientAuthentication):
    """What a client was registered to authenticate by, and the program does not: whoever needs it hears of that.

    Raises ConfigurationError (`registered_otherwise`).
    """

    __slots__ = ("_brought", "method")

    def __init__(self, method: str, brought: ClientAuthentication | None) -> None:
        self.method = method
        self._brought = brought

    def credentials(self, _occasion: Occasion) -> Credentials:
        """None."""
        raise self.error()

    def check(self, _metadata: ServerMetadata) -> None:
        """Never right."""
        raise self.error()

    def error(self) -> ConfigurationError:
        """What is the matter, and what to do."""
        ours = "without a client certificate" if self._brought is None else f"with {self._brought.method}"
        remedy = _WITH_CERTIFICATE.get(self.method)
        return ConfigurationError(
            f"This app is registered to authenticate by {shown(self.method)}, and comes {ours}.",
            code="registered_otherwise",
            hint=(f"Make it with {remedy}; or" if remedy else "Make it as it was registered; or")
            + " delete the registration (app.registration.delete()) and register anew.",
        )


class NativeClient:
    """What an app presents itself with: its `client_id`, its credentials, and how it makes its logins."""

    __slots__ = ("_metadata", "_redirect_uris", "authentication", "client_id", "policy")

    def __init__(
        self,
        client_id: str,
        authentication: ClientAuthentication,
        policy: LoginPolicy,
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.client_id = client_id
        self.authentication = authentication
        self.policy = policy
        self._metadata = metadata
        uris = (metadata or {}).get("redirect_uris")
        self._redirect_uris = [uri for uri in uris if isinstance(uri, str)] if isinstance(uris, list) else None

    def check_authentication(self) -> None:
        """Raise ConfigurationError (`registered_otherwise`) where the program cannot authenticate as this client."""
        if isinstance(self.authentication, NotBrought):
            raise self.authentication.error()

    def check_binding(self, binding: Binding) -> None:
        """Raise ConfigurationError (`binding_not_registered`) where tokens would not be bound, and nobody would see.

        What somebody registered by hand is not known here.
        """
        if self._metadata is not None:
            binding.check_registered(self._metadata)

    def check_redirect_uri(self, redirect_uri: str) -> None:
        """Refuse what the server would refuse on a page that only the person sees. Raises ConfigurationError."""
        secure_url(redirect_uri, what="the redirect_uri", loopback=True, error=ConfigurationError, code="redirect_uri")
        if self._redirect_uris and not any(redirects_to(redirect_uri, known) for known in self._redirect_uris):
            raise ConfigurationError(
                f"This app is not registered for the redirect URI {shown(redirect_uri)}.",
                code="redirect_uri_not_registered",
                hint="Update the registration, or give the client_id of a client that was registered for it.",
            )

    @classmethod
    def preregistered(
        cls, client_id: str, authentication: ClientAuthentication | None, *, metadata: Mapping[str, Any], wanted: Wanted
    ) -> NativeClient:
        """A client that somebody registered by hand: public, or with credentials of its own.

        `metadata`: what is known of its registration.
        """
        signer = authentication.key if isinstance(authentication, PrivateKeyJWT) else None
        return cls(client_id, authentication or PublicClient(), _policy(metadata, signer, wanted))

    @classmethod
    def registered(
        cls, registration: Registration, keys: Keys, *, own: ClientAuthentication | None, wanted: Wanted
    ) -> NativeClient:
        """The client of a stored registration: what the server answered is what holds.

        `own`: the program's, where it authenticates by a client certificate.
        """
        metadata = registration.metadata
        signer = None if registration.key is None else StoredKey(keys, registration)
        return cls(
            registration.client_id,
            _authentication(registration, signer, own),
            _policy(metadata, signer, wanted),
            metadata=metadata,
        )


def _policy(metadata: Mapping[str, Any], signer: Signer | None, wanted: Wanted) -> LoginPolicy:
    """What was registered goes before what was wanted."""
    return LoginPolicy(
        signer=signer,
        jar="always" if metadata.get("require_signed_request_object") else wanted.jar,
        request_encryption=wanted.request_encryption,
        id_token_signed_response_alg=metadata.get("id_token_signed_response_alg"),
        authorization_signed_response_alg=metadata.get("authorization_signed_response_alg"),
        userinfo_signed_response_alg=metadata.get("userinfo_signed_response_alg"),
        decryption_key=wanted.decryption_key,
    )


def redirects_to(redirect_uri: str, registered: str) -> bool:
    """Whether it is the registered one; on a loopback address the port does not matter (RFC 8252, section 7.3)."""
    try:
        one, other = urlsplit(redirect_uri), urlsplit(registered)
    except ValueError:
        return False
    if one[:1] + one[2:] != other[:1] + other[2:] or one.hostname != other.hostname:
        return False
    return one.netloc == other.netloc or is_loopback(one.hostname or "")


def _authentication(
    registration: Registration, signer: Signer | None, own: ClientAuthentication | None
) -> ClientAuthentication:
    method = registration.token_endpoint_auth_method
    if own is not None and own.method == method:
        return own
    if own is not None or method in _WITH_CERTIFICATE:
        return NotBrought(method, own)
    if method == "none":
        return PublicClient()
    if method == "private_key_jwt" and signer is not None:
        return PrivateKeyJWT(signer)
    secret = registration.client_secret
    if secret is not None and method == "client_secret_basic":
        return ClientSecretBasic(secret)
    if secret is not None and method == "client_secret_post":
        return ClientSecretPost(secret)
    raise InvalidResponse(
        f"The server registered this client for {shown(method)}, and there are no credentials for that.",
        code="unusable_registration",
        hint="Have the program registered by hand, and give its client_id.",
    )
