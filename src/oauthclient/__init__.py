"""An OAuth client that proves who it is on every step: sender-constrained tokens for httpx and httpx2.

A name is loaded when it is first used (PEP 562), so that importing this package costs nothing beside httpx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oauthclient.client import OAuthClient
    from oauthclient.errors import (
        AlreadyAuthorized,
        AuthorizationServerError,
        ConfigurationError,
        DiscoveryFailed,
        DowngradeRefused,
        ErrorResponse,
        GrantFailed,
        InvalidJWT,
        InvalidKey,
        InvalidResponse,
        LoginError,
        LoginTimeout,
        NoBrowser,
        NoResourceForURL,
        NotOffered,
        OAuthError,
        PortTaken,
        ReauthenticationRequired,
        RedirectLeftResource,
        RegistrationLost,
        RequestRefused,
        StorageBusy,
        StorageError,
        StorageLocked,
        StorageTooNew,
        StorageUnavailable,
        StorageUnreadable,
        StorageUnwritable,
        TLSFailed,
        Unreachable,
        UnsafeURL,
        WrongStorageKey,
    )
    from oauthclient.jose.decryption_key import DecryptionKey
    from oauthclient.jose.keys import SigningKey
    from oauthclient.jose.pkcs11 import PKCS11Key
    from oauthclient.jose.signers import Signer
    from oauthclient.native.app import NativeApp
    from oauthclient.native.login import How
    from oauthclient.native.session import Goodbye, Session
    from oauthclient.plugin.attach import attach
    from oauthclient.plugin.auth import Auth
    from oauthclient.plugin.verdict import NotRepeated, not_repeated
    from oauthclient.protocol.authentication import (
        ClientAuthentication,
        ClientSecretBasic,
        ClientSecretJWT,
        ClientSecretPost,
        Credentials,
        PrivateKeyJWT,
        PublicClient,
    )
    from oauthclient.protocol.binding import Bearer, DPoP, MutualTLS
    from oauthclient.protocol.certificate_authentication import SelfSignedTLSClientAuth, TLSClientAuth
    from oauthclient.protocol.grants import ClientCredentials, Grant, IssuedAssertion, SelfIssuedAssertion
    from oauthclient.protocol.metadata import ServerMetadata
    from oauthclient.protocol.occasion import Occasion
    from oauthclient.protocol.pending import Pending
    from oauthclient.protocol.resources import Resource
    from oauthclient.protocol.token import Token
    from oauthclient.secret import Secret
    from oauthclient.storage.memory import MemoryStore, TokenStore
    from oauthclient.storage.vault import Vault
    from oauthclient.tls.client_certificate import ClientCertificate

_ROOMS = {
    "client": ("OAuthClient",),
    "errors": (
        "AlreadyAuthorized",
        "AuthorizationServerError",
        "ConfigurationError",
        "DiscoveryFailed",
        "DowngradeRefused",
        "ErrorResponse",
        "GrantFailed",
        "InvalidJWT",
        "InvalidKey",
        "InvalidResponse",
        "LoginError",
        "LoginTimeout",
        "NoBrowser",
        "NoResourceForURL",
        "NotOffered",
        "OAuthError",
        "PortTaken",
        "ReauthenticationRequired",
        "RedirectLeftResource",
        "RegistrationLost",
        "RequestRefused",
        "StorageBusy",
        "StorageError",
        "StorageLocked",
        "StorageTooNew",
        "StorageUnavailable",
        "StorageUnreadable",
        "StorageUnwritable",
        "TLSFailed",
        "Unreachable",
        "UnsafeURL",
        "WrongStorageKey",
    ),
    "jose.decryption_key": ("DecryptionKey",),
    "jose.keys": ("SigningKey",),
    "jose.pkcs11": ("PKCS11Key",),
    "jose.signers": ("Signer",),
    "native.app": ("NativeApp",),
    "native.login": ("How",),
    "native.session": ("Goodbye", "Session"),
    "plugin.attach": ("attach",),
    "plugin.auth": ("Auth",),
    "plugin.verdict": ("NotRepeated", "not_repeated"),
    "protocol.authentication": (
        "ClientAuthentication",
        "ClientSecretBasic",
        "ClientSecretJWT",
        "ClientSecretPost",
        "Credentials",
        "PrivateKeyJWT",
        "PublicClient",
    ),
    "protocol.binding": ("Bearer", "DPoP", "MutualTLS"),
    "protocol.certificate_authentication": ("SelfSignedTLSClientAuth", "TLSClientAuth"),
    "protocol.grants": ("ClientCredentials", "Grant", "IssuedAssertion", "SelfIssuedAssertion"),
    "protocol.metadata": ("ServerMetadata",),
    "protocol.occasion": ("Occasion",),
    "protocol.pending": ("Pending",),
    "protocol.resources": ("Resource",),
    "protocol.token": ("Token",),
    "secret": ("Secret",),
    "storage.memory": ("MemoryStore", "TokenStore"),
    "storage.vault": ("Vault",),
    "tls.client_certificate": ("ClientCertificate",),
}
_ROOM_OF = {name: f"oauthclient.{room}" for room, names in _ROOMS.items() for name in names}

__all__ = [
    "AlreadyAuthorized",
    "Auth",
    "AuthorizationServerError",
    "Bearer",
    "ClientAuthentication",
    "ClientCertificate",
    "ClientCredentials",
    "ClientSecretBasic",
    "ClientSecretJWT",
    "ClientSecretPost",
    "ConfigurationError",
    "Credentials",
    "DPoP",
    "DecryptionKey",
    "DiscoveryFailed",
    "DowngradeRefused",
    "ErrorResponse",
    "Goodbye",
    "Grant",
    "GrantFailed",
    "How",
    "InvalidJWT",
    "InvalidKey",
    "InvalidResponse",
    "IssuedAssertion",
    "LoginError",
    "LoginTimeout",
    "MemoryStore",
    "MutualTLS",
    "NativeApp",
    "NoBrowser",
    "NoResourceForURL",
    "NotOffered",
    "NotRepeated",
    "OAuthClient",
    "OAuthError",
    "Occasion",
    "PKCS11Key",
    "Pending",
    "PortTaken",
    "PrivateKeyJWT",
    "PublicClient",
    "ReauthenticationRequired",
    "RedirectLeftResource",
    "RegistrationLost",
    "RequestRefused",
    "Resource",
    "Secret",
    "SelfIssuedAssertion",
    "SelfSignedTLSClientAuth",
    "ServerMetadata",
    "Session",
    "Signer",
    "SigningKey",
    "StorageBusy",
    "StorageError",
    "StorageLocked",
    "StorageTooNew",
    "StorageUnavailable",
    "StorageUnreadable",
    "StorageUnwritable",
    "TLSClientAuth",
    "TLSFailed",
    "Token",
    "TokenStore",
    "Unreachable",
    "UnsafeURL",
    "Vault",
    "WrongStorageKey",
    "attach",
    "not_repeated",
]


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(room), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
