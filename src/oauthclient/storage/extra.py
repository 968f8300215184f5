"""What storage needs beside this package's own dependencies, imported when it is first used."""

from __future__ import annotations

from oauthclient.errors import ConfigurationError


def missing(package: str) -> ConfigurationError:
    """The error that says how to get `package`."""
    return ConfigurationError(
        f"This way to keep sessions needs the package {package}.",
        code="extra_missing",
        hint='Install it: pip install "oauthclient[native]".',
    )
