"""A value that no repr, log, exception or traceback shows."""

from __future__ import annotations

from typing import Final, final

from oauthclient.errors import InvalidKey


@final
class Secret:
    """A secret string. `reveal()` is the one way to its value; everything else shows `<redacted>`.

    Raises InvalidKey for anything but a string.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | Secret) -> None:
        if not isinstance(value, str | Secret):  # an unset environment variable, say
            raise InvalidKey(f"A secret is a string, not a {type(value).__name__}.", code="not_a_string")
        self._value: Final = value.reveal() if isinstance(value, Secret) else value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "<redacted>"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same value, compared in constant time."""
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest

        return compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        raise TypeError("A secret cannot be pickled.")
