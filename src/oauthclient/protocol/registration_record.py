"""A registration as it is stored: a JSON object that holds secrets in the clear (RFC 7591, 3.2.1; RFC 7592, 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from oauthclient.errors import OAuthError, StorageTooNew, StorageUnreadable
from oauthclient.protocol.registration import Note, Registration, Unregistered
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION: Final = 1


def to_record(registration: Registration | Unregistered) -> dict[str, Any]:
    """The JSON object to store, which belongs into sealed storage only."""
    if isinstance(registration, Unregistered):
        return {"version": _VERSION, "keys": list(registration.keys), "planned": registration.planned}
    note = registration.note
    return {
        "version": _VERSION,
        "issuer": registration.issuer,
        "client_id": registration.client_id,
        "client_secret": _revealed(registration.client_secret),
        "client_secret_expires_at": registration.client_secret_expires_at,
        "registration_access_token": _revealed(registration.registration_access_token),
        "registration_client_uri": registration.registration_client_uri,
        "metadata": dict(registration.metadata),
        "key": registration.key,
        "next_key": registration.next_key,
        "previous_key": registration.previous_key,
        "note": None if note is None else list(note),
    }


def from_record(record: Mapping[str, Any] | None) -> Registration | Unregistered | None:
    """What was stored, if anything. Raises StorageTooNew, or StorageUnreadable where it is no such thing.

    Who calls it should not give the record a name: it would show in the traceback of what is raised here or later.
    """
    if record is None:
        return None
    version = record.get("version")
    if isinstance(version, int) and version > _VERSION:
        del record  # it holds secrets, and would stand in the traceback
        raise StorageTooNew(
            f"The stored registration is of version {version}; this library reads up to {_VERSION}.",
            hint="Update the program, or register again under another profile.",
        )
    registration = _read(record)
    del record
    if registration is None:
        raise StorageUnreadable(
            "The stored registration is not one.", hint="Restore it from a backup, or delete it and register again."
        )
    return registration


def _read(record: Mapping[str, Any]) -> Registration | Unregistered | None:
    try:
        if "client_id" not in record:
            return Unregistered(tuple(record["keys"]), record["planned"])
        return Registration(
            issuer=record["issuer"],
            client_id=record["client_id"],
            client_secret=_secret(record["client_secret"]),
            client_secret_expires_at=record["client_secret_expires_at"],
            registration_access_token=_secret(record["registration_access_token"]),
            registration_client_uri=record["registration_client_uri"],
            metadata=dict(record["metadata"]),
            key=record["key"],
            next_key=record["next_key"],
            previous_key=record["previous_key"],
            note=None if record["note"] is None else Note(*record["note"]),
        )
    except (KeyError, TypeError, ValueError, OAuthError):
        return None


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def _secret(value: str | None) -> Secret | None:
    return None if value is None else Secret(value)
