"""What a stored record is filed under."""

from __future__ import annotations

from typing import Literal, NamedTuple

RecordKind = Literal["session", "registration", "key", "login"]


class Name(NamedTuple):
    """The name of a record, bound to its content when it is sealed, so that no two can be swapped.

    `client`: the client_id for a session, the app's name for a registration. A key that is sealed in a file is filed
    under its name as `profile`, the rest empty; a login under way under its key's thumbprint there.
    """

    kind: RecordKind
    issuer: str
    client: str
    profile: str
