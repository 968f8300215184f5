"""Who an app is at one authorization server: a client that was registered before, or that registers itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from oauthclient.errors import ConfigurationError, InvalidResponse
from oauthclient.native.stored_key import StoredKey
from oauthclient.protocol.authentication import (
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
    from oauthclient.protocol.authentication import ClientAuthentication
    from oauthclient.protocol.policy import Jar
    from oauthclient.protocol.registration import Registration
    from oauthclient.storage.keys import Keys


class Wanted(NamedTuple):
    """What the program sets for its logins, whoever the client turns out to be; see `NativeApp`."""

    jar: Jar
    request_encryption: tuple[str, str] | None
    decryption_key: DecryptionKey | None


class NativeClient:
    """What an app presents itself with: its `client_id`, its credentials, and how it makes its logins."""

    __slots__ = ("_redirect_uris", "authentication", "client_id", "policy")

    def __init__(
        self,
        client_id: str,
        authentication: ClientAuthentication,
        policy: LoginPolicy,
        *,
        redirect_uris: list[str] | None = None,
    ) -> None:
        self.client_id = client_id
        self.authentication = authentication
        self.policy = policy
        self._redirect_uris = redirect_uris

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
    def registered(cls, registration: Registration, keys: Keys, *, wanted: Wanted) -> NativeClient:
        """The client of a stored registration: what the server answered is what holds."""
        metadata = registration.metadata
        signer = None if registration.key is None else StoredKey(keys, registration)
        uris = metadata.get("redirect_uris")
        return cls(
            registration.client_id,
            _authentication(registration, signer),
            _policy(metadata, signer, wanted),
            redirect_uris=[uri for uri in uris if isinstance(uri, str)] if isinstance(uris, list) else None,
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


def _authentication(registration: Registration, signer: Signer | None) -> ClientAuthentication:
    method = registration.token_endpoint_auth_method
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
        f"The server registered this client for {shown(method)}, and gave it no credentials for that.",
        code="unusable_registration",
        hint="Have the program registered by hand, and give its client_id.",
    )
