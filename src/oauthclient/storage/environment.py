"""A sealing key or a passphrase from the environment, or from a file that it names."""

from __future__ import annotations

import re
from binascii import unhexlify
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from oauthclient.errors import ConfigurationError, StorageUnavailable
from oauthclient.protocol.text import shown
from oauthclient.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY: Final = "OAUTHCLIENT_STORAGE_KEY"
PASSPHRASE: Final = "OAUTHCLIENT_STORAGE_PASSPHRASE"  # noqa: S105  # a variable's name
_VARIABLES: Final = (KEY, f"{KEY}_FILE", PASSPHRASE, f"{PASSPHRASE}_FILE")

_HEX: Final = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{43}=?")


class Given(NamedTuple):
    """What was found: one of both."""

    passphrase: Secret | None
    key: bytes | None


def from_environment(environment: Mapping[str, str]) -> Given:
    """The key or passphrase that `environment` holds, or names a file for.

    A key is 32 octets in base64url, base64 or hexadecimal. Of a file, the newline at its end does not count.
    Raises `StorageUnavailable` where no variable is set, `ConfigurationError` for more than one, a file that cannot be
    read, or text that is no key.
    """
    names = [name for name in _VARIABLES if environment.get(name)]
    if not names:
        raise StorageUnavailable(
            "There is no key and no passphrase to seal files with.",
            code="no_storage_key",
            hint=f"Set one of {', '.join(_VARIABLES)}.",
        )
    if len(names) > 1:
        raise ConfigurationError(f"{' and '.join(names)} are set.", code="storage_key", hint="Set one of them only.")
    name = names[0]
    text = _content(name, environment[name]) if name.endswith("_FILE") else Secret(environment[name])
    return Given(None, _key(name, text)) if name.startswith(KEY) else Given(text, None)


def _content(name: str, file: str) -> Secret:
    try:
        return Secret(Path(file).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r"))
    except OSError as error:
        why = shown(error.strerror)
    except ValueError:
        why = "it is not text in UTF-8"
    raise ConfigurationError(f"Cannot read the file that {name} names, {shown(file)}: {why}.", code="storage_key")


def _key(name: str, text: Secret) -> bytes:
    from oauthclient.jose.encoding import base64url_octets

    written = text.reveal().strip()
    if _HEX.fullmatch(written):
        return unhexlify(written)
    if _BASE64.fullmatch(written):
        try:
            return base64url_octets(written.rstrip("=").replace("+", "-").replace("/", "_"))
        except ValueError:
            pass
    del written
    raise ConfigurationError(
        f"{name} holds no key: 32 octets in base64url or hexadecimal.",
        code="storage_key",
        hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'.",
    )
