"""Who an app is at one authorization server: a client that was registered before, or that registers itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthclient.errors import InvalidResponse
from oauthclient.native.stored_key import StoredKey
from oauthclient.protocol.authentication import (
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJWT,
    PublicClient,
)
from oauthclient.protocol.policy import LoginPolicy
from oauthclient.protocol.text import shown

if TYPE_CHECKING:
    from oauthclient.jose.signers import Signer
    from oauthclient.protocol.authentication import ClientAuthentication
    from oauthclient.protocol.policy import Jar
    from oauthclient.protocol.registration import Registration
    from oauthclient.storage.keys import Keys


class NativeClient:
    """What an app presents itself with: its `client_id`, its credentials, and how it makes its logins."""

    __slots__ = ("authentication", "client_id", "policy")

    def __init__(self, client_id: str, authentication: ClientAuthentication, policy: LoginPolicy) -> None:
        self.client_id = client_id
        self.authentication = authentication
        self.policy = policy

    @classmethod
    def preregistered(cls, client_id: str, authentication: ClientAuthentication | None, *, jar: Jar) -> NativeClient:
        """A client that somebody registered by hand: public, or with credentials of its own."""
        signer = authentication.key if isinstance(authentication, PrivateKeyJWT) else None
        return cls(client_id, authentication or PublicClient(), LoginPolicy(signer=signer, jar=jar))

    @classmethod
    def registered(cls, registration: Registration, keys: Keys, *, jar: Jar) -> NativeClient:
        """The client of a stored registration: what the server answered is what holds."""
        metadata = registration.metadata
        signer = None if registration.key is None else StoredKey(keys, registration, registration.key)
        policy = LoginPolicy(
            signer=signer,
            jar="always" if metadata.get("require_signed_request_object") else jar,
            id_token_signed_response_alg=metadata.get("id_token_signed_response_alg"),
            authorization_signed_response_alg=metadata.get("authorization_signed_response_alg"),
        )
        return cls(registration.client_id, _authentication(registration, signer), policy)


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
